# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check that master(8) can listen where a new inet service wants to: otherwise it dies, and all of Postfix with it."""

from __future__ import annotations

import errno
import socket
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.listeners import listeners
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import processes
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import nearest


class BadListener(BadInput):
    """This host cannot listen on an address or a port."""


def split_name(name: str) -> tuple[str, str]:
    """Cut ``host:port`` in two; the host is empty when there is none, and an IPv6 address loses its brackets."""
    host, _colon, port = name.rpartition(":")
    return host.strip("[]"), port


def known_ports(parameter: str) -> dict[str, int]:
    """Read Postfix's own names for ports, ``known_tcp_ports``: ``smtps=submissions=465, smtp=25``."""
    found = {}
    for word in words(parameter):
        *names, number = word.split("=")
        if number.isdecimal():
            found.update(dict.fromkeys(names, int(number)))
    return found


def port_number(service: str, known: t.Mapping[str, int]) -> int:
    """Return the port of the inet service named *service*. Raises `BadListener` when this host has no port of that name."""
    port = split_name(service)[1]
    if port.isdecimal():
        if not 0 < int(port) < 65536:
            raise BadListener(f"The service {service}/inet cannot listen on port {port}; ports go from 1 to 65535.")
        return int(port)
    if port in known:
        return known[port]
    try:
        return socket.getservbyname(port, "tcp")
    except OSError:
        raise BadListener(
            f"The service {service}/inet names a port '{port}' that this host does not know (it is not in /etc/services);"
            f" give the port's number{nearest(port, known)}"
        ) from None


def check_listener(service: str, beside: t.Iterable[str], running: t.Iterable[str], interfaces: str, known: t.Mapping[str, int]) -> None:
    """Raise `BadListener` when master(8) could not open the port of the new inet service *service*.

    *beside* are the other inet services in the candidate, *running* those in the live file: Postfix itself listens on their
    ports, and master closes old ones before it opens new ones.
    """
    host, port = split_name(service)[0], port_number(service, known)
    for other, other_host in _on_port(port, beside, known):
        if other_host == host:
            raise BadListener(
                f"The services {service}/inet and {other}/inet are the same to Postfix, port {port}; use the name {other}, or remove"
                f" {other}/inet."
            )
    address = host or {"all": "0.0.0.0", "loopback-only": "127.0.0.1"}.get(interfaces.strip().lower(), "")
    if address and not _on_port(port, running, known):
        _try(service, address, port)


def _on_port(port: int, services: t.Iterable[str], known: t.Mapping[str, int]) -> list[tuple[str, str]]:
    """Return those of *services* that listen on *port*, with their hosts."""
    found = []
    for service in services:
        try:
            number = port_number(service, known)
        except BadListener:
            continue  # not ours to judge: it stands there already
        if number == port:
            found.append((service, split_name(service)[0]))
    return found


def _refuse_if_taken(service: str, port: int) -> None:
    """Raise `BadListener`, unless Postfix itself listens: master.cf may have lost the service since it was started."""
    holders = {row["process"] for row in listeners() if row["port"] == port}
    others = sorted(holders - {"master", None})
    # In a container without CAP_SYS_PTRACE nobody sees who holds a socket; there a running master(8) is the likely one.
    if others or not any(running.name == "master" for running in processes()):
        raise BadListener(
            f"The service {service}/inet cannot listen on port {port}: {' and '.join(others) or 'another program'} does;"
            " stop it or choose another port."
        ) from None


def _try(service: str, address: str, port: int) -> None:
    """Bind, and let go at once, without ever listening: no client notices."""
    try:
        family, type_, protocol, _name, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except OSError as e:
        raise BadListener(f"The service {service}/inet names a host '{address}' that cannot be resolved: {e.strerror}.") from None
    try:
        with socket.socket(family, type_, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            _refuse_if_taken(service, port)
        if e.errno == errno.EADDRNOTAVAIL:
            raise BadListener(f"The service {service}/inet cannot listen on {address}: that is no address of this host.") from None
        # Anything else (no permission, no IPv6) says nothing about what master(8) may do.
