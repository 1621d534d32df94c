# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For each module that changes something: a host, a call that changes it, and one that is refused."""

from __future__ import annotations

import subprocess
import types
import typing as t

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.config import Fetchmail
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_filter import Filters
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sasldb import Sasldb
from ansible_collections.postroom.mail.plugins.module_utils._sasl.setup import Setup
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State
from ansible_collections.postroom.mail.plugins.module_utils._takeover.takeover import Takeover
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils import (
    fetchmail_host,
    filter_host,
    former_host,
    saslauthd_host,
    sendmail_host,
    services_host,
)
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.accounts_host import Accounts
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postmap_host import Postfix
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.sasldb_library import FakeLibrary
from ansible_collections.postroom.mail.tests.unit.plugins.modules.case import OWNER, SECRET, Case, always_with, below, programs
from ansible_collections.postroom.mail.tests.unit.plugins.modules.change_cases import mail_change, mail_file


def postfix(tmp_path, main_cf="", master_cf=""):
    root = below(tmp_path, "sbin")
    (root / "sbin/smtpd").touch()
    (root / "main.cf").write_text(f"daemon_directory = {root}/sbin\n{main_cf}")
    (root / "master.cf").write_text(master_cf)
    return root


def postfix_config(tmp_path, monkeypatch):
    root = postfix(tmp_path, "myhostname = old.example\n")
    return Case(
        root,
        PostfixHost(),
        {"config_directory": str(root), "parameters": {"myhostname": "mail.example.net", "smtpd_helo_required": True}},
        result={
            "changed_parameters": ["myhostname", "smtpd_helo_required"],
            "reload_required": True,
            "restart_required": False,
            "path": f"{root}/main.cf",
        },
        diff="mail.example.net",
        wrong={"parameters": {"smtpd_helo_required": "perhaps"}},
        error="BadValue",
        message="smtpd_helo_required takes yes or no, not 'perhaps'.",
    )


def postfix_service(tmp_path, monkeypatch):
    root = postfix(tmp_path, master_cf="smtp inet n - y - - smtpd\n")
    service = {"name": "submission", "type": "inet", "command": "smtpd"}
    return Case(
        root,
        PostfixHost(),
        {"config_directory": str(root), "services": [service]},
        result={"changed_services": ["submission/inet"], "reload_required": True, "restart_required": False, "path": f"{root}/master.cf"},
        diff="submission inet",
        wrong={"services": [service, service]},
        error="BadService",
        message="The service submission/inet is listed twice",
    )


def postmap(tmp_path, monkeypatch):
    root = below(tmp_path)
    return Case(
        root,
        Postfix(),
        {"path": f"{root}/passwords", "type": "hash", "entries": {"[mx.example]": f"user:{SECRET}"}, "secret": True, **OWNER},
        result={"table": f"hash:{root}/passwords", "reload_required": True, "type_known": True},
        diff=f"{root}/passwords",
        wrong={"path": "passwords"},
        error="BadInput",
        message="The path of a table must be absolute",
        secrets=(SECRET,),
    )


def dovecot_setting(tmp_path, monkeypatch):
    root = below(tmp_path)
    (root / "dovecot.conf").write_text("a = 1\n!include_try local.conf\n")
    return Case(
        root,
        programs(dovecot="2.4.1-4 (x)\n", doveconf=""),
        {
            "config_path": f"{root}/dovecot.conf",
            "path": f"{root}/local.conf",
            "settings": {"auth_verbose": True},
            "secret_settings": {"ldap_auth_dn_password": SECRET},
        },
        result={
            "path": f"{root}/local.conf",
            "changed_settings": ["auth_verbose", "ldap_auth_dn_password"],
            "reload_required": True,
            "restart_required": False,
            "checked": True,
        },
        diff="auth_verbose = yes",
        wrong={"includes": ["conf.d/*.conf"]},
        error="BadInput",
        message="The option 'includes' is for files that hold nothing else",
        secrets=(SECRET,),
    )


def dovecot_user(tmp_path, monkeypatch):
    root = below(tmp_path)
    users = [{"name": "alice", "password": SECRET, "scheme": "CRAM-MD5"}, {"name": "bob", "password": SECRET, "scheme": "CRAM-MD5"}]
    return Case(
        root,
        programs(doveadm="CRAM-MD5 PLAIN\n", doveconf=""),
        {"path": f"{root}/users", "users": users, **OWNER},
        result={"created": ["alice", "bob"], "modified": [], "removed": [], "changed_passwords": ["alice", "bob"]},
        diff="alice",
        wrong={"users": [*users, {"name": "a:b", "password": SECRET}]},
        error="BadUser",
        message="'a:b' cannot be a user's name",
        secrets=(SECRET,),
    )


def fetchmail_config(tmp_path, monkeypatch):
    host = fetchmail_host.FakeHost(below(tmp_path), monkeypatch)
    always_with(monkeypatch, Fetchmail, root=str(host.root))
    return Case(
        host.root,
        host.run,
        {"accounts": [{**fetchmail_host.SHARED, "password": SECRET}], "settings": fetchmail_host.SETTINGS},
        result={"skipped_users": [], "services": [fetchmail_host.service("fetchmail", "restarted")]},
        diff="[the content is not shown]",
        wrong={"accounts": [{**fetchmail_host.SHARED, "password": SECRET, "is": []}]},
        error="BadAccount",
        message="The account al at pop.example does not say whose mail it is",
        secrets=(SECRET,),
        # The service is started by another module, with what this one tells it.
        afterwards=lambda result: host.handle(types.SimpleNamespace(services=result["services"])),
    )


def mail_certificate(tmp_path, monkeypatch):
    root = below(tmp_path)

    def run(args, data=None):
        done = subprocess.run(args, input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    options = {
        "certificate": f"{root}/c.pem",
        "private_key": f"{root}/private/k.pem",
        "self_signed": True,
        "common_name": "mail.example.org",
    }
    return Case(
        root,
        run,
        options,
        result={"action": "created", "self_signed": True, "subject_alt_names": ["mail.example.org"]},
        diff="a self-signed certificate for mail.example.org, created",
        wrong={"days": 100, "warn_days": 200},
        error="BadInput",
        message="A certificate for 100 days would be renewed at every run; days must be more than warn_days.",
    )


def mail_filter(tmp_path, monkeypatch):
    host = filter_host.FakeHost(tmp_path, monkeypatch)
    always_with(monkeypatch, Filters, root=str(host.root))
    rules = [{"name": "spam", "match": [{"header": "X-Spam", "is": "yes"}], "folder": "Junk"}]
    return Case(
        host.root,
        host.run,
        {"domain": "example.org", "rules": rules},
        result={"skipped_users": [], "samples": []},
        diff="Junk",
        wrong={"rules": [{"name": "spam", "folder": "Junk", "nonsense": 1}]},
        error="BadRule",
        message="nonsense",
    )


def mail_service(tmp_path, monkeypatch):
    host = services_host.Host(monkeypatch, saslauthd=services_host.DOWN)
    return Case(
        below(tmp_path),
        host.run,
        {"name": "saslauthd", "state": "started"},
        result={"actions": ["start saslauthd"], "services": {"saslauthd": {"installed": True, "running": True, "enabled": False}}},
        diff="saslauthd: running",
        wrong={"name": "nothing"},
        error="NoServiceManager",
        message="There is no service 'nothing' on this host",
        always_diff=True,
        more=lambda: host.states,
    )


def mail_takeover(tmp_path, monkeypatch):
    root = below(tmp_path, "var/spool")
    host = former_host.Host(root, monkeypatch)
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    host.units["exim4"] = State(True, False, False)
    always_with(monkeypatch, Takeover, root=str(root))
    return Case(
        root,
        host.run,
        {"state": "restored", "servers": [{"name": "exim", "services": {"exim4": {"running": True, "enabled": True}}}]},
        result={"actions": ["enable exim4", "start exim4"], "mails": []},
        diff="exim4: running, enabled",
        wrong={"servers": [{"name": "nothing"}]},
        error="BadInput",
        message="The server 'nothing' does not say which of its services ran",
        always_diff=True,
        more=lambda: (host.units, host.given),
    )


def mail_user(tmp_path, monkeypatch):
    host = Accounts(monkeypatch)
    return Case(
        below(tmp_path),
        host.run,
        {"users": [{"name": "alice", "password": SECRET}]},
        result={"created": ["alice"], "modified": [], "removed": [], "changed_passwords": ["alice"]},
        diff="alice",
        wrong={"users": [{"name": "a:b", "password": SECRET}]},
        error="BadAccount",
        message="'a:b' cannot be the name",
        secrets=(SECRET,),
        more=lambda: host.hashes,
    )


def sasl_provider(tmp_path, monkeypatch):
    host = saslauthd_host.FakeHost(below(tmp_path), monkeypatch)
    always_with(monkeypatch, Setup, root=str(host.root))
    monkeypatch.setattr(sasl_facts, "place", lambda postfix, family, mta: host.place._replace(mta=mta))
    ldap = {"ldap_servers": "ldap://ldap.example.org/", "ldap_password": SECRET}
    return Case(
        host.root,
        host.run,
        {"provider": "saslauthd", "saslauthd": {"mechanism": "ldap", "ldap": ldap}},
        result={"reload_required": True},
        diff="mech_list: PLAIN LOGIN",
        wrong={"provider": "saslauthd", "saslauthd": {"mechanism": "nonsense"}},
        error="BadInput",
        message="nonsense",
        secrets=(SECRET,),
        more=lambda: (host.running, host.enabled, host.members),
    )


def sasl_user(tmp_path, monkeypatch):
    root = below(tmp_path)
    always_with(monkeypatch, Sasldb, library=FakeLibrary)
    return Case(
        root,
        programs(postconf="\nmail.example.org\n"),
        {"users": [{"name": "alice", "password": SECRET}], "database": f"{root}/sasldb2", "copies": [f"{root}/copy"], **OWNER},
        result={"created": 1, "changed_passwords": 0, "removed": 0, "changed_copies": [f"{root}/copy"]},
        diff="alice@mail.example.org",
        wrong={"users": [{"name": "a/b", "password": SECRET}]},
        error="BadUser",
        message="'a/b' cannot be the name",
        secrets=(SECRET,),
    )


def sendmail_auth(tmp_path, monkeypatch):
    root = below(tmp_path)
    host = sendmail_host.FakeHost(root, monkeypatch)
    files = {"certificate": "/etc/ssl/certs/mail.pem", "private_key": "/etc/ssl/private/mail.key"}
    return Case(
        root,
        host.run,
        {"path": host.paths.mc, "configuration": host.paths.cf, **files},
        result={"actions": [f"write {host.paths.cf}", f"write {host.paths.mc}", "reload sendmail"]},
        diff="confAUTH_MECHANISMS",
        wrong={"path": f"{root}/none.mc"},
        error="NotInstalled",
        message=f"There is no {root}/none.mc on this host",
    )


CASES: dict[str, t.Callable[..., Case]] = {
    of_module.__name__: of_module
    for of_module in (
        dovecot_setting,
        dovecot_user,
        fetchmail_config,
        mail_certificate,
        mail_change,
        mail_file,
        mail_filter,
        mail_service,
        mail_takeover,
        mail_user,
        postfix_config,
        postfix_service,
        postmap,
        sasl_provider,
        sasl_user,
        sendmail_auth,
    )
}

KEEP_SECRETS = (
    *("dovecot_setting", "dovecot_user", "fetchmail_config", "mail_change", "mail_file", "mail_user", "postmap", "sasl_provider"),
    "sasl_user",
)


def of(*names):
    """Have a test run with the case of each of these modules."""
    return pytest.mark.parametrize("name", names)
