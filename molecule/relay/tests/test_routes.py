# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways of outgoing mail: through a provider that wants a login, by sender, by recipient; and forwarded domains."""

from __future__ import annotations

import re
import uuid

import pytest
from harness import FILES
from mail_hosts import ALICE, BOB, MAIL_HOSTS
from secrecy import in_journal, seen

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


def test_a_provider_that_cannot_prove_who_he_is_gets_no_password(policy, mails, send):
    """With the system's authorities, which do not know that of the provider: nothing is sent, and nothing is lost."""
    policy(relay_policy_smarthosts=[smarthost(587, ALL)])
    for mail in mails:
        assert send(mail, ALICE, "somebody@other.example", wait=4.0) is None
        assert "Server certificate not" in mail.out("postqueue -p")


def test_a_wrong_password_is_not_the_end_of_the_mail(policy, mails, send):
    policy(**routed(smarthost(465, (ALL[0], "wrong"))))
    for mail in mails:
        assert send(mail, ALICE, "somebody@other.example", wait=4.0) is None
        assert "authentication failed" in mail.out("postqueue -p")


def test_passwords_stay_with_root(ways, mails):
    assert seen(ways.output, [ALL[1], SENDER[1]]) == []
    for mail in mails:
        assert mail.out("stat -c '%a %U' /etc/postfix/relay_passwords /etc/postfix/relay_passwords.db") == "600 root\n600 root"
        assert in_journal(mail, [ALL[1], SENDER[1]]) == ""
        assert mail.run(f"grep -rlF '{ALL[1]}' /etc --exclude=relay_passwords --exclude=relay_passwords.db").returncode == 1


@pytest.fixture(scope="module")
def ways(policy, mails):
    """A smarthost for all mail, one for bob's, one for a partner, and a route to a host that does not listen."""
    return policy(
        "-vvv",
        "--diff",
        **routed(
            smarthost(587, ALL),
            smarthost(465, SENDER, senders=[f"bob@{mail.domain}" for mail in mails]),
            # Where one may log in, and whose operator would like to know with which password.
            {"relayhost": f"[{PROVIDER}]:2587", "recipient_domains": ["partner.example"]},
            relay_policy_transport={"sub.partner.example": "smtp:[near.mail.example]:2525"},
        ),
    )


def test_what_waited_goes_out_when_the_way_is_right(ways, mails):
    for mail in mails:
        mail.out("postqueue -f; for n in $(seq 60); do postqueue -p | grep -q 'queue is empty' && exit 0; sleep 0.5; done; exit 1")


def test_everybody_has_his_way_out(ways, mails, send):
    for mail in mails:
        by_default = send(mail, ALICE, "somebody@other.example")
        assert f"Authenticated sender: {ALL[0]}" in by_default
        assert "using TLSv1." in by_default
        assert f"Authenticated sender: {SENDER[0]}" in send(mail, BOB, "somebody@other.example")
        # Bob's password is for Bob's own smarthost.
        to_partner = send(mail, BOB, "somebody@partner.example")
        assert "using TLSv1." in to_partner
        assert "Authenticated sender" not in to_partner


def test_a_transport_takes_mail_another_way(ways, mails, send):
    for mail in mails:
        assert send(mail, ALICE, "somebody@sub.partner.example", wait=4.0) is None
        assert "near.mail.example" in mail.out("postqueue -p")
        mail.out("postsuper -d ALL")


def test_routes_leave_nothing_behind(ways, policy, mails):
    look = "cat /etc/postfix/main.cf /etc/postfix/master.cf; ls /etc/postfix"
    routed_so_far = [mail.out(look) for mail in mails]
    for text in routed_so_far:
        assert "relay-senders-smtps" in text
        assert "relay_passwords" in text
    policy()
    # And none of this role's tables: their names begin a path in main.cf, or a line of ls.
    left = r"relay-smtps|relay-senders|[/\n]relay_(passwords|senders|tls_policy|transport)|smtp_sasl|default_transport|mx\.elsewhere"
    for text in (mail.out(look) for mail in mails):
        assert re.findall(left, text) == []


def test_a_relayhost_of_somebody_else_stays(policy, mails):
    for mail in mails:
        mail.out("postconf -e relayhost=[smtp.example.net]")
    try:
        policy(relay_policy_transport={"partner.example": f"smtp:[{PROVIDER}]"})
        policy()
        assert [mail.out("postconf -h relayhost") for mail in mails] == ["[smtp.example.net]"] * 2
    finally:
        for mail in mails:
            mail.out("postconf -e relayhost=; postfix reload")


# All other mail goes to the provider, with a login; this does not, though for a domain without next_hop the MX is the same machine.
BACKUP = {
    **routed(smarthost(587, ALL)),
    "relay_policy_domains": [
        {"name": "backup.example", "recipients": ["ann", "ben@backup.example"], "next_hop": f"[{PROVIDER}]"},
        {"name": "partner.example", "any_recipient": True},
    ],
}


@pytest.fixture(scope="module")
def backup(policy):
    policy(**BACKUP)


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
        assert "Authenticated sender" not in outside.out(f"cat $(grep -rls '^Subject: {subject}$' /var/spool/sink)")
    else:
        assert sent["code"] == code, sent
        assert outside.received(subject) == 0


def test_routes_that_stand_are_left_alone(backup, policy, mails):
    before = [mail.out(FILES) for mail in mails]
    run = policy(**BACKUP)
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output
    assert [mail.out(FILES) for mail in mails] == before
