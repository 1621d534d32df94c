# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the Internet in a value of mynetworks. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words


def patterns(value: str, tables: t.Mapping[str, t.Mapping[str, str]]) -> list[str]:
    """Return the networks of a list in the style of mynetworks, with those of a table that can be listed."""
    found: list[str] = []
    for word in words(value):
        found += tables.get(word.removeprefix("proxy:"), {word: ""})
    return found


def everybody(networks: t.Iterable[str]) -> list[str]:
    """Return those of *networks* that hold every IPv4 or every IPv6 client."""
    return [word for word in networks if not word.startswith("!") and (word.endswith("/0") or word.startswith("static:"))]


def large(networks: t.Iterable[str]) -> list[str]:
    """Return those of *networks* that are too large for one organisation, without the whole Internet."""
    # Imported here, as only this answer needs it.
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import is_too_wide, network

    found = ((word, network(word)) for word in networks)
    return [word for word, net in found if net is not None and net.prefixlen > 0 and is_too_wide(net)]
