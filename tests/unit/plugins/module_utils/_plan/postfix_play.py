# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play with the role postfix, on a host that it has been run on before, as the tests of its plan have it."""

from __future__ import annotations

import pathlib

import yaml
from ansible_collections.postroom.mail.plugins.module_utils._addresses import virtual_mailboxes
from ansible_collections.postroom.mail.plugins.module_utils._plan import postfix
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers

ROLES = pathlib.Path(__file__).resolve().parents[5] / "roles"


def defaults(role):
    """The variables that have a value of their own where the inventory says nothing, rather than an expression."""
    listed = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    return {name: value for name, value in listed.items() if not isinstance(value, str) or "{{" not in value}


VARIABLES = {
    **defaults("host"),
    **defaults("postfix"),
    "host_domain": "example.org",
    "host_fqdn": "mail.example.org",
    "host_users": [{"name": "alice"}, {"name": "bob"}],
    "host_virtual_domains": [],
    "host_tls_certificate": "/etc/ssl/mail.pem",
    "host_tls_private_key": "/etc/ssl/mail.key",
    "mail_aliases": {"root": "alice"},
}
HOST = {"fqdn": "mail.example.org", "hostname": "mail", "ipv6": True}
POSTFIX = {
    "installed": True,
    "default_database_type": "lmdb",
    "map_types": ["lmdb", "regexp"],
    "parameters": {},
    "services": {},
    "managed_tables": ["/etc/postfix/virtual"],
    "foreign_tables": [],
}
MAILBOXES = virtual_mailboxes.plan(
    [{"address": "carol@shop.example", "password_hash": "{SSHA256}x"}], ["shop.example", "alias.example"], directory="/var/vmail"
)


def facts(parameters=None, *, host=None, accounts=None, aliases=None, **more):
    """Return the answer of mail_info on the host, with these *parameters* in its main.cf."""
    there = {**POSTFIX, **more, "parameters": {} if parameters is None else parameters}
    answered = {"alice": True, "bob": True, "postmaster": False}
    return {
        "host": {**HOST, **(host or {})},
        "postfix": there,
        "accounts": answered if accounts is None else accounts,
        "aliases": {"postmaster": "root"} if aliases is None else aliases,
    }


def plan(variables=None, there=None, **offers):
    return postfix.plan({**VARIABLES, **(variables or {})}, facts() if there is None else there, Offers(**offers))


def paths(tables, state="present"):
    return [table["path"] for table in tables if table.get("state", "present") == state]
