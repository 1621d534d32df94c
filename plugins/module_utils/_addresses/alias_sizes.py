# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The number of addresses and steps that cleanup(8) needs for the largest of the virtual aliases. Pure.

Beyond virtual_alias_expansion_limit addresses, or virtual_alias_recursion_limit steps, it takes no mail for the alias at all: it
answers each with 451, for ever.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook, Place


def largest(book: AddressBook) -> tuple[int, int]:
    """Return the most addresses that a virtual alias expands to, and the most steps on the way; a circle counts once."""
    known: dict[Place, tuple[int, int]] = {}
    for start in book.places():
        if start.kind != "address":
            continue
        further = book.onward(start).places
        if any(place.kind == "address" and book.onward(place).places for place in further):
            _measure(start, book, known)
        else:
            # Nearly every alias leads to the end of its way at once.
            known[start] = len(further) or 1, 1 if further else 0
    return max((size for size, _steps in known.values()), default=0), max((steps for _size, steps in known.values()), default=0)


def _measure(start: Place, book: AddressBook, known: dict[Place, tuple[int, int]]) -> None:
    """Measure one alias without recursion, for there are chains longer than Python's stack."""
    under_way: set[Place] = set()
    waiting = [start]
    while waiting:
        place = waiting[-1]
        # For cleanup(8), a name of this host is the end.
        further = book.onward(place).places if place.kind == "address" else ()
        unknown = [other for other in further if other not in known and other not in under_way]
        if unknown and place not in known:
            under_way.add(place)
            waiting += unknown
            continue
        waiting.pop()
        parts = [known.get(other, (1, 0)) for other in further]
        known[place] = sum(size for size, _steps in parts) or 1, 1 + max((steps for _size, steps in parts), default=-1)
