# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual mailboxes beside system accounts: who is who, whose mail it is, and who may send it."""

from __future__ import annotations

import pytest
from harness import play
from mail_hosts import ALICE, BOB
from secrecy import in_files
from virtual_users import ALICE_SHOP, CAROL_SHOP, CAROL_TWO, DORA, together

MAILBOXES = [ALICE, BOB, CAROL_SHOP, CAROL_TWO, ALICE_SHOP, DORA]

SUBMISSION = [pytest.param(465, "implicit", id="465"), pytest.param(587, "starttls", id="587")]

# Who gets the mail for each address.
RECIPIENTS = {
    "alice@{domain}": ALICE,
    "ALICE@mail.{domain}": ALICE,
    "Alice@Shop.Example": ALICE_SHOP,
    "carol@shop.example": CAROL_SHOP,
    "carol+tag@two.example": CAROL_TWO,
    "info@shop.example": CAROL_SHOP,
    "info+tag@shop.example": CAROL_SHOP,
    "whoever@shop.example": ALICE,
    "sales@{domain}": [CAROL_SHOP, BOB],
}

# What each login may have behind MAIL FROM, and what not.
OWN = [
    (ALICE, ["alice@{domain}", "alice+x@mail.{domain}", "whoever@shop.example"]),
    (CAROL_SHOP, ["carol@shop.example", "Carol+x@Shop.Example", "info@shop.example", "sales@{domain}"]),
    (CAROL_TWO, ["carol@two.example"]),
    (ALICE_SHOP, ["alice@shop.example"]),
    (BOB, ["bob@{domain}", "sales@{domain}"]),
]
SENDERS = [
    "alice@{domain}",
    "bob@{domain}",
    "carol@shop.example",
    "carol@two.example",
    "alice@shop.example",
    "info@shop.example",
    "sales@{domain}",
    "carol@{domain}",
]


def logins(mail, tries):
    """Return those of *tries* that get in; they start on the host itself, so that failures hold up nobody else."""
    answers = together(mail, mail, [("imap", {"login": login}) for login in tries])
    return [login for login, answer in zip(tries, answers) if answer["login"]]


def test_each_login_is_somebody_else(mail):
    good = [
        ALICE,
        [f"Alice@{mail.domain.upper()}", ALICE[1]],
        [f"alice@{mail.fqdn}", ALICE[1]],
        ["CAROL@Shop.Example", "carol-shop"],
    ]
    bad = [
        ["carol@shop.example", "carol-two"],
        ["carol@two.example", "carol-shop"],
        ["carol", "carol-shop"],
        [f"carol@{mail.domain}", "carol-shop"],
        ["alice@shop.example", ALICE[1]],
        ["alice", "alice-shop"],
        [f"alice@{mail.domain}", "alice-shop"],
        ["alice@two.example", ALICE[1]],
        ["alice@two.example", "alice-shop"],
        ["vmail", ""],
        ["vmail", "vmail"],
    ]
    assert logins(mail, good) == good
    assert logins(mail, bad) == []


def test_mail_goes_to_its_owner_and_to_nobody_else(mail, outside, subject):
    expected = {login[0]: [] for login in MAILBOXES}
    talks = []
    for number, (recipient, owners) in enumerate(RECIPIENTS.items()):
        letter = f"{subject}-{number}"
        talks.append(("submit", {"subject": letter, "sender": "x@y.example", "recipient": recipient.format(domain=mail.domain)}))
        for owner in owners if isinstance(owners[0], list) else [owners]:
            expected[owner[0]].append(letter)
    assert together(outside, mail, talks) == [{"accepted": True}] * len(RECIPIENTS)
    # Those who get none are asked last.
    boxes = sorted(MAILBOXES, key=lambda login: not expected[login[0]])
    found = together(outside, mail, [("letters", {"login": box, "subject": subject, "count": len(expected[box[0]])}) for box in boxes])
    assert dict(zip([box[0] for box in boxes], found)) == expected


def test_nobody_has_an_unknown_address(mail, outside):
    recipients = ["nobody@two.example", "nobody+tag@two.example", f"carol@{mail.domain}", "carol@two.example"]
    said = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", *[f"RCPT TO:<{who}>" for who in recipients]])
    assert [code for code, _text in said["replies"]] == [250, 550, 550, 550, 250]


def test_a_login_sends_from_its_own_addresses_alone(mail, outside):
    expected, talks = {}, []
    for login, own in OWN:
        senders = list(dict.fromkeys(own + SENDERS))
        expected[login[0]] = {sender: 250 if sender in own else 553 for sender in senders}
        commands = [command for sender in senders for command in (f"MAIL FROM:<{sender}>", "RCPT TO:<bob@{domain}>", "RSET")]
        commands = [command.format(domain=mail.domain) for command in commands]
        talks.append(("smtp", {"port": 465, "tls": "implicit", "login": login, "commands": commands}))
    answers = together(outside, mail, talks)
    assert [answer["login"][0] for answer in answers] == [235] * len(OWN)
    found = [[code for code, _text in answer["replies"][1::3]] for answer in answers]
    assert {name: dict(zip(senders, codes)) for (name, senders), codes in zip(expected.items(), found)} == expected


@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
def test_a_virtual_user_submits(mail, outside, subject, port, tls):
    letter = {"port": port, "tls": tls, "login": CAROL_TWO, "sender": CAROL_TWO[0], "recipient": f"bob@{mail.domain}"}
    assert outside.ask("submit", host=mail.fqdn, subject=subject, **letter) == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject)["count"] == 1


def test_the_mail_is_vmails_and_nobody_elses(mail, outside, subject):
    outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=CAROL_SHOP[0])
    assert outside.ask("imap", host=mail.fqdn, login=CAROL_SHOP, subject=subject)["count"] == 1
    found = mail.out(f"grep -rl '^Subject: {subject}$' /var/vmail")
    assert found.startswith("/var/vmail/shop.example/carol/Maildir/")
    assert mail.run("runuser -u nobody -- ls -R /var/vmail/shop.example").returncode != 0
    assert mail.run(f"runuser -u nobody -- cat {found}").returncode != 0
    assert mail.out("find /var/vmail ! -user vmail -o ! -group vmail") == ""
    assert mail.out("getent passwd vmail | cut -d: -f6,7") == "/var/vmail:/usr/sbin/nologin"


def test_no_hash_is_anybodys_to_read(mail):
    path = "/etc/dovecot/postroom-virtual-users"
    assert mail.out(f"stat -c '%a %U %G' {path}") == "640 root dovecot"
    secrets = [line.split(":")[1] for line in mail.out(f"cat {path}").splitlines()] + [CAROL_SHOP[1], CAROL_TWO[1]]
    assert in_files(mail, secrets) == [path]
    assert in_files(mail, secrets, user="nobody") == []


def test_a_virtual_user_proves_the_host(mails):
    """With the collection's own proof, which sends and receives as whom it is told."""
    who = dict(zip(("mail_probe_user", "mail_probe_password"), CAROL_SHOP))
    where = {"mail_probe_host": "outside", "mail_probe_address": "{{ mail_hostname }}"}
    run = play("verify", limit="mail", variables={**who, **where})
    assert run.rc == 0, run.output[-3000:]
    assert run.output.count("probes saw what they expected") == len(mails)
