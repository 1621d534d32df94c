# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replies of Postfix to clients on 25, 465 and 587, heard from other containers."""

from __future__ import annotations

import pytest
from mail_hosts import ALICE, BOB

SUBMISSION = [pytest.param(465, "implicit", id="465"), pytest.param(587, "starttls", id="587")]
FOREIGN = "somebody@elsewhere.example"


def test_banner_and_ehlo_name_the_host(mail, outside):
    seen = outside.ask("smtp", host=mail.fqdn)
    assert seen["banner"] == f"{mail.fqdn} ESMTP"
    assert "starttls" in seen["before"]


@pytest.mark.parametrize("tls", ["none", "starttls"])
def test_no_auth_on_25(mail, outside, tls):
    seen = outside.ask("smtp", host=mail.fqdn, tls=tls)
    assert "auth" not in seen["features"]


def test_no_auth_and_no_mail_on_587_before_tls(mail, outside):
    seen = outside.ask("smtp", host=mail.fqdn, port=587, commands=["MAIL FROM:<x@y.example>"])
    assert "auth" not in seen["before"]
    assert seen["replies"][0][0] == 530


@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
def test_auth_is_offered_over_tls(mail, outside, port, tls):
    seen = outside.ask("smtp", host=mail.fqdn, port=port, tls=tls)
    assert {"PLAIN", "LOGIN"} <= set(seen["features"]["auth"].split())


@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
def test_wrong_password_is_refused(mail, outside, port, tls):
    seen = outside.ask("smtp", host=mail.fqdn, port=port, tls=tls, login=["alice", "wrong"])
    assert seen["login"][0] == 535


@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
def test_submitted_mail_leaves_for_other_domains(mail, outside, subject, port, tls):
    sent = outside.ask(
        "submit", host=mail.fqdn, port=port, tls=tls, login=ALICE, subject=subject, sender=f"alice@{mail.domain}", recipient=FOREIGN
    )
    assert sent == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


@pytest.mark.parametrize(("port", "tls"), [pytest.param(25, "none", id="25"), *SUBMISSION])
def test_stranger_may_not_relay(mail, outside, subject, port, tls):
    sent = outside.ask("submit", host=mail.fqdn, port=port, tls=tls, subject=subject, sender="x@y.example", recipient=FOREIGN)
    assert not sent["accepted"]
    assert 500 <= sent["code"] < 600, sent
    assert outside.received(subject) == 0


def test_stranger_may_not_relay_as_a_local_sender(mail, outside, subject):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender=f"alice@{mail.domain}", recipient=FOREIGN)
    assert sent["code"] == 554
    assert outside.received(subject) == 0


def test_trusted_network_may_relay(mail, inside, outside, subject):
    """The positive control of the refusals: the same message from mail_networks goes through."""
    sent = inside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=FOREIGN)
    assert sent == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


def test_unknown_recipient_is_refused_for_good(mail, outside, subject):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"nobody-here@{mail.domain}")
    assert (sent["accepted"], sent["code"]) == (False, 550)


@pytest.mark.parametrize("sender", ["alice", "alice+tag", "ALICE", "wizards", "root"])
def test_own_addresses_may_send(mail, outside, subject, sender):
    sent = outside.ask(
        "submit",
        host=mail.fqdn,
        port=465,
        tls="implicit",
        login=ALICE,
        subject=subject,
        sender=f"{sender}@{mail.domain}",
        recipient=FOREIGN,
    )
    assert sent == {"accepted": True}


@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
@pytest.mark.parametrize(
    "sender", ["alice@{domain}", "alice+bob@{domain}", "me@{domain}", "root@{domain}", "nobody-here@{domain}", "x@y.example"]
)
def test_sender_of_somebody_else_is_refused(mail, outside, subject, port, tls, sender):
    sent = outside.ask(
        "submit",
        host=mail.fqdn,
        port=port,
        tls=tls,
        login=BOB,
        subject=subject,
        sender=sender.format(domain=mail.domain),
        recipient=FOREIGN,
    )
    assert sent["code"] == 553, sent
    assert outside.received(subject) == 0


def test_vrfy_is_off(mail, outside):
    seen = outside.ask("smtp", host=mail.fqdn, commands=["VRFY alice"])
    assert seen["replies"][0][0] == 502


def test_smuggled_message_stays_one_message(mail, outside, subject):
    """A bare LF before and after the dot must not end DATA: judged by what arrives, not by reply codes."""
    data = (
        f"Subject: {subject}-first\r\n\r\nx\n.\n"
        f"MAIL FROM:<x@y.example>\r\nRCPT TO:<bob@{mail.domain}>\r\nDATA\r\nSubject: {subject}-second\r\n\r\ny\r\n.\r\n"
    )
    outside.ask("raw_smtp", host=mail.fqdn, data=data, sender="x@y.example", recipient=f"bob@{mail.domain}")
    second = outside.ask("imap", host=mail.fqdn, login=BOB, subject=f"{subject}-second", wait=3)
    assert second["count"] == 0
    # Normalized, it ends at the first dot line and the rest is commands out of turn; or it is one message. Never two.
    first = outside.ask("imap", host=mail.fqdn, login=BOB, subject=f"{subject}-first", wait=3)
    assert first["count"] <= 1
