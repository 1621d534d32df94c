# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.filtering_plan import FilterModule

filtering_plan = FilterModule().filters()["filtering_plan"]

RULE = {"name": "lists", "match": [{"header": "List-Id", "contains": "x"}], "folder": "Lists"}
LMTP = "lmtp:unix:private/dovecot-lmtp"
COMMAND = '/usr/bin/procmail -t -a "$EXTENSION" SHELL=/bin/sh DEFAULT=$HOME/Maildir/ ORGMAIL=$HOME/Maildir/'


def test_without_rules_nothing_is_needed():
    plan = filtering_plan([], "sieve", domain="example.org")
    assert plan == {"problems": [], "engines": ["sieve"], "transport": LMTP, "transports": {}, "procmail_command": "", "redirects": 4}


def test_all_by_procmail():
    plan = filtering_plan([{"name": "bob", "rules": [RULE]}], "procmail", rules=[RULE], domain="example.org")
    assert plan["problems"] == []
    assert (plan["transport"], plan["transports"], plan["procmail_command"]) == ("postroom-procmail:", {}, COMMAND)


def test_who_has_another_engine_has_another_transport():
    users = [{"name": "alice", "rules": [RULE]}, {"name": "bob", "engine": "procmail"}]
    plan = filtering_plan(users, "sieve", domain="example.org")
    assert (plan["transport"], plan["transports"]) == (LMTP, {"bob": "postroom-procmail:"})
    assert plan["engines"] == ["procmail", "sieve"]
    other = filtering_plan([{"name": "alice", "engine": "sieve"}], "procmail", domain="example.org")
    assert (other["transport"], other["transports"]) == ("postroom-procmail:", {"alice": LMTP})


def test_a_virtual_mailbox_has_no_transport_of_its_own():
    plan = filtering_plan([{"name": "carol@shop.example", "engine": "sieve", "rules": [RULE]}], "procmail", domain="example.org")
    assert (plan["problems"], plan["transports"]) == ([], {})


def test_dovecot_allows_as_many_redirects_as_the_rules_have():
    rules = [{"forward": [f"{number}@example.net" for number in range(3)], "copy": True}]
    users = [{"name": "alice", "rules": rules}, {"name": "bob", "rules": rules * 2}]
    assert filtering_plan(users, "sieve", rules=rules, domain="example.org")["redirects"] == 9


@pytest.mark.parametrize(
    ("users", "engine", "more", "sentence"),
    [
        ([], "maildrop", {}, "filtering_engine is 'maildrop'; write sieve or procmail."),
        ("alice", "sieve", {}, "filtering_users must be a list of users, each with a name."),
        (["alice"], "sieve", {}, "filtering_users must be a list of users, each with a name."),
        ([], "sieve", {"rules": "x"}, "The rules of the site must be a list."),
        ([{"name": "alice", "engine": "x"}], "sieve", {}, "The user alice has the engine 'x'; write sieve or procmail."),
        ([{"name": "alice"}, {"name": "alice"}], "sieve", {}, "The user 'alice' is given twice; join the two."),
        ([{"name": "../alice"}], "sieve", {}, "The user '../alice' of the filter rules has a name that no user can have."),
        ([{"name": "alice", "script": "keep;"}], "procmail", {}, "The user alice has a script, which is Sieve's (engine: sieve)"),
        ([{"name": "alice", "script": "keep;", "rules": [RULE]}], "sieve", {}, "The user alice has both rules and a script"),
        ([{"name": "alice", "variables": {"A": "b"}}], "sieve", {}, "The user alice has variables, which only procmail has"),
        ([{"name": "carol@shop.example"}], "procmail", {}, "carol@shop.example has no system account, and only Sieve can"),
        ([], "procmail", {"rules_after": [RULE]}, "The site has rules that run after the users' own, which procmail does not"),
        ([], "procmail", {"mail_location": "sdbox:~/sdbox"}, "Only Dovecot can write into mail_location 'sdbox:~/sdbox'"),
        ([], "sieve", {"rules": [{**RULE, "folder": "a/b"}]}, "The rule lists of the site has the folder 'a/b'"),
    ],
)
def test_what_is_wrong_is_a_sentence(users, engine, more, sentence):
    (problem,) = filtering_plan(users, engine, **{"domain": "example.org", **more})["problems"]
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("alice", None),
        ("to-be", None),
        ("carol@shop.example", None),
        ("info@example.org", None),
        ("somebody@elsewhere.example", None),
        ("not-asked", None),
        ("nobody-there", "filtering_users has nobody-there, and there is no such user"),
        ("alice@example.org", "whose mailbox is that of the account alice: write alice."),
        ("to-be@Example.ORG", "whose mailbox is that of the account to-be: write to-be."),
    ],
)
def test_rules_are_for_somebody(name, problem):
    known = {
        "users_to_be": [{"name": "to-be"}],
        "accounts": {"alice": True, "nobody-there": False, "carol": False, "info": False, "to-be": False},
        "mailboxes": ["carol@shop.example", "info@example.org"],
    }
    users = [{"name": name, "rules": [RULE]}]
    problems = filtering_plan(users, "sieve", domain="example.org", **known)["problems"]
    assert [problem in said for said in problems] == ([True] if problem else [])
    assert filtering_plan(users, "sieve", domain="example.org")["problems"] == []
