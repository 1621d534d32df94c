# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two roles never write the same thing, and docs/ownership.md says which role writes what."""

from __future__ import annotations

import pytest
from _ownership import DOCUMENT, Unclear, document, each, paths, written


def test_each_thing_is_written_by_one_role():
    assert {what: owners for what, owners in written().items() if len(owners) > 1} == {}


def test_the_document_says_who_writes_what():
    assert DOCUMENT.read_text() == document(DOCUMENT.read_text()), "run tests/house/write_documents"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"a": 1}, ["a"]),
        ("{{ mine | combine(theirs) }}", ["b", "c"]),
        ("{{ {'x': 1, 'y': mine} }}", ["x", "y", "b"]),
        ("{{ mine if theirs == 'mine' else {} }}", ["b"]),
    ],
)
def test_reads_through_templates(value, names):
    known = {"mine": [{"b": 1}], "theirs": ["{{ {'c': 2} }}"]}
    assert list(each(value, known, "here")) == names


def test_refuses_what_it_cannot_read():
    with pytest.raises(Unclear, match="cannot tell"):
        list(each("{{ lookup('file', 'x') }}", {}, "here"))


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("/etc/a", ["/etc/a"]),
        ("{{ file }}", ["/etc/b"]),
        ("{{ certificate }}", ["/etc/c"]),
    ],
)
def test_finds_the_path_that_is_written(value, names):
    known = {"file": ["/etc/b"], "certificate": ["{{ theirs | default('/etc/c') }}"]}
    assert list(paths(value, known, "here")) == names


@pytest.mark.parametrize("value", ["/etc/{{ item.path | basename }}", "{{ item.path }}", "{{ nothing }}", "{{ unsaid }}"])
def test_refuses_a_path_that_it_cannot_tell(value):
    with pytest.raises(Unclear, match="cannot tell which file"):
        list(paths(value, {"unsaid": ["{{ theirs }}"]}, "here"))
