# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays with all roles, on hosts of both families, in which the inventory wants everything that a role can own."""

from __future__ import annotations

import typing as t

from _house import ROOT, load, roles
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import NOT_INSTALLED as NO_DOVECOT
from ansible_collections.postroom.mail.plugins.module_utils._plan import roles as plans
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part
from ansible_collections.postroom.mail.plugins.module_utils._postfix.facts import NOT_INSTALLED as NO_POSTFIX

Variables = dict[str, t.Any]
Facts = dict[str, t.Any]

RULE = {"name": "lists", "match": [{"header": "List-Id", "contains": "x"}], "folder": "Lists"}
SMARTHOST = {"relayhost": "[smtp.example.com]:587", "username": "me", "password": "secret"}
SERVERS = [
    {"name": "accounts", "driver": "mysql", "host": ["db.example"], "dbname": "mail", "user": "dovecot", "password": "secret"},
    {
        "name": "people",
        "driver": "ldap",
        "uris": ["ldap://ldap.example"],
        "base": "dc=example",
        "auth_dn": "cn=x",
        "auth_dn_password": "secret",
    },
]


def defaults() -> Variables:
    """Return the defaults of the roles, as far as they are no templates."""
    listed = [load(ROOT / "roles" / role / "defaults/main.yml") for role in roles()]
    return {name: value for found in listed for name, value in found.items() if "{{" not in str(value)}


# An inventory that says no more than it must, with what the templates of the roles make of that.
PLAIN: Variables = {
    **defaults(),
    "mail_domain": "example.org",
    "mail_hostname": "mail.example.org",
    "host_domain": "example.org",
    "host_users": [{"name": "alice", "password": "secret"}, {"name": "bob"}],
    "host_virtual_domains": [],
    "host_virtual_users": [],
    "host_tls_certificate": "/etc/ssl/certs/postroom-mail.pem",
    "host_tls_private_key": "/etc/ssl/private/postroom-mail.key",
    "host_tls_self_signed": True,
    "dovecot_protocols": ["imaps", "pop3s"],
    "postfix_aliases": {"root": "alice"},
    "postfix_virtual_aliases": {},
    "relay_policy_mode": "closed",
    "relay_policy_networks": [],
    "sasl_users": [{"name": "alice", "password": "secret"}],
    "sasl_aliases": {},
    "sasl_virtual_aliases": {},
}
EVERYTHING: Variables = {
    **PLAIN,
    "host_virtual_domains": ["shop.example", "far.example", "all.example"],
    "host_virtual_users": [{"address": "carol@shop.example", "password": "secret", "quota": "1G"}],
    "postfix_virtual_aliases": {
        # A catch-all for accounts, a domain that is another one's alias, and more targets than Postfix takes by itself.
        "@example.org": "alice",
        "@far.example": "@elsewhere.example",
        "many@all.example": [f"user{number}@elsewhere.example" for number in range(1200)],
    },
    **{
        f"postfix_{table}": {"old@shop.example": "new@elsewhere.example"}
        for table in ("relocated", "canonical", "sender_canonical", "recipient_canonical", "generic")
    },
    "postfix_client_access": {"192.0.2.1": "REJECT"},
    "postfix_sender_access": {"spam@elsewhere.example": "REJECT"},
    "postfix_recipient_access": {"nobody@example.org": "REJECT"},
    "relay_policy_mode": "authenticated",
    "relay_policy_domains": [
        {"name": "backup.example", "recipients": ["alice"], "next_hop": "[192.0.2.7]"},
        {"name": "any.example", "any_recipient": True},
    ],
    "relay_policy_smarthosts": [SMARTHOST, {**SMARTHOST, "relayhost": "[smtp.example.net]:465", "senders": ["alice@example.org"]}],
    "dovecot_databases": SERVERS,
    "dovecot_passdbs": [
        {"driver": "pam"},
        {"driver": "sql", "database": "accounts", "query": "SELECT password FROM users WHERE userid = '%{user}'"},
        {"driver": "ldap", "database": "people", "bind": True},
    ],
    "dovecot_userdbs": [
        {"driver": "passwd"},
        {"driver": "sql", "database": "accounts", "query": "SELECT home, uid, gid FROM users WHERE userid = '%{user}'"},
    ],
    "dovecot_denied_users": ["mallory"],
    "dovecot_settings": {"imapc_password": "secret"},
    "fetchmail_accounts": [{"poll": "pop.example", "user": "al", "password": "secret", "is": ["alice"]}],
    "filtering_rules": [RULE],
    "filtering_users": [{"name": "bob", "engine": "procmail"}],
    "filtering_managesieve": True,
}


def facts(family: str = "Debian", version: str = "2.4.1", **more: t.Any) -> Facts:
    """Return the answer of mail_info on a host that can become one of mail."""
    host = {
        "fqdn": "mail.example.org",
        "distribution": {"Debian": "Debian", "RedHat": "Rocky"}[family],
        "distribution_major_version": "13",
        "os_family": family,
        "package_lists": True,
        "service_manager": "systemd",
        "privileged": True,
        "ipv6": True,
        "addresses": {"mail.example.org": ["192.0.2.25"]},
    }
    postfix = {
        **NO_POSTFIX,
        "installed": True,
        "default_database_type": "lmdb",
        "map_types": ["lmdb", "regexp"],
        "services": {"smtp/unix": {}, "relay/unix": {}},
        "managed_tables": ["/etc/postfix/virtual"],
        "foreign_tables": [],
    }
    sasl = {
        "config_path": "/etc/postfix/sasl/smtpd.conf",
        "managed": True,
        "foreign_files": [],
        "database_copies": [],
        "saslauthd": {"mechanisms": [], "foreign": False},
    }
    there: Facts = {
        "host": host,
        "postfix": postfix,
        "dovecot": {**NO_DOVECOT, "installed": True, "version": version},
        "sasl": sasl,
        "services": {"postfix": {"running": True}},
        "packages": {},
        "listeners": [],
        "other_mail_servers": [],
        "accounts": {},
        "aliases": {},
    }
    return {**there, **{name: {**there[name], **value} if isinstance(value, dict) else value for name, value in more.items()}}


SENDMAIL = {
    "name": "sendmail",
    "summary": "sendmail runs",
    "installed": True,
    "processes": ["sendmail"],
    "aliases": ["/etc/aliases"],
    "queue": None,
}
# What excludes each other: the language of Dovecot, the providers of SMTP AUTH, and the mail server that they serve.
PLAYS: dict[str, tuple[Variables, Facts, t.Sequence[str]]] = {
    "plain": (PLAIN, facts(), roles()),
    "everything": (EVERYTHING, facts(), roles()),
    "sasldb": ({**EVERYTHING, "sasl_provider": "sasldb"}, facts("RedHat", "2.3.16"), roles()),
    "saslauthd": ({**EVERYTHING, "sasl_provider": "saslauthd"}, facts(), roles()),
    "sendmail": ({**PLAIN, "sasl_mta": "sendmail", "sasl_provider": "sasldb"}, facts(other_mail_servers=[SENDMAIL]), ["host", "sasl"]),
}


def parts(name: str) -> dict[str, Part]:
    """Return the parts of the roles of a play."""
    variables, there, played = PLAYS[name]
    return plans.plan(variables, there, played)
