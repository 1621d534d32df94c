# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on a host's mail policy that its administrator must know: one sentence each. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._policy.networks import everybody, large
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import missing_transport
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words

Level = t.Literal["danger", "warning", "note"]
Finding = tuple[Level, str]
Listener = t.Mapping[str, t.Any]
_GRAVITY: tuple[Level, ...] = ("danger", "warning", "note")
# Stands in a sentence for the ports it is true of.
_WHERE = "{where}"
# A client's own words, which it can choose.
_FORGEABLE = ("check_sender_access", "check_helo_access")


def findings(
    parameters: t.Mapping[str, str],
    policy: t.Mapping[str, t.Any],
    missing: t.Sequence[str] = (),
    transports: t.Collection[str] = (),
) -> list[dict[str, str]]:
    """Return the findings on a *policy*, the gravest first.

    *missing* are lookup tables that do not exist, *transports* the services that a transport may name.
    """
    found: list[Finding] = [
        *_by_port(_relay, policy),
        *_recipients(parameters, policy),
        *_classes(policy),
        *_by_port(_login, policy),
        *_networks(policy),
        *_smarthost(policy),
        *_listeners(parameters, policy),
        *(_transports(parameters, policy, transports) if transports else ()),
        *(("warning", f"There is no lookup table {table}: mail is deferred (451) until there is.") for table in missing),
    ]
    return [{"level": level, "say": say} for level in _GRAVITY for found_level, say in dict.fromkeys(found) if found_level == level]


def _by_port(judge: t.Callable[[Listener], t.Iterator[Finding]], policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Return the findings of *judge* on each listener; a finding on several listeners is one sentence."""
    found: dict[Finding, list[str]] = {}
    for row in policy["listeners"]:
        for finding in judge(row):
            found.setdefault(finding, []).append(_name(row))
    for (level, say), names in found.items():
        yield level, say.replace(_WHERE, " and ".join(names))


def _relay(row: Listener) -> t.Iterator[Finding]:
    strangers = row["strangers"]
    if not row["starts"]:
        yield (
            "danger",
            f"Nobody can send mail on {_WHERE}, for smtpd refuses to start there: neither smtpd_relay_restrictions nor"
            " smtpd_recipient_restrictions has reject_unauth_destination, or another stop, before a permit.",
        )
        return
    networks = everybody(row["mynetworks"])
    if strangers["elsewhere"] == "accepted":
        reason = "its restrictions let everybody pass before reject_unauth_destination"
        if networks:
            reason = f"mynetworks has {', '.join(networks)}"
        yield "danger", f"{'Every network' if networks else 'Everybody'} may relay on {_WHERE}: {reason}."
    elif row["networks"]["elsewhere"] == "accepted":
        for word in large(row["mynetworks"]):
            yield "warning", f"A large part of the Internet may relay on {_WHERE}: mynetworks has {word}."
    if strangers["elsewhere"] == "deferred":
        yield (
            "warning",
            f"Strangers who want to relay on {_WHERE} are refused only for now (4xx) and come back for days: {strangers['by']};"
            " reject_unauth_destination refuses for good.",
        )
    for condition in strangers["unless"]:
        restriction = condition.split()[0]
        if restriction in _FORGEABLE:
            yield (
                "danger",
                f"A client that claims to be in {condition.split()[-1]} may relay on {_WHERE}: {restriction} stands before"
                " reject_unauth_destination, and it believes the client's own words.",
            )
        elif restriction == "permit_mx_backup":
            yield "warning", f"A domain owner who makes this host their MX may relay to it on {_WHERE}: permit_mx_backup."
        else:
            yield "note", f"Some clients may relay on {_WHERE} by '{condition}'."


def _login(row: Listener) -> t.Iterator[Finding]:
    if row["auth"] == "in clear":
        yield "warning", f"Passwords may cross the network in clear on {_WHERE}: AUTH is offered before TLS (smtpd_tls_auth_only)."


def _networks(policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    clients = policy["clients"]
    style = clients["networks_by"].rpartition(" ")[2]
    if style in ("subnet", "class") and clients["network_ports"]:
        whose = "on the networks this host is in" if style == "subnet" else "in its provider's whole address class"
        yield "warning", f"Every machine {whose} may relay: mynetworks is not set, and mynetworks_style is {style}."


def _recipients(parameters: t.Mapping[str, str], policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    classes = {**policy["final"], "relay": policy["forwarded"]["relay"]}
    parameter = {"local": "local_recipient_maps", "virtual_mailbox": "virtual_mailbox_maps", "relay": "relay_recipient_maps"}
    domain_list = {"local": "mydestination", "virtual_mailbox": "virtual_mailbox_domains", "relay": "relay_domains"}
    for name, answer in classes.items():
        if not answer["domains"] and not answer["tables"]:
            continue
        if answer["unknown_recipients"] == "accepted":
            if name == "local" and parameters.get("luser_relay"):
                continue
            if not answer["recipients"] and name in parameter:
                yield (
                    "warning",
                    f"{domain_list[name]} without {parameter[name]} takes in mail for recipients that do not exist, and bounces it later"
                    " to senders who may be forged.",
                )
            else:
                yield (
                    "warning",
                    f"Mail for recipients that do not exist in the {name.replace('_', ' ')} domains is taken in, and bounced later:"
                    " smtpd_reject_unlisted_recipient is off, or receive_override_options says no_unknown_recipient_checks.",
                )
        if answer["unknown_recipients"] == "deferred":
            yield (
                "note",
                f"Recipients that do not exist in the {name.replace('_', ' ')} domains are refused only for now (4xx), by soft_bounce or"
                f" {_reject_code(name)}.",
            )
        if answer["catch_all"]:
            yield "note", f"In {', '.join(answer['catch_all'][:5])} every recipient exists (a catch-all)."
    if parameters.get("soft_bounce") == "yes":
        yield "warning", "Every refusal is for now (4xx) and all mail that cannot be delivered stays in the queue: soft_bounce is on."
    if parameters.get("allow_untrusted_routing") == "yes":
        yield "warning", "Addresses such as user@elsewhere@here are forwarded for strangers: allow_untrusted_routing is on."


def _reject_code(name: str) -> str:
    return f"unknown_{name}_recipient_reject_code" if name in ("local", "relay") else f"unknown_{name}_reject_code"


def _classes(policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    parameters = {
        "local": "mydestination",
        "virtual_alias": "virtual_alias_domains",
        "virtual_mailbox": "virtual_mailbox_domains",
    }
    seen: dict[str, str] = {}
    for name, parameter in parameters.items():
        for domain in policy["final"][name]["domains"]:
            if domain in seen:
                yield "warning", f"{domain} stands in {seen[domain]} and in {parameter}; {seen[domain]} wins, so take it out of the other."
            seen.setdefault(domain, parameter)


def _smarthost(policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    smarthost = policy["smarthost"]
    if smarthost and smarthost["auth"]:
        if smarthost["tls"] in ("none", "may") and not smarthost["tls_policies"]:
            yield (
                "warning",
                f"The password for the smarthost {smarthost['next_hop']} may cross the network in clear: smtp_tls_security_level is"
                f" {smarthost['tls']}, not encrypt or stricter.",
            )
        if smarthost["credentials"] is False:
            yield (
                "warning",
                f"smtp_sasl_password_maps has no entry for the smarthost {smarthost['next_hop']}, so this host does not log in there.",
            )


def _transports(parameters: t.Mapping[str, str], policy: t.Mapping[str, t.Any], transports: t.Collection[str]) -> t.Iterator[Finding]:
    for name, value in parameters.items():
        lost = missing_transport(name, value, transports)
        # By default address verification follows the other transports.
        if lost and not name.startswith("address_verify_"):
            yield "warning", f"{name} names the transport '{lost}', which master.cf does not have: mail for it stays in the queue."
    routes = [(row["destination"], row["next_hop"]) for row in policy["forwarded"]["routes"]]
    for answer in (policy["forwarded"]["relay"], *policy["final"].values()):
        routes += [(row["domain"], row["next_hop"]) for row in answer["routes"] if row["by"] == "transport_maps"]
    for destination, next_hop in routes:
        transport = next_hop.partition(":")[0]
        if transport and transport not in transports:
            yield (
                "warning",
                f"transport_maps gives {destination} to the transport '{transport}', which master.cf does not have: mail for it stays in"
                " the queue.",
            )


def _listeners(parameters: t.Mapping[str, str], policy: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    interfaces = [word.lower() for word in words(parameters.get("inet_interfaces", ""))]
    loopback_only = bool(interfaces) and all(word in ("loopback-only", "localhost", "127.0.0.1", "[::1]", "::1") for word in interfaces)
    for row in policy["listeners"]:
        if not row["addresses"]:
            yield (
                "warning",
                f"Nothing listens on {_name(row)}, though master.cf has {row['service']}: Postfix does not run, or needs a reload.",
            )
        elif loopback_only and not row["host"]:
            reachable = [address for address in row["addresses"] if address != "::1" and not address.startswith("127.")]
            if reachable:
                yield (
                    "warning",
                    f"Postfix still listens on {', '.join(reachable)}, {_name(row)}, though inet_interfaces is {' '.join(interfaces)}:"
                    " it must be stopped and started.",
                )
    if not any(row["strangers"]["own"] == "accepted" for row in policy["listeners"]):
        yield "note", "No port takes mail from strangers, not even for this host's own domains."


def _name(row: t.Mapping[str, t.Any]) -> str:
    return f"port {row['port']}" if row["port"] else str(row["service"])
