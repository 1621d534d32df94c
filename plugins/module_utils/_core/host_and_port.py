# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Names of hosts with a port in them, where the port has another place. Pure."""

from __future__ import annotations

import re

_WITH_PORT = re.compile(
    r"\[(?P<literal>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]:(?P<behind>[\w-]+)|(?P<left>\[?)(?P<name>[^\s/:\[\]@]+):(?P<port>[\w-]+)\]?", re.ASCII
)


def parted(text: str) -> tuple[str, str] | None:
    """Return host and port of ``host:993``, ``[host:993]`` and ``[2001:db8::7]:993``; None for a text without port."""
    found = _WITH_PORT.fullmatch(text)
    if not found:
        return None
    return found["literal"] or found["name"], found["behind"] or found["port"]


def port_in_brackets(text: str) -> str | None:
    """Return the ``[host:port]`` in a next hop of Postfix in its right form, with the port behind the bracket."""
    found = re.search(r"\[([^\s\[\]]+)\]", text)
    host_and_port = parted(found[0]) if found else None
    return None if host_and_port is None or found is None else text.replace(found[0], f"[{host_and_port[0]}]:{host_and_port[1]}", 1)
