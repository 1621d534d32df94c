# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._policy.networks import everybody, large, patterns

TABLES = {"cidr:/etc/postfix/nets": {"192.0.2.0/24": "x", "0.0.0.0/0": "x"}, "/etc/postfix/few": {"192.0.2.1": ""}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("127.0.0.0/8, [::1]/128", False),
        ("127.0.0.0/8, 0.0.0.0/0", True),
        ("[::]/0", True),
        ("static:all", True),
        ("!0.0.0.0/0, 127.0.0.0/8", False),
        ("cidr:/etc/postfix/nets", True),
        ("proxy:cidr:/etc/postfix/nets", True),
        ("/etc/postfix/few hash:/etc/postfix/unknown", False),
        ("", False),
    ],
)
def test_everybody(value, expected):
    assert bool(everybody(patterns(value, TABLES))) is expected


def test_patterns_come_from_tables_too():
    assert patterns("127.0.0.0/8 /etc/postfix/few hash:/x", TABLES) == ["127.0.0.0/8", "192.0.2.1", "hash:/x"]


def test_large():
    networks = [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "[2001::]/15",
        "[2001:db8::]/32",
        "0.0.0.0/0",
        "hash:/x",
        "!64.0.0.0/2",
    ]
    assert large(networks) == ["0.0.0.0/1", "128.0.0.0/1", "[2001::]/15"]
