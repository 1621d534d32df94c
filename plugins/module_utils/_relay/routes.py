# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of mail for other hosts: smarthosts, forwarded domains and transports, as entries of Postfix's tables.

The order in which Postfix asks is transport(5) for the recipient, then the sender's own smarthost, then the one for all,
then the recipient's MX (postconf(5): transport_maps, sender_dependent_default_transport_maps, relayhost).
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import port_in_brackets
from ansible_collections.postroom.mail.plugins.module_utils._tables import keys

# smtp(8) with TLS from the first byte on; Postfix ships none.
IMPLICIT_TLS = "relay-smtps"
# smtp(8) that looks for a password by sender, where the smarthost is the sender's: two of them may have accounts at one provider. That
# must be a service of its own, because such a service shows a sender's password to every server that it is led to.
BY_SENDER = {"smtp": "relay-senders", IMPLICIT_TLS: "relay-senders-smtps"}
SERVICES = (IMPLICIT_TLS, *BY_SENDER.values())
LEVELS = ("none", "may", "encrypt", "dane", "verify", "secure")
VERIFYING = ("verify", "secure")
# Where a password would travel, or might, for everybody to read.
CLEARTEXT = ("none", "may")
# RFC 6409 and RFC 8314: who wants to submit mail here has to log in.
SUBMISSION_PORTS = {"587", "465", "submission", "submissions", "smtps"}
IMPLICIT_PORTS = {"465", "submissions", "smtps"}

_DOMAIN = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NEXT_HOP = re.compile(rf"(?:\[(?P<literal>[A-Za-z0-9_.:-]+)\]|(?P<name>{_DOMAIN}))(?::(?P<port>[A-Za-z0-9-]+))?")
_RECIPIENT_DOMAIN = re.compile(rf"\.?{_DOMAIN}")
_SENDER = re.compile(rf"[^\s@,<>]*@{_DOMAIN}")


class BadRoute(BadInput):
    """A smarthost, a forwarded domain or a transport is invalid."""


@dataclasses.dataclass
class Routes:
    """The contents of Postfix's tables, and the parameters that name no table."""

    relayhost: str = ""
    default_transport: str | None = None
    transport: dict[str, str] = dataclasses.field(default_factory=dict)
    senders: dict[str, str] = dataclasses.field(default_factory=dict)
    passwords: dict[str, str] = dataclasses.field(default_factory=dict)
    tls_policy: dict[str, str] = dataclasses.field(default_factory=dict)
    recipients: dict[str, str] = dataclasses.field(default_factory=dict)
    recipient_patterns: list[dict[str, str]] = dataclasses.field(default_factory=list)
    domains: list[str] = dataclasses.field(default_factory=list)
    services: list[str] = dataclasses.field(default_factory=list)
    verifies: bool = False
    problems: list[str] = dataclasses.field(default_factory=list)

    def put(self, table: str, key: str, value: str, whose: str) -> None:
        """Add an entry. Raises `BadRoute` when there is another one for the same key."""
        entries: dict[str, str] = getattr(self, table)
        key = key.lower()
        if entries.get(key, value) != value:
            said = "two passwords" if table == "passwords" else f"two answers ({entries[key]} and {value})"
            raise BadRoute(f"{whose}: for '{key}' there are {said}; leave only one of them.")
        entries[key] = value


def routes(
    smarthosts: t.Sequence[t.Mapping[str, t.Any]] = (),
    domains: t.Sequence[t.Mapping[str, t.Any]] = (),
    transport: t.Mapping[str, str] | None = None,
    local_domains: t.Sequence[str] = (),
    services: t.Sequence[str] = (),
    relayhost_there: str = "",
) -> Routes:
    """Return the routes that the settings of the role describe, with all problems at once in ``problems``.

    *services* are the names of master.cf's services that deliver mail; none when they are not known yet. *relayhost_there* is a smarthost
    for all mail from another source than this collection.
    """
    found = Routes()
    for number, smarthost in enumerate(smarthosts, 1):
        _collect(found, functools.partial(_add_smarthost, found, smarthost, f"relay_policy_smarthosts, item {number}"))
    for number, domain in enumerate(domains, 1):
        _collect(found, functools.partial(_add_domain, found, domain, f"relay_policy_domains, item {number}", local_domains))
    for key, value in (transport or {}).items():
        _collect(found, functools.partial(_add_transport, found, key, value))
    _keep_apart(found, domains, relayhost_there)
    used = {_service(value) for value in (*found.transport.values(), *found.senders.values(), found.default_transport or "")}
    found.services = [name for name in SERVICES if name in used]
    found.problems += [
        f"The transport of '{key}' is '{value}', but master.cf has no service '{_service(value)}'; it has"
        f" {', '.join(sorted(services))}. Correct the name, or add the service with postfix_services."
        for key, value in {**found.transport, **found.senders}.items()
        if services and _service(value) not in {*services, "", *SERVICES}
    ]
    return found


def _collect(found: Routes, add: t.Callable[[], None]) -> None:
    try:
        add()
    except BadRoute as e:
        found.problems.append(str(e))


def _add_smarthost(found: Routes, given: t.Mapping[str, t.Any], whose: str) -> None:
    next_hop = str(given.get("relayhost") or "")
    hop = _hop(next_hop, f"{whose}: relayhost")
    _check_login(given, next_hop, hop["port"], whose)
    username, password = given.get("username"), given.get("password")
    implicit = hop["port"] in IMPLICIT_PORTS if given.get("implicit_tls") is None else given["implicit_tls"]
    level = given.get("tls") or ("secure" if username is not None else "encrypt" if implicit else "may")
    if level not in LEVELS:
        raise BadRoute(f"{whose}: tls is '{level}', and must be one of {', '.join(LEVELS)}.")
    if username is not None and level in CLEARTEXT:
        raise BadRoute(f"{whose}: with tls: {level} the password might go to {next_hop} in clear; use secure, verify, dane or encrypt.")
    if implicit and level in CLEARTEXT:
        raise BadRoute(f"{whose}: {next_hop} speaks TLS from the first byte on, so tls: {level} cannot work.")

    service = IMPLICIT_TLS if implicit else "smtp"
    found.verifies |= level in VERIFYING
    found.put("tls_policy", next_hop, level, whose)
    senders, recipient_domains = list(given.get("senders") or []), list(given.get("recipient_domains") or [])
    for sender in senders:
        if not _SENDER.fullmatch(sender):
            raise BadRoute(f"{whose}: the sender '{sender}' is neither an address nor @domain.")
        _is_looked_up(f"{whose}, senders", sender, "recipient")
        # Whoever has no password must not come across that of a whole domain, which is for another server.
        found.put("senders", sender, f"{service if username is None else BY_SENDER[service]}:{next_hop}", whose)
    for domain in recipient_domains:
        if not _RECIPIENT_DOMAIN.fullmatch(domain):
            raise BadRoute(f"{whose}: the recipient domain '{domain}' is no domain; write example.org, and .example.org for all below it.")
        found.put("transport", domain, f"{service}:{next_hop}", whose)
    if not senders and not recipient_domains:
        if found.relayhost:
            raise BadRoute(
                f"{whose}: {next_hop} and {found.relayhost} would both be the smarthost for all mail: give senders or"
                " recipient_domains to one of them."
            )
        found.relayhost = next_hop
        found.default_transport = service if implicit else None
    if username is not None:
        for key in [*senders, *([next_hop] if recipient_domains or not senders else [])]:
            found.put("passwords", key, f"{username}:{password}", whose)


def _check_login(given: t.Mapping[str, t.Any], next_hop: str, port: str | None, whose: str) -> None:
    username, password = given.get("username"), given.get("password")
    if (username is None) != (password is None):
        missing = "password" if password is None else "username"
        raise BadRoute(f"{whose}: {next_hop} has no {missing}; give both username and password, or neither.")
    if username is None and port in SUBMISSION_PORTS and given.get("auth", True):
        raise BadRoute(
            f"{whose}: {next_hop} is a port for submission, which takes no mail without a login: give username and password,"
            " or auth: false where it asks for none."
        )
    wrong = None if password is None else core_password.not_text(password)
    if wrong:
        raise BadRoute(f"{whose}: the password for {next_hop} {wrong}.")
    if username is not None and not _holds(str(username), str(password)):
        raise BadRoute(
            f"{whose}: smtp_sasl_password_maps cannot hold an empty user name or password, a user name with a colon, nor white"
            " space at either end."
        )


def _add_domain(found: Routes, given: t.Mapping[str, t.Any], whose: str, local_domains: t.Sequence[str]) -> None:
    name = str(given.get("name") or "")
    if not _RECIPIENT_DOMAIN.fullmatch(name) or name.startswith("."):
        raise BadRoute(f"{whose}: '{name}' is no domain; its subdomains are meant with it.")
    if name.lower() in (domain.lower() for domain in local_domains):
        raise BadRoute(f"{whose}: mail for {name} ends on this host, so that it cannot also be forwarded; leave it out in one place.")
    recipients, anyone = given.get("recipients"), bool(given.get("any_recipient"))
    if (recipients is not None) == anyone:
        raise BadRoute(
            f"{whose}: list the recipients in {name}, so that mail for any other is refused here and need not be sent back to"
            " senders that may be forged; or set any_recipient: true if you do not know them."
        )
    found.domains.append(name)
    if anyone:
        literal = name.replace(".", "\\.")
        found.recipient_patterns.append({"pattern": f"/@([^@]+\\.)?{literal}$/", "value": "OK"})
    for recipient in recipients or []:
        if recipient.strip() == "*":
            raise BadRoute(f"{whose}: the recipient '*' is no name; write any_recipient: true for everybody, and no recipients.")
        _is_looked_up(f"{whose}, recipients", recipient, "recipient")
        address = recipient if "@" in recipient else f"{recipient}@{name}"
        if not address.lower().endswith(f"@{name.lower()}") or re.search(r"\s", address):
            raise BadRoute(f"{whose}: the recipient '{recipient}' is not in {name}.")
        found.put("recipients", address, "OK", whose)
    next_hop = given.get("next_hop")
    if next_hop:
        _hop(next_hop, f"{whose}: next_hop")
        found.put("transport", name, f"relay:{next_hop}", whose)
        if anyone:
            found.put("transport", f".{name}", f"relay:{next_hop}", whose)


def _keep_apart(found: Routes, domains: t.Sequence[t.Mapping[str, t.Any]], relayhost_there: str) -> None:
    """Report routes that another route would change in part."""
    if found.relayhost or relayhost_there:
        # It is for forwarded domains, too, unless their own way is named (postconf(5): relayhost).
        for domain in domains:
            if domain.get("name") in found.domains and not domain.get("next_hop"):
                for key in (domain["name"], f".{domain['name']}")[: 2 if domain.get("any_recipient") else 1]:
                    found.transport.setdefault(key.lower(), "relay:")
    if any(_service(value) in BY_SENDER.values() for value in found.senders.values()):
        found.problems += [
            f"relay_policy_transport: '{key}' has '{value}', which leaves it to the sender's smarthost how mail goes there, so that the"
            f" password for the smarthost would be told to {value[1:]}: write smtp{value}."
            for key, value in found.transport.items()
            if value.startswith(":") and value != ":"
        ]


def _add_transport(found: Routes, key: str, value: t.Any) -> None:
    whose = "relay_policy_transport"
    if not isinstance(value, str) or ":" not in value:
        raise BadRoute(f"{whose}: '{key}' has '{value}', and must have transport:nexthop, as in smtp:[192.0.2.7] or :[192.0.2.7].")
    _is_looked_up(whose, key, "transport")
    right = port_in_brackets(value)
    if right:
        raise BadRoute(
            f"{whose}: '{key}' has '{value}', and the port must stand behind the brackets, or no mail would leave: write {right}."
        )
    if _service(value) in BY_SENDER.values():
        raise BadRoute(
            f"{whose}: '{key}' leads to {_service(value)}, which shows its servers the passwords of senders: use smtp or another service."
        )
    found.put("transport", key, value, whose)


def _is_looked_up(whose: str, key: str, kind: keys.Kind) -> None:
    for problem in keys.problems(whose, [key], kind):
        raise BadRoute(problem)


def _holds(username: str, password: str) -> bool:
    """Return whether both can be told apart again in ``user:password``, which smtp(8) cuts at the first colon."""
    both = (username, password)
    return ":" not in username and all(text and text == text.strip() and "\n" not in text for text in both)


def _service(value: str) -> str:
    return value.partition(":")[0]


def _hop(text: str, whose: str) -> dict[str, str | None]:
    matched = _NEXT_HOP.fullmatch(text)
    right = port_in_brackets(text)
    if right:
        raise BadRoute(f"{whose} is '{text}', and the port must stand behind the brackets, or no mail would leave: write {right}.")
    if not matched:
        raise BadRoute(f"{whose} is '{text}', and must be a host as in [smtp.example.com]:587, or a domain, whose MX is asked.")
    return matched.groupdict()
