# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter import sieve
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import parse
from hypothesis import given
from hypothesis import strategies as st

HEADER = "# Managed by postroom.mail: what is changed in this file by hand is overwritten.\n"
ALICE = "alice@example.org"


def rules_of(*options):
    rules, problems = parse(list(options), "of alice")
    assert problems == []
    return rules


def script(*options, own=ALICE):
    """Return the text of a script below the line by which it is known."""
    text = sieve.Writer(own).script(rules_of(*options))
    assert text.startswith(HEADER)
    return text.removeprefix(HEADER)


@pytest.mark.parametrize(
    ("condition", "test"),
    [
        ({"header": "subject", "contains": "offer"}, 'header :contains "subject" "offer"'),
        ({"header": "subject", "is": ""}, 'header :is "subject" ""'),
        ({"header": ["to", "cc"], "is": ["a", "b"]}, 'header :is ["to", "cc"] ["a", "b"]'),
        ({"header": "subject", "matches": "*[ab]?"}, 'header :matches "subject" "*[ab]?"'),
        ({"header": "subject", "regex": "^a|b$"}, 'header :regex "subject" "^a|b$"'),
        ({"header": "subject", "contains": 'say "a\\b"'}, r'header :contains "subject" "say \"a\\b\""'),
        ({"header": "subject", "contains": "Grüße"}, 'header :contains "subject" "Grüße"'),
        ({"header": "subject", "contains": "${1}"}, 'header :contains "subject" "${1}"'),
        ({"header": "list-id", "exists": True}, 'exists "list-id"'),
        ({"header": "list-id", "exists": True, "not": True}, 'not exists "list-id"'),
        ({"header": ["list-id", "x-list"], "exists": True}, 'anyof (exists "list-id", exists "x-list")'),
        ({"header": ["list-id", "x-list"], "exists": True, "not": True}, 'not anyof (exists "list-id", exists "x-list")'),
        ({"address": "from", "is": "bob@example.org"}, 'address :is "from" "bob@example.org"'),
        ({"address": "from", "is": "bob@example.org", "part": "all"}, 'address :is "from" "bob@example.org"'),
        ({"address": "from", "is": "example.org", "part": "domain"}, 'address :domain :is "from" "example.org"'),
        ({"address": ["to", "cc"], "contains": "b", "part": "localpart"}, 'address :localpart :contains ["to", "cc"] "b"'),
        ({"envelope": "to", "matches": "*+x@*"}, 'envelope :matches "to" "*+x@*"'),
        ({"envelope": "from", "is": "example.org", "part": "domain", "not": True}, 'not envelope :domain :is "from" "example.org"'),
        ({"body": "text", "contains": "offer"}, 'body :text :contains "offer"'),
        ({"body": "raw", "regex": ["a+", "b+"]}, 'body :raw :regex ["a+", "b+"]'),
        ({"body": ["raw", "text"], "contains": "a"}, 'anyof (body :raw :contains "a", body :text :contains "a")'),
        ({"larger": "500K"}, "size :over 512000"),
        ({"larger": 0}, "size :over 0"),
        ({"smaller": "2m"}, "size :under 2097152"),
        ({"smaller": 10, "not": True}, "not size :under 10"),
    ],
)
def test_what_a_condition_becomes(condition, test):
    text = script({"match": [condition], "discard": True})
    assert re.sub(r"^require .*\n", "", text) == f"\n# 1\nif {test} {{\n    discard;\n    stop;\n}}\n"


ONE, TWO = {"header": "a", "is": "1"}, {"header": "b", "is": "2"}
TEST_ONE, TEST_TWO = 'header :is "a" "1"', 'header :is "b" "2"'


@pytest.mark.parametrize(
    ("conditions", "test"),
    [
        ({}, "true"),
        ({"match": [ONE]}, TEST_ONE),
        ({"match": [ONE, TWO]}, f"allof ({TEST_ONE}, {TEST_TWO})"),
        ({"match_any": [ONE]}, TEST_ONE),
        ({"match_any": [ONE, {**TWO, "not": True}]}, f"anyof ({TEST_ONE}, not {TEST_TWO})"),
        ({"match": [ONE], "match_any": [TWO]}, f"allof ({TEST_ONE}, {TEST_TWO})"),
        ({"match": [ONE], "match_any": [ONE, TWO]}, f"allof ({TEST_ONE}, anyof ({TEST_ONE}, {TEST_TWO}))"),
    ],
)
def test_how_conditions_go_together(conditions, test):
    assert script({**conditions, "discard": True}) == f"\n# 1\nif {test} {{\n    discard;\n    stop;\n}}\n"


@pytest.mark.parametrize(
    ("options", "required", "commands"),
    [
        ({"folder": "Lists.new"}, '"fileinto", "mailbox"', ['fileinto :create "Lists.new";', "stop;"]),
        ({"folder": "Ä ö"}, '"fileinto", "mailbox"', ['fileinto :create "Ä ö";', "stop;"]),
        ({"folder": "INBOX"}, '"fileinto", "mailbox"', ['fileinto :create "INBOX";', "stop;"]),
        # What is copied goes on to the next rule.
        ({"folder": "Copies", "copy": True}, '"copy", "fileinto", "mailbox"', ['fileinto :create :copy "Copies";']),
        ({"discard": True}, None, ["discard;", "stop;"]),
        ({"reject": 'No "mail"\nhere'}, '"reject"', ['reject "No \\"mail\\"', 'here";', "stop;"]),
        ({"flag": "\\SEEN"}, '"imap4flags"', [r'addflag "\\Seen";']),
        ({"flag": ["\\flagged", "$label1"]}, '"imap4flags"', [r'addflag ["\\Flagged", "$label1"];']),
        (
            {"flag": ["work"], "folder": "Work"},
            '"fileinto", "imap4flags", "mailbox"',
            ['addflag "work";', 'fileinto :create "Work";', "stop;"],
        ),
        ({"vacation": "I am away."}, '"vacation"', ['vacation "I am away.";']),
        (
            {"vacation": {"text": "Away", "subject": 'So "long"', "addresses": ["me@example.org"], "days": 3}, "folder": "Away"},
            '"fileinto", "mailbox", "vacation"',
            ['vacation :days 3 :subject "So \\"long\\"" :addresses "me@example.org" "Away";', 'fileinto :create "Away";', "stop;"],
        ),
        (
            {"vacation": {"text": "Away", "addresses": ["me@example.org", "us@example.org"]}, "discard": True},
            '"vacation"',
            ['vacation :addresses ["me@example.org", "us@example.org"] "Away";', "discard;", "stop;"],
        ),
    ],
)
def test_what_becomes_of_a_mail(options, required, commands):
    head = f"require [{required}];\n" if required else ""
    # A text of several lines stays as it is: what is put before its lines would be part of it.
    inside = "\n".join(commands).replace("\n", "\n    ").replace("    here", "here")
    assert script(options) == f"{head}\n# 1\nif true {{\n    {inside}\n}}\n"


@pytest.mark.parametrize(
    ("condition", "required"),
    [
        ({"header": "a", "regex": "b"}, 'require ["regex"];'),
        ({"body": "raw", "contains": "b"}, 'require ["body"];'),
        ({"body": "text", "regex": "b"}, 'require ["body", "regex"];'),
        ({"envelope": "to", "is": "b"}, 'require ["envelope"];'),
        # These are part of the language itself.
        ({"header": "a", "exists": True}, ""),
        ({"address": "to", "matches": "b*"}, ""),
        ({"larger": 1}, ""),
    ],
)
def test_what_a_condition_requires(condition, required):
    assert script({"match": [condition], "discard": True}).split("\n")[0] == required


def test_what_came_back_is_not_forwarded_again():
    given_rules = (
        {"name": "phone", "match": [{"smaller": "100K"}], "forward": "al@phone.example", "copy": True},
        {"name": "all", "forward": ["a@example.net", "b@example.net"]},
    )
    assert script(*given_rules) == (
        'require ["copy"];\n'
        "\n"
        "# phone\n"
        'if allof (size :under 102400, not header :is ["X-Loop", "X-Sieve-Redirected-From"] "alice@example.org") {\n'
        '    redirect :copy "al@phone.example";\n'
        "}\n"
        "\n"
        "# all\n"
        'if not header :is ["X-Loop", "X-Sieve-Redirected-From"] "alice@example.org" {\n'
        '    redirect "a@example.net";\n'
        '    redirect "b@example.net";\n'
        "    stop;\n"
        "}\n"
    )


def test_a_script_for_everybody_asks_whose_mail_it_is():
    text = script({"name": "away", "match": [ONE], "forward": "a@example.net"}, own=None)
    assert text == (
        'require ["envelope", "variables"];\n'
        'if envelope :matches "to" "*" { set "own" "${1}"; }\n'
        "\n"
        "# away\n"
        f'if allof ({TEST_ONE}, not header :is ["X-Loop", "X-Sieve-Redirected-From"] "${{own}}") {{\n'
        '    redirect "a@example.net";\n'
        "    stop;\n"
        "}\n"
    )


def test_a_script_for_everybody_that_forwards_nothing_does_not_ask():
    assert script({"folder": "Junk"}, own=None) == (
        'require ["fileinto", "mailbox"];\n\n# 1\nif true {\n    fileinto :create "Junk";\n    stop;\n}\n'
    )


def test_a_forward_inside_asks_whose_mail_it_is():
    text = script({"name": "outer", "rules": [{"name": "inner", "forward": "a@example.net"}]}, own=None)
    assert text.split("\n")[:2] == ['require ["envelope", "variables"];', 'if envelope :matches "to" "*" { set "own" "${1}"; }']


def test_a_dollar_is_itself_where_variables_are():
    text = script({"folder": "a${own}b", "copy": True}, {"forward": "a@example.net"}, own=None)
    assert text == (
        'require ["copy", "envelope", "fileinto", "mailbox", "variables"];\n'
        'set "dollar" "$";\n'
        'if envelope :matches "to" "*" { set "own" "${1}"; }\n'
        "\n"
        "# 1\n"
        "if true {\n"
        '    fileinto :create :copy "a${dollar}{own}b";\n'
        "}\n"
        "\n"
        "# 2\n"
        'if not header :is ["X-Loop", "X-Sieve-Redirected-From"] "${own}" {\n'
        '    redirect "a@example.net";\n'
        "    stop;\n"
        "}\n"
    )


def test_of_two_rules_that_answer_the_first_one_does():
    text = script({"name": "a", "match": [ONE], "vacation": "Away"}, {"name": "b", "vacation": {"text": "Gone ${x}", "days": 1}})
    assert text == (
        'require ["vacation", "variables"];\n'
        'set "dollar" "$";\n'
        "\n"
        "# a\n"
        f"if {TEST_ONE} {{\n"
        '    if not string "${answered}" "yes" { set "answered" "yes"; vacation "Away"; }\n'
        "}\n"
        "\n"
        "# b\n"
        "if true {\n"
        '    if not string "${answered}" "yes" { set "answered" "yes"; vacation :days 1 "Gone ${dollar}{x}"; }\n'
        "}\n"
    )


def test_rules_inside_of_rules():
    inner = [{"name": "first", "match": [ONE], "folder": "A"}, {"name": "second", "rules": [{"name": "deep", "discard": True}]}]
    assert script({"name": "outer", "match": [TWO], "rules": inner}) == (
        'require ["fileinto", "mailbox"];\n'
        "\n"
        "# outer\n"
        f"if {TEST_TWO} {{\n"
        "    # first\n"
        f"    if {TEST_ONE} {{\n"
        '        fileinto :create "A";\n'
        "        stop;\n"
        "    }\n"
        "\n"
        "    # second\n"
        "    if true {\n"
        "        # deep\n"
        "        if true {\n"
        "            discard;\n"
        "            stop;\n"
        "        }\n"
        "    }\n"
        "}\n"
    )


@pytest.mark.parametrize(("name", "comment"), [("a \\", "# a"), ("spam; discard;", "# spam; discard;"), ("/* x", "# /* x")])
def test_the_name_of_a_rule_is_a_comment(name, comment):
    assert script({"name": name, "discard": True}).split("\n")[1:3] == [comment, "if true {"]


@given(st.text())
def test_a_string_is_read_as_it_was(text):
    quoted = sieve.quote(text)
    assert quoted[0] == quoted[-1] == '"'
    found = re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
    # No quote ends it before its end.
    assert not re.search(r'(?<!\\)(\\\\)*"', quoted[1:-1])
    assert found == text


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 0),
        ([{"folder": "A"}], 0),
        ([{"forward": ["a@b.example", "c@b.example"], "copy": True}, {"forward": "d@b.example"}], 3),
        ([{"rules": [{"forward": "a@b.example"}, {"rules": [{"forward": ["c@b.example", "d@b.example"]}]}]}], 3),
    ],
)
def test_to_how_many_addresses_a_mail_may_go(options, count):
    assert sieve.redirects(rules_of(*options)) == count


WHO = "The rule odd of alice"


@pytest.mark.parametrize(
    ("options", "separator", "sentences"),
    [
        ({"pipe": "cat"}, ".", [f"{WHO} has a pipe, and Sieve starts no programs; procmail does (engine: procmail)."]),
        ({"folder": "A", "recipe_flags": "w"}, ".", [f"{WHO} has recipe_flags, which only procmail has (engine: procmail)."]),
        *(
            (
                {"folder": "A", "lock": lock},
                ".",
                [f"{WHO} has a lock, which Dovecot sees to itself; only procmail needs to be told (engine: procmail)."],
            )
            for lock in (True, False, "a.lock")
        ),
        (
            {"copy": True, "rules": [{"folder": "A"}]},
            ".",
            [f"{WHO} has copy for the rules inside; Sieve takes it for each of these alone, and procmail for all (engine: procmail)."],
        ),
        ({"folder": "A/B"}, ".", [f"{WHO} has the folder 'A/B', which has a '/': in a Maildir, levels are parted by '.'."]),
        ({"folder": "A/B"}, "/", []),
        ({"folder": "A.B"}, ".", []),
        (
            {"match": [{"program": "true"}], "folder": "A"},
            ".",
            [f"{WHO} asks a program, and Sieve starts none; procmail does (engine: procmail)."],
        ),
        (
            {"match_any": [{"regexp": "^a"}], "folder": "A"},
            ".",
            [f"{WHO} has a regexp on the text of the mail, which only procmail has (engine: procmail): write header and regex."],
        ),
        (
            {"pipe": "cat", "recipe_flags": "f"},
            ".",
            [
                f"{WHO} has a pipe, and Sieve starts no programs; procmail does (engine: procmail).",
                f"{WHO} has recipe_flags, which only procmail has (engine: procmail).",
            ],
        ),
        ({"folder": "A", "copy": True, "flag": ["x"], "vacation": "Away", "match": [{"envelope": "to", "is": "a"}]}, ".", []),
        ({"reject": "No"}, ".", []),
    ],
)
def test_what_sieve_cannot(options, separator, sentences):
    assert sieve.problems(rules_of({"name": "odd", **options}), separator, "of alice") == sentences


def test_what_sieve_cannot_inside_of_a_rule():
    rules = rules_of({"name": "outer", "rules": [{"name": "odd", "pipe": "cat"}]}, {"name": "fine", "discard": True})
    assert sieve.problems(rules, ".", "of alice") == [f"{WHO} has a pipe, and Sieve starts no programs; procmail does (engine: procmail)."]
