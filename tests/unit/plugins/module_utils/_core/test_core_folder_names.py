# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.folder_names import as_imap, modified_utf7
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", "INBOX"),
        ("Entwürfe", "Entw&APw-rfe"),
        ("Entw&APw-rfe", "Entw&APw-rfe"),
        ("R&D", "R&-D"),
        ("R&-D", "R&-D"),
        ("R&D-2", "R&-D-2"),
        ("a & b - c", "a &- b - c"),
        ("& &-", "&- &--"),
        ("&APw-ü", "&-APw-&APw-"),
        ("&AGE-", "&-AGE-"),
        ("&2D3-", "&-2D3-"),
        ("Lists/台北", "Lists/&U,BTFw-"),
        ("&U,BTFw-", "&U,BTFw-"),
    ],
)
def test_a_name_that_is_spelt_already_stays(name, written):
    assert as_imap(name) == written


@given(st.text(st.characters(codec="utf-8")))
def test_spelling_it_twice_is_spelling_it_once(name):
    assert as_imap(modified_utf7(name)) == modified_utf7(name)
