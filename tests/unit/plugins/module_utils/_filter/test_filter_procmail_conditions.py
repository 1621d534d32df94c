# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter import procmail_conditions as conditions
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import parse


def rule(**options):
    rules, problems = parse([{"discard": True, **options}], "of alice")
    assert problems == []
    return rules[0]


def lines(*match, **options):
    return conditions.all_of(rule(match=list(match), **options), "")[1]


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ({"header": "List-Id", "contains": "a.b"}, "* ^List-Id:.*a[.]b"),
        ({"header": ["A", "B"], "contains": ["x", "y"]}, "* ^(A|B):(.*x|.*y)"),
        ({"header": "A", "is": "yes"}, "* ^A:[ \t]*yes[ \t]*$"),
        ({"header": "A", "matches": "a*b?c"}, "* ^A:[ \t]*a.*b.c[ \t]*$"),
        ({"header": "A", "matches": "a\\*b"}, "* ^A:[ \t]*a[*]b[ \t]*$"),
        ({"header": "A", "contains": "two words"}, "* ^A:.*two[ \t]+words"),
        ({"header": "A", "regex": "x|y"}, "* ^A:.*(x|y)"),
        ({"header": "A", "regex": "^x"}, "* ^A:[ \t]*x"),
        ({"header": "A", "regex": "x$"}, "* ^A:.*x[ \t]*$"),
        ({"header": "A", "exists": True, "not": True}, "* ! ^A:"),
        ({"larger": "1K"}, "* > 1024"),
        ({"smaller": 9, "not": True}, "* ! < 9"),
        ({"program": "grep -q x"}, "* ? grep -q x"),
        ({"regexp": "^Subject: x"}, "* ^Subject: x"),
        ({"regexp": "! x"}, "* ()! x"),
        ({"regexp": "$HOME"}, "* ()$HOME"),
        ({"regexp": "\\<x"}, "* ()\\<x"),
        ({"regexp": "A ?? x"}, "* ()A ?? x"),
        ({"regexp": "^x", "variable": "LOGNAME"}, "* LOGNAME ?? ^x"),
        ({"body": "raw", "contains": "(a) $1"}, "* B ?? [(]a[)] [$]1"),
        ({"body": "raw", "contains": "!now"}, "* B ?? ()!now"),
        ({"body": "raw", "contains": "a\\"}, "* B ?? a\\\\()"),
    ],
)
def test_a_condition_as_procmail_has_it(condition, line):
    assert lines(condition) == [line]


@pytest.mark.filterwarnings("ignore:Possible nested set")
@pytest.mark.parametrize("text", [".^$*+?()[]|\\", "a]b", "plain", " x ", "{x", "<>"])
def test_a_literal_matches_itself_alone(text):
    # What is escaped means the same to Python.
    assert re.fullmatch(conditions.literal(text), text)
    assert not re.fullmatch(conditions.literal(text), text + "x")


# Python reads these expressions as procmail does, but for the $ that is the end of a line.
@pytest.mark.parametrize(
    ("condition", "matching", "others"),
    [
        (
            {"address": "from", "is": "boss@example.org"},
            [
                "boss@example.org",
                "Boss <boss@example.org>",
                '"B. (x)" <boss@example.org>',
                "a@b.c, boss@example.org",
                "boss@example.org (Boss)",
            ],
            [
                "big-boss@example.org",
                "boss@example.org.example",
                '"boss@example.org" <evil@example.net>',
                "x (boss@example.org) <e@example.net>",
            ],
        ),
        (
            {"address": "from", "part": "domain", "is": "example.org"},
            ["a@example.org", "A <a@example.org>"],
            ["a@sub.example.org", "a@example.org.example", "example.org@example.net"],
        ),
        (
            {"address": "from", "part": "localpart", "is": "boss"},
            ["boss@example.org", "The Boss <boss@example.net>"],
            ["bigboss@example.org", "boss.big@example.org"],
        ),
        (
            {"address": "from", "matches": "*@example.*"},
            ["a@example.org", "A <a.b@example.net>"],
            ["a@examples.org", "example.org@a.example"],
        ),
    ],
)
def test_an_address_is_found_where_it_is_one(condition, matching, others):
    (line,) = lines(condition)
    expression = re.compile(line.removeprefix("* "), re.IGNORECASE)
    assert [text for text in matching if not expression.search(f"From: {text}")] == []
    assert [text for text in others if expression.search(f"From: {text}")] == []


def test_alternatives_are_one_expression_where_they_can():
    some = [{"header": "A", "contains": "x"}, {"header": "B", "contains": "y"}]
    helper, found = conditions.all_of(rule(match_any=some), "")
    assert (helper, found) == ([], ["* (^A:.*x|^B:.*y)"])
    helper, found = conditions.all_of(rule(match_any=some[:1], match=[{"larger": 1}]), "")
    assert (helper, found) == ([], ["* > 1", "* ^A:.*x"])


def test_other_alternatives_take_recipes_of_their_own():
    helper, found = conditions.all_of(rule(match_any=[{"larger": 1}, {"header": "A", "exists": True, "not": True}]), "D")
    assert helper == [
        "POSTROOM_ANY=no",
        ":0 D", "* > 1", "{ POSTROOM_ANY=yes }",
        ":0 D", "* ! ^A:", "{ POSTROOM_ANY=yes }",
    ]  # fmt: skip
    assert found == ["* POSTROOM_ANY ?? yes"]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"envelope": "from", "is": "a@b.c"}, "looks at the envelope, which procmail does not see; Sieve does (engine: sieve)."),
        ({"body": "text", "contains": "x"}, "looks at the text of the body, which procmail cannot decode"),
        ({"body": "raw", "is": "x"}, "compares the whole body by is, which procmail cannot"),
        ({"header": "subject", "contains": "Größe"}, "looks for more than ASCII in a header, which procmail cannot decode"),
        ({"header": "a", "regex": "x{3}"}, "has the regex 'x{3}', and procmail knows no {n} and no [:class:]"),
        ({"header": "a", "regex": "[[:alpha:]]"}, "has the regex '[[:alpha:]]', and procmail knows no {n}"),
        ({"header": "a", "regex": "\\w"}, "has the regex '\\w', and procmail knows no backslash before a letter"),
        ({"header": "a", "regex": "a^b"}, "has the regex 'a^b' with a ^ or a $ that is not about all of it"),
        ({"header": "a", "regex": "^a|b"}, "has the regex '^a|b' with a ^ or a $ that is not about all of it"),
        ({"body": "raw", "regex": "^a"}, "has the regex '^a' with a ^ or a $, which is about the body to Sieve"),
        ({"address": "from", "regex": "a.c"}, "has a regex for an address, which procmail cannot"),
        ({"regexp": "^a["}, "has the regexp '^a[', whose [ is never closed"),
        ({"header": "a", "regex": "a[b"}, "has the regex 'a[b', whose [ is never closed"),
    ],
)
def test_what_procmail_cannot_or_would_read_otherwise(condition, problem):
    (said,) = conditions.problems(rule(match=[condition]), "R")
    assert said.startswith(f"R {problem}")


@pytest.mark.parametrize("regex", ["a[]]b", "a[^]]b", "\\[x", "[a-z]+(x|y)?"])
def test_what_it_reads_as_sieve_does(regex):
    assert list(conditions.problems(rule(match=[{"header": "a", "regex": regex}]), "R")) == []
