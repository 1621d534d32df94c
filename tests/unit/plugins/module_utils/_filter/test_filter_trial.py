# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import BadSample, Fate, Sample, samples_from, unexpected

MAIL = "From: bob@example.org\n\nhello\n"
KEYS = "folder, forward, flag, pipe, discard, reject, vacation"


def fate_of(**found):
    fate = Fate()
    for key, value in found.items():
        setattr(fate, key, value)
    return fate


@pytest.mark.parametrize(
    ("options", "sample"),
    [
        ({"user": "alice", "mail": MAIL}, Sample("1", "alice", MAIL, "sender@elsewhere.example", {})),
        (
            {"name": None, "user": "alice", "mail": MAIL, "sender": "", "expect": None},
            Sample("1", "alice", MAIL, "sender@elsewhere.example", {}),
        ),
        (
            {"name": "spam", "user": "a@b.example", "mail": "\n\nA: 1\n\n\n", "sender": "x@y.example", "expect": {"folder": "Junk"}},
            Sample("spam", "a@b.example", "A: 1\n", "x@y.example", {"folder": ["Junk"]}),
        ),
        (
            {"name": 7, "user": "alice", "mail": "A: 1", "expect": {"flag": ["\\Seen", 3], "pipe": None, "discard": False}},
            Sample("7", "alice", "A: 1\n", "sender@elsewhere.example", {"flag": ["\\Seen", "3"], "pipe": [], "discard": False}),
        ),
    ],
)
def test_samples(options, sample):
    assert samples_from([options]) == [sample]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mail": ""}, "The sample odd does not begin with a header such as 'From: bob@example.org'."),
        ({"mail": "\nhello\nFrom: a\n"}, "The sample odd does not begin with a header such as 'From: bob@example.org'."),
        ({"expect": {"folders": "Junk"}}, f"The sample odd has an 'expect' that is no dictionary of {KEYS}."),
        ({"expect": "Junk"}, f"The sample odd has an 'expect' that is no dictionary of {KEYS}."),
        ({"expect": {"discard": "yes"}}, "The sample odd expects 'discard', which is true or false."),
        ({"expect": {"vacation": None}}, "The sample odd expects 'vacation', which is true or false."),
        ({"expect": {"folder": True}}, "The sample odd expects a folder that is neither a text nor a list of them."),
        ({"expect": {"forward": [["a@b.example"]]}}, "The sample odd expects a forward that is neither a text nor a list of them."),
        ({"expect": {"flag": {"a": 1}}}, "The sample odd expects a flag that is neither a text nor a list of them."),
    ],
)
def test_a_sample_that_nothing_can_be_tried_with(options, sentence):
    with pytest.raises(BadSample) as caught:
        samples_from([{"name": "odd", "user": "alice", "mail": MAIL, **options}])
    assert str(caught.value) == sentence


def test_everything_that_is_wrong_is_said_at_once():
    given = [{"user": "a", "mail": ""}, {"user": "a", "mail": MAIL}, {"user": "a", "mail": MAIL, "expect": {"reject": 1}}]
    with pytest.raises(BadSample) as caught:
        samples_from(given)
    assert str(caught.value) == (
        "The sample 1 does not begin with a header such as 'From: bob@example.org'. The sample 3 expects 'reject', which is true or false."
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "nothing"),
        ({"folder": ["INBOX"]}, "folder INBOX"),
        ({"folder": ["A", "B"], "flag": ["\\Seen"]}, "folder A, B and flag \\Seen"),
        ({"pipe": ["cat"], "forward": ["a@b.example"]}, "forward a@b.example and pipe cat"),
        ({"vacation": True, "discard": True, "reject": True}, "discard and reject and vacation"),
    ],
)
def test_a_fate_in_words(found, words):
    assert str(fate_of(**found)) == words


def test_a_fate_as_a_result():
    nothing = {"folder": [], "forward": [], "flag": [], "pipe": [], "discard": False, "reject": False, "vacation": False}
    assert Fate().result() == nothing
    assert fate_of(folder=["A"], vacation=True).result() == {**nothing, "folder": ["A"], "vacation": True}


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ({}, {"discard": True}),
        ({"folder": ["B", "A"]}, {"folder": ["A", "B"]}),
        ({"folder": ["inbox"]}, {"folder": ["INBOX"]}),
        ({"flag": ["\\SEEN", "Work"]}, {"flag": ["work", "\\Seen"]}),
        ({"forward": []}, {"folder": ["INBOX"]}),
        ({"discard": False, "vacation": True}, {"vacation": True, "folder": ["INBOX"]}),
    ],
)
def test_what_was_expected(expect, found):
    assert unexpected(Sample("spam", "alice", MAIL, "", expect), fate_of(**found)) is None


@pytest.mark.parametrize(
    ("expect", "found", "words"),
    [
        ({"folder": ["Junk"]}, {"folder": ["INBOX"]}, "folder Junk, but the rules give: folder INBOX."),
        # The names of folders differ by case, all but one.
        ({"folder": ["junk"]}, {"folder": ["Junk"]}, "folder junk, but the rules give: folder Junk."),
        ({"folder": ["A"]}, {"folder": ["A", "A"]}, "folder A, but the rules give: folder A, A."),
        ({"folder": ["A", "B"]}, {"folder": ["A"]}, "folder A, B, but the rules give: folder A."),
        ({"folder": []}, {"folder": ["INBOX"]}, "folder none, but the rules give: folder INBOX."),
        ({"forward": ["a@b.example"]}, {}, "forward a@b.example, but the rules give: nothing."),
        ({"discard": True}, {"reject": True}, "discard True, but the rules give: reject."),
        ({"discard": False}, {"discard": True}, "discard False, but the rules give: discard."),
        ({"vacation": False, "folder": ["A"]}, {"folder": ["B"]}, "folder A, but the rules give: folder B."),
    ],
)
def test_what_was_not_expected(expect, found, words):
    sample = Sample("spam", "alice", MAIL, "", expect)
    assert unexpected(sample, fate_of(**found)) == f"The sample spam of alice expects {words}"
