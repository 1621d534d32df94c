# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets, without_tag


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("alice", ["address alice"]),
        ("Alice, bob  carol", ["address alice", "address bob", "address carol"]),
        (["alice", "bob@X.example"], ["address alice", "address bob@x.example"]),
        (r"\alice, bob", ["address alice", "address bob"]),
        ('"alice"@example.org', ["address alice@example.org"]),
        ("Alice Liddell <alice@example.org>, bob", ["address alice@example.org", "address bob"]),
        ('"Liddell, Alice" <alice@example.org>', ["address alice@example.org"]),
        ("|/bin/x a, b", ["command |/bin/x a, b"]),
        ('"|/bin/x \\"a\\", b", bob', ['command |/bin/x "a", b', "address bob"]),
        (["|/bin/x a b", "/var/x"], ["command |/bin/x a b", "file /var/x"]),
        ("/dev/null", ["file /dev/null"]),
        (":include:/etc/x, alice", ["include :include:/etc/x", "address alice"]),
        ('":include:/etc/x y"', ["include :include:/etc/x y"]),
        ("@example.org", ["address @example.org"]),
        ("x@$mydomain, a%b@c, a!b, ${1}", ["unclear x@$mydomain", "unclear a%b@c", "unclear a!b", "unclear ${1}"]),
        ("", []),
        ([""], ["unclear "]),
        (None, []),
        (5, []),
        ({"a": "b"}, []),
    ],
)
def test_targets(given, expected):
    assert [f"{target.kind} {target.text}" for target in targets(given)] == expected


@pytest.mark.parametrize(
    ("address", "parts"), [("a@b", ("a", "b")), ("a", ("a", "")), ("@b", ("", "b")), ('"x@y"@b', ('"x@y"', "b")), ("", ("", ""))]
)
def test_split_address(address, parts):
    assert split_address(address) == parts


@pytest.mark.parametrize(
    ("local", "delimiter", "expected"),
    [("a+b", "+", "a"), ("a", "+", "a"), ("+a", "+", "+a"), ("a-b+c", "+-", "a"), ("a+b", "", "a+b"), ("a+b+c", "+", "a")],
)
def test_without_tag(local, delimiter, expected):
    assert without_tag(local, delimiter) == expected
