# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_sizes import largest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook

MANY = [f"user{number}@elsewhere.example" for number in range(1500)]


@pytest.mark.parametrize(
    ("virtual_aliases", "expected"),
    [
        ({}, (0, 0)),
        ({"one@example.org": "alice"}, (1, 1)),
        ({"all@example.org": MANY}, (1500, 1)),
        ({"all@example.org": ", ".join(MANY)}, (1500, 1)),
        ({"all@example.org": ["staff@example.org", "alice"], "staff@example.org": MANY}, (1501, 2)),
        # Twice the same list counts twice.
        ({"all@example.org": ["a@example.org", "b@example.org"], **dict.fromkeys(["a@example.org", "b@example.org"], MANY)}, (3000, 2)),
        ({f"n{number}@example.org": f"n{number + 1}@example.org" for number in range(3000)}, (1, 3000)),
        ({"@example.org": "alice", "x@example.org": "x@example.org"}, (1, 1)),
    ],
)
def test_the_largest_alias(virtual_aliases, expected):
    book = AddressBook(
        virtual_aliases=virtual_aliases, origin="host.example", local_domains=["host.example"], virtual_domains=["example.org"]
    )
    assert largest(book) == expected


def test_a_circle_ends():
    book = AddressBook(virtual_aliases={"a@example.org": "b@example.org", "b@example.org": ["a@example.org", "c@x.example"]})
    assert largest(book)[0] <= 3
