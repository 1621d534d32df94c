# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistake never gets live, a user who is away answers once, and one word changes the engine."""

from __future__ import annotations

import email
import email.policy
import uuid

import pytest
from harness import Run, call, play
from mail_hosts import ALICE, BOB, MAIL_HOSTS

LIST = "List-Id: x <postfix-users.example.net>\r\n"
FILES = (
    "find /etc/dovecot/sieve /etc/procmailrc /home/*/.procmailrc /etc/postfix /etc/dovecot/dovecot.conf"
    " -printf '%i %T@ %C@ %m %u %g %p\\n' 2>/dev/null | sort"
)


def site(*arguments: str, **variables) -> Run:
    return play("site", *arguments, limit="mail", variables=variables or None)


def send(outside, mail, user, subject, *, headers="", author="x@elsewhere.example", body="x"):
    recipient = user if "@" in user else f"{user}@{mail.domain}"
    data = f"From: {author}\r\nTo: {recipient}\r\nSubject: {subject}\r\n{headers}\r\n{body}\r\n.\r\n"
    outside.ask("raw_smtp", host=mail.fqdn, data=data, sender=author, recipient=recipient)


def places(outside, mail, login, subject, wait=30):
    return [place[0] for place in outside.ask("filed", host=mail.fqdn, login=login, subject=subject, wait=wait)]


# Answers -----------------------------------------------------------------------------------------------------------


def answers(outside, address, wait):
    """Return the answers to *address*."""
    tries = int(wait / 0.5)
    outside.run(f"for i in $(seq {tries}); do grep -rlsi '^To:.*{address}' /var/spool/sink && exit 0; sleep 0.5; done")
    found = outside.run(f"grep -rlsi '^To:.*{address}' /var/spool/sink").stdout.split()
    return [email.message_from_bytes(outside.out(f"cat {path}").encode(), policy=email.policy.default) for path in found]


@pytest.mark.parametrize(("user", "login"), [("alice", ALICE), ("bob", BOB)])
def test_who_is_away_answers_once(mail, outside, subject, user, login):
    one, two, a_list = (f"{name}-{uuid.uuid4().hex[:8]}@elsewhere.example" for name in ("one", "two", "list"))
    send(outside, mail, user, f"holiday {subject}", author=one)
    assert len(answers(outside, one, wait=20)) == 1
    send(outside, mail, user, f"holiday {subject} again", author=one)
    send(outside, mail, user, f"holiday {subject}", author=two)
    send(outside, mail, user, f"holiday {subject} list", author=a_list, headers="List-Id: <l.example.net>\r\nPrecedence: list\r\n")
    (answer,) = answers(outside, two, wait=20)
    assert outside.ask("filed", host=mail.fqdn, login=login, subject=subject, count=4) != []
    assert len(answers(outside, one, wait=2)) == 1
    assert answers(outside, a_list, wait=0) == []
    assert answer["Subject"] == "Weg vom Büro"
    assert answer["Auto-Submitted"].startswith("auto-replied")
    assert answer["Return-Path"] in ("<>", None)
    assert f"{user}@{mail.domain}" in answer["From"]
    text = answer.get_body(("plain",)).get_content()
    assert text.splitlines()[:2] == ["I am away.", 'I\'ll be back "soon" -- grüße, $HOME']


# Bad input ---------------------------------------------------------------------------------------------------------

MATCH = [{"header": "subject", "contains": "x"}]
BAD = {
    "climbs out": ({"rules": [{"folder": "../etc", "match": MATCH}]}, "climbs out of the mailbox"),
    "absolute": ({"rules": [{"folder": "/etc/x", "match": MATCH}]}, "climbs out of the mailbox"),
    "wrong separator": ({"rules": [{"folder": "Lists/a", "match": MATCH}]}, "'.'"),
    "no action": ({"rules": [{"name": "idle", "match": MATCH}]}, "The rule idle of alice does not say what to do with the mail"),
    "unknown word": ({"rules": [{"fodler": "x"}]}, "has 'fodler', which is not known"),
    "bad regexp": ({"rules": [{"match": [{"header": "subject", "regex": "a(b"}], "folder": "x"}]}, "a(b"),
    "no such program": (
        {"engine": "procmail", "rules": [{"pipe": "/no/such/program -x"}]},
        "'/no/such/program', which is not on this host",
    ),
    "bad regexp of procmail": ({"engine": "procmail", "rules": [{"match": [{"regexp": "a(b"}], "folder": "x"}]}, "Invalid regexp"),
    "wrong engine": ({"engine": "procmail", "rules": [{"reject": "no"}]}, "Sieve does (engine: sieve)"),
    "other wrong engine": ({"rules": [{"pipe": "cat"}]}, "procmail does (engine: procmail)"),
    "script": ({"script": 'require "fileinto";\nif true {\n  fileinto "x"\n}\n'}, "the Sieve script of alice"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_changes_nothing(mail, outside, subject, name):
    user, sentence = BAD[name]
    before = mail.out(FILES)
    for check in (True, False):
        said = call(mail.name, "mail_filter", check=check, domain=mail.domain, users=[{"name": "alice", **user}])
        assert said["failed"]
        assert sentence in said["msg"]
        assert said["msg"].count(". ") == 0
    assert mail.out(FILES) == before
    if name == "script":
        # The one that was there is still followed.
        send(outside, mail, "alice", subject, headers=LIST)
        assert places(outside, mail, ALICE, subject) == ["Lists.postfix"]


def test_what_is_wrong_is_said_before_anything_is_changed(mails):
    before = [mail.out(FILES) for mail in mails]
    run = site(filtering_users=[{"name": "alice", "rules": [{"name": "idle"}]}], dovecot_mail_max_userip_connections=7)
    assert run.rc != 0
    assert "The rule idle of alice does not say" in run.output
    assert [mail.out(FILES) for mail in mails] == before


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_sample_that_goes_elsewhere_stops_the_play(mails, user):
    before = [mail.out(FILES) for mail in mails]
    sample = {
        "name": "the list",
        "user": user,
        "mail": "From: x@y.example\nList-Id: postfix-users\n\nx\n",
        "expect": {"folder": "Other"},
    }
    run = site("--tags", "filtering", filtering_samples=[sample], filtering_rules=[])
    assert run.rc != 0
    assert f"The sample the list of {user} expects folder Other, but the rules give: folder Lists.postfix" in run.output
    assert [mail.out(FILES) for mail in mails] == before


def test_samples_are_tried_in_check_mode():
    run = site("--tags", "filtering", "--check")
    assert run.rc == 0
    assert "a mail of the boss (bob, procmail): folder INBOX and flag" in run.output
    assert [run.changed(mail.name) for mail in MAIL_HOSTS] == [0, 0]


def test_a_file_of_somebody_else_is_not_replaced(mail):
    mail.out("printf 'DEFAULT=$HOME/Maildir/\\n' >/home/alice/.procmailrc && chown alice: /home/alice/.procmailrc")
    try:
        rules = [{"folder": "x", "match": MATCH}]
        said = call(
            mail.name, "mail_filter", check=True, domain=mail.domain, users=[{"name": "alice", "engine": "procmail", "rules": rules}]
        )
        assert said["skipped_users"] == ["alice"]
        assert "/home/alice/.procmailrc" not in said["paths"]
    finally:
        mail.out("rm /home/alice/.procmailrc")


# What users do themselves ------------------------------------------------------------------------------------------


def test_a_user_keeps_a_script_of_his_own_over_tls_only(mail, outside, subject):
    broken = outside.ask("managesieve", host=mail.fqdn, login=ALICE, script='require "nothing";\nx', name="broken")
    assert broken["sasl_before"] == ""
    assert not broken["cleartext_login"].startswith("OK")
    assert broken["put"].startswith("NO")
    script = 'require "fileinto";\nif header :contains "X-Own" "yes" { fileinto "Own"; }\n'
    said = outside.ask("managesieve", host=mail.fqdn, login=ALICE, script=script)
    assert said["put"].startswith("OK")
    assert said["active"].startswith("OK")
    send(outside, mail, "alice", f"{subject} own", headers="X-Own: yes\r\n")
    assert places(outside, mail, ALICE, f"{subject} own") == ["Own"]
    # What the inventory says comes first.
    send(outside, mail, "alice", f"{subject} list", headers=f"X-Own: yes\r\n{LIST}")
    assert places(outside, mail, ALICE, f"{subject} list") == ["Lists.postfix"]
    assert outside.ask("reachable", host=mail.fqdn, ports=[2000, 4190]) == {"2000": False, "4190": True}


# Changes -----------------------------------------------------------------------------------------------------------


def test_one_word_changes_the_engine(mails, outside):
    users = [{"name": "alice", "rules": "{{ simple_rules }}"}, {"name": "bob", "rules": "{{ simple_rules }}"}]
    for engine, more in (
        ("procmail", {}),
        ("sieve", {"filtering_rules_after": [{"name": "last", "match": [{"header": "x-last", "exists": True}], "folder": "Last"}]}),
    ):
        variables = {"filtering_engine": engine, "filtering_users": users, "filtering_samples": [], **more}
        assert site(**variables).rc == 0
        for mail in mails:
            subject = f"{engine}-{uuid.uuid4()}"
            assert mail.out("postconf -hx mailbox_transport").startswith("postroom-procmail" if engine == "procmail" else "lmtp")
            # One with rules, and one without, whose Maildir is the same.
            send(outside, mail, "bob", f"{subject} list", headers=LIST)
            send(outside, mail, "dave", f"{subject} list", headers=LIST)
            send(outside, mail, "bob", f"{subject} last", headers="X-Last: 1\r\n")
            assert places(outside, mail, BOB, f"{subject} list") == ["Lists.postfix"]
            assert places(outside, mail, BOB, f"{subject} last") == ["Last" if more else "INBOX"]
            assert places(outside, mail, ["dave", "dave-password"], f"{subject} list") == ["INBOX"]
            assert mail.run("test -e /home/bob/.procmailrc").returncode == (0 if engine == "procmail" else 1)


def test_rules_that_are_taken_out_are_gone_and_come_back(mails, outside):
    nothing = {"filtering_rules": [], "filtering_users": [], "filtering_samples": [], "filtering_managesieve": False}
    assert site(**nothing).rc == 0
    for mail in mails:
        subject = str(uuid.uuid4())
        send(outside, mail, "bob", subject, headers=LIST)
        assert places(outside, mail, BOB, subject) == ["INBOX"]
        assert mail.run("ls /etc/procmailrc /home/*/.procmailrc /etc/dovecot/sieve/*.s* /etc/dovecot/sieve/users/*").stdout == ""
        # Where procmail is there before it, Debian's Postfix has a mailbox_command of its own.
        assert "postroom-procmail" not in mail.out("postconf -M; postconf -n")
        assert "/etc/dovecot/sieve" not in mail.out("doveconf -n")
        assert outside.ask("reachable", host=mail.fqdn, ports=[4190]) == {"4190": False}
    again = site(**nothing)
    assert [again.changed(mail.name) for mail in mails] == [0, 0]
    assert site().rc == 0
    for mail in mails:
        for user, login in (("alice", ALICE), ("bob", BOB)):
            subject = str(uuid.uuid4())
            send(outside, mail, user, subject, headers=LIST)
            assert places(outside, mail, login, subject) == ["Lists.postfix"]
    last = site()
    assert [last.changed(mail.name) for mail in mails] == [0, 0]
