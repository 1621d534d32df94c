# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed as core_managed
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_mc
from hypothesis import given
from hypothesis import strategies as st

# The block of sendmail.mc is one more, as its lines are other comments.
BLOCKS = pytest.mark.parametrize("block", [core_managed.SETTINGS, sendmail_mc.BLOCK], ids=["settings", "sendmail.mc"])
TEXT = st.text(alphabet="ab\n#=\"'`$ dnl()", max_size=80)
LINES = TEXT.map(lambda text: f"{text}\n")


@pytest.mark.parametrize(
    ("text", "managed"),
    [
        pytest.param(f"{core_managed.HEADER}a = b\n", True, id="ours"),
        pytest.param("", False, id="empty"),
        pytest.param("a = b\n", False, id="somebody else's"),
        pytest.param(f"a = b\n{core_managed.HEADER}", False, id="the line further down"),
        pytest.param(core_managed.SETTINGS.put("", "a=b\n"), False, id="a block only"),
    ],
)
def test_a_file_that_is_all_ours_begins_with_the_header(text, managed):
    assert core_managed.is_managed(text) == managed


@BLOCKS
@given(text=TEXT, lines=LINES, other=LINES)
def test_a_block_comes_goes_and_is_replaced(block, text, lines, other):
    once = block.put(text, lines)
    assert once.endswith(f"{block.begin}{lines}{block.end}")
    assert block.is_in(once)
    assert not block.is_in(text)
    assert block.put(once, lines) == once
    assert block.put(once, other) == block.put(text, other)
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    assert block.without(once) == ended


@BLOCKS
def test_a_text_without_a_last_newline_gets_one(block):
    assert block.put("A=1", "B=2\n") == f"A=1\n{block.begin}B=2\n{block.end}"
    assert block.put("", "B=2\n") == f"{block.begin}B=2\n{block.end}"


@BLOCKS
def test_no_lines_are_no_block(block):
    assert block.put(block.put("A=1\n", "B=2\n"), "") == "A=1\n"
    # Nothing but a block is touched.
    assert block.put("A=1", "") == "A=1"


@BLOCKS
def test_what_was_added_below_the_block_stays(block):
    text = block.put("A=1\n", "B=2\n") + "C=3\n"
    assert block.without(text) == "A=1\nC=3\n"
    assert block.put(text, "B=4\n") == f"A=1\nC=3\n{block.begin}B=4\n{block.end}"


def test_the_block_of_another_kind_is_none():
    assert not core_managed.SETTINGS.is_in(sendmail_mc.BLOCK.put("", "x\n"))
