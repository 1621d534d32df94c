# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.login_names import FilterModule
from ansible_collections.postroom.mail.plugins.module_utils._addresses.sender_logins import own_address_patterns

login_names = FilterModule().filters()["login_names"]


def test_without_realms_a_table_stays_as_it_is():
    for entries in ({"sales@example.org": "alice,bob"}, own_address_patterns(["example.org"])):
        assert login_names(entries, []) is entries


def test_an_alias_belongs_to_every_name_of_its_owners():
    assert login_names({"sales@example.org": "alice, bob"}, ["mail.example.org"]) == {
        "sales@example.org": "alice, alice@mail.example.org, bob, bob@mail.example.org"
    }


@pytest.mark.parametrize(
    ("sender", "owners"),
    [
        ("alice@example.org", "alice, alice@mail.example.org, alice@example.org"),
        ("alice+tag@example.org", "alice, alice@mail.example.org, alice@example.org"),
        ("alice@example.net", None),
    ],
)
def test_whose_an_address_is(sender, owners):
    """As Postfix would say: the pattern, and $1 of it in the value."""
    (row,) = login_names(own_address_patterns(["example.org"]), ["mail.example.org", "example.org"])
    match = re.search(row["pattern"].strip("/"), sender)
    assert (match and row["value"].replace("$1", match.group(1))) == owners


def test_where_everybody_is_a_person_apart_an_address_belongs_to_the_login_of_its_domain():
    aliases = {"sales@example.org": "alice, bob@example.net", "sales@mail.example.org": "alice"}
    assert login_names(aliases, ["mail.example.org"], apart=["example.org"]) == {
        "sales@example.org": "alice@example.org, bob@example.net",
        "sales@mail.example.org": "alice, alice@mail.example.org",
    }


@pytest.mark.parametrize("entries", ["alice", ["alice"], [{"pattern": "/x/"}]])
def test_what_is_no_table(entries):
    with pytest.raises(AnsibleFilterError, match="login_names needs"):
        login_names(entries, ["example.org"])
