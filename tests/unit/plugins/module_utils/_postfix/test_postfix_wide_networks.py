# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import too_wide

WIDE = [
    *("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0.0.0.0", "192.0.0.0/7", "128.0.0.0/127.255.255.255"),
    *("::/0", "[::]/0", "[::/0]", "0::0/0", "[0:0:0:0:0:0:0:0]/0", "8000::/1", "[2000::]/3", "[2001::]/18"),
    # All of IPv4 once more.
    *("[::ffff:0:0]/96", "::ffff:0.0.0.0/96", "[::ffff:128.0.0.0]/97", "::/64", "64:ff9b::/96", "[64:ff9b::]/32", "64:ff9b:1::/48"),
    *("::ffff:0:0:0/96", "2002::/20", "2001::/32", "[::]/96"),
    *("static:all", "proxy:static:x", "cidr:{{0.0.0.0/0 ok}}", "cidr:{{192.0.2.0/24 ok}, {[::]/0 ok}}"),
]


@pytest.mark.parametrize("word", WIDE)
def test_the_world_in_each_spelling(word):
    assert too_wide(f"127.0.0.0/8, {word}") == [word]


@pytest.mark.parametrize(
    "value",
    [
        "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 10.0.0.0/8, 172.16.0.0/12 192.168.0.0/16 fc00::/7 fe80::/10",
        "192.0.2.7 [2001:db8::]/32 [64:ff9b::192.0.2.0]/120 [2002:c000:200::]/40 2001:db8::1",
        "!0.0.0.0/0 localhost .example.org $mynetworks cidr:/etc/postfix/nets /etc/postfix/nets 300.1.1.1/0 0/0",
        "",
    ],
)
def test_what_somebody_may_have(value):
    assert too_wide(value) == []
