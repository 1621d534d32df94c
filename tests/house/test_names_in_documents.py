# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documents name only variables, modules, filters, roles and playbooks that exist, and show no template of a generator."""

from __future__ import annotations

import re
import typing as t

import pytest
from _house import ROOT, files, load, roles
from test_documents import DOCUMENTS
from test_role_contracts import options

CURRENT = [name for name in DOCUMENTS if name.name != "CHANGELOG.md"]
MADE = [name for name in DOCUMENTS if str(name) in ("docs/ownership.md", "docs/open_relay.md") or name.parts[0] == "roles"]

# Names of Ansible's, Dovecot's and Postfix's that start like one of ours. Who writes about another one adds it here.
OF_OTHERS = {
    *("dovecot_config_version", "dovecot_storage_version", "host_vars", "mail_alt_path", "mail_control_path", "mail_driver"),
    *("mail_fsync", "mail_home", "mail_index_path", "mail_inbox_path", "mail_location", "mail_max_keyword_length"),
    *("mail_max_userip_connections", "mail_owner", "mail_path", "mail_plugins", "mail_spool_directory", "mail_volatile_path"),
}
# The group of hosts in an inventory.
GROUPS = {"mail_hosts"}


def plugins(kind: str) -> set[str]:
    return {name.stem for name in files() if name.parts[:2] == ("plugins", kind)}


def playbooks() -> set[str]:
    return {name.stem for name in files() if name.parts[0] == "playbooks" and len(name.parts) == 2}


def variables() -> t.Iterator[str]:
    """Give the variables that roles and playbooks promise, set or read; comments and messages promise nothing."""
    for role in roles():
        yield from (name for name, _option in options(role))
    for name in files():
        if name.suffix == ".yml" and ((name.parts[0] == "roles" and name.parts[2] != "meta") or name.parts[0] == "playbooks"):
            yield from named(load(ROOT / name))


def named(value: t.Any, key: str = "") -> t.Iterator[str]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield str(inner_key)
            yield from named(inner, str(inner_key))
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner, key)
    elif key in ("register", "when", "that"):
        yield from re.findall(r"\w+", str(value))
    else:
        yield from (word for code in re.findall(r"{{(.*?)}}", str(value), re.DOTALL) for word in re.findall(r"\w+", code))


# What mail_info has answered, for templates of the inventory (plugins/plugin_utils/_variables.py).
OF_THE_PLAN = {"host_info"}
KNOWN = {*variables(), *plugins("modules"), *plugins("filter"), *OF_OTHERS, *GROUPS, *OF_THE_PLAN}
PUBLIC = {*plugins("modules"), *plugins("filter"), *roles(), *playbooks()}
VARIABLE = re.compile(rf"(?<![\w./-])(?:{'|'.join(roles())}|mail)_[a-z0-9_]*[a-z0-9]\b(?!\.\w)")


def unknown(text: str) -> list[str]:
    named = [name for name in VARIABLE.findall(text) if name not in KNOWN]
    return named + [name for name in re.findall(r"\bpostroom\.mail\.(\w+)", text) if name not in PUBLIC]


@pytest.mark.parametrize("name", CURRENT, ids=str)
def test_what_a_document_names_exists(name):
    assert unknown((ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see `relay_policy_relayhosts`", ["relay_policy_relayhosts"]),
        ("mail_domains: x", ["mail_domains"]),
        ("`postroom.mail.postfix_parameter`", ["postfix_parameter"]),
        ("`mail_domain`, `postroom.mail.site`, docs/mail_something.md", []),
    ],
)
def test_a_name_that_is_none_is_found(text, found):
    assert unknown(text) == found


@pytest.mark.parametrize("name", MADE, ids=str)
def test_a_document_that_is_made_shows_no_template_of_its_generator(name):
    # The default of a variable may be a template, and stands behind this word; what is written is never one.
    assert [line for line in (ROOT / name).read_text().splitlines() if "{{" in re.sub(r"default `[^`]*`", "", line)] == []
