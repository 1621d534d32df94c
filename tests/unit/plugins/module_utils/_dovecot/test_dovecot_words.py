# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import words


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("%u", "%{user}"),
        ("%n", "%{user|username}"),
        ("%d", "%{user|domain}"),
        ("%h/mail", "%{home}/mail"),
        ("%Lu", "%{user|lower}"),
        ("/mail/%nbox", "/mail/%{user|username}box"),
        ("100%%us", "100%%us"),
        ("%Un@%Ld", "%{user|username|upper}@%{user|domain|lower}"),
        ("/%{unknown}/50%", "/%{unknown}/50%"),
        ("~/Maildir", "~/Maildir"),
    ],
)
def test_variables_go_both_ways(short, long):
    assert words.long_variables(short) == long
    assert words.short_variables(long) == short


@pytest.mark.parametrize("text", ["%{user | username | lower}", "%{user|username|lower}"])
def test_spaces_between_filters_do_not_matter(text):
    assert words.short_variables(text) == "%Ln"
