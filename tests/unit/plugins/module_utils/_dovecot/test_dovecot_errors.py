# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.errors import MAX_ERRORS, all_errors, same


def first_bad_line(files, bad="bad"):
    """Judge like doveconf: the first line of the first file that has *bad* in it."""

    def judge(exchanged):
        for path, text in files.items():
            for number, line in enumerate(exchanged.get(path, text).split("\n"), 1):
                if bad in line:
                    return f"{path} line {number}: {line.strip()}."
        return ""

    return judge


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a = 1\n", [], id="good"),
        pytest.param("bad = 1\na = 1\nbad = 2\n", ["/f line 1: bad = 1.", "/f line 3: bad = 2."], id="settings"),
        pytest.param("b {\n  bad = 1\n  c = 2\n  bad = 3\n}\n", ["/f line 2: bad = 1.", "/f line 4: bad = 3."], id="in a block"),
        pytest.param("bad {\n  bad = 1\n}\nbad = 2\n", ["/f line 1: bad {.", "/f line 4: bad = 2."], id="a whole block"),
        pytest.param("a {\n  bad {\n  }\n  bad = 1\n}\n", ["/f line 2: bad {.", "/f line 4: bad = 1."], id="a block in a block"),
        pytest.param("a = 1 \\\n  bad\nbad = 2\n", ["/f line 2: bad.", "/f line 3: bad = 2."], id="a continuation line"),
        pytest.param("a {\n  bad = 1", ["/f line 2: bad = 1."], id="a block that is not closed"),
        pytest.param("bad", ["/f line 1: bad."], id="no setting, no line end"),
    ],
)
def test_each_error_is_found_at_its_own_line(text, errors):
    assert all_errors(first_bad_line({"/f": text}), {"/f": text}) == errors


def test_errors_of_several_files():
    files = {"/f": "bad = 1\n", "/g": "a = 1\nbad = 2\n"}
    assert all_errors(first_bad_line(files), files) == ["/f line 1: bad = 1.", "/g line 2: bad = 2."]


@pytest.mark.parametrize("error", ["It is all wrong.", "/f line 9: There is no such line.", "/other line 1: Not a file of ours."])
def test_an_error_that_is_in_no_line_is_the_last(error):
    assert all_errors(lambda exchanged: error, {"/f": "a = 1\n"}) == [error]


def test_it_ends():
    text = "bad = 1\n" * 2 * MAX_ERRORS
    assert len(all_errors(first_bad_line({"/f": text}), {"/f": text})) == MAX_ERRORS


def test_the_same_error_in_another_line():
    assert same("/f line 3: Unknown setting: x.") == same("/f line 30: Unknown setting: x.") != same("/f line 3: Unknown setting: y.")
