# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the modules take, and those that they refuse before they ask the host."""

from __future__ import annotations

import importlib
import pathlib

import pytest
import yaml
from ansible_collections.postroom.mail.plugins import modules
from ansible_collections.postroom.mail.tests.unit.plugins.modules.called import PACKAGE, introduced
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import CASES

FRAGMENTS = "ansible_collections.postroom.mail.plugins.doc_fragments"
NAMES = sorted(path.stem for directory in modules.__path__ for path in pathlib.Path(directory).glob("*.py"))
# These change nothing on the host.
ASKING = {"mail_info", "mail_plan", "mail_probe"}
SERVERS = [f"{where}{protocol}{inner}" for where in ("", "probes.") for protocol in ("smtp", "imap", "pop3") for inner in ("", ".password")]
# What Ansible neither logs nor shows; of every other module, nothing.
SECRETS = {
    "dovecot_setting": {"secret_settings"},
    "dovecot_user": {"users", "users.password", "users.password_hash", "users.extra_fields"},
    "fetchmail_config": {"accounts", "accounts.password"},
    "mail_change": {"proof", "wishes", "wishes.options"},
    "mail_file": {"files", "files.content"},
    "mail_probe": {"probes", *SERVERS},
    "mail_user": {"users", "users.password"},
    "postmap": {"tables", *(f"{where}{name}" for where in ("", "tables.") for name in ("entries", "content", "parameters"))},
    "sasl_provider": {"saslauthd", "saslauthd.ldap"},
    "sasl_user": {"users", "users.password"},
}


def nobody(args, data=None):
    raise AssertionError(args)


def documentation(name):
    """Return a module's documentation, with the fragments that it takes over."""
    own = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").DOCUMENTATION)
    told = {"options": {}, "attributes": {}}
    for fragment in own["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = fragment.split(".")
        kind = importlib.import_module(f"{FRAGMENTS}.{file}").ModuleDocFragment
        add(told, yaml.safe_load(getattr(kind, "_".join(part or ["documentation"]).upper())))
    return add(told, own)


def add(told, more):
    told["options"].update(more.get("options", {}))
    for name, attribute in more.get("attributes", {}).items():
        told["attributes"].setdefault(name, {}).update(attribute)
    return told


def facts(options, below):
    """Return the facts that both the spec and the documentation tell of options; the word for options *below* one is not the same."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": bool(option.get("required")),
            "default": option.get("default"),
            "choices": list(option.get("choices") or ()),
            "aliases": list(option.get("aliases") or ()),
            "options": facts(option.get(below) or {}, below),
        }
        for name, option in options.items()
    }


def not_logged(options, path=""):
    for name, option in options.items():
        if option.get("no_log"):
            yield f"{path}{name}"
        yield from not_logged(option.get("options", {}), f"{path}{name}.")


def test_no_module_is_left_out():
    assert set(NAMES) == {*CASES, *ASKING}


@pytest.mark.parametrize("name", NAMES)
def test_the_options_are_those_of_the_documentation(monkeypatch, name):
    spec = introduced(name, monkeypatch)["argument_spec"]
    assert facts(spec, "options") == facts(documentation(name)["options"], "suboptions")


@pytest.mark.parametrize("name", NAMES)
def test_check_mode_is_known_where_the_documentation_promises_it(monkeypatch, name):
    promised = documentation(name)["attributes"]
    assert introduced(name, monkeypatch)["supports_check_mode"] is (promised["check_mode"]["support"] == "full")
    assert (promised["diff_mode"]["support"] == "full") is (name in CASES)


@pytest.mark.parametrize("name", NAMES)
def test_ansible_logs_no_option_that_holds_a_secret(monkeypatch, name):
    assert set(not_logged(introduced(name, monkeypatch)["argument_spec"])) == SECRETS.get(name, set())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("dovecot_setting", {"settings": "x"}, "settings"),
        ("dovecot_user", {"users": []}, "missing required arguments: path"),
        ("dovecot_user", {"path": "/p", "users": [{"password": "x"}]}, "missing required arguments: name found in users"),
        ("fetchmail_config", {}, "missing required arguments: accounts"),
        ("fetchmail_config", {"accounts": [{"user": "al"}]}, "poll found in accounts"),
        ("mail_certificate", {"self_signed": True}, "common_name"),
        ("mail_certificate", {"key_type": "dsa"}, "key_type must be one of: ecdsa, rsa"),
        ("mail_filter", {}, "missing required arguments: domain"),
        ("mail_filter", {"domain": "example.org", "engine": "maildrop"}, "engine must be one of"),
        ("mail_info", {"gather": ["weather"]}, "gather must be one or more of"),
        ("mail_probe", {"expect": "luck"}, "expect must be one of"),
        ("mail_probe", {"tls_min_version": "SSLv3"}, "tls_min_version must be one of"),
        ("mail_service", {}, "one of the following is required: name, services"),
        ("mail_service", {"name": "postfix", "services": [{"name": "dovecot"}]}, "mutually exclusive: name|services"),
        ("mail_service", {"services": [{"name": "dovecot"}], "state": "started"}, "mutually exclusive: state|services"),
        ("mail_service", {"services": [{"name": "dovecot"}], "enabled": True}, "mutually exclusive: enabled|services"),
        ("mail_service", {"name": "postfix", "state": "running"}, "state must be one of"),
        ("mail_takeover", {}, "missing required arguments: state"),
        ("mail_user", {"users": [{"password": "x"}]}, "missing required arguments: name found in users"),
        ("postfix_config", {}, "missing required arguments: parameters"),
        ("postfix_config", {"parameters": {}, "unknown": "allow"}, "unknown must be one of: fail, warn, ignore"),
        ("postfix_service", {"services": [{"name": "smtp", "type": "tcp"}]}, "type must be one of"),
        ("postmap", {}, "one of the following is required: path, tables"),
        ("postmap", {"tables": [], "path": "/p"}, "mutually exclusive: tables|path"),
        ("postmap", {"tables": [], "type": "hash"}, "mutually exclusive: tables|type"),
        ("postmap", {"tables": [], "entries": {}}, "mutually exclusive: tables|entries"),
        ("postmap", {"tables": [], "content": ""}, "mutually exclusive: tables|content"),
        ("postmap", {"tables": [], "src": "/s"}, "mutually exclusive: tables|src"),
        ("postmap", {"tables": [], "parameters": {}}, "mutually exclusive: tables|parameters"),
        ("postmap", {"tables": [{"type": "hash"}]}, "missing required arguments: path found in tables"),
        ("sasl_provider", {"provider": "courier"}, "provider must be one of"),
        ("sasl_user", {"users": [{"name": "alice", "state": "locked"}]}, "state must be one of: present, absent"),
        ("sendmail_auth", {}, "certificate, private_key"),
    ],
)
def test_what_no_call_can_mean_is_refused_without_asking_the_host(call, name, options, words):
    told = call(name, options, nobody)
    assert told.code == 1
    assert words in told.result["msg"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dovecot_user", {"path": "/p", "users": [{"name": "alice", "password": "geheim", "no_such": 1}]}),
        ("fetchmail_config", {"accounts": [{"poll": "pop.example", "user": "al", "password": "geheim", "no_such": 1}]}),
        ("mail_probe", {"smtp": {"host": "mail.example", "user": "al", "password": "geheim", "no_such": 1}}),
        ("mail_user", {"users": [{"name": "alice", "password": "geheim", "no_such": 1}]}),
        ("sasl_user", {"users": [{"name": "alice", "password": "geheim", "no_such": 1}]}),
    ],
)
def test_a_misspelt_option_shows_no_password_beside_it(call, name, options):
    told = call(name, options, nobody)
    assert told.code == 1
    assert "no_such" in told.result["msg"]
    assert "geheim" not in told.everything
