# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian 12 becomes Debian 13 under a mail host, and nothing of anybody's mail is lost. The tests stand in the order of the days."""

from __future__ import annotations

import pytest
from harness import FILES, play

HOST = "198.18.9.12"
ALICE = ["alice", "what alice knows"]
BOB = ["bob", "what bob knows"]
CAROL = ["carol@shop.example.org", "what carol knows"]
EVERYBODY = [ALICE, BOB, CAROL]
# Hers is the mail that comes in between.
DORA = ["dora", "what dora knows"]
WAITING = "postqueue -j | wc -l"
UPGRADE = (
    # As docs/upgrade.md says, but for the lists and packages of Debian 13, which the image brings along.
    "sed -i s/bookworm/trixie/g $(find /etc/apt -type f -name '*sources*')"
    " && rm -r /var/lib/apt/lists && mv /var/lib/apt/lists-next /var/lib/apt/lists"
    " && DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0"
    " -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dist-upgrade"
)


def address(user):
    return user[0] if "@" in user[0] else f"{user[0]}@example.org"


def send(client, subject, user, sender="x@example.net"):
    sent = client.ask("submit", host=HOST, subject=subject, sender=sender, recipient=address(user))
    assert sent == {"accepted": True}


def kept(mail):
    """Of each mailbox that Dovecot knows, and each message in it, what a client remembers it by."""
    told = {}
    for user, _password in EVERYBODY:
        for question in ("mailbox status -u {} 'uidvalidity messages unseen guid' '*'", "fetch -u {} 'mailbox uid guid flags' ALL"):
            lines = mail.out(f"doveadm -f tab {question.format(user)}").splitlines()
            # Neither the order of columns nor of lines is a promise, and every login makes some mail no longer recent.
            told[user, question] = sorted(sorted(word for word in line.split() if word != r"\Recent") for line in lines)
    return told


@pytest.fixture(scope="module")
def before(mail, client):
    """Mail in every kind of mailbox: read, flagged, filed by a rule and by hand; and one that waits."""
    for user in EVERYBODY:
        for number in (1, 2):
            send(client, f"old {number} for {user[0]}", user)
    send(client, "old from a list", ALICE)
    for user in EVERYBODY:
        assert len(client.ask("letters", host=HOST, login=user, subject="old", count=2)) == 2
    mail.out(
        r"doveadm flags add -u alice '\Seen \Answered mine' mailbox INBOX subject 'old 1'"
        r" && doveadm flags add -u carol@shop.example.org '\Flagged' mailbox INBOX subject 'old 2'"
        " && doveadm mailbox create -s -u bob Work.2026 && doveadm move -u bob Work.2026 mailbox INBOX subject 'old 2'"
    )
    assert client.ask("filed", host=HOST, login=ALICE, subject="old from a list") == [["Lists.postfix", [r"\Flagged"], "old from a list"]]
    return kept(mail)


def test_apt_leaves_a_host_that_takes_mail_and_delivers_none(mail, client, before):
    done = mail.run(UPGRADE, timeout=600)
    assert done.returncode == 100, done.stdout[-2000:] + done.stderr[-2000:]
    assert mail.out("dovecot --version").startswith("2.4")
    send(client, "stuck", DORA)
    check = play("site", "--check", "--diff", limit="mail")
    assert check.rc == 0, check.output
    assert "-postfix: running, enabled, it still runs the /usr/lib/postfix/sbin/master from before an upgrade" in check.output


def test_site_puts_it_right(mail, client, before):
    run = play("site", limit="mail")
    assert run.rc == 0, run.output
    assert mail.out("dpkg --audit") == ""
    assert client.ask("imap", host=HOST, login=DORA, subject="stuck", wait=60)["count"] == 1
    assert mail.out(WAITING) == "0"
    assert kept(mail) == before


def test_mail_flows_as_before(mail, client, subject):
    for user in EVERYBODY:
        send(client, subject, user)
        assert client.ask("imap", host=HOST, login=user, subject=subject)["count"] == 1
        assert client.ask("pop3", host=HOST, login=user)["login"]
    # Out of sasldb, to a chrooted smtpd.
    assert client.ask("auth", host=HOST, login=BOB)["code"] == 235
    assert client.ask("quota", host=HOST, login=CAROL)[0].endswith("20480)")
    send(client, f"{subject} a list", ALICE)
    assert client.ask("filed", host=HOST, login=ALICE, subject=f"{subject} a list")[0][:2] == ["Lists.postfix", [r"\Flagged"]]


def test_a_second_run_changes_nothing(mail):
    before = mail.out(FILES)
    run = play("site", limit="mail")
    assert (run.rc, run.changed("mail")) == (0, 0), run.output
    assert mail.out(FILES) == before
