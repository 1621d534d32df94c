# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import (
    MANAGED,
    BadEntry,
    DuplicateKey,
    Entry,
    alias_name,
    alias_target,
    entries_from,
    fold,
    merge,
    parse,
    render,
)
from hypothesis import given
from hypothesis import strategies as st

STYLES = ["table", "regexp", "cidr", "aliases", "parameters"]


def rendered(entries, style):
    return render(entries_from(entries, style), style).replace(MANAGED, "", 1)


@pytest.mark.parametrize(
    ("style", "entries", "lines"),
    [
        ("table", {"a@example.org": "alice"}, "a@example.org alice\n"),
        ("table", {"a@example.org": ["alice", "bob"]}, "a@example.org alice, bob\n"),
        ("table", {'"a b"@example.org': "alice"}, '"a b"@example.org alice\n'),
        ("table", {"@example.org": "@example.net", "b": None, "192.0.2.1": 550}, "@example.org @example.net\n192.0.2.1 550\n"),
        ("table", [{"key": "z", "value": "1"}, {"key": "a", "value": "2"}], "z 1\na 2\n"),
        ("regexp", [{"pattern": "/b c/i", "value": "REJECT x"}, {"pattern": "/a/", "value": "OK"}], "/b c/i REJECT x\n/a/ OK\n"),
        (
            "regexp",
            [{"pattern": "if /x y/"}, {"pattern": "!/a\\/b/", "value": "OK"}, {"pattern": "endif"}],
            "if /x y/\n!/a\\/b/ OK\nendif\n",
        ),
        ("cidr", {"2001:db8::/32": "OK", "!192.0.2.0/24": "REJECT"}, "2001:db8::/32 OK\n!192.0.2.0/24 REJECT\n"),
        (
            "parameters",
            {"hosts": ["a", "b"], "debuglevel": 0, "expansion_limit": True},
            "hosts = a, b\ndebuglevel = 0\nexpansion_limit = yes\n",
        ),
        ("parameters", {"password": ""}, "password = \n"),
        ("aliases", {"root": "alice", "all hands": ["a", "b"]}, 'root: alice\n"all hands": a, b\n'),
        ("aliases", {"prog": "|/usr/bin/prog -a 'b c'"}, "prog: \"|/usr/bin/prog -a 'b c'\"\n"),
    ],
)
def test_entries_become_lines(style, entries, lines):
    assert rendered(entries, style) == lines


@pytest.mark.parametrize(
    ("style", "entries", "words"),
    [
        ("table", {"a\nb": "x"}, "line break"),
        ("table", {"a": "x\ny"}, "line break"),
        ("table", {"": "x"}, "empty key"),
        ("table", {"a": ""}, "value of 'a' is empty"),
        ("table", {"a": "  "}, "value of 'a' is empty"),
        ("table", {"a": []}, "value of 'a' is empty"),
        ("table", {"a": ["b", ""]}, "value of 'a' is empty"),
        ("table", {"a b": "x"}, "white space must be in double quotes"),
        ("table", {'"a b@example.org': "x"}, "white space must be in double quotes"),
        ("table", {"#a": "x"}, "would be a comment"),
        ("table", {"a:": "x"}, "ends in a colon"),
        ("table", {"a": True}, "'a' is a boolean"),
        ("table", {"a": {"b": "c"}}, "'a' is a dictionary"),
        ("table", "a b", "not text"),
        ("table", ["a"], "Entry 1 is text"),
        ("table", [{"key": "a"}], "Entry 1 ('a') has no value"),
        ("table", [{"key": "a", "pattern": "b", "value": "c"}], "Entry 1 has 'key', 'pattern', 'value'"),
        ("table", [{"name": "a", "value": "c"}], "Entry 1 has 'name', 'value'"),
        ("regexp", {"/a b": "x"}, "between delimiters"),
        ("regexp", {"/a/": ""}, "is empty"),
        ("parameters", {"pass word": "x"}, "not a word"),
        ("aliases", {"alice@example.org": "x"}, "has a domain"),
    ],
)
def test_what_no_line_can_say_is_refused(style, entries, words):
    with pytest.raises(BadEntry, match=re.escape(words)):
        entries_from(entries, style)


@pytest.mark.parametrize(
    ("style", "entries"),
    [
        ("table", {"A@example.org": "x", "a@EXAMPLE.org": "y"}),
        ("table", [{"key": "a", "value": "x"}, {"key": "a", "value": "x"}]),
        ("aliases", {"alice": "x", '"Alice"': "y"}),
        ("regexp", [{"pattern": "/a/", "value": "x"}, {"pattern": "/a/", "value": "y"}]),
        ("parameters", [{"key": "hosts", "value": "x"}, {"key": "hosts", "value": "y"}]),
    ],
)
def test_duplicates_are_named(style, entries):
    with pytest.raises(DuplicateKey, match="stands twice"):
        entries_from(entries, style)


def test_case_counts_in_patterns():
    assert rendered({"/a/": "x", "/A/": "y"}, "regexp") == "/a/ x\n/A/ y\n"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("alice", "alice"),
        ("owner-list", "owner-list"),
        ("a.b+c", "a.b+c"),
        ("müller", "müller"),
        ("all hands", '"all hands"'),
        ("#1", '"#1"'),
        ("a:b", '"a:b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ('"ready made"', '"ready made"'),
    ],
)
def test_alias_names_are_quoted_where_needed(name, written):
    assert alias_name(name) == written
    assert parse(f"{written}: x\n", "aliases") == [Entry(written, "x")]


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("alice", "alice"),
        ("alice@example.org", "alice@example.org"),
        ("|cmd", '"|cmd"'),
        ('|cmd "a b"', '"|cmd \\"a b\\""'),
        ("/var/mail/all", "/var/mail/all"),
        ("/var/mail/all hands", '"/var/mail/all hands"'),
        (":include:/etc/list", ":include:/etc/list"),
        (":include:/etc/the list", '":include:/etc/the list"'),
        ("all hands", '"all hands"'),
        ("all hands@example.org", '"all hands"@example.org'),
        ('"all hands"@example.org', '"all hands"@example.org'),
        ("Alice <alice@example.org>", "Alice <alice@example.org>"),
        ('"|ready made"', '"|ready made"'),
    ],
)
def test_alias_targets_are_quoted_where_needed(target, written):
    assert alias_target(target) == written


SOURCE = """\
# People
Alice@example.org\talice,
  # who has two
    alice2
bob@example.org bob

ALICE@example.org ghost
last@example.org last"""


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"bob@example.org": "bob"}, SOURCE),
        ({"BOB@example.org": "bob"}, SOURCE),
        ({"bob@example.org": "robert"}, SOURCE.replace("bob@example.org bob", "bob@example.org robert")),
        ({"bob@example.org": None}, SOURCE.replace("bob@example.org bob\n", "")),
        ({"nobody@example.org": None}, SOURCE),
        ({"new@example.org": "n"}, SOURCE + "\nnew@example.org n\n"),
        ({"alice@example.org": "alice, alice2"}, SOURCE.replace("ALICE@example.org ghost\n", "")),
        (
            {"alice@example.org": "a"},
            SOURCE.replace("Alice@example.org\talice,\n", "alice@example.org a\n")
            .replace("    alice2\n", "")
            .replace("ALICE@example.org ghost\n", ""),
        ),
        (
            {"alice@example.org": None},
            SOURCE.replace("Alice@example.org\talice,\n", "").replace("    alice2\n", "").replace("ALICE@example.org ghost\n", ""),
        ),
    ],
)
def test_merge_changes_only_what_is_given(entries, expected):
    assert merge(SOURCE, entries_from(entries, "table"), "table") == expected


@pytest.mark.parametrize(
    ("style", "text", "entries", "expected"),
    [
        ("aliases", "root:   alice\n", {"root": "alice"}, "root:   alice\n"),
        ("aliases", '"all hands" : x\n', {"all hands": "y"}, '"all hands": y\n'),
        ("aliases", "list: :include:/etc/l\n", {"list": ":include:/etc/l"}, "list: :include:/etc/l\n"),
        ("regexp", "/a b/ OK\n/c/ OK\n", {"/a b/": "REJECT"}, "/a b/ REJECT\n/c/ OK\n"),
        ("regexp", "if /a/\n/b/ OK\nendif\n", {"/c/": "OK"}, "if /a/\n/b/ OK\nendif\n/c/ OK\n"),
        (
            "parameters",
            "# db\nhosts=a\nquery = SELECT 1\n  WHERE x = '%s'\n",
            {"hosts": "b"},
            "# db\nhosts = b\nquery = SELECT 1\n  WHERE x = '%s'\n",
        ),
        ("table", "", {"a": "b"}, "a b\n"),
    ],
)
def test_merge_knows_each_style(style, text, entries, expected):
    assert merge(text, entries_from(entries, style), style) == expected


@given(text=st.text(alphabet=st.sampled_from('ab:#=/"\\ \t\n\r,@é\x0b\u2028'), max_size=60), style=st.sampled_from(STYLES))
def test_merging_nothing_is_the_identity(text, style):
    assert merge(text, [], style) == text


WORD = st.text(alphabet="abcAB.@-", min_size=1, max_size=6).filter(lambda word: not word.startswith(("#", "-")))


@given(entries=st.dictionaries(WORD, WORD, max_size=8), key=WORD, value=WORD)
def test_setting_one_value_changes_nothing_else(entries, key, value):
    source = "".join(f"{k}  {v}\n" for k, v in {fold(k, "table"): v for k, v in entries.items()}.items())
    merged = merge(source, [Entry(key, value)], "table")
    wanted = {fold(k, "table"): v for k, v in entries.items()}
    wanted[fold(key, "table")] = value
    assert {fold(entry.key, "table"): entry.value for entry in parse(merged, "table")} == wanted
    assert merge(merged, [Entry(key, value)], "table") == merged
    untouched = [text for text in source.splitlines() if fold(text.split()[0], "table") != fold(key, "table")]
    assert [text for text in merged.splitlines() if fold(text.split()[0], "table") != fold(key, "table")] == untouched


@given(
    entries=st.dictionaries(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=12), max_size=5), style=st.sampled_from(STYLES)
)
def test_what_is_rendered_is_parsed_again(entries, style):
    try:
        checked = entries_from(entries, style)
    except (BadEntry, DuplicateKey):
        return
    again = parse(render(checked, style), style)
    assert [(entry.key, (entry.value or "").split()) for entry in again] == [(entry.key, (entry.value or "").split()) for entry in checked]
