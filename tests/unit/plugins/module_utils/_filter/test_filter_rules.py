# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import Condition, Rule, Vacation, parse, spelled

MATCH = [{"header": "subject", "contains": "x"}]


def one(**options) -> Rule:
    rules, problems = parse([options], "of al")
    assert problems == []
    return rules[0]


def test_a_rule_is_read_with_all_it_says():
    rule = one(
        name="lists",
        match=[{"header": ["List-Id", "List-Post"], "contains": "postfix"}, {"larger": "10K", "not": True}],
        match_any=[{"address": "from", "part": "domain", "is": "example.org"}],
        folder="Lists.postfix",
        copy=True,
        flag="\\seen",
    )
    assert rule == Rule(
        name="lists",
        every=(
            Condition("header", ("List-Id", "List-Post"), "contains", ("postfix",)),
            Condition("larger", (), "larger", (), size=10240, negated=True),
        ),
        some=(Condition("address", ("from",), "is", ("example.org",), "domain"),),
        fate="folder",
        folder="Lists.postfix",
        copy=True,
        flag=("\\Seen",),
    )


@pytest.mark.parametrize(("given", "size"), [(7, 7), ("512", 512), ("1K", 1024), ("2m", 2 * 1024**2), ("1 G", 1024**3)])
def test_sizes(given, size):
    assert one(match=[{"smaller": given}], discard=True).every[0].size == size


@pytest.mark.parametrize(
    ("given", "vacation"),
    [
        ("Gone.\nBack soon.", Vacation("Gone.\nBack soon.")),
        ({"text": "t", "subject": "s", "addresses": "a@example.org", "days": "3"}, Vacation("t", "s", ("a@example.org",), 3)),
    ],
)
def test_answers(given, vacation):
    assert one(vacation=given).vacation == vacation


def test_rules_inside_of_rules():
    rule = one(name="outer", rules=[{"name": "inner", "folder": "A"}, {"rules": [{"discard": True}]}])
    assert [each.name for each in rule.nested()] == ["outer", "inner", "2", "1"]


@pytest.mark.parametrize(("flag", "name"), [("\\SEEN", "\\Seen"), ("\\flagged", "\\Flagged"), ("$Work", "$Work"), ("\\Recent", "\\Recent")])
def test_flags_as_imap_spells_them(flag, name):
    assert spelled(flag) == name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"match": MATCH}, "The rule 1 of al does not say what to do with the mail: write one of folder, forward"),
        ({"name": "idle", "match": MATCH, "discard": False}, "The rule idle of al does not say what to do with the mail"),
        ({"folder": "A", "forward": "a@example.org"}, "The rule 1 of al has folder and forward; a rule can have only one of these"),
        ({"fodler": "A"}, "The rule 1 of al has 'fodler', which is not known; a rule has name, match"),
        ({"folder": "../A"}, "The rule 1 of al has the folder '../A', which climbs out of the mailbox"),
        ({"folder": "A/../B"}, "The rule 1 of al has the folder 'A/../B', which climbs out"),
        ({"folder": "/etc/passwd"}, "The rule 1 of al has the folder '/etc/passwd', which climbs out"),
        ({"folder": "~bob"}, "The rule 1 of al has the folder '~bob', which climbs out"),
        ({"folder": "$HOME"}, "The rule 1 of al has the folder '$HOME', which climbs out"),
        ({"folder": "A..B"}, "The rule 1 of al has the folder 'A..B', which climbs out of the mailbox or has a level without a name"),
        ({"folder": ["A"]}, "The rule 1 of al has a folder that is no text."),
        ({"folder": "A\nB"}, "The rule 1 of al has a folder that has a line break or another control character in it."),
        ({"name": "a\nb", "discard": True}, "'The rule a\\nb of al' has a line break"),
        ({"name": "\ud800", "discard": True}, "'The rule \\ud800 of al' has an incomplete character in its name."),
        ({"forward": "bob"}, "The rule 1 of al forwards to 'bob', which is no address such as bob@example.org."),
        ({"forward": "-oX@example.org"}, "The rule 1 of al forwards to '-oX@example.org', which is no address"),
        ({"forward": "a@b.example c@d.example"}, "The rule 1 of al forwards to 'a@b.example c@d.example', which is no address"),
        ({"forward": []}, "The rule 1 of al forwards to nobody: write an address."),
        ({"discard": True, "copy": True}, "The rule 1 of al has copy, which goes with folder, forward, pipe or rules."),
        ({"discard": "yes"}, "The rule 1 of al has a discard that is neither true nor false."),
        ({"forward": "a@example.org", "flag": "\\Seen"}, "The rule 1 of al has a flag beside forward; only what is kept"),
        ({"flag": "\\Recent"}, "The rule 1 of al has the flag '\\Recent', which IMAP does not know: there are \\Answered, "),
        ({"flag": "two words"}, "The rule 1 of al has the flag 'two words', which is no word of letters"),
        ({"lock": "../x", "pipe": "cat"}, "The rule 1 of al has the lock '../x'"),
        ({"rules": []}, "The rule 1 of al has no rules inside: write some, or remove it."),
        ({"rules": [{"name": "inner"}]}, "The rule inner inside 1 of al does not say what to do with the mail"),
        ({"vacation": {"subject": "x"}}, "The rule 1 of al has a vacation that is neither a text nor a dictionary with text and"),
        ({"vacation": {"text": "x", "days": 0}}, "The rule 1 of al has a vacation with 0 days"),
        ({"vacation": {"text": "x", "subject": "a\nb"}}, "The rule 1 of al has a vacation whose subject has a line break"),
        ({"match": "x", "discard": True}, "The rule 1 of al has conditions that are no list; without any, leave match out"),
        ({"match": [], "discard": True}, "The rule 1 of al has conditions that are no list"),
        ({"match": ["x"], "discard": True}, "The rule 1 of al has the condition 'x', which is no dictionary such as"),
        ({"match": [{"is": "x"}], "discard": True}, "The rule 1 of al has the condition {'is': 'x'}, which must look at exactly one of"),
        ({"match": [{"header": "a", "body": "raw"}], "discard": True}, "The rule 1 of al has the condition"),
        ({"match": [{"header": "a"}], "discard": True}, "The rule 1 of al has a condition with header that needs exactly one of is, "),
        ({"match": [{"header": "a:", "is": "x"}], "discard": True}, "The rule 1 of al looks at the header 'a:', which is no name of one"),
        ({"match": [{"header": "a", "contains": ""}], "discard": True}, "The rule 1 of al has an empty contains, which every mail has"),
        ({"match": [{"header": "a", "is": "x", "part": "all"}], "discard": True}, "The rule 1 of al has 'part' in a condition with header"),
        ({"match": [{"address": "a", "is": "x", "part": "x"}], "discard": True}, "The rule 1 of al has the part 'x'; write one of all, "),
        ({"match": [{"address": "a", "exists": True}], "discard": True}, "The rule 1 of al has an 'exists' that is not 'true'"),
        ({"match": [{"envelope": "cc", "is": "x"}], "discard": True}, "The rule 1 of al has the envelope 'cc'; write from or to."),
        ({"match": [{"body": "html", "is": "x"}], "discard": True}, "The rule 1 of al has the body 'html'; write text or raw."),
        ({"match": [{"larger": "1T"}], "discard": True}, "The rule 1 of al has the size '1T': write bytes, or a number with K, M or G"),
        ({"match": [{"larger": True}], "discard": True}, "The rule 1 of al has the size 'True'"),
        ({"match": [{"regexp": "x", "variable": "A B"}], "discard": True}, "The rule 1 of al has the variable 'A B', which is no name"),
        ({"match": [{"header": "a", "is": "x", "not": "yes"}], "discard": True}, "The rule 1 of al has a 'not' that is neither true nor"),
    ],
)  # fmt: skip
def test_what_no_engine_could_follow(options, sentence):
    rules, (problem,) = parse([options], "of al")
    assert rules == []
    assert problem.startswith(sentence)


def test_one_bad_rule_does_not_hide_another():
    rules, problems = parse([{"name": "a"}, {"name": "good", "discard": True}, "b"], "of the site")
    assert [rule.name for rule in rules] == ["good"]
    assert [problem[:24] for problem in problems] == ["The rule a of the site d", "The rule 3 of the site m"]


def test_rules_without_end():
    rules: list = []
    rules.append({"rules": rules})
    assert "is inside more than 10 others" in parse(rules, "of al")[1][0]
    assert parse("x", "of al") == ([], ["The rules of al must be a list."])
