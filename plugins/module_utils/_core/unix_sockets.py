# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The Unix sockets of this host, as the kernel's sock_diag(7) tells them; /proc/net/unix does not tell what waits to be read."""

from __future__ import annotations

import socket
import struct
import typing as t

# Of the kernel's <linux/netlink.h>, <linux/sock_diag.h> and <linux/unix_diag.h>.
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_DUMP = 0x301
_ESTABLISHED = 1
_SHOW_NAME, _SHOW_PEER, _SHOW_RQLEN = 1, 4, 16
_NAME, _PEER, _RQLEN = 0, 2, 4
_HEADER, _MESSAGE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBIII"), struct.Struct("=HH")
_NUMBER = struct.Struct("=I")
_ENOUGH = 1 << 17


class Connection(t.NamedTuple):
    """The accepted end of a connection: the path of the listener, and whether the other end has something to read."""

    path: str
    is_answered: bool = False


def connections() -> list[Connection]:
    """Return the accepted connections. Raises `OSError` where the kernel does not tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(2.0)
        asked = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 1 << _ESTABLISHED, 0, _SHOW_NAME | _SHOW_PEER | _SHOW_RQLEN, 0, 0)
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + asked)
        found: dict[int, dict[int, bytes]] = {}
        while parse(kernel.recv(_ENOUGH), found):
            pass
    return accepted(found)


def parse(text: bytes, found: dict[int, dict[int, bytes]]) -> bool:
    """Add the sockets in the kernel's answer to *found*, by inode with their attributes; return whether there is more to come."""
    while text:
        length, kind, *_rest = _HEADER.unpack_from(text)
        if kind == _NLMSG_ERROR:
            raise OSError(-struct.unpack_from("=i", text, _HEADER.size)[0], "sock_diag")
        if kind == _NLMSG_DONE or length < _HEADER.size:
            return False
        inode = _MESSAGE.unpack_from(text, _HEADER.size)[4]
        found[inode] = _attributes(text[_HEADER.size + _MESSAGE.size : length])
        text = text[_aligned(length) :]
    return True


def _attributes(text: bytes) -> dict[int, bytes]:
    attributes = {}
    while len(text) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(text)
        attributes[kind] = text[_ATTRIBUTE.size : length]
        text = text[max(_aligned(length), _ATTRIBUTE.size) :]
    return attributes


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def accepted(found: t.Mapping[int, t.Mapping[int, bytes]]) -> list[Connection]:
    """Return the connections among the sockets *found*; one without an inode waits in the queue of its listener."""
    connected = []
    for inode, attributes in found.items():
        if inode and _NAME in attributes:
            path = attributes[_NAME].rstrip(b"\0").decode("utf-8", "surrogateescape")
            peer = found.get(_NUMBER.unpack_from(attributes[_PEER])[0], {}) if _PEER in attributes else {}
            connected.append(Connection(path, _RQLEN in peer and _NUMBER.unpack_from(peer[_RQLEN])[0] > 0))
    return connected
