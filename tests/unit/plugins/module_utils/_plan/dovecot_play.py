# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play with the roles dovecot, filtering and fetchmail, as the tests of their plans have it."""

from __future__ import annotations

import pathlib

import yaml
from ansible_collections.postroom.mail.plugins.module_utils._addresses import virtual_mailboxes
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import NOT_INSTALLED
from ansible_collections.postroom.mail.plugins.module_utils._plan import dovecot
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers

ROLES = pathlib.Path(__file__).resolve().parents[5] / "roles"
CONFIG = "/etc/dovecot"


def defaults(role):
    """The variables that have a value of their own where the inventory says nothing, rather than an expression."""
    listed = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    return {name: value for name, value in listed.items() if not isinstance(value, str) or "{{" not in value}


VARIABLES = {
    **defaults("host"),
    **defaults("dovecot"),
    **defaults("filtering"),
    **defaults("fetchmail"),
    "host_domain": "example.org",
    "host_fqdn": "mail.example.org",
    "host_tls_certificate": "/etc/ssl/mail.pem",
    "host_tls_private_key": "/etc/ssl/mail.key",
    "host_users": [{"name": "alice"}, {"name": "bob", "state": "absent"}],
    "host_virtual_users": [],
    "dovecot_protocols": ["imaps", "pop3s"],
}
DEBIAN12 = {"os_family": "Debian", "distribution": "Debian", "distribution_major_version": "12", "ipv6": True}
MAILBOXES = virtual_mailboxes.plan([{"address": "carol@shop.example", "password_hash": "{SSHA256}x"}], ["shop.example"])

MARIADB = {"name": "accounts", "driver": "mysql", "host": ["db.example"], "dbname": "mail", "user": "dovecot", "password": "geheim"}
OF_MARIADB = {"driver": "sql", "database": "accounts", "query": "SELECT password FROM users WHERE userid = '%{user}'"}
PEOPLE = {"name": "people", "driver": "ldap", "uris": ["ldap://h"], "base": "dc=org"}


def facts(host=None, **dovecot_says):
    """Return the answer of mail_info on a Debian 12 without Dovecot, or with one that says something."""
    is_there = {"installed": True, "version": "2.3.19.1"} if dovecot_says else {}
    return {
        "host": {**DEBIAN12, **(host or {})},
        "packages": {},
        "dovecot": {**NOT_INSTALLED, **is_there, **dovecot_says},
        "postfix": {"services": {}},
        "listeners": [],
        "accounts": {},
    }


def plan(variables=None, there=None, **offers):
    return dovecot.plan({**VARIABLES, **(variables or {})}, facts() if there is None else there, Offers(**offers))
