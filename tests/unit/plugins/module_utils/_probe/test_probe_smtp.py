# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import types
import urllib.parse

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Endpoint, probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.probe import run
from ansible_collections.postroom.mail.plugins.module_utils._probe.sasl import NotBase64, responses
from ansible_collections.postroom.mail.plugins.module_utils._probe.smtp import keywords, mechanisms
from ansible_collections.postroom.mail.plugins.module_utils._probe.tls import Trust
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import Stop
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.probe_servers import Server, imap, pop3, smtp

USER, PASSWORD = "älice@example.org", 'geh"eim\\ {5} ü '


def b64(text):
    return base64.b64encode(text.encode()).decode()


def ask(protocol, script, **options):
    server_options = {"user": USER, "password": PASSWORD, "tls": "none", "allow_cleartext": True, **options.pop("server", {})}
    with Server(script) as server:
        [row] = run(probes({"host": "127.0.0.1", "timeout": 5.0, protocol: {"port": server.port, **server_options}, **options}))
    return row, server.received


def test_plain_goes_with_the_command():
    row, received = ask("smtp", smtp())
    assert row["outcome"] == "authenticated"
    assert (row["answer"], row["smtp"]["mechanism"]) == ("235 2.7.0 welcome", "PLAIN")
    assert received[1] == f"AUTH PLAIN {b64(f'{chr(0)}{USER}{chr(0)}{PASSWORD}')}"


def test_login_answers_two_prompts():
    def login(peer):
        peer.say("334 VXNlcm5hbWU6")
        peer.line()
        peer.say("334 UGFzc3dvcmQ6")
        peer.line()
        peer.say("235 ok")

    row, received = ask("smtp", smtp(EHLO=["250-hi", "250 AUTH=LOGIN"], AUTH=login))
    assert row["outcome"] == "authenticated"
    assert received[1:4] == ["AUTH LOGIN", b64(USER), b64(PASSWORD)]


def test_cram_md5_does_not_show_the_password_and_needs_no_tls():
    challenge = "<1896.697170952@postoffice.example.net>"

    def cram(peer):
        peer.say(f"334 {b64(challenge)}")
        peer.line()
        peer.say("235 ok")

    row, received = ask("smtp", smtp(AUTH=cram), server={"mechanism": "cram-md5", "allow_cleartext": False})
    assert row["outcome"] == "authenticated"
    digest = hmac.new(PASSWORD.encode(), challenge.encode(), "md5").hexdigest()
    assert received[1:3] == ["AUTH CRAM-MD5", b64(f"{USER} {digest}")]


def test_cram_md5_of_the_rfc():
    # RFC 2195, section 2.
    answer = responses("CRAM-MD5", "tim", "tanstaaftanstaaf")("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    assert answer == "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"


def test_challenge_that_is_not_base64():
    with pytest.raises(NotBase64):
        responses("CRAM-MD5", "tim", "x")("not base64!")
    row, _received = ask("smtp", smtp(AUTH="334 not base64!"), server={"mechanism": "cram-md5"})
    assert (row["outcome"], row["step"]) == ("garbled", "auth")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("535 5.7.8 authentication failed", "login_rejected"), ("454 4.7.0 temporary", "deferred"), ("503 not enabled", "login_rejected")],
)
def test_refused_login(reply, outcome):
    row, _received = ask("smtp", smtp(AUTH=reply))
    assert (row["outcome"], row["step"], row["answer"], row["reply_code"]) == (outcome, "auth", reply, int(reply[:3]))


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        ("250 SIZE 1", "the server offers no AUTH here"),
        ("250 AUTH GSSAPI NTLM", "the server offers only AUTH GSSAPI NTLM, which the probe does not speak"),
    ],
)
def test_no_usable_auth(offer, words):
    row, _received = ask("smtp", smtp(EHLO=["250-hi", offer]))
    assert (row["outcome"], row["answer"]) == ("unsupported", words)


def test_named_mechanism_is_tried_even_where_it_is_not_offered():
    row, received = ask("smtp", smtp(EHLO="250 hi", AUTH="503 5.5.1 not enabled"), server={"mechanism": "plain"}, expect="rejected")
    assert row["ok"], row["problems"]
    assert received[1].startswith("AUTH PLAIN ")


@pytest.mark.parametrize(("protocol", "script"), [("smtp", smtp()), ("imap", imap()), ("pop3", pop3())])
def test_password_stays_at_home_without_tls(protocol, script):
    row, received = ask(protocol, script, server={"allow_cleartext": False})
    assert row["outcome"] == "withheld"
    assert not any(word in line for line in received for word in (PASSWORD, b64(PASSWORD), "AUTH PLAIN", "LOGIN", "USER"))


@pytest.mark.parametrize(
    ("protocol", "script"),
    [
        ("smtp", smtp(AUTH=lambda peer: peer.say(f"535 bad command: {peer.received[-1]} or {PASSWORD}"))),
        ("imap", imap(LOGIN=lambda peer: peer.say(f"{peer.tag} NO bad command: {PASSWORD}"))),
        ("pop3", pop3(PASS=lambda peer: peer.say(f"-ERR bad command: {peer.received[-1]}"))),
    ],
)
def test_server_that_echoes_the_password(protocol, script):
    row, _received = ask(protocol, script, expect="login_rejected")
    assert row["ok"], row["problems"]
    assert "********" in row["answer"]
    assert PASSWORD.strip() not in str(row)
    assert b64(f"\0{USER}\0{PASSWORD}") not in str(row)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
        repr,
        json.dumps,
        b64,
        lambda text: b64(f"alice {text}"),
        lambda text: text.encode().hex(),
        urllib.parse.quote,
    ],
)
@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_server_that_writes_the_password_in_another_way(protocol, written):
    password = "pw\"s\\ecret's and so on"
    scripts = {
        "smtp": lambda echo: smtp(AUTH=lambda peer: peer.say(f"535 bad: {echo}")),
        "imap": lambda echo: imap(LOGIN=lambda peer: peer.say(f"{peer.tag} NO bad LOGIN {echo}")),
        "pop3": lambda echo: pop3(PASS=lambda peer: peer.say(f"-ERR bad: {echo}")),
    }
    row, _received = ask(protocol, scripts[protocol](written(password)), server={"password": password}, expect="login_rejected")
    assert row["ok"], row["problems"]
    assert "********" in row["answer"]
    assert len(row["answer"]) < 60, row["answer"]


def test_keywords_and_mechanisms():
    capabilities = ["PIPELINING", "AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN CRAM-MD5", "size 100"]
    assert keywords(capabilities) == {"PIPELINING", "AUTH", "AUTH=PLAIN", "SIZE"}
    assert mechanisms(capabilities) == ["PLAIN", "LOGIN", "CRAM-MD5"]
    assert mechanisms(["AUTHENTIC"]) == []


def test_envelope_and_message():
    with Server(smtp()) as server:
        [row] = run(
            probes(
                {
                    "host": "127.0.0.1",
                    "smtp": {"port": server.port, "tls": "none"},
                    "sender": "",
                    "recipient": "a@example.org",
                    "helo": "client.example.net",
                    "body": ".\n..two\nthree\n",
                    "headers": {"X-Test": "yes"},
                }
            )
        )
    assert row["ok"], row["problems"]
    assert (row["outcome"], row["reply_code"], row["queue_id"]) == ("accepted", 250, "4XyZ1")
    received = server.received
    assert received[0] == "EHLO client.example.net"
    assert received[1].startswith("MAIL FROM:<> SIZE=")
    assert received[2:4] == ["RCPT TO:<a@example.org>", "DATA"]
    assert "X-Test: yes" in received
    body = received[received.index("") + 1 : received.index("QUIT")]
    assert body == ["..", "...two", "three", "."]


def test_stop_after_rcpt_takes_the_envelope_back():
    row, received = ask("smtp", smtp(), server={"user": None, "password": None}, recipient="a@example.org", stop_after="rcpt")
    assert (row["outcome"], row["step"], row["ok"]) == ("accepted", "rcpt", True)
    assert received[-2:] == ["RSET", "QUIT"]


@pytest.mark.parametrize(("offer", "outcome"), [("250 SMTPUTF8", "accepted"), ("250 SIZE 1", "unsupported")])
def test_international_address(offer, outcome):
    with Server(smtp(EHLO=["250-hi", offer])) as server:
        [row] = run(probes({"host": "127.0.0.1", "smtp": {"port": server.port, "tls": "none"}, "recipient": "ä@example.org"}))
    assert row["outcome"] == outcome
    assert ("MAIL FROM:<ä@example.org> SMTPUTF8" in server.received) is (outcome == "accepted")


@pytest.mark.parametrize(
    ("cleartext", "encrypted", "allowed", "sent"),
    [(True, False, False, False), (True, True, False, True), (True, False, True, True), (False, False, False, True)],
)
def test_a_password_is_withheld_from_an_unencrypted_connection_alone(cleartext, encrypted, allowed, sent):
    hidden = []
    endpoint = Endpoint("smtp", "mail.example", 25, "none", Trust(), "u", PASSWORD, allow_cleartext=allowed)
    wire = types.SimpleNamespace(encrypted=encrypted, hide=hidden.append)
    with contextlib.nullcontext() if sent else pytest.raises(Stop, match="withheld|not encrypted"):
        endpoint.guard(cleartext, wire)
    assert hidden == ([PASSWORD] if sent else [])
