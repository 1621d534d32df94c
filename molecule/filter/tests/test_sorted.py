# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail from outside is where the rules say, read there over IMAP from another container: Sieve for alice, procmail for bob."""

from __future__ import annotations

import base64
import dataclasses
import functools
import uuid

import pytest
from mail_hosts import ALICE, BOB, MAIL_HOSTS

INBOX = [["INBOX", []]]


def into(*folders, flags=()):
    return [[folder, list(flags)] for folder in sorted(folders)]


@dataclasses.dataclass(frozen=True)
class Mail:
    """One that is sent, and where it must be found; *outside*: to which address it must have been forwarded."""

    subject: str
    places: list
    headers: str = ""
    body: str = "hello"
    author: str = "x@elsewhere.example"
    sender: str = "x@elsewhere.example"
    to: str = "{user}@{domain}"
    outside: str | None = None


# Both engines, by the same rules.
SIMPLE = {
    "list": Mail("l", into("Lists.postfix"), headers="List-Id: Users <postfix-users.example.net>\r\n"),
    "second header": Mail("l", into("Lists.postfix"), headers="List-Post: <mailto:postfix-users@example.net>\r\n"),
    "address in brackets": Mail("b", into("INBOX", flags=[r"\Flagged"]), author='"The Boss" <boss@elsewhere.example>'),
    "bare address": Mail("b", into("INBOX", flags=[r"\Flagged"]), author="Friend+Tag@elsewhere.example"),
    "similar address": Mail("b", INBOX, author="not-the-boss@elsewhere.example"),
    "longer address": Mail("b", INBOX, author="boss@elsewhere.example.org"),
    "glob": Mail("the [done] ticket of", into("Gesch&AOQ-ft", flags=[r"\Seen"])),
    "no glob": Mail("the done ticket of", INBOX),
    "copied": Mail("forward this", INBOX, outside="copies@elsewhere.example"),
    "not at the beginning": Mail("do forward this", INBOX),
    "moved": Mail("m", [], headers="X-Move: 1\r\n", outside="moved@elsewhere.example"),
    "to somebody else": Mail("m", INBOX, headers="X-Move: 1\r\n", to="nobody-there@{domain}"),
    "came back": Mail("forward that", INBOX, headers="X-Loop: {user}@{domain}\r\n"),
    "one of two": Mail("the lottery (win)", []),
    "other of two": Mail("o", [], body="buy cheap p1lls"),
    "neither of two": Mail("the lottery xwin", INBOX),
    "block": Mail("your bill", into("Partner.bills"), author="a@partner.example"),
    "rest of a block": Mail("your order", into("Partner"), author="A <a@partner.example>"),
    "other domain": Mail("your bill", INBOX, author="a@no-partner.example"),
    "site": Mail("s", into("Junk"), headers="X-Spam-Flag: YES\r\n"),
    "folded header": Mail("f", into("Lists.postfix"), headers="List-Id: Users\r\n <postfix-users.example.net>\r\n"),
    "nothing": Mail("n", INBOX),
}
BASE64 = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
SIEVE = {
    "keyword": Mail("keyword", into("Words", flags=["$important"])),
    "reject": Mail("refuse-me", [], outside="x@elsewhere.example"),
    "envelope": Mail("e", into("Envelope"), sender="bounce@elsewhere.example"),
    "text": Mail("t", into("Text"), headers=BASE64, body=base64.b64encode("drei grüne Äpfel".encode()).decode()),
    "umlaut": Mail("=?utf-8?q?Gr=C3=B6=C3=9Fe?=", into("Umlaut")),
    "n times": Mail("xxxxxy", into("Times")),
}
PROCMAIL = {
    "D": Mail("CaseCounts", into("D")),
    "D, other case": Mail("casecounts", INBOX),
    "H": Mail("h", into("H"), headers="X-In-Header: one\r\n"),
    "H, in the body": Mail("h", INBOX, body="X-In-Header: one"),
    "B": Mail("b", into("B"), body="only in the body"),
    "B, in the header": Mail("b", INBOX, headers="X-B: only in the body\r\n"),
    "HB, header": Mail("anywhere-at-all", into("HB")),
    "HB, body": Mail("hb", into("HB"), body="anywhere-at-all"),
    "c and A": Mail("chained", into("First", "INBOX", "Second")),
    "a": Mail("chained last", into("First", "Second", "Third")),
    "before E": Mail("either-or one", into("One")),
    "E": Mail("either-or two", into("Other")),
    "w and e": Mail("to fail", into("Failed")),
    "h": Mail("header-only", [], body="this is the body"),
    "b": Mail("body-only", [], body="that is the body"),
    "f": Mail("filter-me", into("Filtered")),
    "W": Mail("quietly", INBOX),
    "i": Mail("reads-nothing", []),
    "r": Mail("raw-mode", into("Raw")),
    "exit code": Mail("e", into("Asked"), headers="X-Asked: yes\r\n"),
    "lock": Mail("piped", []),
}

USERS = {"alice": (ALICE, {**SIMPLE, **SIEVE}), "bob": (BOB, {**SIMPLE, **PROCMAIL})}
CASES = [(user, name) for user, (_login, cases) in USERS.items() for name in cases]


@dataclasses.dataclass(frozen=True)
class Found:
    token: str
    places: list


@pytest.fixture(scope="module")
def found(outside):
    """Everything is sent once, to one host after the other, before anything is looked at."""

    @functools.cache
    def send(mail):
        run = f"proof-{uuid.uuid4().hex[:12]}"
        tokens = {case: f"{run}-{number}-end" for number, case in enumerate(CASES)}
        talks = [["raw_smtp", _smtp(mail, user, USERS[user][1][name], tokens[user, name])] for user, name in CASES]
        answers = [answer for start in range(0, len(talks), 30) for answer in outside.ask("together", talks=talks[start : start + 30])]
        assert not [answer for answer in answers if "error" in answer]
        result = {}
        for user, (login, cases) in USERS.items():
            count = sum(len(case.places) for case in cases.values())
            seen = outside.ask("filed", host=mail.fqdn, login=login, subject=run, count=count, wait=60)
            for name in cases:
                token = tokens[user, name]
                result[user, name] = Found(token, [[folder, flags] for folder, flags, subject in seen if token in subject])
        return result

    return send


def _smtp(mail, user, case, token):
    names = {"user": user, "domain": mail.domain}
    head = f"From: {case.author}\r\nTo: {case.to.format(**names)}\r\nSubject: {case.subject} {token}\r\n{case.headers.format(**names)}"
    return {"host": mail.fqdn, "sender": case.sender, "recipient": f"{user}@{mail.domain}", "data": f"{head}\r\n{case.body}\r\n.\r\n"}


@pytest.mark.parametrize(("user", "name"), CASES, ids=[f"{user}: {name}" for user, name in CASES])
def test_mail_is_where_the_rules_say(mail, outside, found, user, name):
    case, seen = USERS[user][1][name], found(mail)[user, name]
    assert seen.places == case.places
    forwarded = outside.received(f"{case.subject} {seen.token}", wait=20 if case.outside else 0)
    assert forwarded == (1 if case.outside else 0)


def test_what_is_forwarded_says_who_did_it(mail, outside, found):
    subject = f"forward this {found(mail)['bob', 'copied'].token}"
    message = outside.out(f"cat $(grep -rls '^Subject: {subject}$' /var/spool/sink)")
    assert f"X-Loop: bob@{mail.domain}" in message
    subject = f"forward this {found(mail)['alice', 'copied'].token}"
    message = outside.out(f"cat $(grep -rls '^Subject: {subject}$' /var/spool/sink)")
    assert f"X-Sieve-Redirected-From: alice@{mail.domain}" in message


def test_who_is_refused_is_told(mail, outside, found):
    token = found(mail)["alice", "reject"].token
    outside.out(f"for i in $(seq 60); do grep -rls {token} /var/spool/sink && exit 0; sleep 0.5; done; exit 1")
    message = outside.out(f"cat $(grep -rls {token} /var/spool/sink)")
    assert "No, thank you." in message
    assert "To: <x@elsewhere.example>" in message


def test_a_program_gets_what_the_flags_say(mail, found):
    seen = found(mail)
    header, body = mail.out("cat /home/bob/header.out"), mail.out("cat /home/bob/body.out")
    assert seen["bob", "h"].token in header
    assert "this is the body" not in header
    assert "that is the body" in body
    assert seen["bob", "b"].token not in body
    assert mail.out("stat -c %U /home/bob/touched") == "bob"
    assert seen["bob", "lock"].token in mail.out("cat /home/bob/piped.out")
    assert mail.run("ls /home/bob/*.lock /home/bob/Maildir/*.lock").stdout == ""


def test_procmail_logs_where_it_is_told(mail, found):
    assert found(mail)
    log = mail.out("cat /home/bob/procmail.log")
    # w says so, and W does not.
    assert log.count('Program failure (1) of "/bin/false"') == log.count("Subject: to fail")
    assert not [line for line in log.splitlines() if line.startswith("procmail: ") and "/bin/false" not in line and "Rescue" not in line]


def test_a_large_one(mail, outside, subject):
    for user, login in (("alice", ALICE), ("bob", BOB)):
        talk = (
            f"import smtplib; s = smtplib.SMTP('{mail.fqdn}'); s.sendmail('x@elsewhere.example', '{user}@{mail.domain}',"
            f" 'Subject: {subject}\\r\\n\\r\\n' + ('x' * 70 + '\\r\\n') * 4000); s.quit()"
        )
        outside.out(f'python3 -c "{talk}"')
        assert outside.ask("filed", host=mail.fqdn, login=login, subject=subject)[0][0] == "Large"


def test_a_mailbox_without_an_account(mail, outside, subject):
    carol = [f"carol@shop.{mail.domain}", "carol-password"]
    data = f"From: x@elsewhere.example\r\nTo: {carol[0]}\r\nList-Id: x\r\nSubject: {subject}\r\n\r\nx\r\n.\r\n"
    outside.ask("raw_smtp", host=mail.fqdn, data=data, sender="x@elsewhere.example", recipient=carol[0])
    assert outside.ask("filed", host=mail.fqdn, login=carol, subject=subject) == [["Lists.all", [], subject]]


def test_only_its_owner_reads_a_script(mail):
    assert mail.run("runuser -u alice -- cat /etc/dovecot/sieve/users/alice.sieve").returncode == 0
    assert mail.run("runuser -u bob -- cat /etc/dovecot/sieve/users/alice.sieve").returncode != 0
    assert mail.run("runuser -u bob -- sh -c 'echo >>/etc/dovecot/sieve/users/alice.sieve'").returncode != 0
    assert mail.out("stat -c '%U %a' /home/bob/.procmailrc /etc/procmailrc").splitlines() == ["bob 600", "root 644"]


@pytest.fixture(params=MAIL_HOSTS, ids=lambda host: host.name)
def first(request):
    return request.param


def test_a_loop_between_two_hosts_ends(first, mails, outside, subject):
    sender = f"{subject}@elsewhere.example"
    data = f"From: {sender}\r\nTo: dave@{first.domain}\r\nSubject: loop {subject}\r\n\r\nx\r\n.\r\n"
    outside.ask("raw_smtp", host=first.fqdn, data=data, sender=sender, recipient=f"dave@{first.domain}")
    # The host that sees it again has it sent back: to dave, in whose name procmail forwarded it.
    last = mails[1]
    last.out(f"for i in $(seq 60); do grep -rls {subject} ~dave/Maildir && exit 0; sleep 0.5; done; exit 1")
    for host in mails:
        host.out(f"for i in $(seq 20); do postqueue -j | grep -q {subject} || exit 0; sleep 0.5; done; exit 1")
    assert last.out(f"grep -rls {subject} ~dave/Maildir | wc -l") == "1"
    assert "mail forwarding loop" in last.out(f"cat $(grep -rls {subject} ~dave/Maildir)")
