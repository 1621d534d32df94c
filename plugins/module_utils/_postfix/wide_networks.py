# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks that are too large for one organisation. Pure."""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words

if t.TYPE_CHECKING:
    import ipaddress

    Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

# No organisation has a larger network than this. The private ones are allowed as a whole (RFC 1918, RFC 4193, one link, loopback).
_WIDEST = {4: 8, 6: 19}
_PRIVATE = ("10.0.0.0/8", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::ffff:127.0.0.0/104")
# IPv6 networks in which every IPv4 address stands once, and the bit at which it begins: mapped, translated (RFC 6052, RFC 8215,
# RFC 7915), compatible, 6to4, and Teredo, where it is that of the server.
_HOLDS_IPV4 = {
    "::ffff:0:0/96": 96,
    "::ffff:0:0:0/96": 96,
    "64:ff9b::/96": 96,
    "64:ff9b:1::/48": 96,
    "::/96": 96,
    "2002::/16": 16,
    "2001::/32": 32,
}


def network(text: str) -> Network | None:
    """Return the address or network in *text*, with or without brackets; None for any other text."""
    # Imported here, as most runs need no network.
    import ipaddress

    try:
        return ipaddress.ip_network(_bare(text), strict=False)
    except ValueError:
        return None


def address(text: str) -> object:
    """Return the address in *text*, which `network` took, in its own spelling."""
    import ipaddress

    return ipaddress.ip_interface(_bare(text)).ip


def _bare(text: str) -> str:
    """Return *text* without brackets, empty when it cannot be an address or a network."""
    bare = re.sub(r"\A\[([^\[\]]*)\](?=/|\Z)", r"\1", text)
    return bare if re.fullmatch(r"[0-9A-Fa-f:.]+(/[0-9.]+)?", bare, re.ASCII) else ""


def is_too_wide(found: Network) -> bool:
    """Return whether the network is far larger than that of one organisation."""
    if any(_is_in(found, private) for private in map(_fixed, _PRIVATE)):
        return False
    if found.prefixlen < _WIDEST[found.version]:
        return True
    return any(
        _is_in(whole, found) or (_is_in(found, whole) and found.prefixlen - first_bit < _WIDEST[4])
        for whole, first_bit in ((_fixed(text), bit) for text, bit in _HOLDS_IPV4.items())
    )


def too_wide(value: str) -> list[str]:
    """Return the words of *value*, a list in the style of mynetworks, that let in a large part of the Internet or all of it.

    The contents of a table are unknown here, save those of one that is written out (``cidr:{...}``).
    """
    return [word for word in words(value) if not word.startswith("!") and _lets_in_too_many(word)]


def _lets_in_too_many(word: str) -> bool:
    plain = word.removeprefix("proxy:")
    if plain.startswith("static:"):
        return True
    parts = re.split(r"[{},\s]+", plain[5:]) if plain.startswith("cidr:{") else [plain]
    return any(found is not None and is_too_wide(found) for found in map(network, parts))


@functools.cache
def _fixed(text: str) -> Network:
    import ipaddress

    return ipaddress.ip_network(text)


def _is_in(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
