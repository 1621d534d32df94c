# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import logical_lines, split, words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf, expand, references
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["alpha", "beta", "gamma_delta"])
VALUES = st.text(st.sampled_from("ab ,=#$:/"), max_size=8).map(str.strip)
# Texts that look like main.cf more often than chance would have it.
LINES = st.one_of(
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("  {}".format, VALUES),
    st.sampled_from(["", " ", "# comment", "  # comment", "garbage", "beta=\r", "\t", "= x"]),
    st.text(max_size=10),
)
FILES = st.builds(lambda lines, end: "\n".join(lines) + end, st.lists(LINES, max_size=12), st.sampled_from(["", "\n", "\r\n"]))


@given(st.one_of(FILES, st.text()))
def test_parsing_and_rendering_is_the_identity(text):
    assert str(MainCf(text)) == text
    assert "".join(split(text)) == text


@given(FILES)
def test_no_change_changes_nothing(text):
    assert str(MainCf(text).edit({})) == text


@given(FILES, NAMES, VALUES)
def test_setting_one_value_sets_it_and_no_other(text, name, value):
    before, after = MainCf(text), MainCf(text).edit({name: value})
    assert after.values() == {**before.values(), name: value}
    assert str(MainCf(str(after))) == str(after)


@given(FILES, NAMES)
def test_removing_a_parameter_removes_it_and_no_other(text, name):
    before, after = MainCf(text), MainCf(text).edit({name: None})
    assert after.values() == {k: v for k, v in before.values().items() if k != name}


@given(FILES, NAMES, VALUES)
def test_setting_one_value_keeps_every_line_that_is_not_its_own(text, name, value):
    lines = split(text)
    own = {n for line in logical_lines(lines) if line.text.partition("=")[0].strip() == name for n in line.physical}
    after = split(str(MainCf(text).edit({name: value})))
    rest = [line.rstrip("\r\n") for n, line in enumerate(lines) if n not in own]
    entry = f"{name} = {value}".rstrip()
    kept = [line.rstrip("\r\n") for line in after]
    kept.remove(entry)
    assert kept == rest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a = 1\n", "1"),
        ("a=1", "1"),
        ("a\t =\t 1 \r\n", "1"),
        ("a =\n", ""),
        ("a = 1\na = 2\n", "2"),
        ("a = x\n  y\n\tz\n", "x  y\tz"),
        ("a =\n  x,\n  y\n", "x,  y"),
        ("a = x\n# comment\n  # another\n\n \n  y\n", "x  y"),
        ("a = b = c\n", "b = c"),
        ("a = x # no comment\n", "x # no comment"),
        ("a = x\nb = y\n z\n", "x"),
    ],
)
def test_values_are_what_postfix_reads(text, value):
    assert MainCf(text).values()["a"] == value


@pytest.mark.parametrize("text", ["#a = 1\n", " a = 1\n", "\n  a = 1\n  b = 2\n", "a\n", "a b = 1\n", "= 1\n"])
def test_what_is_no_entry_is_not_read_as_one(text):
    assert MainCf(text).values() == {}


@pytest.mark.parametrize(
    ("text", "broken"), [("a\n", [1]), ("x = 1\n\na b = 2\n", [3]), ("= 1\n", [1]), (" orphan\n", []), ("# c\nx = 1\n", [])]
)
def test_lines_that_make_postfix_refuse_the_file_are_told(text, broken):
    assert MainCf(text).broken == broken


@pytest.mark.parametrize(
    ("text", "changes", "after"),
    [
        ("a = 1\nb = 2\n", {"a": "3"}, "a = 3\nb = 2\n"),
        ("a=1\n", {"a": "2"}, "a = 2\n"),
        ("a = 1", {"b": "2"}, "a = 1\nb = 2\n"),
        ("a = 1\r\n", {"b": "2"}, "a = 1\r\nb = 2\r\n"),
        ("", {"b": "2", "a": "1"}, "b = 2\na = 1\n"),
        ("a = 1\n", {"a": ""}, "a =\n"),
        ("# head\na = x\n  y\n# tail\nb = 2\n", {"a": "z"}, "# head\na = z\n# tail\nb = 2\n"),
        ("a = x\n# inside\n  y\nb = 2\n", {"a": "z"}, "a = z\n# inside\nb = 2\n"),
        ("a = x\n# inside\n  y\nb = 2\n", {"a": None}, "# inside\nb = 2\n"),
        ("a = 1\nb = 2\na = 3\n", {"a": "4"}, "b = 2\na = 4\n"),
        ("a = 1\nb = 2\na = 3\n", {"a": None}, "b = 2\n"),
        ("a = 1\n", {"b": None}, "a = 1\n"),
        ("mynetworks_style = host\n", {"mynetworks": "x"}, "mynetworks_style = host\nmynetworks = x\n"),
    ],
)
def test_edit(text, changes, after):
    assert str(MainCf(text).edit(changes)) == after


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("plain", "plain"),
        ("$a and ${b} and $(a)", "1 and one: 1 and 1"),
        ("$unset", None),
        ("$default", "from the defaults"),
        ("${a?yes}", None),
        ("${a?{yes}:{no}}", None),
        ("$circle", None),
        ("$$a costs", "$a costs"),
        ("5$", None),
    ],
)
def test_expand(value, expanded):
    values = {"a": "1", "b": "one: $a", "circle": "$other", "other": "$circle"}
    assert expand(value, values, {"a": "hidden", "default": "from the defaults"}) == expanded


def test_references():
    assert references("$a ${b} ${c?{$d}:{x}} $(e)") == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("a, b c,,d\te", ["a", "b", "c", "d", "e"]),
        ("{ inet:localhost:1, timeout = 3s } x", ["{ inet:localhost:1, timeout = 3s }", "x"]),
        ("inline:{a=b, c=d}, y", ["inline:{a=b, c=d}", "y"]),
        ("a} b", ["a}", "b"]),
        ("{a b", ["{a b"]),
    ],
)
def test_words(value, found):
    assert words(value) == found
