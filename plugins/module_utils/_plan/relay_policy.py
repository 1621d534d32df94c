# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role relay_policy: who may send mail to other domains through the host, and which way it leaves. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan import host
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options, Part
from ansible_collections.postroom.mail.plugins.module_utils._postfix import owned_parameters
from ansible_collections.postroom.mail.plugins.module_utils._postfix.facts import NOT_INSTALLED
from ansible_collections.postroom.mail.plugins.module_utils._relay import networks
from ansible_collections.postroom.mail.plugins.module_utils._relay.routes import BY_SENDER, IMPLICIT_TLS, Routes, routes

# The certificate authorities that the distribution trusts.
CA_FILES = {"Debian": "/etc/ssl/certs/ca-certificates.crt", "RedHat": "/etc/pki/tls/certs/ca-bundle.crt"}
CA_PACKAGE = "ca-certificates"
# smtp(8) logs in through Cyrus SASL, whose mechanisms are packages of their own.
MECHANISM_PACKAGES = {"Debian": "libsasl2-modules", "RedHat": "cyrus-sasl-plain"}
PACKAGES = (*MECHANISM_PACKAGES.values(), CA_PACKAGE)

TRANSPORT = "/etc/postfix/relay_transport"
RECIPIENTS = "/etc/postfix/relay_recipients"
RECIPIENT_PATTERNS = "/etc/postfix/relay_recipients.regexp"
SENDERS = "/etc/postfix/relay_senders"
TLS_POLICY = "/etc/postfix/relay_tls_policy"
PASSWORDS = "/etc/postfix/relay_passwords"

# The ways of smtp(8) that Postfix ships no service for.
_FROM_THE_FIRST_BYTE = {"smtp_tls_wrappermode": True, "smtp_tls_security_level": "encrypt"}
# To the smarthosts of senders, and nowhere else: what they log in with is looked up by the sender there.
_OF_A_SENDER = {"smtp_sender_dependent_authentication": True, "smtp_fallback_relay": ""}
_WAYS: dict[str, dict[str, t.Any]] = {
    # For the port that speaks TLS from the first byte on (TLS_README).
    IMPLICIT_TLS: _FROM_THE_FIRST_BYTE,
    BY_SENDER["smtp"]: _OF_A_SENDER,
    BY_SENDER[IMPLICIT_TLS]: {**_OF_A_SENDER, **_FROM_THE_FIRST_BYTE},
}


class Variables(host.Variables, total=False):
    relay_policy_mode: str
    relay_policy_networks: t.Sequence[str]
    relay_policy_open_to_the_whole_world: bool
    relay_policy_domains: t.Sequence[Options]
    relay_policy_smarthosts: t.Sequence[Options]
    # None: what the distribution trusts.
    relay_policy_ca_file: str | None
    relay_policy_transport: t.Mapping[str, str]


def offers(variables: Variables, facts: Facts, offers: Offers) -> Offers:
    return dataclasses.replace(
        offers,
        relayed_domains=[domain["name"] for domain in variables["relay_policy_domains"] if "name" in domain],
        auth_on_port_25=variables["relay_policy_mode"] == "authenticated",
    )


def plan(variables: Variables, facts: Facts, offers: Offers) -> Part:
    mode, family = variables["relay_policy_mode"], facts.get("host", {}).get("os_family", "")
    postfix = {**NOT_INSTALLED, "managed_tables": [], **facts.get("postfix", {})}
    mynetworks, problems = networks.mynetworks(
        mode, list(variables["relay_policy_networks"]), variables["relay_policy_open_to_the_whole_world"]
    )
    wanted = routes(
        variables["relay_policy_smarthosts"],
        domains=variables["relay_policy_domains"],
        transport=variables["relay_policy_transport"],
        local_domains=[variables["host_domain"], host.fqdn(variables, facts)],
        services=_services_there(postfix, offers),
        relayhost_there=_relayhost_there(postfix, offers),
    )
    of_policy = _parameters_of_policy(mode, mynetworks, wanted, postfix)
    of_way, decided = _parameters_of_way(wanted, variables.get("relay_policy_ca_file"), family, postfix)
    by_hand = offers.parameters_by_hand
    return Part(
        problems=[*problems, *wanted.problems, *owned_parameters.problems(by_hand, "relay_policy", {*of_policy, *decided})],
        packages=_packages(wanted, family),
        tables=list(_tables(wanted, postfix["managed_tables"])),
        # A parameter has one writer: what the inventory says in postfix_parameters the role postfix has written.
        parameters={name: value for name, value in {**of_policy, **of_way}.items() if name not in by_hand},
        open_relay=mode == "open",
        services=_services(wanted),
    )


def _services_there(postfix: Facts, offers: Offers) -> list[str]:
    """Return the services that can deliver mail: those that this host has already, and those that postfix_services will add.

    On a host without Postfix nobody knows yet.
    """
    if not postfix["installed"]:
        return []
    there = {name[: -len("/unix")] for name in postfix["services"] if name.endswith("/unix")}
    return sorted(there | {str(service["name"]) for service in offers.services_by_hand})


def _relayhost_there(postfix: Facts, offers: Offers) -> str:
    """A smarthost that somebody else has set, on a host whose transport table is not somebody else's, too.

    What the role postfix writes before this one counts as written: the host was asked before.
    """
    live, main_cf = _live(postfix), {**postfix["parameters"], **offers.parameters_by_hand}
    if TLS_POLICY in live or (main_cf.get("transport_maps") and TRANSPORT not in live):
        return ""
    return str(main_cf.get("relayhost") or "")


def _live(postfix: Facts) -> str:
    """Return the present values of main.cf."""
    return " ".join(postfix["parameters"].values())


def _parameters_of_policy(mode: str, mynetworks: list[str] | None, wanted: Routes, postfix: Facts) -> dict[str, t.Any]:
    """Return the parameters that decide who may relay; this role owns all of them. A value of None takes the parameter out of main.cf."""
    recipients = [_map(postfix, RECIPIENTS, wanted.recipients), f"regexp:{RECIPIENT_PATTERNS}" if wanted.recipient_patterns else None]
    return {
        "mynetworks": mynetworks,
        "mynetworks_style": "subnet" if mode == "subnet" else None,
        # A stranger is refused for good (5xx); Debian's default, defer_unauth_destination, has the client try again for days.
        "smtpd_relay_restrictions": [
            "permit_mynetworks",
            *(["permit_sasl_authenticated"] if mode == "authenticated" else []),
            "reject_unauth_destination",
        ],
        "relay_domains": wanted.domains or "",
        "relay_recipient_maps": [table for table in recipients if table] or None,
    }


def _parameters_of_way(wanted: Routes, ca_file: str | None, family: str, postfix: Facts) -> tuple[dict[str, t.Any], set[str]]:
    """Return the parameters that decide which way mail leaves, and the names of those that the inventory decides.

    That is a matter of where the host stands: a relayhost or a transport table that somebody else set there stays as long as the inventory
    says nothing about it. What this role set it knows by the names of its tables.
    """
    of_transport = {"transport_maps": _map(postfix, TRANSPORT, wanted.transport)}
    of_smarthosts = _parameters_of_smarthosts(wanted, ca_file, family, postfix)
    live = _live(postfix)
    parameters = {
        **(of_transport if wanted.transport or TRANSPORT in live else {}),
        **(of_smarthosts if wanted.tls_policy or TLS_POLICY in live else {}),
    }
    decided = {name for name, value in of_smarthosts.items() if value is not None} if wanted.tls_policy else set()
    return parameters, {*decided, *(of_transport if wanted.transport else ())}


def _parameters_of_smarthosts(wanted: Routes, ca_file: str | None, family: str, postfix: Facts) -> dict[str, t.Any]:
    logs_in = bool(wanted.passwords)
    return {
        "relayhost": wanted.relayhost,
        "default_transport": wanted.default_transport,
        "sender_dependent_default_transport_maps": _map(postfix, SENDERS, wanted.senders),
        "smtp_sasl_auth_enable": True if logs_in else None,
        "smtp_sasl_password_maps": _map(postfix, PASSWORDS, wanted.passwords),
        # By the server alone: looked up by the sender as well, a password would be told to every server that the sender's mail goes to,
        # such as that of a recipient's own route.
        "smtp_sender_dependent_authentication": False if logs_in else None,
        # Without TLS Postfix's default, noplaintext, stays, so that no password travels in clear.
        "smtp_sasl_tls_security_options": "noanonymous" if logs_in else None,
        "smtp_tls_policy_maps": _map(postfix, TLS_POLICY, wanted.tls_policy),
        "smtp_tls_CAfile": None if not wanted.verifies else CA_FILES.get(family, "") if ca_file is None else ca_file,
    }


def _map(postfix: Facts, path: str, entries: t.Mapping[str, str]) -> str | None:
    """The table as main.cf names it; a table without entries is not there."""
    return f"{postfix['default_database_type'] or 'hash'}:{path}" if entries else None


def _tables(wanted: Routes, managed: t.Collection[str]) -> t.Iterator[Options]:
    """Those that have entries, and of the others the ones that are there still."""
    tables: list[dict[str, t.Any]] = [
        {"path": TRANSPORT, "entries": wanted.transport},
        {"path": RECIPIENTS, "entries": wanted.recipients},
        {"path": RECIPIENT_PATTERNS, "type": "regexp", "entries": wanted.recipient_patterns},
        {"path": SENDERS, "entries": wanted.senders},
        {"path": TLS_POLICY, "entries": wanted.tls_policy},
        {"path": PASSWORDS, "secret": True, "entries": wanted.passwords},
    ]
    for table in tables:
        if table["entries"]:
            yield table
        elif table["path"] in managed:
            yield {"path": table["path"], "state": "absent"}


def _services(wanted: Routes) -> list[Options]:
    used = {name: "present" if name in wanted.services else "absent" for name in _WAYS}
    return [
        {"name": name, "type": "unix", "command": "smtp", "state": used[name], "overrides": overrides} for name, overrides in _WAYS.items()
    ]


def _packages(wanted: Routes, family: str) -> list[str]:
    mechanisms = [MECHANISM_PACKAGES[family]] if wanted.passwords and family in MECHANISM_PACKAGES else []
    return [*mechanisms, *([CA_PACKAGE] if wanted.verifies else [])]
