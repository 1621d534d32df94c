# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._password import problem_with


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("x", None),
        (" a: {b}\t", None),
        ("ä" * 255, None),
        ("", "is empty; leave the option out for nobody"),
        ("a\nb", "has a line break or a null character in it, which no mail client could send"),
        ("a\r", "has a line break or a null character in it, which no mail client could send"),
        ("a\0b", "has a line break or a null character in it, which no mail client could send"),
        ("ä" * 256, "is longer than 511 bytes"),
        ("a\ud800", "has half a character in it, which no mail client could send"),
    ],
)
def test_what_no_password_can_be(password, problem):
    assert problem_with(password, "for nobody") == problem


def test_how_long_it_may_be_depends_on_who_keeps_it():
    assert problem_with("x" * 512, "", 512) is None
    assert problem_with("x" * 513, "", 512) == "is longer than 512 bytes"
