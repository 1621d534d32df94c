# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way mail leaves: through a provider that wants a login, by sender, by recipient; and forwarded domains."""

from __future__ import annotations

import json
import uuid

import pytest
from conftest import TAGS
from harness import FILES, play
from mail_hosts import ALICE, BOB, MAIL_HOSTS

PROVIDER = "mx.elsewhere.example"
# The users that the provider knows, and their passwords.
ALL, SENDER = (f"all@{PROVIDER}", "pass: of all#1"), (f"sender@{PROVIDER}", "pass: of sender#1")


def smarthost(port, login, **more):
    return {"relayhost": f"[{PROVIDER}]:{port}", "username": login[0], "password": login[1], **more}


def routed(*smarthosts, **more):
    return {"relay_policy_smarthosts": list(smarthosts), "relay_policy_ca_file": "/etc/ssl/provider.pem", **more}


@pytest.fixture
def send(outside):
    """Submit a message as a user of the mail host; gives it as it arrived at the provider, or None."""

    def submit(mail, login, recipient, wait=30.0):
        subject = f"proof-{uuid.uuid4()}"
        message = {"subject": subject, "sender": f"{login[0]}@{mail.domain}", "recipient": recipient}
        assert outside.ask("submit", host=mail.fqdn, port=465, tls="implicit", login=login, **message) == {"accepted": True}
        if not outside.received(subject, wait=wait):
            return None
        return outside.out(f"cat $(grep -rls '^Subject: {subject}$' /var/spool/sink)")

    return submit


@pytest.mark.parametrize("port", [587, 465])
def test_a_smarthost_that_wants_a_login(policy, mails, send, port):
    policy(**routed(smarthost(port, ALL)))
    for mail in mails:
        message = send(mail, ALICE, "somebody@other.example")
        assert f"Authenticated sender: {ALL[0]}" in message
        assert "using TLSv1." in message


def test_a_provider_that_cannot_prove_who_he_is_gets_no_password(policy, mails, send):
    """With the system's authorities, which do not know his: nothing is sent, nothing is lost."""
    policy(relay_policy_smarthosts=[smarthost(587, ALL)])
    for mail in mails:
        assert send(mail, ALICE, "somebody@other.example", wait=4.0) is None
        assert "Server certificate not trusted" in mail.out("postqueue -p")
    policy(**routed(smarthost(587, ALL)))
    for mail in mails:
        mail.out("postqueue -f; for n in $(seq 60); do postqueue -p | grep -q 'queue is empty' && exit 0; sleep 0.5; done; exit 1")


def test_a_wrong_password_is_not_the_end_of_the_mail(policy, mails, send):
    policy(**routed(smarthost(587, (ALL[0], "wrong"))))
    for mail in mails:
        assert send(mail, ALICE, "somebody@other.example", wait=4.0) is None
        assert "authentication failed" in mail.out("postqueue -p")
        mail.out("postsuper -d ALL")


def test_smarthosts_by_sender_and_by_recipient(policy, mails, send):
    policy(
        **routed(
            smarthost(587, ALL),
            smarthost(465, SENDER, senders=[f"bob@{mail.domain}" for mail in mails]),
            {"relayhost": f"[{PROVIDER}]:25", "recipient_domains": ["partner.example"]},
        )
    )
    for mail in mails:
        assert f"Authenticated sender: {ALL[0]}" in send(mail, ALICE, "somebody@other.example")
        assert f"Authenticated sender: {SENDER[0]}" in send(mail, BOB, "somebody@other.example")
        assert "Authenticated sender" not in send(mail, BOB, "somebody@partner.example")


def test_a_transport_takes_mail_another_way(policy, mails, send):
    """To a host that does not listen: the mail waits for exactly that one."""
    policy(relay_policy_transport={"other.example": "smtp:[near.mail.example]:2525"})
    for mail in mails:
        assert send(mail, ALICE, "somebody@other.example", wait=4.0) is None
        assert "near.mail.example" in mail.out("postqueue -p")
        mail.out("postsuper -d ALL")
        assert send(mail, ALICE, "somebody@partner.example") is not None


def test_passwords_stay_with_root(policy, mails):
    run = play("site", *TAGS, "-vvv", "--diff", limit="mail", variables=None)
    assert run.rc == 0
    run = play("site", *TAGS, "-vvv", "--diff", limit="mail", variables=routed(smarthost(587, ALL)))
    assert run.rc == 0, run.output[-3000:]
    # What the administrator says on his own command line is his to hide.
    said = [line for line in run.output.splitlines() if json.dumps(ALL[1])[1:-1] in line and "ansible-playbook" not in line]
    assert said == []
    for mail in mails:
        assert mail.out("stat -c '%a %U' /etc/postfix/relay_passwords /etc/postfix/relay_passwords.db") == "600 root\n600 root"
        assert mail.run(f"journalctl --no-pager | grep -F '{ALL[1]}'").returncode == 1
        assert mail.run(f"grep -rlF '{ALL[1]}' /etc --exclude=relay_passwords --exclude=relay_passwords.db").returncode == 1


def test_routes_leave_nothing_behind(policy, mails):
    look = "cat /etc/postfix/main.cf /etc/postfix/master.cf; ls /etc/postfix"
    policy()
    before = [mail.out(look) for mail in mails]
    policy(
        **routed(
            smarthost(465, ALL),
            smarthost(587, SENDER, senders=["bob@y.example"]),
            relay_policy_domains=[{"name": "backup.example", "recipients": ["ann"], "next_hop": f"[{PROVIDER}]"}],
            relay_policy_transport={"partner.example": f"smtp:[{PROVIDER}]"},
        )
    )
    assert [mail.out(look) for mail in mails] != before
    policy()
    assert [mail.out(look) for mail in mails] == before


def test_a_relayhost_of_somebody_else_stays(policy, mails):
    for mail in mails:
        mail.out("postconf -e relayhost=[smtp.example.net]")
    try:
        policy()
        policy(relay_policy_transport={"partner.example": f"smtp:[{PROVIDER}]"})
        policy()
        assert [mail.out("postconf -h relayhost") for mail in mails] == ["[smtp.example.net]"] * 2
    finally:
        for mail in mails:
            mail.out("postconf -e relayhost=; postfix reload")


@pytest.fixture(scope="module")
def backup(policy):
    policy(
        relay_policy_domains=[
            {"name": "backup.example", "recipients": ["ann", "ben@backup.example"], "next_hop": f"[{PROVIDER}]"},
            {"name": "partner.example", "any_recipient": True},
        ]
    )


@pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)
@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("ann@backup.example", None),
        ("Ben@Backup.example", None),
        ("nobody@backup.example", 550),
        ("ann@sub.backup.example", 550),
        ("anybody@partner.example", None),
        ("anybody@sub.partner.example", None),
        ("ann@other.example", 554),
    ],
)
def test_a_backup_mx_takes_what_it_can_hand_on(backup, mail, outside, recipient, code, subject):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=recipient)
    if code is None:
        assert sent == {"accepted": True}
        assert outside.received(subject, wait=30) == 1
    else:
        assert sent["code"] == code, sent
        assert outside.received(subject) == 0


def test_routes_that_stand_are_left_alone(policy, mails):
    variables = routed(smarthost(465, ALL), smarthost(587, SENDER, senders=["bob@y.example"]))
    policy(**variables)
    before = [mail.out(FILES) for mail in mails]
    run = policy(**variables)
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output
    assert [mail.out(FILES) for mail in mails] == before
