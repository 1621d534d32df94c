# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.folder_names import modified_utf7
from ansible_collections.postroom.mail.plugins.module_utils._probe.imap import Literal, quoted
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.probe import run
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.probe_servers import NAME, Server, imap, make_certificate, pop3
from hypothesis import given
from hypothesis import strategies as st

MESSAGE = "Message-ID: <1@x>\r\nSubject: hi\r\n\r\n"


def ask(protocol, script, **options):
    login = {"user": "alice", "password": "geheim", "tls": "none", "allow_cleartext": True, **options.pop("server", {})}
    certificate = options.pop("certificate", None)
    with Server(script, certificate) as server:
        [row] = run(probes({"host": "127.0.0.1", "timeout": 5.0, protocol: {"port": server.port, **login}, **options}))
    return row, server.received


# Logging in


@pytest.mark.parametrize(("protocol", "script"), [("imap", imap()), ("pop3", pop3())])
def test_login(protocol, script):
    row, _received = ask(protocol, script)
    assert (row["outcome"], row["step"], row["ok"]) == ("authenticated", "login", True)
    assert "welcome" in row["answer"]


def test_imap_quotes_and_literals():
    _row, received = ask("imap", imap(), server={"user": 'a"b\\c', "password": "plain {5} words"})
    assert 'p2 LOGIN "a\\"b\\\\c" "plain {5} words"' in received
    _row, received = ask("imap", imap(), server={"user": "älice", "password": 'pä"ss\\'})
    assert 'p2 LOGIN {6}\nälice {7}\npä"ss\\' in received


def test_pop3_sends_the_password_as_it_is():
    _row, received = ask("pop3", pop3(), server={"password": ' pä"ss \\ '})
    assert 'PASS  pä"ss \\ ' in received


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5"])
def test_sasl(mechanism):
    def authenticate(peer):
        challenge = {"plain": "", "login": "VXNlcjo=", "cram-md5": "PDFAeD4="}[mechanism]
        for _round in range(2 if mechanism == "login" else 1):
            peer.say(f"+ {challenge}")
            peer.line()
        peer.say(f"{getattr(peer, 'tag', '+OK')} OK welcome".replace("+OK OK", "+OK"))

    for protocol, script in (("imap", imap(AUTHENTICATE=authenticate)), ("pop3", pop3(AUTH=authenticate))):
        row, _received = ask(protocol, script, server={"mechanism": mechanism})
        assert row["outcome"] == "authenticated", row["answer"]


@pytest.mark.parametrize(
    ("protocol", "reply", "outcome"),
    [
        ("imap", "{tag} NO [AUTHENTICATIONFAILED] Authentication failed.", "login_rejected"),
        ("imap", "{tag} NO [UNAVAILABLE] Temporary authentication failure.", "deferred"),
        ("imap", "{tag} BAD no LOGIN here", "login_rejected"),
        ("imap", ["* BYE too many", "{tag} NO x"], "dropped"),
        ("imap", "{tag} HM", "garbled"),
        ("imap", "what?", "garbled"),
        ("pop3", "-ERR [AUTH] Authentication failed.", "login_rejected"),
        ("pop3", "-ERR [SYS/TEMP] Temporary authentication failure.", "deferred"),
        ("pop3", "what?", "garbled"),
    ],
)
def test_refused_login(protocol, reply, outcome):
    script = imap(LOGIN=reply) if protocol == "imap" else pop3(PASS=reply)
    row, _received = ask(protocol, script)
    assert (row["outcome"], row["step"], row["ok"]) == (outcome, "login", False)


def test_imap_alert_is_part_of_the_answer():
    row, _received = ask("imap", imap(LOGIN=["* BAD [ALERT] in the clear!", "{tag} NO [PRIVACYREQUIRED] no"]), expect="login_rejected")
    assert row["answer"] == "NO [PRIVACYREQUIRED] no BAD [ALERT] in the clear!"
    assert row["ok"]


@pytest.mark.parametrize(
    ("protocol", "script", "outcome"),
    [
        ("imap", imap(greeting="* BYE too many"), "rejected"),
        ("imap", imap(greeting="220 SMTP here"), "garbled"),
        ("pop3", pop3(greeting="-ERR too many"), "rejected"),
        ("pop3", pop3(greeting="220 SMTP here"), "garbled"),
        ("imap", lambda peer: None, "dropped"),
        ("pop3", lambda peer: None, "dropped"),
        ("imap", lambda peer: peer.hang(), "timeout"),
        ("pop3", lambda peer: peer.drip("+"), "timeout"),
    ],
)
def test_greeting(protocol, script, outcome):
    row, _received = ask(protocol, script, timeout=0.4)
    assert (row["outcome"], row["step"]) == (outcome, "greeting")
    assert row["duration"] < 1.0


def test_imap_that_announces_a_giant_literal():
    row, _received = ask("imap", imap(LOGIN="* X {999999999}"))
    assert (row["outcome"], row["step"]) == ("garbled", "login")


def test_imap_that_never_comes_to_an_end():
    def flood(peer):
        while True:
            peer.say(*["* 1 EXISTS"] * 1000)

    row, _received = ask("imap", imap(LOGIN=flood))
    assert (row["outcome"], row["answer"]) == ("garbled", "more than 10000 responses to one command")


def test_pop3_that_never_comes_to_an_end():
    def flood(peer):
        peer.say("+OK")
        while True:
            peer.say(*["x" * 1000] * 1000)

    row, _received = ask("pop3", pop3(CAPA=flood), timeout=20.0)
    assert row["outcome"] == "garbled"
    assert "without end" in row["answer"]


def test_pop3_without_capa():
    row, _received = ask("pop3", pop3(CAPA="-ERR what?"))
    assert (row["outcome"], row["pop3"]["capabilities"]) == ("authenticated", [])


# TLS


@pytest.mark.parametrize(("protocol", "script", "command"), [("imap", imap, "p2 STARTTLS"), ("pop3", pop3, "STLS")])
def test_starttls(tmp_path, protocol, script, command):
    certificate = make_certificate(tmp_path)
    row, received = ask(protocol, script(), server={"tls": "starttls"}, certificate=certificate, ca_file=certificate, server_hostname=NAME)
    assert (row["outcome"], row["tls_version"]) == ("authenticated", "TLSv1.3")
    assert command in received
    assert row[protocol]["capabilities_before_tls"]
    row, _received = ask(
        protocol, script(implicit=True), server={"tls": "implicit"}, certificate=certificate, ca_file=certificate, server_hostname=NAME
    )
    assert (row["outcome"], row["tls_version"]) == ("authenticated", "TLSv1.3")


@pytest.mark.parametrize(
    ("protocol", "script", "outcome"),
    [
        ("imap", imap(CAPABILITY=["* CAPABILITY IMAP4rev1", "{tag} OK"]), "unsupported"),
        ("imap", imap(STARTTLS="{tag} NO not now"), "tls_failed"),
        ("pop3", pop3(CAPA=["+OK", "."]), "unsupported"),
        ("pop3", pop3(STLS="-ERR not now"), "tls_failed"),
    ],
)
def test_starttls_that_fails(protocol, script, outcome):
    row, received = ask(protocol, script, server={"tls": "starttls"})
    assert (row["outcome"], row["step"]) == (outcome, "tls")
    assert not any("geheim" in line for line in received)


# Waiting for a message


def test_imap_finds_the_message_and_removes_only_it():
    row, received = ask("imap", imap(MESSAGE, after=1), message_id="<1@x>")
    assert (row["outcome"], row["removed"], row["headers"][1]) == ("delivered", True, {"name": "Subject", "value": "hi"})
    assert 'p3 SELECT "INBOX"' in received
    assert 'p4 UID SEARCH HEADER Message-ID "<1@x>"' in received
    assert any("UID STORE 7 +FLAGS.SILENT (\\Deleted)" in line for line in received)
    assert any("UID EXPUNGE 7" in line for line in received)
    assert not any(" EXPUNGE" in line and "UID EXPUNGE" not in line for line in received)


def test_imap_without_uidplus_does_not_expunge():
    row, received = ask("imap", imap(MESSAGE, CAPABILITY=["* CAPABILITY IMAP4rev1", "{tag} OK"]), message_id="<1@x>")
    assert row["outcome"] == "delivered"
    assert "removed" not in row
    assert not any("EXPUNGE" in line for line in received)


def test_imap_without_cleanup_only_reads():
    row, received = ask("imap", imap(MESSAGE), message_id="<1@x>", cleanup=False, server={"mailbox": "Entwürfe & mehr"})
    assert row["outcome"] == "delivered"
    assert 'p3 EXAMINE "Entw&APw-rfe &- mehr"' in received
    assert not any("STORE" in line for line in received)


@pytest.mark.parametrize(
    ("replies", "outcome", "step"),
    [
        ({"SELECT": "{tag} NO [NONEXISTENT] no such mailbox"}, "rejected", "select"),
        ({"UID SEARCH": "{tag} BAD what?"}, "rejected", "fetch"),
        ({"UID FETCH": "{tag} OK"}, "garbled", "fetch"),
        ({"UID SEARCH": lambda peer: peer.hang()}, "timeout", "fetch"),
    ],
)
def test_imap_mailbox_that_fails(replies, outcome, step):
    row, _received = ask("imap", imap(MESSAGE, **replies), message_id="<1@x>", timeout=1.0)
    assert (row["outcome"], row["step"]) == (outcome, step)


def test_pop3_finds_the_message_in_a_later_session_and_removes_it():
    row, received = ask("pop3", pop3(["Message-ID: <0@x>\n", MESSAGE.replace("\r", "")], after=2), message_id="<1@x>")
    assert (row["outcome"], row["removed"], row["headers"][1]) == ("delivered", True, {"name": "Subject", "value": "hi"})
    assert received.count("TOP 1 0") == 1
    assert received[-2:] == ["DELE 2", "QUIT"]


def test_pop3_passes_over_what_another_session_has_removed():
    row, received = ask("pop3", pop3([MESSAGE.replace("\r", ""), None]), message_id="<1@x>")
    assert (row["outcome"], row["removed"]) == ("delivered", True)
    assert [line for line in received if line.startswith(("TOP", "DELE"))] == ["TOP 2 0", "TOP 1 0", "DELE 1"]


def test_pop3_tells_of_a_message_that_is_refused_in_the_next_session_too():
    row, received = ask("pop3", pop3([None]), message_id="<1@x>")
    assert (row["outcome"], row["step"], row["answer"]) == ("rejected", "fetch", "-ERR Message 1 expunged.")
    assert received.count("TOP 1 0") == 2


def test_pop3_without_cleanup_only_reads():
    row, received = ask("pop3", pop3([MESSAGE.replace("\r", "")]), message_id="<1@x>", cleanup=False)
    assert row["outcome"] == "delivered"
    assert not any("DELE" in line for line in received)


def test_pop3_that_breaks_before_quit_has_removed_nothing():
    row, _received = ask("pop3", pop3([MESSAGE.replace("\r", "")], QUIT=lambda peer: peer.sock.close()), message_id="<1@x>")
    assert row["outcome"] == "delivered"
    assert "removed" not in row


# Strings


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("INBOX", "INBOX"),
        ("R&D", "R&-D"),
        # RFC 3501, section 5.1.3.
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Entwürfe", "Entw&APw-rfe"),
    ],
)
def test_modified_utf7(name, encoded):
    assert modified_utf7(name) == encoded


@given(st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"])))
def test_quoted_keeps_the_text(text):
    data = quoted(text)
    if isinstance(data, Literal):
        assert data.decode() == text
    else:
        unescaped, escaped = "", False
        for char in data[1:-1].decode():
            if char == "\\" and not escaped:
                escaped = True
            else:
                unescaped, escaped = unescaped + char, False
        assert unescaped == text
