# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that listen on TCP ports, from /proc alone."""

from __future__ import annotations

import os
import socket
import sys
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.processes import process

_LISTEN = "0A"


class Listener(t.NamedTuple):
    address: str
    port: int
    inode: int


def parse_proc_net_tcp(text: str) -> list[Listener]:
    """Return the listening sockets in the text of /proc/net/tcp or tcp6."""
    listeners = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 10 and fields[3] == _LISTEN:
            address, port = fields[1].split(":")
            listeners.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return listeners


def _address(text: str) -> str:
    """Return an address as the kernel prints it: 32-bit words in network order, each shown as a number of this machine."""
    words = [int(text[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(text), 8)]
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, b"".join(words))


def listeners(proc: str = "/proc", seconds: float = 1.0) -> list[dict[str, t.Any]]:
    """Return every TCP listener with the name of the process that owns it, or None if that is unknown.

    The search for the owners ends after *seconds*, on a host with very many processes.
    """
    found: list[Listener] = []
    for name in ("tcp", "tcp6"):
        try:
            with open(f"{proc}/net/{name}") as f:
                found += parse_proc_net_tcp(f.read())
        except OSError:
            continue  # A kernel without IPv6 has no tcp6.
    owners = _owners({listener.inode for listener in found}, proc, time.monotonic() + seconds)
    rows = {(item.port, item.address): owners.get(item.inode) for item in found}
    return [
        {"address": address, "port": port, "process": process} for (port, address), process in sorted(rows.items(), key=lambda row: row[0])
    ]


def _owners(inodes: set[int], proc: str, deadline: float) -> dict[int, str]:
    """Find the processes that hold the sockets *inodes*; of several (a parent and its children) the oldest."""
    owners: dict[int, str] = {}
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    pids = sorted(int(entry) for entry in os.listdir(proc) if entry.isdigit())
    for pid in pids:
        if len(owners) == len(inodes) or time.monotonic() > deadline:
            break
        try:
            with os.scandir(f"{proc}/{pid}/fd") as descriptors:
                held = {wanted.get(os.readlink(entry.path)) for entry in descriptors}
        except OSError:
            continue  # The process has ended, or is not ours to look into.
        for inode in held - {None} - owners.keys():
            owner = process(pid, proc)
            if inode is not None and owner:
                owners[inode] = owner.name
    return owners
