# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role host: what keeps a host from becoming a mail host, its accounts, its certificate, and the mailboxes without accounts. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import virtual_mailboxes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._passwords import accounts
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options, Part

FAMILIES = ("Debian", "RedHat")
PACKAGES = ("openssl",)

_DOMAIN = re.compile(r"(?i)^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$")
_SMTP_PORT = 25


class Variables(t.TypedDict, total=False):
    """The role's own, and those of the whole site; every other role sees them, too."""

    mail_domain: str
    mail_hostname: str
    mail_users: t.Sequence[Options]
    mail_aliases: t.Mapping[t.Any, t.Any]
    mail_virtual_domains: t.Sequence[str]
    mail_virtual_aliases: t.Mapping[t.Any, t.Any]
    mail_virtual_users: t.Sequence[Options]
    mail_networks: t.Sequence[str]
    mail_tls_certificate: str
    mail_tls_private_key: str
    mail_protocols: t.Sequence[str]
    host_domain: str
    # None: mail_hostname, or what the host calls itself.
    host_fqdn: str | None
    host_users: t.Sequence[Options]
    host_virtual_domains: t.Sequence[str]
    host_virtual_users: t.Sequence[Options]
    host_virtual_account: str
    host_virtual_directory: str
    host_tls_certificate: str
    host_tls_private_key: str
    host_tls_self_signed: bool
    host_tls_subject_alt_names: t.Sequence[str]


def fqdn(variables: t.Mapping[str, t.Any], facts: Facts) -> str:
    """Return the full name that the host calls itself."""
    given = variables.get("host_fqdn")
    return str(given if given is not None else variables.get("mail_hostname") or facts.get("host", {}).get("fqdn") or "")


def names(variables: t.Mapping[str, t.Any], facts: Facts) -> dict[str, str]:
    """The variables that name the host, as every role can take them."""
    return {"host_domain": str(variables["host_domain"] or ""), "host_fqdn": fqdn(variables, facts)}


def is_known(variables: t.Mapping[str, t.Any], facts: Facts) -> bool:
    """Tell if the host has answered everything, and has a name that the others can use."""
    return bool(facts["host"]["privileged"]) and not list(_problems_of_names(**names(variables, facts)))


def offers(variables: Variables, facts: Facts, offers: Offers) -> Offers:
    mailboxes = virtual_mailboxes.plan(
        variables["host_virtual_users"],
        variables["host_virtual_domains"],
        dovecot_version=offers.dovecot_version,
        directory=variables["host_virtual_directory"],
        account=variables["host_virtual_account"],
        # Before the host has answered, only the names to look up count.
        addresses_only=not facts,
    )
    # Nobody's mailbox is the account that owns the mail of them all.
    owner = [variables["host_virtual_account"]] if mailboxes["domains"] else []
    return dataclasses.replace(offers, virtual_mailboxes=mailboxes, accounts_without_mail=owner)


def plan(variables: Variables, facts: Facts, offers: Offers) -> Part:
    name, problems = fqdn(variables, facts), list(_problems_of_host(variables, facts, offers)) if facts else []
    owners = [
        {"name": account, "home": variables["host_virtual_directory"], "comment": "Virtual mailboxes"}
        for account in offers.accounts_without_mail
    ]
    return Part(
        # One kind at a time: the next may only follow from it.
        problems=problems or _problems_of_users(variables["host_users"]) or offers.virtual_mailboxes["problems"],
        warnings=_warnings(name, facts) if facts else [],
        packages=PACKAGES,
        accounts=[*variables["host_users"], *owners],
        certificate={
            "certificate": variables["host_tls_certificate"],
            "private_key": variables["host_tls_private_key"],
            "self_signed": variables["host_tls_self_signed"],
            "common_name": name,
            "subject_alt_names": variables["host_tls_subject_alt_names"],
        },
    )


def _warnings(name: str, facts: Facts) -> list[str]:
    if facts["host"]["addresses"].get(name):
        return []
    return [f"{name} has no address, neither in /etc/hosts nor in DNS. Other mail servers distrust such a name."]


def _problems_of_host(variables: Variables, facts: Facts, offers: Offers) -> t.Iterator[str]:
    host = facts["host"]
    if not host["privileged"]:
        yield (
            "Ansible works on this host without the rights of root: run the play with --become (-b), or set ansible_become in the"
            " inventory."
        )
    yield from _problems_of_names(**names(variables, facts))
    if host["os_family"] not in FAMILIES:
        yield f"This host runs {host['distribution']}; only the families {' and '.join(FAMILIES)} are known."
    if host["service_manager"] == "none":
        yield (
            "Nothing on this host can start a mail server: systemd does not run, and there are no init scripts. Run the host"
            " (or the container) with systemd as its first process."
        )
    yield from _problems_of_mail_servers(facts, offers)


def _problems_of_names(host_domain: str, host_fqdn: str) -> t.Iterator[str]:
    if not host_domain:
        yield "mail_domain is not set: it is the main domain of this mail host, such as example.org."
    elif not _DOMAIN.match(host_domain):
        yield f"mail_domain is '{host_domain}', which is not a domain such as example.org."
    if not _DOMAIN.match(host_fqdn):
        yield (
            f"The name of this host is '{host_fqdn}', which is not a full one such as mail.{host_domain or 'example.org'}:"
            " set mail_hostname, or give the host its full name in /etc/hosts."
        )


def _problems_of_mail_servers(facts: Facts, offers: Offers) -> t.Iterator[str]:
    """Return the problems of another mail server in Postfix's place, or in the place of the mail server that stays."""
    servers = [server for server in facts["other_mail_servers"] if server["installed"]]
    if not offers.replace_mta and any(server["name"] != offers.mta for server in servers):
        yield (
            f"Another mail server is in Postfix's place: {'; and '.join(server['summary'] for server in servers)}."
            " To have Postfix take over from it, aliases and waiting mail included, set postfix_replace_mta to true."
        )
    if offers.replace_mta and any(len(server["aliases"]) > 1 for server in servers):
        yield (
            f"There are several alias files, {' and '.join(path for server in servers for path in server['aliases'])}, and Postfix reads"
            " /etc/aliases alone: bring their lines together there, and make the other one a symbolic link to it."
        )
    strangers = _strangers(facts, servers)
    if strangers:
        yield (
            f"Port 25 of this host is taken by {', '.join(strangers)}, which is no mail server that could be replaced:"
            " stop it, and keep it from starting at boot."
        )


def _strangers(facts: Facts, servers: t.Sequence[Options]) -> list[str]:
    """Return the programs that listen on the SMTP port and are neither Postfix nor one of *servers*.

    An unprivileged container does not say whose a port is; then it is theirs, if they run.
    """
    unseen = "master" if facts["services"]["postfix"]["running"] or servers else "a process that this user cannot see"
    there = [listener["process"] or unseen for listener in facts["listeners"] if listener["port"] == _SMTP_PORT]
    known = {"master", *(process for server in servers for process in server["processes"])}
    return [process for process in dict.fromkeys(there) if process not in known]


def _problems_of_users(users: t.Sequence[Options]) -> list[str]:
    """Return the mistakes that mail_user would refuse on any host."""
    try:
        accounts.users_from([{option: _text(option, value) for option, value in user.items()} for user in users])
    except BadInput as e:
        return [f"mail_users: {e}"]
    return []


def _text(option: str, value: t.Any) -> t.Any:
    """A name or a comment of digits alone is a number in YAML, and a text to the module; a password must be one to YAML."""
    return str(value) if option != "password" and isinstance(value, (int, float)) else value
