# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.sender_logins import NOBODY, own_address_patterns, sender_logins

D = "example.org"


@pytest.mark.parametrize(
    ("aliases", "virtual", "expected"),
    [
        pytest.param({"me": "alice"}, {}, {f"me@{D}": "alice"}, id="one account"),
        pytest.param(
            {"w": ["root", "bob"], "root": "alice"}, {}, {f"w@{D}": "alice, bob", f"root@{D}": "alice"}, id="through another alias"
        ),
        pytest.param({"w": "alice, bob"}, {}, {f"w@{D}": "alice, bob"}, id="several in one text"),
        pytest.param({"me": "panda@panda.test"}, {}, {}, id="elsewhere belongs to nobody"),
        pytest.param({"p": ["|/bin/x", "/var/x", ":include:/x", '"|x y"']}, {}, {}, id="files and commands belong to nobody"),
        pytest.param({"a": "b", "b": "a"}, {}, {}, id="a loop ends"),
        pytest.param({"alice": [r"\alice", "bob"]}, {}, {f"alice@{D}": "alice, bob"}, id="a copy"),
        pytest.param({}, {"Sales@Shop.test": f"alice@{D}"}, {"sales@shop.test": "alice"}, id="virtual, case folded"),
        pytest.param({"root": "alice"}, {"x@shop.test": "root"}, {f"root@{D}": "alice", "x@shop.test": "alice"}, id="virtual to alias"),
        pytest.param({}, {"@shop.test": "alice"}, {"@shop.test": "alice"}, id="catch-all"),
        pytest.param({}, {"@a.test": f"@{D}"}, {}, id="domain to domain"),
        pytest.param(
            {}, {"@shop.test": "alice", "x@shop.test": "a@b.test"}, {"@shop.test": "alice", "x@shop.test": NOBODY}, id="not a catch-all's"
        ),
    ],
)
def test_sender_logins(aliases, virtual, expected):
    assert sender_logins(aliases, virtual, [D]) == expected


C = "carol@shop.example"


@pytest.mark.parametrize(
    ("aliases", "virtual", "expected"),
    [
        pytest.param({}, {}, {C: C}, id="its own"),
        pytest.param({"sales": ["Carol@Shop.example", "bob"]}, {}, {f"sales@{D}": f"{C}, bob", C: C}, id="an alias to it"),
        pytest.param({}, {"info@shop.example": C}, {"info@shop.example": C, C: C}, id="a virtual alias to it"),
        pytest.param({}, {"@shop.example": "alice"}, {"@shop.example": "alice", C: C}, id="a catch-all beside it"),
        pytest.param({}, {C: "alice"}, {C: f"{C}, alice"}, id="all its mail to somebody else"),
        pytest.param({}, {C: [C, "alice"]}, {C: f"{C}, alice"}, id="a copy"),
        pytest.param({}, {"x@shop.example": "nobody@shop.example"}, {C: C}, id="no mailbox"),
        pytest.param({}, {"x@shop.example": "carol"}, {"x@shop.example": "carol", C: C}, id="the account of that name is somebody else"),
        pytest.param({"carol": "alice"}, {"x@shop.example": C}, {f"carol@{D}": "alice", "x@shop.example": C, C: C}, id="so is the alias"),
    ],
)
def test_sender_logins_of_virtual_mailboxes(aliases, virtual, expected):
    assert sender_logins(aliases, virtual, [D], ["Carol@shop.example"]) == expected


@pytest.mark.parametrize(
    ("virtual", "expected"),
    [
        ({}, {}),
        ({"info@shop.example": C}, {}),
        ({C: [C, "bob"]}, {C: "bob"}),
        # The catch-all's owner gets what nobody else gets, and must not send as carol or as whose mail she gets.
        ({"@shop.example": "alice", "info@shop.example": C}, {"@shop.example": "alice", "info@shop.example": NOBODY, C: NOBODY}),
    ],
)
def test_a_mailbox_that_nobody_can_log_in_to_is_nobodys(virtual, expected):
    assert sender_logins({}, virtual, [D], [C], without_login=[C.title()]) == expected


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("alice@example.org", "alice"),
        ("alice@mail.example.org", "alice"),
        ("alice+tag@example.org", "alice"),
        ("+tag@example.org", None),
        ("alice@exampleXorg", None),
        ("alice@example.org.evil.test", None),
        ("a@b@example.org", None),
    ],
)
def test_own_address_patterns(address, owner):
    (row,) = own_address_patterns(["example.org", "mail.example.org", "example.org"])
    match = re.search(row["pattern"].strip("/"), address)
    assert (match and match.group(1)) == owner


@pytest.mark.parametrize(
    ("delimiter", "address", "owner"),
    [
        ("+-", "alice-x@example.org", "alice"),
        ("-+", "alice+x-y@example.org", "alice"),
        ("=-+", "alice=x@example.org", "alice"),
        ("-", "alice+x@example.org", "alice+x"),
        (".", "alice.x@example.org", "alice"),
        (".", "alicex@example.org", "alicex"),
        ("", "alice+x@example.org", "alice+x"),
        ("", "alice@example.org", "alice"),
    ],
)
def test_own_addresses_with_other_tags(delimiter, address, owner):
    (row,) = own_address_patterns(["example.org"], delimiter)
    match = re.search(row["pattern"].strip("/"), address)
    assert (match and match.group(1)) == owner


def test_without_domains_nobody_owns_anything():
    assert own_address_patterns([]) == []


def test_names_of_aliases_that_are_numbers_have_no_value_or_need_quotes():
    aliases = {4711: "bob", "sales": None, "john smith": "alice", '"jane doe"': "alice", "team": ["john smith", 4711]}
    assert sender_logins(aliases, {"info@example.org": None}, ["example.org"]) == {
        "4711@example.org": "bob",
        '"john smith"@example.org': "alice",
        '"jane doe"@example.org': "alice",
        "team@example.org": "alice, bob",
    }
