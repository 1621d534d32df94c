# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of a change: every listener answers, and a message arrives, is read and taken out again. Pure.

The daemons trust their own host, so this is no proof of who may do what; the playbook verify proves the rest. The options are those of
mail_probe.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Options

PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}
_WITH_TLS = ("imaps", "pop3s")
# In which of them a message is looked for.
_PREFERRED = ("imaps", "imap", "pop3s", "pop3")
_LOOPBACK = {"all", "loopback-only", "localhost"}


def address_to_greet(interfaces: t.Any, protocols: t.Any) -> str:
    """Return the address on which Postfix answers its own host, with these inet_interfaces and inet_protocols (none: those of the host)."""
    versions, listed = _words(protocols) or ["all"], _words(interfaces)
    has_4, has_6 = ("all" in versions or version in versions for version in ("ipv4", "ipv6"))
    if not listed or _LOOPBACK & set(listed):
        return "127.0.0.1" if has_4 else "::1"
    # Postfix passes over addresses of the other version.
    usable = [name for name in listed if not _is_address(name) or (has_6 if ":" in name else has_4)]
    return (usable or listed)[0].strip("[]")


def of_smtp(host: str, *, submission: bool) -> list[Options]:
    probes: list[Options] = [{"name": "SMTP on 25", "host": host, "smtp": {"port": 25, "tls": "none"}}]
    return [*probes, {"name": "submission on 465", "host": host, "smtp": {"port": 465}}] if submission else probes


def of_mailboxes(protocols: t.Sequence[str], ports: t.Mapping[str, t.Any], listen: t.Sequence[str]) -> list[Options]:
    return [
        {
            "name": f"{_kind(protocol).upper()} on {_port(protocol, ports)}",
            "host": _address(listen),
            _kind(protocol): _listener(protocol, ports),
        }
        for protocol in ("imaps", "pop3s", "imap", "pop3")
        if protocol in protocols
    ]


def of_delivery(
    variables: t.Mapping[str, t.Any], protocols: t.Sequence[str], ports: t.Mapping[str, t.Any], listen: t.Sequence[str], smtp_host: str
) -> list[Options]:
    """A message to somebody whose password the inventory has, or nothing if there is nobody."""
    user, password = _mailbox(variables)
    wanted = [protocol for protocol in _PREFERRED if protocol in protocols]
    if not (user and password and wanted and smtp_host):
        return []
    protocol, domain = wanted[0], variables["host_domain"]
    return [
        {
            "name": f"a message to {user}",
            "host": smtp_host,
            "smtp": {"port": 25, "tls": "none"},
            "sender": f"postmaster@{domain}",
            "recipient": user if "@" in user else f"{user}@{domain}",
            # On a busy host it waits in a queue with others.
            "timeout": 60,
            _kind(protocol): {**_listener(protocol, ports), "host": _address(listen), "user": user, "password": password},
        }
    ]


def _mailbox(variables: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the name and the password of the mailbox that the mail is for, chosen as by the playbook verify."""
    everybody = [*variables["host_users"], *variables["host_virtual_users"]]
    first: Options = next((user for user in everybody if "password" in user and user.get("state") != "absent"), {})
    user = variables.get("mail_probe_user") or first.get("name") or first.get("address") or ""
    return str(user), str(variables.get("mail_probe_password") or first.get("password") or "")


def _kind(protocol: str) -> str:
    return protocol[: len("imap")]


def _listener(protocol: str, ports: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"port": _port(protocol, ports), "tls": "implicit" if protocol in _WITH_TLS else "starttls"}


def _port(protocol: str, ports: t.Mapping[str, t.Any]) -> int:
    return int(ports.get(protocol, PORTS[protocol]))


def _address(listen: t.Sequence[str]) -> str:
    return "127.0.0.1" if "*" in listen else "::1" if "::" in listen else listen[0]


def _words(value: t.Any) -> list[str]:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [word for item in listed for word in str(item or "").lower().replace(",", " ").split()]


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()
