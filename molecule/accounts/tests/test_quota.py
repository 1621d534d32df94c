# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit of each mailbox, the fate of mail for a full one, and of all mail when nobody can tell which is full."""

from __future__ import annotations

import concurrent.futures

import pytest
from mail_hosts import ALICE
from virtual_users import CAROL_SHOP, CAROL_TWO, DORA, together

SERVICE = "/var/spool/postfix/private/quota-status"
MUTE = (
    "import os, socket, time; listener = socket.socket(socket.AF_UNIX); "
    f"listener.bind('{SERVICE}'); os.chmod('{SERVICE}', 0o666); listener.listen(); time.sleep(300)"
)
# The quotas of the inventory, in kilobytes.
LIMITS = {"alice": 102400, "carol@shop.example": 102400, "carol@two.example": 1048576, "dora@shop.example": 40}


def replies(mail, outside, *recipients):
    """Return the reply to each recipient of a stranger's message."""
    said = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", *[f"RCPT TO:<{who}>" for who in recipients]])
    return [(code, text.split()[0]) for code, text in said["replies"][1:]]


@pytest.fixture(scope="module", autouse=True)
def full(mails, outside):
    """dora's mailbox full of mail that arrived, and bob's with a message whose file gives a size above bob's quota."""
    for mail in mails:
        mail.out("doveadm expunge -u dora@shop.example mailbox INBOX all")
        for number, lines in enumerate((420, 180), 1):
            letter = {"sender": "x@y.example", "recipient": DORA[0], "subject": f"full {number}", "body": ("x" * 70 + "\r\n") * lines}
            assert outside.ask("submit", host=mail.fqdn, **letter) == {"accepted": True}
            assert len(outside.ask("letters", host=mail.fqdn, login=DORA, subject="full", count=number)) == number
        mail.out("echo 'Subject: big' | runuser -u bob -- tee '/home/bob/Maildir/new/1.big,S=200000000,W=200000000'")
    yield
    for mail in mails:
        mail.out("doveadm expunge -u dora@shop.example mailbox INBOX all; rm /home/bob/Maildir/*/1.big*")


def test_clients_are_told_their_quotas(mail, outside):
    logins = [ALICE, CAROL_SHOP, CAROL_TWO, DORA]
    told = together(outside, mail, [("quota", {"login": login}) for login in logins])
    # "User quota" (STORAGE used limit)
    assert {login[0]: int(quota.rstrip(")").split()[-1]) for login, (quota,) in zip(logins, told)} == LIMITS


def test_a_full_mailbox_is_told_before_the_message_is_sent(mail, outside):
    recipients = [DORA[0], "Dora+tag@shop.example", f"bob@{mail.domain}", f"BOB+tag@{mail.fqdn}", CAROL_SHOP[0], f"alice@{mail.domain}"]
    assert replies(mail, outside, *recipients) == [(552, "5.2.2")] * 4 + [(250, "2.1.5")] * 2


def test_who_submitted_mail_for_a_full_mailbox_gets_it_back(mail, outside):
    mail.out("doveadm expunge -u carol@shop.example mailbox INBOX subject Undelivered")
    letter = {"port": 465, "tls": "implicit", "login": CAROL_SHOP, "sender": CAROL_SHOP[0], "recipient": DORA[0], "subject": "too much"}
    assert outside.ask("submit", host=mail.fqdn, body="x" * 900, **letter) == {"accepted": True}
    mail.out(f"echo 'Subject: too much' | sendmail -f {CAROL_SHOP[0]} {DORA[0]}")
    assert len(outside.ask("letters", host=mail.fqdn, login=CAROL_SHOP, subject="Undelivered", count=2)) == 2
    assert outside.ask("letters", host=mail.fqdn, login=DORA, subject="too much", count=1, wait=0) == []


def without_the_service(mail, outside, subject):
    """Return the refused and the served recipients, while nothing listens, and then while the listener does not answer."""
    mail.out(f"mv {SERVICE} {SERVICE}.away && postfix reload")
    try:
        gone = replies(mail, outside, DORA[0])
        mail.out(f'systemd-run --collect --unit scenario-mute python3 -c "{MUTE}"; until test -S {SERVICE}; do sleep 0.1; done')
        letter = {"sender": "x@y.example", "subject": subject}
        hung = together(
            outside,
            mail,
            [
                ("smtp", {"commands": ["MAIL FROM:<x@y.example>", f"RCPT TO:<{DORA[0]}>"]}),
                ("submit", {**letter, "recipient": CAROL_SHOP[0]}),
                ("letters", {"login": CAROL_SHOP, "subject": subject, "count": 1}),
            ],
        )
        mail.out("systemctl is-active scenario-mute")
    finally:
        mail.run(f"systemctl stop scenario-mute; mv {SERVICE}.away {SERVICE}; postfix reload")
    return [gone, hung[0]["replies"][1][0], *hung[1:]]


def test_mail_is_taken_while_nobody_can_tell_what_is_full(mails, outside, subject):
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        seen = list(threads.map(lambda mail: without_the_service(mail, outside, subject), mails))
    assert seen == [[[(250, "2.1.5")], 250, {"accepted": True}, [subject]]] * 2
    assert [replies(mail, outside, DORA[0]) for mail in mails] == [[(552, "5.2.2")]] * 2
