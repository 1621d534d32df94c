# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probes of the playbook ``verify``, which prove a mail host."""

from __future__ import annotations

import dataclasses
import re
import secrets
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import DOMAIN, Target

PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}
PROTOCOLS = {"imaps": ("imap", "implicit"), "pop3s": ("pop3", "implicit"), "imap": ("imap", "starttls"), "pop3": ("pop3", "starttls")}

Probe = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Host:
    """The facts about the host from its inventory."""

    domain: str
    user: str
    password: str
    protocols: t.Sequence[str] = ("imaps", "pop3s")
    ports: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    stranger: str = Target.stranger
    elsewhere: str = Target.elsewhere
    other_domain: str | None = None
    catch_all: bool | None = None
    relay_skip: t.Sequence[str] = ()
    # The host's own report, from postroom.mail.mail_info.
    policy: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Check the facts. Raises `BadInput`."""
        wrong = core_password.not_text(self.password)
        if wrong:
            raise BadInput(f"The password of {self.user or 'nobody'}, with which the host is proved, {wrong}.")
        if not self.user or not self.password:
            raise BadInput(
                "There is no login to send and to receive with: give a password to one of mail_users,"
                " or set mail_probe_user and mail_probe_password."
            )
        unknown = sorted(set(self.protocols) - set(PROTOCOLS))
        if unknown or not self.protocols:
            raise BadInput(
                f"mail_protocols must name at least one of {', '.join(PROTOCOLS)}"
                + (f", and has {', '.join(unknown)}." if unknown else ".")
            )
        unknown = sorted(set(self.ports) - set(PORTS))
        if unknown:
            raise BadInput(f"mail_probe_ports knows {', '.join(PORTS)}, and has {', '.join(unknown)}.")


def proof(host: Host) -> list[Probe]:
    """Return the probes, in the order in which a person wants to read their results. Raises `BadInput`."""
    host.check()
    return [*_mail_flows(host), *_nobody_else_sends(host), *_passwords_are_safe(host)]


def _mail_flows(host: Host) -> list[Probe]:
    # 465 with IMAP and 587 with POP3 where the host has both; one after the other proves all four.
    first = _first_of(host, "imaps", "imap", "pop3s", "pop3")
    second = _first_of(host, "pop3s", "pop3", "imaps", "imap")
    probes = [
        {"name": f"sent over 465, read by {first.upper()}", "smtp": _smtp(host, "submissions", login=True), **_reader(host, first)},
        {"name": f"sent over 587, read by {second.upper()}", "smtp": _smtp(host, "submission", login=True), **_reader(host, second)},
        {
            "name": f"a stranger's mail on 25, read by {first.upper()}",
            "smtp": _smtp(host, "smtp", tls="none"),
            "sender": host.stranger,
            **_reader(host, first),
        },
    ]
    others = [p for p in host.protocols if p not in (first, second)]
    return probes + [{"name": f"login by {p.upper()}{_after(p)}", **_reader(host, p)} for p in others]


def _nobody_else_sends(host: Host) -> list[Probe]:
    relay = {
        "relay": {
            "domain": host.domain,
            "other_domain": host.other_domain or _second_domain(host),
            "stranger": host.stranger,
            "elsewhere": host.elsewhere,
            "catch_all": _has_catch_all(host) if host.catch_all is None else host.catch_all,
            "skip": list(host.relay_skip),
            # Only the envelope is offered: should the host be an open relay, nothing must really be sent through it.
            "send": False,
        }
    }
    return [
        {"name": "25 does not relay for strangers", "smtp": _smtp(host, "smtp", tls="none"), **relay},
        {"name": "465 does not relay without a login", "smtp": _smtp(host, "submissions"), **relay},
        {"name": "587 does not relay without a login", "smtp": _smtp(host, "submission"), **relay},
        {
            "name": "nobody sends in somebody else's name",
            "smtp": _smtp(host, "submissions", login=True),
            "sender": f"not-{host.user.partition('@')[0]}@{host.domain}",
            "stop_after": "rcpt",
            "expect": "rejected",
            "reply_code": ["553"],
        },
    ]


def _second_domain(host: Host) -> str | None:
    """Return another domain of the host in which it knows the recipients."""
    final = host.policy.get("final", {})
    classes = [host.policy.get("forwarded", {}).get("relay", {}), *(final.get(c, {}) for c in ("virtual_mailbox", "virtual_alias"))]
    domains = [d for c in classes if c.get("unknown_recipients") == "refused" for d in c["domains"]]
    # A table may hold patterns, too; and names in the main domain are tried anyway.
    return next((d for d in domains if re.fullmatch(DOMAIN, d) and not f".{d}".endswith(f".{host.domain}")), None)


def _has_catch_all(host: Host) -> bool:
    """Return whether every address exists in one of the host's domains, by its own report."""
    return any(address_class.get("catch_all") for address_class in host.policy.get("final", {}).values())


def _passwords_are_safe(host: Host) -> list[Probe]:
    # One that nobody has, because some of these probes would show it to whoever listens.
    wrong = {"user": host.user, "password": secrets.token_urlsafe(18)}
    first = _first_of(host, "imaps", "imap", "pop3s", "pop3")
    protocol, store = next(iter(_reader(host, first).items()))
    probes: list[Probe] = [
        {
            "name": "25 offers TLS, and AUTH never",
            "smtp": _smtp(host, "smtp", tls="starttls"),
            "stop_after": "connect",
            "expect_capabilities": {"absent_before_tls": ["AUTH"], "absent": ["AUTH"]},
        },
        {
            "name": "587 offers AUTH only after STARTTLS",
            "smtp": _smtp(host, "submission"),
            "stop_after": "connect",
            "expect_capabilities": {"absent_before_tls": ["AUTH"], "present": ["AUTH"]},
        },
        {
            "name": "587 takes no mail before STARTTLS",
            "smtp": _smtp(host, "submission", tls="none"),
            "stop_after": "rcpt",
            "expect": "rejected",
            "expect_step": ["mail"],
        },
    ]
    # The refusal must be the server's, for the client's own library may not know old versions any more: Postfix and
    # Dovecot 2.4 send an alert, Dovecot 2.3 hangs up.
    old: Probe = {"stop_after": "connect", "tls_min_version": "TLSv1", "tls_max_version": "TLSv1.1", "expect": "tls_failed"}
    probes.append({"name": "465 refuses TLS 1.1", "smtp": _smtp(host, "submissions"), **old, "expect_answer": "alert"})
    probes += [
        {"name": f"{PORTS[p]} refuses TLS 1.1", PROTOCOLS[p][0]: _server(host, p), **old, "expect_answer": "alert|eof|broke"}
        for p in host.protocols
        if PROTOCOLS[p][1] == "implicit"
    ]
    probes += [
        {
            "name": f"{PORTS[p]} takes no password before TLS",
            PROTOCOLS[p][0]: {**_server(host, p), "tls": "none", "allow_cleartext": True, **wrong},
            "expect": "login_rejected",
            "expect_answer": "PRIVACYREQUIRED|(?i:(plain|clear)text)",
        }
        for p in host.protocols
        if PROTOCOLS[p][1] == "starttls"
    ]
    return [
        *probes,
        {
            "name": "465 refuses a wrong password",
            "smtp": {**_smtp(host, "submissions"), **wrong},
            "stop_after": "auth",
            "expect": "login_rejected",
            "reply_code": ["535"],
        },
        {"name": f"{PORTS[first]} refuses a wrong password", protocol: {**store, **wrong}, "expect": "login_rejected"},
    ]


def _first_of(host: Host, *protocols: str) -> str:
    return next(p for p in protocols if p in host.protocols)


def _after(protocol: str) -> str:
    return " after STARTTLS" if PROTOCOLS[protocol][1] == "starttls" else ""


def _smtp(host: Host, service: str, tls: str | None = None, login: bool = False) -> dict[str, t.Any]:
    usual = {"smtp": "starttls", "submission": "starttls", "submissions": "implicit"}
    server = {"port": host.ports.get(service, PORTS[service]), "tls": tls or usual[service]}
    return {**server, "user": host.user, "password": host.password} if login else server


def _server(host: Host, protocol: str) -> dict[str, t.Any]:
    return {"port": host.ports.get(protocol, PORTS[protocol]), "tls": PROTOCOLS[protocol][1]}


def _reader(host: Host, protocol: str) -> dict[str, t.Any]:
    """Return the half of a probe that logs in by *protocol*."""
    return {PROTOCOLS[protocol][0]: {**_server(host, protocol), "user": host.user, "password": host.password}}
