# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail that arrives is read back, over every mailbox protocol, from another container."""

from __future__ import annotations

import pytest
from mail_hosts import ALICE, BOB

IMAP = [pytest.param(993, "implicit", id="993"), pytest.param(143, "starttls", id="143")]
READERS = [
    pytest.param("imap", 993, "implicit", id="993"),
    pytest.param("imap", 143, "starttls", id="143"),
    pytest.param("pop3", 995, "implicit", id="995"),
    pytest.param("pop3", 110, "starttls", id="110"),
]
SUBMISSION = [pytest.param(465, "implicit", id="465"), pytest.param(587, "starttls", id="587")]


@pytest.mark.parametrize(("protocol", "read_port", "read_tls"), READERS)
@pytest.mark.parametrize(("port", "tls"), SUBMISSION)
def test_submitted_mail_is_read(mail, outside, subject, port, tls, protocol, read_port, read_tls):
    sender, recipient = f"alice@{mail.domain}", f"bob@{mail.domain}"
    outside.ask("submit", host=mail.fqdn, port=port, tls=tls, login=ALICE, subject=subject, sender=sender, recipient=recipient)
    seen = outside.ask(protocol, host=mail.fqdn, port=read_port, tls=read_tls, login=BOB, subject=subject)
    assert seen["count"] == 1
    assert f"for <{recipient}>" in seen["message"]
    # It came through Postfix with AUTH over TLS, and through Dovecot's LMTP.
    assert "ESMTPSA" in seen["message"]
    assert "LMTP" in seen["message"]


@pytest.mark.parametrize(
    ("recipient", "login"),
    [
        pytest.param("me", ALICE, id="alias of one"),
        pytest.param("wizards", ALICE, id="alias of several, first"),
        pytest.param("wizards", BOB, id="alias of several, second"),
        pytest.param("postmaster", ALICE, id="alias through two others"),
        pytest.param("alice+tag", ALICE, id="tag"),
        pytest.param("Sales", BOB, id="virtual alias in another case"),
    ],
)
def test_mail_from_a_stranger_arrives(mail, outside, subject, recipient, login):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"{recipient}@{mail.domain}")
    assert sent == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=login, subject=subject)["count"] == 1


def test_one_message_arrives_once(mail, outside, subject):
    """Root and alice are one person: the alias that names both must not deliver twice."""
    outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"wizards@{mail.domain}")
    assert outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["count"] == 1


@pytest.mark.parametrize("form", ["alice", "ALICE", "alice@{domain}"])
def test_login_name_forms(mail, outside, form):
    login = [form.format(domain=mail.domain), ALICE[1]]
    assert outside.ask("imap", host=mail.fqdn, login=login)["login"]
    assert outside.ask("pop3", host=mail.fqdn, login=login)["login"]
    assert outside.ask("smtp", host=mail.fqdn, port=465, tls="implicit", login=login)["login"][0] == 235


@pytest.mark.parametrize(("port", "tls"), IMAP)
def test_wrong_password_is_refused_over_imap(mail, outside, port, tls):
    assert not outside.ask("imap", host=mail.fqdn, port=port, tls=tls, login=["alice", "wrong"])["login"]


def test_cleartext_login_is_refused(mail, outside):
    imap = outside.ask("imap", host=mail.fqdn, port=143, tls="none", login=ALICE)
    assert not imap["login"]
    assert "LOGINDISABLED" in imap["capabilities"]
    pop3 = outside.ask("pop3", host=mail.fqdn, port=110, tls="none", login=ALICE)
    assert not pop3["login"]


def test_special_folders_are_there(mail, outside):
    folders = " ".join(outside.ask("imap", host=mail.fqdn, login=ALICE)["folders"])
    for flag in (r"\Drafts", r"\Sent", r"\Junk", r"\Trash"):
        assert flag in folders


def test_root_may_not_log_in(mail, outside):
    assert not outside.ask("imap", host=mail.fqdn, login=["root", "any"])["login"]
