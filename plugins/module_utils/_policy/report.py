# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mail that a host accepts and forwards, and for which clients: computed from its effective configuration. Pure.

The words are Postfix's own: a recipient's domain is of the class local, virtual alias, virtual mailbox or relay
(ADDRESS_CLASS_README), and mail for every other domain is relayed only for clients with that right.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._policy import order
from ansible_collections.postroom.mail.plugins.module_utils._policy.access import Access, Client, Decision, Destination, Verdict
from ansible_collections.postroom.mail.plugins.module_utils._policy.findings import findings
from ansible_collections.postroom.mail.plugins.module_utils._policy.networks import everybody, patterns
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words

# How many domains or routes are told of one list; beyond, only their number is.
MOST = 100

_TABLE = re.compile(r"([A-Za-z]\w*):(.+)", re.DOTALL)
_CLASSES: dict[str, tuple[str, str, str, str]] = {
    # The parameters with the domains, the recipients and the transport, and the one with the reply code.
    "local": ("mydestination", "local_recipient_maps", "local_transport", "unknown_local_recipient_reject_code"),
    "virtual_alias": ("virtual_alias_domains", "virtual_alias_maps", "", "unknown_virtual_alias_reject_code"),
    "virtual_mailbox": (
        "virtual_mailbox_domains",
        "virtual_mailbox_maps",
        "virtual_transport",
        "unknown_virtual_mailbox_reject_code",
    ),
    "relay": ("relay_domains", "relay_recipient_maps", "relay_transport", "unknown_relay_recipient_reject_code"),
}


@dataclasses.dataclass(frozen=True)
class Door:
    """One smtpd service that listens: its name in master.cf, its addresses, and its effective parameters."""

    service: str
    port: int | None
    host: str
    listening: tuple[str, ...]
    parameters: t.Mapping[str, str]
    command: str = "smtpd"


@dataclasses.dataclass(frozen=True)
class Facts:
    """The facts of the host: none of them is computed from another."""

    parameters: t.Mapping[str, str]
    # The names of the parameters that main.cf sets.
    set_parameters: t.Collection[str] = ()
    doors: t.Sequence[Door] = ()
    # The entries of the lookup tables that can be listed, by name as the parameters say it.
    tables: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    # The answers of transport_maps for the keys of `transport_keys`.
    routes: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    # The lookup tables that the parameters name and that are not there.
    missing: t.Sequence[str] = ()
    # The services that a transport may name; none when nobody was asked.
    transports: t.Collection[str] = ()
    # The host's own addresses, as they are bound to its interfaces.
    addresses: t.Sequence[str] = ()
    # Whether there is a password for the smarthost; None when nobody was asked.
    credentials: bool | None = None

    def value(self, name: str) -> str:
        return self.parameters.get(name, "")


def plain(table: str) -> str:
    """Return the lookup table behind ``proxy:``, which only decides which process opens it."""
    return table.removeprefix("proxy:")


def is_table(word: str) -> bool:
    """Return whether a word of a list names a file or a lookup table."""
    return word.startswith("/") or bool(_TABLE.fullmatch(word))


def tables_to_list(parameters: t.Mapping[str, str]) -> list[str]:
    """Return the lookup tables with entries about accepted recipients and clients, or about the route."""
    names = ["mynetworks", "transport_maps", *(name for group in _CLASSES.values() for name in group[:2])]
    found = [plain(word.lstrip("!")) for name in names for word in words(parameters.get(name, "")) if is_table(word.lstrip("!"))]
    for _name, value in Access(parameters).lists():
        listed = words(value)
        found += [plain(word) for before, word in zip(["", *listed], listed) if is_table(word) and before != "check_policy_service"]
    return list(dict.fromkeys(found))


def transport_keys(facts: Facts) -> list[str]:
    """Return the keys to look up in transport_maps: every domain that is listed, its parents, and the wildcard."""
    keys = ["*"]
    for name in _CLASSES:
        for domain in _domains(facts, name).listed[:MOST]:
            keys.append(domain)
            labels = domain.split(".")
            keys += [f"{dot}{'.'.join(labels[n:])}" for n in range(1, len(labels)) for dot in (".", "")]
    return list(dict.fromkeys(keys))


class _Domains(t.NamedTuple):
    listed: list[str]
    """Domains by name, also those that stand in a table that could be listed."""
    tables: list[str]
    """Tables that could not be listed."""


def _domains(facts: Facts, class_: str) -> _Domains:
    parameter = _CLASSES[class_][0]
    listed: list[str] = []
    tables: list[str] = []
    for word in words(facts.value(parameter)):
        if not is_table(word.lstrip("!")):
            listed.append(word.lower())
        elif plain(word) in facts.tables:
            # virtual_alias_domains is, by default, the table of the aliases: there a domain is a key without "@".
            listed += [key.lower() for key in facts.tables[plain(word)] if "@" not in key and "." in key]
        else:
            tables.append(word)
    return _Domains(list(dict.fromkeys(listed)), tables)


def policy(facts: Facts) -> dict[str, t.Any]:
    """Return the whole policy that follows from *facts*."""
    listeners = [_listener(facts, door) for door in facts.doors]
    final = {name: _class(facts, name) for name in ("local", "virtual_alias", "virtual_mailbox")}
    final["local"]["addresses"] = [f"[{'ipv6:' if ':' in address else ''}{address}]" for address in own_addresses(facts)]
    result: dict[str, t.Any] = {
        "hostname": facts.value("myhostname"),
        "version": facts.value("mail_version"),
        "listeners": listeners,
        "final": final,
        "forwarded": _forwarded(facts),
        "clients": _clients(facts, listeners),
        "smarthost": _smarthost(facts),
        "order": order.order(facts.parameters, [(door.port, door.service, door.parameters) for door in facts.doors]),
    }
    return {**result, "findings": findings(facts.parameters, result, facts.missing, facts.transports)}


# --- who listens ---------------------------------------------------------------------------------------------------


def _listener(facts: Facts, door: Door) -> dict[str, t.Any]:
    auth = _auth(door.parameters)
    networks = patterns(door.parameters.get("mynetworks", ""), facts.tables)
    all_are_trusted = bool(everybody(networks))
    access = Access(door.parameters, lambda table: facts.tables.get(plain(table)))
    return {
        "service": door.service,
        "command": door.command,
        "port": door.port,
        "host": door.host,
        "addresses": list(door.listening),
        "tls": _tls(door.parameters),
        "auth": auth,
        "starts": access.starts(),
        "strangers": _answers(access, Client(trusted=all_are_trusted)),
        "networks": _answers(access, Client(trusted=True)),
        "authenticated": _answers(access, Client(trusted=all_are_trusted, authenticated=True)) if auth != "never" else None,
        "mynetworks": networks[:MOST],
        "restrictions": {f"smtpd_{name}_restrictions": value for name, value in access.lists()},
    }


def _answers(access: Access, client: Client) -> dict[str, t.Any]:
    destinations: tuple[Destination, ...] = ("own", "relay", "elsewhere")
    decisions: dict[str, Decision] = {destination: access.decide(client, destination) for destination in destinations}
    elsewhere = decisions["elsewhere"]
    return {**{name: decision.verdict for name, decision in decisions.items()}, "by": elsewhere.by, "unless": list(elsewhere.unless)}


def _tls(parameters: t.Mapping[str, str]) -> str:
    if parameters.get("smtpd_tls_wrappermode") == "yes":
        return "implicit"
    level = parameters.get("smtpd_tls_security_level", "")
    if level == "encrypt" or (not level and parameters.get("smtpd_enforce_tls") == "yes"):
        return "required"
    return "offered" if level == "may" or (not level and parameters.get("smtpd_use_tls") == "yes") else "none"


def _auth(parameters: t.Mapping[str, str]) -> str:
    if parameters.get("smtpd_sasl_auth_enable") != "yes":
        return "never"
    return "over TLS" if parameters.get("smtpd_tls_auth_only") == "yes" or _tls(parameters) in ("implicit", "required") else "in clear"


# --- which destinations --------------------------------------------------------------------------------------------


def own_addresses(facts: Facts) -> list[str]:
    """Return the addresses of this host in ``user@[address]``: of inet_interfaces, and of proxy_interfaces."""
    found: list[str] = []
    for word in words(facts.value("inet_interfaces")):
        if word.lower() == "all":
            found += facts.addresses
        elif word.lower() == "loopback-only":
            found += [address for address in facts.addresses if address == "::1" or address.startswith("127.")]
        elif re.fullmatch(r"[\d.]+|\[?[\da-fA-F:.]+\]?", word):
            found.append(word.strip("[]"))
        else:
            # A name: where it leads to is seen from the sockets.
            bound = [address for door in facts.doors if not door.host for address in door.listening]
            found += [address for address in bound if address not in ("0.0.0.0", "::")]
    found += [word.strip("[]") for word in words(facts.value("proxy_interfaces"))]
    protocols = facts.value("inet_protocols") or "all"
    return [address for address in dict.fromkeys(found) if "all" in protocols or ("ipv6" if ":" in address else "ipv4") in protocols]


def _class(facts: Facts, name: str) -> dict[str, t.Any]:
    _domain_list, recipients, transport, _code = _CLASSES[name]
    domains = _domains(facts, name)
    return {
        "domains": domains.listed[:MOST],
        "more_domains": max(0, len(domains.listed) - MOST),
        "tables": domains.tables,
        "unknown_recipients": _unknown(facts, name) if domains.listed or domains.tables else None,
        "recipients": words(facts.value(recipients)),
        "catch_all": _catch_all(facts, recipients, domains.listed),
        "transport": facts.value(transport) if transport else None,
        "routes": [
            {"domain": domain, "next_hop": answer, "by": "transport_maps"}
            for domain in domains.listed[:MOST]
            for answer in [_transport(facts, domain)]
            if answer and not answer.startswith(":")
        ],
    }


def _unknown(facts: Facts, name: str) -> Verdict:
    """Return the fate of mail for a recipient that does not exist, before it is accepted; port 25 may have its own rules."""
    _domain_list, recipients, _transport, code = _CLASSES[name]
    parameters = next((door.parameters for door in facts.doors if door.port == 25), facts.parameters)
    access = Access(parameters)
    asked = parameters.get("smtpd_reject_unlisted_recipient") != "no" or any(
        "reject_unlisted_recipient" in words(value) for _name, value in access.lists()
    )
    if "no_unknown_recipient_checks" in words(parameters.get("receive_override_options", "")):
        asked = False
    verified = any("reject_unverified_recipient" in words(value) for _name, value in access.lists())
    if asked and (name == "virtual_alias" or parameters.get(recipients)):
        return access.code(code, "550")
    return access.code("unverified_recipient_reject_code", "450") if verified else "accepted"


def _catch_all(facts: Facts, parameter: str, domains: t.Collection[str]) -> list[str]:
    """Return the domains in which every recipient exists."""
    found: list[str] = []
    for maps in dict.fromkeys((parameter, "virtual_alias_maps")):
        for table in words(facts.value(maps)):
            if plain(table).startswith("static:"):
                return list(domains) or ["*"]
            entries = facts.tables.get(plain(table), {})
            found += [domain for domain in domains if f"@{domain}" in entries]
    return list(dict.fromkeys(found))


def _transport(facts: Facts, domain: str) -> str:
    """Return the answer of transport_maps for *domain*, as trivial-rewrite(8) asks: itself, its parents, the wildcard."""
    labels = domain.split(".")
    parents_match = "transport_maps" in words(facts.value("parent_domain_matches_subdomains"))
    for key in [domain, *(f"{'' if parents_match else '.'}{'.'.join(labels[n:])}" for n in range(1, len(labels))), "*"]:
        if key in facts.routes:
            return facts.routes[key]
    return ""


def _forwarded(facts: Facts) -> dict[str, t.Any]:
    """Return the domains for which every client can send mail through this host, and the routes of mail that leaves."""
    relay = _class(facts, "relay")
    others = {domain for name in ("local", "virtual_alias", "virtual_mailbox") for domain in _domains(facts, name).listed}
    # By Postfix's older defaults relay_domains is $mydestination, which is local first.
    relay["domains"] = [domain for domain in relay["domains"] if domain not in others]
    relay["subdomains"] = "relay_domains" in words(facts.value("parent_domain_matches_subdomains"))
    relay["routes"] = [{"domain": domain, **_next_hop(facts, domain)} for domain in relay["domains"]]
    known = {*others, *relay["domains"]}
    listed = [
        {"destination": key, "next_hop": value}
        for table in words(facts.value("transport_maps"))
        for key, value in facts.tables.get(plain(table), {}).items()
        if key not in known
    ]
    return {
        "relay": relay,
        "routes": listed[:MOST],
        "more_routes": max(0, len(listed) - MOST),
        "tables": [table for table in words(facts.value("transport_maps")) if plain(table) not in facts.tables],
        "default": _next_hop(facts, ""),
    }


def _next_hop(facts: Facts, domain: str) -> dict[str, str]:
    """Return the next hop of mail for a domain that is not final, and the parameter that sets it; an empty *domain* is any other."""
    route = _transport(facts, domain) if domain else facts.routes.get("*", "")
    transport, _colon, hop = route.partition(":")
    if hop:
        return {"next_hop": route if transport else hop, "by": "transport_maps"}
    parameter = "relay_transport" if domain else "default_transport"
    transport = transport or facts.value(parameter)
    if ":" in transport:
        return {"next_hop": transport, "by": parameter}
    by = "transport_maps" if route.rstrip(":") else parameter
    if facts.value("relayhost"):
        return {"next_hop": f"{transport}:{facts.value('relayhost')}", "by": "relayhost"}
    return {"next_hop": f"{transport}:MX", "by": by}


# --- for whom ------------------------------------------------------------------------------------------------------


def _clients(facts: Facts, listeners: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    style = facts.value("mynetworks_style")
    return {
        "networks": words(facts.value("mynetworks")),
        "networks_by": "mynetworks" if "mynetworks" in facts.set_parameters else f"mynetworks_style = {style}",
        "network_ports": [row["port"] for row in listeners if row["networks"]["elsewhere"] == "accepted"],
        "authenticated_ports": [row["port"] for row in listeners if (row["authenticated"] or {}).get("elsewhere") == "accepted"],
        "stranger_ports": [row["port"] for row in listeners if row["strangers"]["elsewhere"] == "accepted"],
        "conditions": list(dict.fromkeys(word for row in listeners for word in row["strangers"]["unless"])),
    }


def _smarthost(facts: Facts) -> dict[str, t.Any] | None:
    default = _next_hop(facts, "")
    per_sender = [
        word for name in ("sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps") for word in words(facts.value(name))
    ]
    if default["next_hop"].endswith(":MX") and not per_sender:
        return None
    return {
        **default,
        "per_sender": per_sender,
        "tls": facts.value("smtp_tls_security_level") or "none",
        "tls_policies": words(facts.value("smtp_tls_policy_maps")),
        "auth": facts.value("smtp_sasl_auth_enable") == "yes",
        "credentials": facts.credentials,
    }
