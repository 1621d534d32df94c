# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The front promises a stranger nothing that the host does not keep: who has mail, who logs in, what is offered."""

from __future__ import annotations

import shlex

import pytest
from mail_hosts import ALICE

# Accounts of every Debian, the owner of the virtual mailboxes, and nobody at all.
WITHOUT_MAIL = ["games", "www-data", "backup", "daemon", "nobody", "_apt", "postfix", "vmail", "games+tag", "no.such.person"]


def rcpt(outside, mail, recipients):
    """The code that a stranger gets for each of *recipients*."""
    seen = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", *(f"RCPT TO:<{one}>" for one in recipients)])
    return dict(zip(recipients, (code for code, _text in seen["replies"][1:])))


def test_who_has_no_mailbox_is_refused(mail, outside):
    recipients = [f"{name}@{mail.domain}" for name in WITHOUT_MAIL]
    # Postfix hangs up on who makes too many mistakes.
    answers = {**rcpt(outside, mail, recipients[:5]), **rcpt(outside, mail, recipients[5:])}
    assert answers == dict.fromkeys(recipients, 550)


def test_who_has_one_is_accepted(mail, outside):
    """An account that was made a moment ago is known without another run."""
    mail.out("useradd -m newcomer")
    try:
        recipients = [f"{name}@{mail.domain}" for name in ("alice", "Bob", "alice+tag", "root", "newcomer")]
        assert rcpt(outside, mail, recipients) == dict.fromkeys(recipients, 250)
    finally:
        mail.out("userdel -r newcomer 2>&1")


def test_every_domain_has_a_postmaster(mail, outside, subject):
    virtual = f"postmaster@virtual.{mail.domain}"
    recipients = ["postmaster", f"postmaster@{mail.domain}", f"Postmaster@{mail.fqdn}", virtual]
    assert rcpt(outside, mail, recipients) == dict.fromkeys(recipients, 250)
    outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=virtual)
    assert outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["count"] == 1


def test_mail_of_the_host_to_a_system_account_reaches_root(mail, outside, subject):
    """As the output of a cron job is; the header is not ASCII, as many are in which nobody thinks of it."""
    mail.out(f"printf 'Subject: {subject}\\nX-Job: n\\303\\244chtlich \\303\\274\\n\\nx\\n' | sendmail games vmail")
    assert outside.ask("letters", host=mail.fqdn, login=ALICE, subject=subject, count=2) == [subject] * 2
    assert "nächtlich" in outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["message"]


def test_what_dovecot_does_not_take_is_not_offered(mail, outside):
    seen = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example> SMTPUTF8"])
    assert "smtputf8" not in seen["features"]
    assert seen["replies"][0][0] == 555


def test_the_greeting_names_the_host_and_no_program(mail, outside):
    assert outside.ask("smtp", host=mail.fqdn)["banner"] == f"{mail.fqdn} ESMTP"


def test_a_whole_mail_in_one_packet_is_refused(mail, outside, subject):
    """As only a program sends that does not listen."""
    lines = ["HELO x", "MAIL FROM:<x@y.example>", f"RCPT TO:<alice@{mail.domain}>", "DATA", f"Subject: {subject}", "", "x", ".", "QUIT", ""]
    program = [
        "import socket",
        f"s = socket.create_connection(({mail.fqdn!r}, 25), 20)",
        "f = s.makefile('rb')",
        "f.readline()",
        f"s.sendall({chr(10).join(lines)!r}.replace(chr(10), chr(13) + chr(10)).encode())",
        "print(f.read().decode())",
    ]
    answer = outside.out(f"python3 -c {shlex.quote(chr(10).join(program))}")
    assert "354" not in answer, answer
    assert outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject, wait=0)["count"] == 0


@pytest.fixture(scope="module")
def passwords(mail):
    """Root and a system account have passwords, as on a host that is not only a mail host."""
    accounts = [["root", "root's own"], ["games", "game's own"]]
    for name, password in accounts:
        mail.out(f'echo "{name}:{password}" | chpasswd')
    yield accounts
    for name, _password in accounts:
        mail.out(f"usermod -p '*' {name}")


def test_system_accounts_log_in_nowhere(mail, outside, passwords):
    """And nobody is told whether a password was right. Dovecot lets whoever fails wait, so few attempts are made."""
    (root, right), games = passwords
    heard = {}
    for password in (right, "wrong"):
        imap = outside.ask("imap", host=mail.fqdn, login=[root, password])
        pop3 = outside.ask("pop3", host=mail.fqdn, login=[root, password])
        smtp = outside.ask("smtp", host=mail.fqdn, port=465, tls="implicit", login=[root, password])
        heard[password] = [imap["login"], imap.get("text"), pop3["login"], pop3.get("text"), *smtp["login"]]
    assert heard[right] == heard["wrong"]
    assert [heard[right][0], heard[right][2], heard[right][4]] == [False, False, 535]
    assert outside.ask("imap", host=mail.fqdn, login=games)["login"] is False
    assert outside.ask("imap", host=mail.fqdn, login=ALICE)["login"] is True
