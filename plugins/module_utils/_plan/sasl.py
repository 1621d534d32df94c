# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role sasl: who checks the passwords of SMTP AUTH, for Postfix or for sendmail, and which login owns which sender address. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan import host
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options, Part
from ansible_collections.postroom.mail.plugins.module_utils._plan.sasl_logins import Logins
from ansible_collections.postroom.mail.plugins.module_utils._postfix import owned_parameters
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider as core
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import BadUser, users_from

PACKAGES = (
    "libsasl2-modules",
    "libsasl2-modules-db",
    "sasl2-bin",
    "cyrus-sasl",
    "cyrus-sasl-lib",
    "cyrus-sasl-md5",
    "cyrus-sasl-plain",
    "cyrus-sasl-scram",
)
# Before the host was asked.
NOTHING_THERE: Facts = {
    "config_path": "",
    "foreign_files": [],
    "managed": False,
    "database_copies": [],
    "saslauthd": {"mechanisms": [], "foreign": False},
}
SENDER_LOGINS = "/etc/postfix/sender_logins"
OWN_ADDRESSES = "/etc/postfix/sender_logins.regexp"


class Variables(host.Variables, total=False):
    sasl_mta: str
    sasl_provider: str
    sasl_path: str
    sasl_mechanisms: t.Sequence[str]
    sasl_saslauthd_mechanism: str
    sasl_saslauthd_server: str
    sasl_saslauthd_ldap: t.Mapping[str, t.Any]
    sasl_saslauthd_join_realm: bool
    sasl_saslauthd_cache_seconds: int
    sasl_saslauthd_processes: int
    sasl_users: t.Sequence[t.Any]
    sasl_realm: str
    sasl_replace_config: bool
    # None: where the relay policy lets in whoever logs in.
    sasl_auth_on_port_25: bool | None
    sasl_broken_auth_clients: bool
    sasl_aliases: t.Mapping[t.Any, t.Any]
    sasl_virtual_aliases: t.Mapping[t.Any, t.Any]
    # None: those of the host.
    sasl_virtual_mailboxes: t.Sequence[str] | None
    # None: the domain and the name of the host.
    sasl_domains: t.Sequence[str] | None
    # None: Postfix's.
    sasl_recipient_delimiter: str | None


def offers(variables: Variables, facts: Facts, offers: Offers) -> Offers:
    return dataclasses.replace(offers, sasl_provider=variables["sasl_provider"], mta=variables["sasl_mta"])


def plan(variables: Variables, facts: Facts, offers: Offers) -> Part:
    logins = _logins(variables, facts, offers)
    part = Part(
        problems=list(_problems(logins, variables, facts, offers)),
        warnings=_warnings(logins),
        packages=core.packages(logins.wanted, facts.get("host", {}).get("os_family", "")),
    )
    return (_of_sendmail if variables["sasl_mta"] == "sendmail" else _of_postfix)(part, logins, variables, facts, offers)


def _logins(variables: Variables, facts: Facts, offers: Offers) -> Logins:
    saslauthd = core.Saslauthd(
        mechanism=variables["sasl_saslauthd_mechanism"],
        server=variables["sasl_saslauthd_server"],
        ldap=variables["sasl_saslauthd_ldap"],
        join_realm=variables["sasl_saslauthd_join_realm"],
        cache_seconds=variables["sasl_saslauthd_cache_seconds"],
        processes=variables["sasl_saslauthd_processes"],
        first_valid_uid=offers.mailbox_uids[0],
    )
    provider, name = variables["sasl_provider"], host.fqdn(variables, facts)
    domains, mailboxes = variables.get("sasl_domains"), variables.get("sasl_virtual_mailboxes")
    return Logins(
        wanted=core.Wanted(provider, variables["sasl_mechanisms"], saslauthd, variables["sasl_replace_config"]),
        realm=variables["sasl_realm"] or offers.myhostname or name,
        accounts=core.accounts(_named(variables["sasl_users"])) if provider == "sasldb" else [],
        domains=[variables["host_domain"], name] if domains is None else domains,
        mailboxes=offers.virtual_mailboxes["addresses"] if mailboxes is None else mailboxes,
    )


def _named(users: t.Sequence[t.Any]) -> list[Options]:
    return [user for user in users if isinstance(user, t.Mapping) and user.get("name")]


def _problems(logins: Logins, variables: Variables, facts: Facts, offers: Offers) -> t.Iterator[str]:
    there, users, mta = facts.get("sasl", NOTHING_THERE), variables["sasl_users"], variables["sasl_mta"]
    yield from core.problems(logins.wanted, there["saslauthd"]["mechanisms"], mta)
    yield from core.conflicts(logins.wanted, core.Foreign(there["foreign_files"], there["saslauthd"]["foreign"]), there["config_path"])
    if logins.wanted.provider == "sasldb" and len(_named(users)) < len(users):
        yield "sasl_users has a user without a name: write each user as {name: alice, password: ...}."
    try:
        users_from(logins.accounts, logins.realm)
    except BadUser as e:
        yield f"sasl_users: {e}"
    if mta == "sendmail":
        yield from _problems_of_sendmail(facts, offers)
    yield from owned_parameters.problems(offers.parameters_by_hand, "sasl")


def _problems_of_sendmail(facts: Facts, offers: Offers) -> t.Iterator[str]:
    if not any(server["name"] == "sendmail" and server["installed"] for server in facts.get("other_mail_servers", ())):
        yield (
            "sasl_mta is sendmail, which is not on this host: install it first (the package sendmail, on Red Hat sendmail-cf with it),"
            " or set sasl_mta to postfix."
        )
    if "postfix" in offers.roles:
        yield (
            "sasl_mta is sendmail, and the role postfix is in the play, which would take its place: leave that role out, or set"
            " sasl_mta to postfix."
        )


def _warnings(logins: Logins) -> list[str]:
    unknown = logins.unknown_mailboxes
    if not unknown:
        return []
    return [
        f"{', '.join(unknown)} in mail_virtual_users cannot log in to send mail: sasl_provider {logins.wanted.provider} does not know them."
    ]


def _of_postfix(part: Part, logins: Logins, variables: Variables, facts: Facts, offers: Offers) -> Part:
    provider, there = logins.wanted.provider, facts.get("sasl", NOTHING_THERE)
    delimiter = variables.get("sasl_recipient_delimiter")
    if delimiter is None:
        delimiter = offers.recipient_delimiter
    own = {"users": logins.accounts, "realm": logins.realm, "copies": there["database_copies"]} if provider == "sasldb" else None
    # Dovecot needs nothing, and what a former provider needed goes.
    former = {"provider": provider} if there["managed"] else None
    return dataclasses.replace(
        part,
        tables=[
            {"path": SENDER_LOGINS, "entries": logins.of_addresses(variables["sasl_aliases"], variables["sasl_virtual_aliases"])},
            {"path": OWN_ADDRESSES, "type": "regexp", "entries": logins.of_own_addresses(delimiter)},
        ],
        sasl_user=own,
        sasl_provider=former if provider == "dovecot" else _provider(logins),
        parameters={
            name: value
            for name, value in _parameters(logins, variables, facts, offers).items()
            # A parameter has one writer: what the inventory says in postfix_parameters the role postfix has written.
            if name not in offers.parameters_by_hand
        },
    )


def _of_sendmail(part: Part, logins: Logins, variables: Variables, facts: Facts, offers: Offers) -> Part:
    provider = logins.wanted.provider
    offered = {
        "mechanisms": logins.wanted.mechanisms,
        "realm": logins.realm,
        "certificate": variables["host_tls_certificate"],
        "private_key": variables["host_tls_private_key"],
        "auth_on_port_25": _auth_on_port_25(variables, offers),
        "sasldb": provider == "sasldb",
    }
    return dataclasses.replace(
        part,
        sasl_user={"users": logins.accounts, "realm": logins.realm} if provider == "sasldb" else None,
        sasl_provider={"mta": "sendmail", **_provider(logins)},
        sendmail_auth={**({"state": "absent"} if provider == "none" else offered), "replace": logins.wanted.replace},
    )


def _provider(logins: Logins) -> dict[str, t.Any]:
    return {**logins.wanted._asdict(), "saslauthd": logins.wanted.saslauthd._asdict()}


def _parameters(logins: Logins, variables: Variables, facts: Facts, offers: Offers) -> dict[str, t.Any]:
    table_type = facts.get("postfix", {}).get("default_database_type") or "hash"
    return {
        "smtpd_sasl_auth_enable": _auth_on_port_25(variables, offers),
        **core.parameters(logins.wanted.provider, variables["sasl_path"], variables["sasl_realm"]),
        "smtpd_sasl_security_options": "noanonymous",
        "smtpd_sasl_tls_security_options": "noanonymous",
        "smtpd_tls_auth_only": True,
        "broken_sasl_auth_clients": variables["sasl_broken_auth_clients"],
        "smtpd_sender_login_maps": [f"{table_type}:{SENDER_LOGINS}", f"regexp:{OWN_ADDRESSES}"],
    }


def _auth_on_port_25(variables: Variables, offers: Offers) -> bool:
    """AUTH there invites password guessing, and a provider that is down would stop all mail."""
    given = variables.get("sasl_auth_on_port_25")
    return offers.auth_on_port_25 if given is None else given
