# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._relay.networks import EVERYBODY, LOOPBACK, BadNetwork, mynetworks, written


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("[2001:db8::]/32", "[2001:db8::]/32"),
        ("2001:db8::/32", "[2001:db8::]/32"),
        ("[2001:db8::1]", "[2001:db8::1]/128"),
        ("fc00::/7", "[fc00::]/7"),
        ("[::ffff:127.0.0.0]/104", "[::ffff:127.0.0.0]/104"),
        ("[::ffff:c000:200]/120", "[::ffff:192.0.2.0]/120"),
        ("!192.0.2.7", "!192.0.2.7/32"),
        ("[2001:db8::/32]", "[2001:db8::]/32"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("cidr:/etc/postfix/clients", "cidr:/etc/postfix/clients"),
        ("proxy:cidr:/etc/postfix/clients", "proxy:cidr:/etc/postfix/clients"),
    ],
)
def test_written_as_postfix_wants_it(item, text):
    assert written(item) == text


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("192.0.2.0/33", "is not a network"),
        ("192.0.2.300", "is not a network"),
        ("192.0.2", "is not a network"),
        ("clients.example.org", "is not a network"),
        ("", "is not a network"),
        ("192.0.2.7/24", "the network is 192.0.2.0/24"),
        ("[2001:db8::1]/32", r"the network is \[2001:db8::\]/32"),
        ("0.0.0.0/0", "the whole world"),
        ("::/0", "the whole world"),
        ("0.0.0.0/1", "the whole world"),
        ("128.0.0.0/1", "the whole world"),
        ("2000::/3", "the whole world"),
        ("64:ff9b::/96", "the whole world"),
        ("[::ffff:0:0]/96", "the whole world"),
        ("[::/0]", "the whole world"),
        ("0.0.0.0/0.0.0.0", "the whole world"),
        ("0/0", "is not a network"),
        ("cidr:/etc/postfix/none.cidr, 0.0.0.0/0", "is not a network"),
        ("cidr:/etc/postfix/none.cidr 0.0.0.0/0", "is not a network"),
        ("texthash:/x\n0.0.0.0/0", "is not a network"),
        ("texthash:/x\n", "is not a network"),
        ("192.0.2.0/24, 0.0.0.0/0", "is not a network"),
        ("cidr:{{0.0.0.0/0 ok}}", "is not a network"),
        ("static:all", "is not a network"),
        ("192.0.2.0/24\n", "is not a network"),
        ("fe80::1%eth0", "is not a network"),
    ],
)
def test_what_is_no_network_of_ones_own(item, says):
    with pytest.raises(BadNetwork, match=says):
        written(item)


@pytest.mark.parametrize(
    ("mode", "items", "expected"),
    [
        ("closed", [], LOOPBACK),
        ("networks", ["192.0.2.0/24"], [*LOOPBACK, "192.0.2.0/24"]),
        ("authenticated", [], LOOPBACK),
        ("authenticated", ["192.0.2.0/24"], [*LOOPBACK, "192.0.2.0/24"]),
        ("subnet", [], None),
    ],
)
def test_the_networks_of_a_mode(mode, items, expected):
    assert mynetworks(mode, items, open_to_the_world=False) == (expected, [])


def test_the_world_is_let_in_by_two_words_only():
    assert mynetworks("open", [], open_to_the_world=True) == (EVERYBODY, [])
    networks, problems = mynetworks("open", [], open_to_the_world=False)
    assert networks == LOOPBACK
    assert "relay_policy_open_to_the_whole_world: true" in problems[0]


@pytest.mark.parametrize(
    ("mode", "items", "says"),
    [
        ("closed", ["192.0.2.0/24"], "has no effect"),
        ("subnet", ["192.0.2.0/24"], "has no effect"),
        ("networks", [], "names none"),
        ("networks", ["192.0.2.0/24", "192.0.2.0/99"], "'192.0.2.0/99' is not a network"),
    ],
)
def test_what_does_not_go_together(mode, items, says):
    assert says in mynetworks(mode, items, open_to_the_world=False)[1][0]
