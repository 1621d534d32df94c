# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.account_uids import MailUids, decimals
from hypothesis import example, given
from hypothesis import strategies as st

NUMBERS = st.integers(0, 70000)


def is_in(number, pieces):
    return any(re.fullmatch(piece, str(number), re.ASCII) for piece in pieces)


@given(NUMBERS, st.one_of(st.none(), NUMBERS), NUMBERS)
@example(1000, None, 999)
@example(1000, None, 1000)
@example(1000, 60000, 60000)
@example(1000, 60000, 60001)
@example(0, 9, 10)
def test_a_number_matches_if_it_is_in_the_range(first, last, number):
    assert is_in(number, decimals(first, last)) is (first <= number and (last is None or number <= last))


def answer(rows, line):
    """The answer of Postfix's regexp table for *line*."""
    skip = False
    for row in rows:
        pattern = row["pattern"]
        wanted = "!/" not in pattern
        found = re.search(pattern[pattern.index("/") + 1 : -1], line, re.IGNORECASE) if "/" in pattern else None
        if pattern.startswith("if "):
            skip = bool(found) is not wanted
        elif pattern == "endif":
            skip = False
        elif not skip and bool(found) is wanted:
            return row["value"]
    return None


@pytest.mark.parametrize(
    ("uids", "line", "has_mail"),
    [
        (MailUids(), "alice:x:1000:1000::/home/alice:/bin/sh", True),
        (MailUids(), "ldap:*:4000000001:100::/home/ldap:/bin/sh", True),
        (MailUids(), "games:x:5:60:games:/usr/games:/usr/sbin/nologin", False),
        (MailUids(), "games:x:5:60:x:1000:/usr/games", False),
        (MailUids(), "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin", False),
        (MailUids(last=60000), "late:x:60001:100::/home/late:/bin/sh", False),
        (MailUids(first=500), "old:x:500:100::/home/old:/bin/sh", True),
        (MailUids(without=("vmail",)), "vmail:x:1003:1003::/var/vmail:/bin/sh", False),
        (MailUids(without=("vmail",)), "vmailer:x:1003:1003::/home/vmailer:/bin/sh", True),
        (MailUids(without=("v-mail.x",)), "v-mail.x:x:1003:1003::/var/vmail:/bin/sh", False),
    ],
)
def test_the_line_of_an_account(uids, line, has_mail):
    assert answer(uids.rows("yes"), line) == ("yes" if has_mail else None)
    assert answer(uids.other_rows("root"), line) == (None if has_mail else "root")
