# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients that may relay, in the notation of Postfix's ``mynetworks`` (postconf(5))."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import address, is_too_wide, network

if t.TYPE_CHECKING:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import Network

LOOPBACK = ["127.0.0.0/8", "[::ffff:127.0.0.0]/104", "[::1]/128"]
EVERYBODY = ["0.0.0.0/0", "[::]/0"]


class BadNetwork(BadInput):
    """An item is no network, or is larger than that of one organisation."""


def written(item: str) -> str:
    """Return one network or address in Postfix's notation; a table (``cidr:/file``) stays as it is. Raises `BadNetwork`.

    Postfix logs a network with a typo and goes on without it, and accepts ``0.0.0.0/0``.
    """
    # Whole: what Postfix would cut at a blank or a comma is several.
    if re.fullmatch(r"(proxy:)?[a-z]+:/[^\s,{}]+", item, re.ASCII):
        return item
    bang, plain = re.fullmatch(r"(!?)\s*(.*)", item, re.DOTALL).groups()  # type: ignore[union-attr]
    # [2001:db8::/32] is meant as [2001:db8::]/32.
    found = network(plain)
    if found is None:
        raise BadNetwork(f"'{item}' is not a network: write an address as 192.0.2.7, or a network as 192.0.2.0/24 or [2001:db8::]/32.")
    if "/" in plain and address(plain) != found.network_address:
        raise BadNetwork(f"'{item}' has bits set beyond its prefix, and Postfix would ignore it: the network is {_text(found)}.")
    if not bang and is_too_wide(found):
        raise BadNetwork(
            f"'{item}' is far larger than a network of your own, and would let the whole world relay through this host: name"
            " the networks of your own clients."
        )
    return bang + _text(found)


def _text(found: Network) -> str:
    if found.version == 4:
        return str(found)
    # Postfix writes mapped addresses with dots, and so does Python since 3.13: another controller must not change the file.
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    return f"[::ffff:{mapped}]/{found.prefixlen}" if mapped else f"[{found.network_address}]/{found.prefixlen}"


def mynetworks(mode: str, items: list[str], open_to_the_world: bool) -> tuple[list[str] | None, list[str]]:
    """Return the value of ``mynetworks`` (None: Postfix finds its own subnets), and the problems, as sentences."""
    if mode == "subnet":
        return None, _unwanted(mode, items)
    if mode == "open":
        if open_to_the_world:
            return EVERYBODY, []
        return LOOPBACK, [
            "relay_policy_mode is open, which lets everybody send any mail through this host, until it is on every block list:"
            " if you want that, set relay_policy_open_to_the_whole_world: true."
        ]
    if mode == "closed":
        return LOOPBACK, _unwanted(mode, items)
    if mode == "networks" and not items:
        return LOOPBACK, ["relay_policy_mode is networks, and relay_policy_networks (mail_networks) names none: add some, or use closed."]
    networks, problems = list(LOOPBACK), []
    for item in items:
        try:
            networks.append(written(str(item)))
        except BadNetwork as e:
            problems.append(f"relay_policy_networks (mail_networks): {e}")
    return networks, problems


def _unwanted(mode: str, items: list[str]) -> list[str]:
    if not items:
        return []
    return [
        f"relay_policy_mode is {mode}, so that relay_policy_networks (mail_networks) has no effect, and it has"
        f" {', '.join(map(str, items))}: remove them, or set the mode networks or authenticated."
    ]
