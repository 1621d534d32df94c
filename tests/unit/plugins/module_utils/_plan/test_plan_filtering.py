# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import filtering
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import MAILBOXES, VARIABLES, facts

RULE = {"name": "lists", "match": [{"header": "List-Id", "contains": "x"}], "folder": "Lists"}
FORWARD = {"forward": [f"{number}@example.net" for number in range(3)], "copy": True}
LMTP = "lmtp:unix:private/dovecot-lmtp"
PROCMAIL = "postroom-procmail:"
COMMAND = '/usr/bin/procmail -t -a "$EXTENSION" SHELL=/bin/sh DEFAULT=$HOME/Maildir/ ORGMAIL=$HOME/Maildir/'
BY_PROCMAIL = {"filtering_engine": "procmail"}


def play(variables, there=None, **said):
    """Return the messages of the role to the others, and its part."""
    given = {**VARIABLES, **variables}
    there = facts() if there is None else there
    offers = filtering.offers(given, there, Offers(**said))
    return offers, filtering.plan(given, there, offers)


def users(*listed):
    return {"filtering_users": list(listed)}


# What it tells the others ------------------------------------------------------------------------------------------


def test_without_rules_nothing_is_needed():
    offers, part = play({})
    scripts = {"sieve_before": ["/etc/dovecot/sieve/before.sieve", "/etc/dovecot/sieve/users/%{user}.sieve"]}
    assert offers == Offers(**scripts, sieve_after=["/etc/dovecot/sieve/after.sieve"])
    assert (part.problems, part.packages, part.names_to_look_up, part.mail_filter) == ([], (), [], None)


def test_what_others_have_said_stays():
    assert play({}, mail_location="mbox:~/mail", myhostname="h")[0].myhostname == "h"


@pytest.mark.parametrize(
    ("variables", "sieve", "managesieve"),
    [
        ({"filtering_rules": [RULE]}, True, False),
        ({"filtering_rules_after": [RULE]}, True, False),
        (users({"name": "alice"}), True, False),
        ({"filtering_samples": [{"user": "alice", "mail": "x"}]}, False, False),
        ({"filtering_managesieve": True}, True, True),
        ({**BY_PROCMAIL, "filtering_managesieve": True}, True, True),
        ({**BY_PROCMAIL, "filtering_rules": [RULE]}, False, False),
        ({**BY_PROCMAIL, **users({"name": "alice", "engine": "sieve"})}, True, False),
        ({"filtering_engine": "maildrop", "filtering_rules": [RULE]}, False, False),
        ({"filtering_engine": "maildrop", "filtering_managesieve": True}, True, True),
    ],
)
def test_whether_dovecot_is_to_filter(variables, sieve, managesieve):
    offers, _part = play(variables)
    assert (offers.sieve, offers.managesieve) == (sieve, managesieve)


@pytest.mark.parametrize(
    ("variables", "transport", "transports", "command"),
    [
        (BY_PROCMAIL, PROCMAIL, {}, COMMAND),
        (users({"name": "alice", "rules": [RULE]}, {"name": "bob", "engine": "procmail"}), LMTP, {"bob": PROCMAIL}, COMMAND),
        ({**BY_PROCMAIL, **users({"name": "alice", "engine": "sieve"})}, PROCMAIL, {"alice": LMTP}, COMMAND),
        # All virtual mailboxes are Dovecot's.
        ({**BY_PROCMAIL, **users({"name": "carol@shop.example", "engine": "sieve"})}, PROCMAIL, {}, COMMAND),
        # Without a plan that procmail could follow it is not started.
        ({**BY_PROCMAIL, "filtering_rules_after": [RULE]}, PROCMAIL, {}, ""),
        ({"filtering_engine": "maildrop"}, LMTP, {}, ""),
    ],
)
def test_how_postfix_hands_mail_over(variables, transport, transports, command):
    offers, _part = play(variables)
    assert (offers.mailbox_transport, offers.mailbox_transports, offers.procmail_command) == (transport, transports, command)


def test_procmail_writes_where_dovecot_reads():
    offers, part = play(BY_PROCMAIL, mail_location="mbox:~/mail:INBOX=/var/mail/%u")
    assert "DEFAULT=/var/mail/$LOGNAME" in offers.procmail_command
    assert part.mail_filter["mail_location"] == "mbox:~/mail:INBOX=/var/mail/%u"


def test_dovecot_allows_as_many_redirects_as_the_rules_have():
    listed = users({"name": "alice", "rules": [FORWARD]}, {"name": "bob", "rules": [FORWARD, FORWARD]})
    assert play({"filtering_rules": [FORWARD], **listed})[0].sieve_max_redirects == 9


# What it wants -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "there", "wanted"),
    [
        ({"filtering_rules": [RULE]}, facts(), True),
        ({"filtering_rules_after": [RULE]}, facts(), True),
        (users({"name": "alice"}), facts(), True),
        ({"filtering_samples": [{"user": "alice", "mail": "x"}]}, facts(), True),
        (BY_PROCMAIL, facts(), True),
        ({"filtering_managesieve": True}, facts(), False),
        # Former rules may have to be taken away.
        ({}, {**facts(), "postfix": {"services": {"postroom-procmail/unix": {}}}}, True),
        ({}, facts(settings={"plugin": {"sieve_before": "/etc/dovecot/sieve/before.sieve"}}), True),
        ({}, facts(settings={"plugin": {"sieve_before": "/srv/sieve/before.sieve"}}), False),
        ({}, {}, False),
    ],
)
def test_whether_the_rules_are_written(variables, there, wanted):
    assert (play(variables, there)[1].mail_filter is not None) is wanted


def test_the_options_of_mail_filter():
    variables = {
        "filtering_rules": [RULE],
        "filtering_rules_after": [FORWARD],
        "filtering_users": [{"name": "alice"}],
        "filtering_samples": [{"user": "alice", "mail": "x"}],
        "filtering_replace_config": True,
        "host_virtual_account": "mail-owner",
    }
    assert play(variables)[1].mail_filter == {
        "engine": "sieve",
        "rules": [RULE],
        "rules_after": [FORWARD],
        "users": [{"name": "alice"}],
        "samples": [{"user": "alice", "mail": "x"}],
        "domain": "example.org",
        "mail_location": "maildir:~/Maildir",
        "virtual_account": "mail-owner",
        "replace": True,
    }


def test_whom_the_host_is_asked_about():
    assert play(users({"name": "alice"}, {"name": "carol@shop.example"}), {})[1].names_to_look_up == ["alice", "carol"]


# What is wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"filtering_engine": "maildrop"}, "filtering_engine is 'maildrop'; write sieve or procmail."),
        ({"filtering_engine": None}, "filtering_engine is 'None'; write sieve or procmail."),
        ({"filtering_users": "alice"}, "filtering_users must be a list of users, each with a name."),
        (users("alice"), "filtering_users must be a list of users, each with a name."),
        ({"filtering_rules": "x"}, "The rules of the site must be a list."),
        (users({"name": "alice", "engine": "x"}), "The user alice has the engine 'x'; write sieve or procmail."),
        (users({"name": "alice"}, {"name": "alice"}), "The user 'alice' is given twice; join the two."),
        (
            users({"name": "alice", "script": "keep;", "engine": "procmail"}),
            "The user alice has a script, which is Sieve's (engine: sieve)",
        ),
        (users({"name": "alice", "script": "keep;", "rules": [RULE]}), "The user alice has both rules and a script"),
        (users({"name": "alice", "variables": {"A": "b"}}), "The user alice has variables, which only procmail has"),
        (users({"name": "carol@shop.example", "engine": "procmail"}), "carol@shop.example has no system account, and only Sieve can"),
        (users({"name": "../alice"}), "The user '../alice' of the filter rules has a name that no user can have."),
        ({**BY_PROCMAIL, "filtering_rules_after": [RULE]}, "The site has rules that run after the users' own, which procmail does not"),
        ({"filtering_rules": [{**RULE, "folder": "a/b"}]}, "The rule lists of the site has the folder 'a/b'"),
        ({"filtering_rules": [RULE], "host_domain": ""}, "The domain '' of the filter rules is no domain name."),
    ],
)
def test_what_is_wrong_is_a_sentence(variables, sentence):
    (problem,) = play(variables)[1].problems
    assert problem.startswith(sentence)


def test_what_only_dovecot_can_write_to():
    (problem,) = play(BY_PROCMAIL, mail_location="sdbox:~/sdbox")[1].problems
    assert problem.startswith("Only Dovecot can write into mail_location 'sdbox:~/sdbox'")


def test_rules_may_come_from_a_template_that_makes_a_tuple():
    assert play({"filtering_rules": (RULE,), "filtering_rules_after": (RULE,)})[1].problems == []


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
    there = {**facts(), "accounts": {"alice": True, "nobody-there": False, "carol": False, "info": False, "to-be": False}}
    variables = {**users({"name": name, "rules": [RULE]}), "host_users": [{"name": "to-be"}]}
    mailboxes = {**MAILBOXES, "addresses": ["carol@shop.example", "info@example.org"]}

    def found(there, **said):
        return play(variables, there, virtual_mailboxes=mailboxes, **said)[1].problems

    assert [problem in sentence for sentence in found(there)] == ([True] if problem else [])
    # Before the host has answered, and of users whom other databases know, nobody can tell.
    assert found({}) == found(there, userdb_drivers=["passwd", "sql"]) == []


def test_offers_are_the_same_whenever_they_are_asked_for():
    given = {**VARIABLES, **BY_PROCMAIL, "filtering_rules": [RULE]}
    once = filtering.offers(given, facts(), Offers())
    assert filtering.offers(given, facts(), once) == once
    assert dataclasses.asdict(once) != dataclasses.asdict(Offers())
