# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.address_to_greet import address_to_greet


@pytest.mark.parametrize(
    ("interfaces", "protocols", "address"),
    [
        (["all"], "all", "127.0.0.1"),
        (["all"], ["ipv4", "ipv6"], "127.0.0.1"),
        (["all"], "ipv4, ipv6", "127.0.0.1"),
        (["all"], "ipv6", "::1"),
        (["loopback-only"], ["ipv6"], "::1"),
        ("all", "ipv4", "127.0.0.1"),
        (["192.0.2.7", "localhost"], "ipv6", "::1"),
        (["192.0.2.7", "[2001:db8::7]"], "all", "192.0.2.7"),
        (["192.0.2.7", "[2001:db8::7]"], ["ipv6"], "2001:db8::7"),
        (["2001:db8::7", "192.0.2.7"], ["ipv4"], "192.0.2.7"),
        (["192.0.2.7", "mail.example.org"], ["ipv6"], "mail.example.org"),
        ([], "all", "127.0.0.1"),
    ],
)
def test_where_postfix_answers_its_own_host(interfaces, protocols, address):
    assert address_to_greet(interfaces, protocols) == address
