# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play with the role host, and what mail_info says of a host that can be one of mail, as the tests of plans have it."""

from __future__ import annotations

import pathlib

import yaml
from ansible_collections.postroom.mail.plugins.module_utils._addresses import virtual_mailboxes
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers

ROLES = pathlib.Path(__file__).resolve().parents[5] / "roles"


def defaults(role):
    """The variables that have a value of their own where the inventory says nothing, rather than an expression."""
    listed = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    return {name: value for name, value in listed.items() if "{{" not in str(value)}


VARIABLES = {
    **defaults("host"),
    "mail_domain": "example.org",
    "mail_hostname": "mail.example.org",
    "host_domain": "example.org",
    "host_users": [{"name": "alice"}],
    "host_virtual_domains": [],
    "host_virtual_users": [],
    "host_tls_certificate": "/etc/ssl/mail.pem",
    "host_tls_private_key": "/etc/ssl/mail.key",
    "host_tls_self_signed": True,
}
FACTS = {
    "host": {
        "fqdn": "mail.example.org",
        "distribution": "Debian",
        "os_family": "Debian",
        "service_manager": "systemd",
        "privileged": True,
        "ipv6": True,
        "addresses": {"mail.example.org": ["192.0.2.25"]},
    },
    "services": {"postfix": {"running": True}},
    "listeners": [],
    "other_mail_servers": [],
    "postfix": {
        "installed": True,
        "default_database_type": "lmdb",
        "parameters": {},
        "services": {"smtp/unix": {}, "relay/unix": {}, "smtp/inet": {}},
        "managed_tables": [],
    },
    "sasl": {
        "config_path": "/etc/postfix/sasl/smtpd.conf",
        "managed": False,
        "foreign_files": [],
        "database_copies": ["/var/spool/postfix/etc/sasldb2"],
        "saslauthd": {"mechanisms": ["pam", "rimap"], "foreign": False},
    },
}
NO_MAILBOXES = virtual_mailboxes.plan([])


def facts(**changed):
    """FACTS, with these of the answers changed."""
    return {**FACTS, **{name: {**FACTS[name], **value} if isinstance(value, dict) else value for name, value in changed.items()}}


def said(**offers):
    """Return the messages of the other roles."""
    return Offers(**{"virtual_mailboxes": NO_MAILBOXES, **offers})


def server(name, aliases=("/etc/aliases",), *, installed=True, processes=()):
    """Another mail server, as mail_info tells of it."""
    return {
        "name": name,
        "summary": f"{name} runs",
        "installed": installed,
        "processes": [name, *processes],
        "aliases": list(aliases),
    }


def listening(*processes, port=25):
    return [{"address": "0.0.0.0", "port": port, "process": process} for process in processes]
