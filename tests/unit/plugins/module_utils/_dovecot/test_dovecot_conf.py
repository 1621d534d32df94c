# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from hypothesis import given
from hypothesis import strategies as st

# Text that looks like a dovecot.conf more often than pure chance would.
PIECES = [
    "service auth {",
    "passdb {",
    "}",
    "key = value",
    "!include x",
    "# note",
    '"',
    "'",
    "\\",
    "\n",
    "\r\n",
    " ",
    "\t",
    "=",
    "{",
    "#",
    "a",
    "ü",
    "\x85",
    "\x0b",
]
config_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join)


@given(config_text)
def test_reading_and_writing_give_the_same_text(text):
    assert conf.render(conf.parse(text)) == text


@given(st.text())
def test_reading_and_writing_give_the_same_text_whatever_it_is(text):
    assert conf.render(conf.parse(text)) == text


def only(text):
    """The one node of a text."""
    (node,) = conf.parse(text)
    return node.head if isinstance(node, conf.Block) else node


@pytest.mark.parametrize(
    ("text", "kind", "key", "value"),
    [
        ("a = b\n", "setting", "a", "b"),
        ("a=b", "setting", "a", "b"),
        ("  a =b # c\n", "setting", "a", "b"),
        ("a =\n", "setting", "a", ""),
        ("a = b=c\n", "setting", "a", "b=c"),
        ("a = b\r\n", "setting", "a", "b"),
        ("a = b#c\n", "setting", "a", "b"),
        ('a = "b # c" # d\n', "setting", "a", '"b # c"'),
        ('a = b "c # d" e # f\n', "setting", "a", 'b "c # d" e'),
        ("a = it's b # c\n", "setting", "a", "it's b # c"),
        ('a = "b \\" # c"\n', "setting", "a", '"b \\" # c"'),
        ("a = b \\\n  c\n", "setting", "a", "b c"),
        ("a = b \\  \n\tc # d\n", "setting", "a", "b c"),
        ("a = b # c \\\n", "setting", "a", "b"),
        ("a = \\\n\\\n b\n", "setting", "a", "b"),
        # An empty line or a comment where the rest should be: Dovecot drops the whole.
        ("a = b \\\n\n", "blank", "", ""),
        ("a = b \\\n# c\n", "blank", "", ""),
        ("a = b \\\n", "blank", "", ""),
        ("\n", "blank", "", ""),
        ("  # a = b\n", "blank", "", ""),
        ("!include conf.d/*.conf # x\n", "include", "!include", "conf.d/*.conf"),
        ("!include_try /a b\n", "include", "!include_try", "/a b"),
        ("service auth {\n}\n", "open", "service", "auth"),
        ("  service \t auth  { # x\n}\n", "open", "service", "auth"),
        ("service \\\n auth \\\n {\n}\n", "open", "service", "auth"),
        ('service "auth" {\n', "open", "service", "auth"),
        ('mailbox "Sent Messages" {\n', "open", "mailbox", "Sent Messages"),
        ('quota "a \\" b" {\n', "open", "quota", 'a " b'),
        ("passdb {\n", "open", "passdb", ""),
        ("unix_listener /var/x {\n", "open", "unix_listener", "/var/x"),
        ("}\n", "close", "", ""),
        ("service auth{\n", "unknown", "", ""),
        ("service auth { client_limit = 1\n", "unknown", "", ""),
        ("garbage\n", "unknown", "", ""),
    ],
)
def test_lines_are_understood_as_dovecot_does(text, kind, key, value):
    line = only(text)
    assert (line.kind, line.key, line.value) == (kind, key, value)


def test_blocks_hold_what_stands_between_their_braces():
    (block,) = conf.parse("a x {\n  b {\n    c = 1\n  }\n}\n")
    assert conf.flatten([block]) == {("a x", ""): ("", False), ("a x", "b", ""): ("", False), ("a x", "b", "c"): ("1", False)}


def test_nameless_databases_are_told_apart():
    flat = conf.flatten(conf.parse("passdb {\n driver = pam\n}\npassdb {\n driver = passwd\n}\n"))
    assert flat["passdb[0]", "driver"] == ("pam", False)
    assert flat["passdb[1]", "driver"] == ("passwd", False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("a b", "a b"),
        ("\\Sent", "\\Sent"),
        ("a # b", '"a # b"'),
        ("a#b", '"a#b"'),
        (" a", '" a"'),
        ("a\\", '"a\\\\"'),
        ('say "a" # b', '"say \\"a\\" # b"'),
        ('"as it is"', '"as it is"'),
        ("'as it is'", "'as it is'"),
        ("</etc/x", "</etc/x"),
        ("</etc/x ", "</etc/x "),
        ("$a b", "$a b"),
        ("", ""),
    ],
)
def test_values_are_quoted_where_they_would_be_cut(value, text):
    assert conf.written(value) == text


@given(
    st.text(st.characters(blacklist_categories=["Cc", "Cs"])).filter(
        lambda text: not text.startswith("<") and not (text[:1] in "\"'" and text)
    )
)
def test_a_value_survives_being_written_and_read(value):
    line = only(conf.render_wanted(conf.wanted_from({"key": value})))
    assert line.kind == "setting"
    assert conf.meaning(line.value)[0] == value


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", '"a"', True), ("\\Sent", '"\\\\Sent"', True), ("$a", '"$a"', False), ("</f", '"</f"', False), ("a", "b", False)],
)
def test_two_spellings_of_a_value(one, other, same):
    assert (conf.meaning(one) == conf.meaning(other)) is same


def test_settings_are_rendered_in_their_order():
    settings = {
        "listen": ["*", "::"],
        "verbose_proctitle": True,
        "passdb": [{"driver": "pam", "args": "session=yes"}, {"driver": "passwd-file", "deny": False}],
        "namespace inbox": {"inbox": True, "mailbox Sent Messages": {"special_use": "\\Sent"}, "gone": None},
        "protocol imap": None,
        "passdb sql": {"sql_query": "q", "!include_try": "secret.conf.ext"},
        "last": 0,
    }
    assert conf.render_wanted(conf.wanted_from(settings)) == (
        "listen = * ::\n"
        "verbose_proctitle = yes\n"
        "\n"
        "passdb {\n  driver = pam\n  args = session=yes\n}\n"
        "\n"
        "passdb {\n  driver = passwd-file\n  deny = no\n}\n"
        "\n"
        'namespace inbox {\n  inbox = yes\n  mailbox "Sent Messages" {\n    special_use = \\Sent\n  }\n}\n'
        "\n"
        "passdb sql {\n  sql_query = q\n  !include_try secret.conf.ext\n}\n"
        "\n"
        "last = 0\n"
    )


word = st.text("ab_-{}$\"'#\\= \t/", min_size=1, max_size=6)
wanted_settings = st.recursive(
    st.dictionaries(word, st.none() | word | st.integers() | st.booleans() | st.lists(word, max_size=2), max_size=3),
    lambda inner: st.dictionaries(word, inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=6,
)


@given(wanted_settings)
def test_a_wanted_tree_is_the_one_that_its_text_is_read_as(settings):
    try:
        wanted = conf.wanted_from(settings)
    except conf.BadSetting:
        return
    assert conf.flatten(conf.parse(conf.render_wanted(wanted))) == conf.flatten(wanted)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"a b": "c"}, "'a b' is the head of a block"),
        ({"service auth": {"unix_listener x": {"mode": 432}}}, "service auth / unix_listener x / mode: the number 432"),
        ({"a": "b\nc"}, "a line break"),
        ({"a": 1.5}, "put it in quotes"),
        ({"ssl_cert": "</etc/a#b"}, "the start of a comment"),
        ({"a": [["b"], {"c": 1}]}, "neither text"),
        ({"a = b": "c"}, "is the head of a block"),
        ({"a=b": "c"}, "without '='"),
        ({"service auth {": {}}, "without '{'"),
        ({"!include": "x"}, "cannot be the name"),
        ({"service auth": {"!include_try": "a b"}}, "service auth / !include_try: 'a b' is no name"),
        ({"!include_try": None}, "None is no name"),
        ({"": "x"}, "cannot be the name"),
        ({"service auth": [{"a": 1}]}, "for blocks without a name"),
    ],
)
def test_what_cannot_be_written_is_refused(settings, message):
    with pytest.raises(conf.BadSetting, match=".*") as caught:
        conf.wanted_from(settings)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a = 1\n", "a = 2\n", ["a"]),
        ("a = 1\n", 'a = "1" # the same\n', []),
        ("a = 1\n", "", ["a"]),
        ("", "b x {\n c = 1\n}\n", ["b x/c"]),
        ("", "b x {\n}\n", ["b x"]),
        ("b x {\n c = 1\n}\n", "b x {\n}\n", ["b x/c"]),
        ("", "!include_try local.conf\n", ["!include_try local.conf"]),
        ("a = 1\na = 2\n", "a = 2\n", []),
    ],
)
def test_changes_are_those_of_meaning(before, after, expected):
    assert [conf.display(path) for path in conf.changes(before, after)] == expected
