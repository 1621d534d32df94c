# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""POP3 and IMAP said line by line, as with telnet, and the same by clients that people use: curl, and Cyrus' test programs."""

from __future__ import annotations

import concurrent.futures
import re
import shlex

import pytest
from harness import Peer
from mail_hosts import ALICE, BOB, address

BODY = "One line.\r\nAnother line.\r\n..and one that began with a dot."
CYRUS = "/usr/lib/cyrus/bin"


@pytest.fixture
def message(mail, outside, subject):
    """The only message that bob has, sent by a stranger; its subject."""
    mail.out("doveadm expunge -u bob mailbox INBOX all")
    sent = outside.ask("submit", host=mail.fqdn, sender="x@y.example", recipient=f"bob@{mail.domain}", subject=subject, body=BODY)
    assert sent == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject)["count"] == 1
    return subject


def say(outside, mail, port, tls, *commands):
    """The replies to *commands*, after the greeting and what starts TLS."""
    start = {("starttls", 110): ["STLS"], ("starttls", 143): ["STARTTLS"]}.get((tls, port), [])
    replies = outside.ask("spoken", host=mail.fqdn, port=port, tls=tls, commands=start + list(commands))
    if start:
        assert re.match(r"\+OK|a0 OK", replies[1][-1]), replies[1]
    assert re.match(r"\+OK|\* OK \[CAPABILITY IMAP4rev1", replies[0][0]), replies[0]
    return replies[1 + len(start) :]


@pytest.mark.parametrize(("port", "tls"), [pytest.param(110, "starttls", id="110"), pytest.param(995, "implicit", id="995")])
def test_pop3(mail, outside, message, port, tls):
    login = [f"USER {BOB[0]}", f"PASS {BOB[1]}"]

    # Whoever goes without QUIT deletes nothing.
    user, password, status, listed, one, top, whole, deleted, after, gone, status_after = say(
        outside, mail, port, tls, *login, "STAT", "LIST", "LIST 1", "TOP 1 1", "RETR 1", "DELE 1", "LIST", "RETR 1", "STAT"
    )
    assert (user, password) == (["+OK"], ["+OK Logged in."])
    count, size = re.fullmatch(r"\+OK (\d+) (\d+)", status[0]).groups()
    assert count == "1"
    assert listed == ["+OK 1 messages:", f"1 {size}", "."]
    assert one == [f"+OK 1 {size}"]
    assert f"Subject: {message}" in top
    assert top[top.index("") :] == ["", "One line.", "."]
    assert whole[0] == f"+OK {size} octets"
    # A line that begins with a dot is sent with another one before it.
    assert whole[whole.index("") :] == ["", "One line.", "Another line.", "...and one that began with a dot.", "."]
    assert deleted == ["+OK Marked to be deleted."]
    assert after == ["+OK 0 messages:", "."]
    assert gone[0].startswith("-ERR")
    assert status_after == ["+OK 0 0"]

    user, password, status, deleted, bye = say(outside, mail, port, tls, *login, "STAT", "DELE 1", "QUIT")
    assert status == [f"+OK 1 {size}"]
    assert (deleted, bye) == (["+OK Marked to be deleted."], ["+OK Logging out, messages deleted."])

    user, password, status, bye = say(outside, mail, port, tls, *login, "STAT", "QUIT")
    assert (status, bye) == (["+OK 0 0"], ["+OK Logging out."])
    assert mail.out("doveadm search -u bob mailbox INBOX all") == ""


@pytest.mark.parametrize(("port", "tls"), [pytest.param(143, "starttls", id="143"), pytest.param(993, "implicit", id="993")])
def test_imap(mail, outside, message, port, tls):
    capability, login, selected, header, text, flags, bye = say(
        outside,
        mail,
        port,
        tls,
        "CAPABILITY",
        f'LOGIN {BOB[0]} "{BOB[1]}"',
        "SELECT INBOX",
        "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
        "FETCH 1 (RFC822.SIZE BODY[TEXT])",
        "FETCH 1 FLAGS",
        "LOGOUT",
    )
    assert "IMAP4rev1" in capability[0].split()
    assert "AUTH=PLAIN" in capability[0].split()
    assert "LOGINDISABLED" not in capability[0]
    assert re.match(r"a\d+ OK .*Logged in", login[-1])
    assert "* 1 EXISTS" in selected
    assert any(line.startswith("* OK [UIDVALIDITY") for line in selected)
    assert re.match(r"a\d+ OK \[READ-WRITE\]", selected[-1])
    assert f"Subject: {message}" in header
    assert text[1:4] == ["One line.", "Another line.", "..and one that began with a dot."]
    # Looking at the header alone is no reading; reading the text is.
    assert r"\Seen" not in header[0]
    assert r"\Seen" in flags[0]
    assert bye[0].startswith("* BYE")
    assert re.match(r"a\d+ OK", bye[-1])


def test_nothing_but_tls_is_offered_before_it_on_the_open_ports(mail, outside):
    """The host refuses a client that logs in all the same, and never asks for a password."""
    capability, login = outside.ask(
        "spoken", host=mail.fqdn, port=143, tls="none", commands=["CAPABILITY", f'LOGIN {ALICE[0]} "{BOB[1]}"']
    )[1:]
    assert {"STARTTLS", "LOGINDISABLED"} <= set(capability[0].split())
    assert not re.search(r"\bAUTH=", capability[0])
    assert "NO [PRIVACYREQUIRED]" in login[-1]
    capability, user = outside.ask("spoken", host=mail.fqdn, port=110, tls="none", commands=["CAPA", f"USER {ALICE[0]}"])[1:]
    assert "STLS" in capability
    assert not [line for line in capability if line.startswith(("SASL P", "USER"))]
    assert user[0].startswith("-ERR")


def curl(url, login, *arguments):
    return shlex.join(["curl", "-sS", "-v", "--insecure", "--max-time", "60", "--user", ":".join(login), *arguments, url])


def cyrus(program, host, login, *arguments):
    return f"{CYRUS}/{shlex.join([program, *arguments, '-a', login[0], '-w', login[1], host])} </dev/null"


def clients(mail, host, login, digest):
    """Commands by name, and what their output has when the login worked.

    Left to itself curl takes the strongest mechanism, for which only *digest* has a password.
    """
    letter = ["--mail-from", f"alice@{mail.domain}", "--mail-rcpt", f"bob@{mail.domain}", "--upload-file", "/etc/hostname"]
    tls, plain, stat = "--ssl-reqd", ["--login-options", "AUTH=PLAIN"], ["--request", "STAT", "--head"]
    return {
        "curl imaps": (curl(f"imaps://{host}", login, *plain, "--request", "EXAMINE INBOX"), "[READ-ONLY]"),
        "curl imap": (curl(f"imap://{host}", digest, tls, "--request", "EXAMINE INBOX"), "[READ-ONLY]"),
        "curl pop3s": (curl(f"pop3s://{host}", login, *plain, *stat), "< +OK Logged in."),
        "curl pop3": (curl(f"pop3://{host}", digest, tls, *stat), "< +OK Logged in."),
        "curl smtps": (curl(f"smtps://{host}", login, *plain, *letter), "< 250 2.0.0 Ok: queued"),
        "curl submission": (curl(f"smtp://{host}:587", login, tls, "--login-options", "AUTH=LOGIN", *letter), "< 250 2.0.0 Ok: queued"),
        "imtest STARTTLS": (cyrus("imtest", host, login, "-t", "", "-m", "login"), "Authenticated."),
        "imtest TLS": (cyrus("imtest", host, digest, "-s", "-m", "SCRAM-SHA-256"), "Authenticated."),
        "pop3test STARTTLS": (cyrus("pop3test", host, digest, "-t", "", "-m", "DIGEST-MD5"), "Authenticated."),
        "smtptest STARTTLS": (cyrus("smtptest", host, digest, "-t", "", "-p", "587", "-m", "CRAM-MD5"), "Authenticated."),
    }


def answers(peer, commands):
    """The outputs of *commands*, run side by side on *peer*."""
    with concurrent.futures.ThreadPoolExecutor(len(commands)) as threads:
        done = threads.map(lambda command: peer.run(f"timeout 90 {command} 2>&1"), [command for command, _sign in commands.values()])
        return {name: (run.returncode, run.stdout) for name, run in zip(commands, done)}


def test_clients_get_in(mail, outside):
    commands = clients(mail, mail.fqdn, ALICE, ["cram", "cram-pw"])
    assert {name: out for name, (rc, out) in answers(outside, commands).items() if rc or commands[name][1] not in out} == {}


def test_clients_that_must_not_get_in(mail):
    """From an address that no other test comes from: Dovecot makes whoever comes next from it wait."""
    commands = clients(mail, address(mail), ["alice", "wrong"], ["cram", "wrong"])
    seen = answers(Peer("resolver"), commands)
    assert {name: out for name, (_rc, out) in seen.items() if commands[name][1] in out} == {}
    # What curl says when the login was denied, and Cyrus' programs.
    assert {name: rc for name, (rc, _out) in seen.items() if name.startswith("curl") and rc != 67} == {}
    assert {name: out for name, (_rc, out) in seen.items() if "test" in name and "uthentication failed" not in out} == {}
