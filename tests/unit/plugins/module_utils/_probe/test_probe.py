# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a server does, a probe ends in time and says at which step, in the server's own words."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.probe import run
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.probe_servers import NAME, Server, imap, make_certificate, pop3, smtp

# A busy machine takes its time, so no test tells it how fast to be: whatever hangs, hangs far longer than anybody waits here.
PATIENCE = 20
LONG = 3 * PATIENCE


@pytest.fixture(autouse=True)
def nobody_is_left_behind(monkeypatch):
    """Let a probe that misses its own deadline be waited for, as if nobody watched over it."""
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.probe.GRACE", LONG)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def ask(check_mode=False, **options):
    """The one row of the probe that *options* describe."""
    options = {"host": "127.0.0.1", "timeout": 5.0, **options}
    [row] = run(probes(options), check_mode=check_mode)
    assert json.dumps(row)
    return row


def ask_smtp(script, **options):
    with Server(script) as server:
        return ask(smtp={"port": server.port, "tls": "none"}, **options)


HANGING = {
    "no greeting": lambda peer: peer.hang(),
    "half a line": lambda peer: (peer.sock.sendall(b"220 mail.exa"), peer.hang()),
    "a dripping greeting": lambda peer: peer.drip("2"),
    "a dripping reply without end": lambda peer: peer.drip("220-more to come\r\n", pause=0.002),
    "nothing after EHLO": smtp(EHLO=lambda peer: peer.hang()),
    "nothing after MAIL": smtp(MAIL=lambda peer: peer.hang()),
    "nothing after the message": smtp(message=lambda peer: peer.hang()),
    "takes no data": smtp(DATA=lambda peer: (peer.say("354 go on"), time.sleep(LONG))),
}
STEPS_OF_HANGING = {
    "nothing after EHLO": "ehlo",
    "nothing after MAIL": "mail",
    "nothing after the message": "data",
    "takes no data": "data",
}


@pytest.mark.parametrize("case", HANGING)
def test_deadline_is_kept(case):
    started = time.monotonic()
    # More than the socket's buffers take.
    row = ask_smtp(HANGING[case], recipient="a@example.org", size=20_000_000 if case == "takes no data" else None, timeout=0.8)
    assert time.monotonic() - started < PATIENCE
    assert not row["ok"]
    if case == "a dripping reply without end":
        assert row["outcome"] in ("timeout", "garbled")
    else:
        assert row["outcome"] == "timeout"
    assert row["step"] == STEPS_OF_HANGING.get(case, "greeting")


def test_what_came_so_far_is_told():
    row = ask_smtp(HANGING["half a line"], timeout=0.3)
    assert row["answer"] == "no complete answer within 0.3 s; so far it said: 220 mail.exa"


def test_hanging_tls_handshake_ends_in_time():
    with Server(lambda peer: peer.hang()) as server:
        row = ask(smtp={"port": server.port}, timeout=0.4)
    assert (row["outcome"], row["step"]) == ("timeout", "tls")
    assert row["duration"] < PATIENCE


def test_server_that_hangs_after_quit_does_not_spoil_the_result(certificate):
    row = ask_smtp(smtp(QUIT=lambda peer: peer.hang()), recipient="a@example.org", timeout=1.0)
    assert row["outcome"] == "accepted"
    assert row["ok"]
    assert row["duration"] < PATIENCE


def test_resolver_that_hangs_ends_in_time(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(LONG))
    row = ask(host="mail.example.org", smtp={"tls": "none"}, timeout=0.3)
    assert (row["outcome"], row["step"]) == ("timeout", "connect")
    assert row["duration"] < PATIENCE


def test_thread_that_is_stuck_is_left_behind(monkeypatch):
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.wire.Wire.connect", lambda *a: time.sleep(LONG))
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.probe.GRACE", 0.5)
    started = time.monotonic()
    row = ask(smtp={"tls": "none"}, timeout=0.2)
    assert time.monotonic() - started < PATIENCE
    assert row["outcome"] == "timeout"


def test_fault_of_ours_is_not_a_result(monkeypatch):
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.smtp.Smtp.open", lambda self: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ask(smtp={"tls": "none"})


ODD = {
    "not SMTP": (lambda peer: (peer.say("SSH-2.0-OpenSSH_9.2"), peer.hang()), "garbled", "greeting", "no SMTP reply: SSH-2.0-OpenSSH_9.2"),
    "binary": (lambda peer: (peer.say(b"\xff\xfe\x00\x01"), peer.hang()), "garbled", "greeting", "no SMTP reply: \ufffd\ufffd"),
    "one endless line": (lambda peer: (peer.sock.sendall(b"2" * 70000), peer.hang()), "garbled", "greeting", "a line of more than 65536"),
    "an endless reply": (lambda peer: (peer.say(*["220-x"] * 1001), peer.hang()), "garbled", "greeting", "a reply of more than 1000 lines"),
    "closes at once": (lambda peer: None, "dropped", "greeting", "the server closed the connection"),
    "closes in mid-line": (lambda peer: peer.sock.sendall(b"220 mai"), "dropped", "greeting", "so far it said: 220 mai"),
    "closes after RCPT": (smtp(RCPT=lambda peer: peer.sock.close()), "dropped", "rcpt", "the server closed the connection"),
    "refuses at the greeting": (smtp(greeting="554 no"), "rejected", "greeting", "554 no"),
    "is busy at the greeting": (smtp(greeting="421 busy"), "deferred", "greeting", "421 busy"),
    "refuses EHLO": (smtp(EHLO="550 who?"), "rejected", "ehlo", "550 who?"),
    "refuses MAIL": (smtp(MAIL=["550-no", "550 never"]), "rejected", "mail", "550 no never"),
    "refuses RCPT": (smtp(RCPT="554 5.7.1 Relay access denied"), "rejected", "rcpt", "554 5.7.1 Relay access denied"),
    "defers RCPT": (smtp(RCPT="450 4.7.1 later"), "deferred", "rcpt", "450 4.7.1 later"),
    "refuses DATA": (smtp(DATA="554 no"), "rejected", "data", "554 no"),
    "refuses the message": (smtp(message="552 too large"), "rejected", "data", "552 too large"),
    "answers DATA with 250": (smtp(DATA="250 hm"), "garbled", "data", "250 hm"),
}


@pytest.mark.parametrize("case", ODD)
def test_outcome_step_and_words(case):
    script, outcome, step, words = ODD[case]
    row = ask_smtp(script, recipient="a@example.org")
    assert (row["outcome"], row["step"], row["ok"]) == (outcome, step, False)
    assert words in row["answer"]
    assert row["problems"] == [f"expected accepted, but it was {outcome} at {step}: {row['answer']}"]


def test_closed_port_is_unreachable_and_can_be_expected():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        row = ask(smtp={"tls": "none", "port": s.getsockname()[1]}, expect="unreachable")
    assert row["ok"]
    assert row["step"] == "connect"
    assert "refused" in row["answer"]


def test_unknown_name_is_not_a_closed_port():
    row = ask(host="nothing.invalid", smtp={"tls": "none"}, expect="unreachable")
    assert (row["outcome"], row["ok"]) == ("unresolved", False)


def test_wrong_source_address_is_not_a_closed_port():
    row = ask(smtp={"tls": "none"}, source_address="192.0.2.1", expect="unreachable")
    assert (row["outcome"], row["ok"]) == ("unsupported", False)


def test_next_address_is_tried_when_the_first_has_no_family_here(monkeypatch):
    with Server(smtp()) as server:
        addresses = [(12345, 1, 6, "", ("192.0.2.1", server.port)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: addresses)
        row = ask(host="mail.example.org", smtp={"tls": "none", "port": server.port})
    assert (row["outcome"], row["smtp"]["address"]) == ("connected", "127.0.0.1")


def test_source_address_and_ipv6():
    with Server(smtp(), family=socket.AF_INET6) as server:
        row = ask(host="[::1]", smtp={"tls": "none", "port": server.port}, source_address="::1")
    assert (row["outcome"], row["smtp"]["address"]) == ("connected", "::1")
    assert server.received[0] == "EHLO [IPv6:::1]"


# TLS


def ask_tls(certificate, script=None, **options):
    with Server(script or smtp(implicit=True), certificate) as server:
        return ask(smtp={"port": server.port}, **options)


def test_untrusted_certificate_ends_the_dialogue_before_any_password(certificate):
    with Server(smtp(implicit=True), certificate) as server:
        row = ask(smtp={"port": server.port, "user": "alice", "password": "geheim"})
        assert (row["outcome"], row["step"]) == ("untrusted", "tls")
        assert server.received == []


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"ca_file": "PEM", "server_hostname": NAME}, "connected"),
        ({"ca_content": "PEM", "server_hostname": NAME}, "connected"),
        ({"ca_file": "PEM"}, "untrusted"),
        ({"ca_file": "PEM", "server_hostname": "other.example.org"}, "untrusted"),
        ({"validate_certs": False}, "connected"),
        ({"certificate_fingerprint": "PIN"}, "connected"),
        ({"certificate_fingerprint": "00" * 32}, "untrusted"),
    ],
)
def test_trust(certificate, options, outcome):
    with open(certificate, encoding="ascii") as f:
        pem = f.read().partition("-----BEGIN PRIVATE")[0]
    pin = ask_tls(certificate, validate_certs=False)["smtp"]["certificate"]["sha256"]
    values = {"ca_file": certificate, "ca_content": pem, "certificate_fingerprint": f"SHA256:{pin.upper()}"}
    options = {k: values[k] if v in ("PEM", "PIN") else v for k, v in options.items()}
    assert ask_tls(certificate, **options)["outcome"] == outcome


def test_tls_facts(certificate):
    row = ask_tls(certificate, ca_file=certificate, server_hostname=NAME)
    assert row["tls_version"] == row["smtp"]["tls_version"] == "TLSv1.3"
    assert row["cipher"].startswith("TLS_")
    assert row["smtp"]["certificate"]["names"] == [NAME]
    assert "capabilities_before_tls" not in row["smtp"]


def test_old_version_is_refused_by_the_server(certificate):
    def script(peer):
        peer.encrypt(minimum_version=ssl.TLSVersion.TLSv1_3)

    row = ask_tls(
        certificate, script, validate_certs=False, tls_max_version="TLSv1.2", expect="tls_failed", expect_answer="alert|eof|broke"
    )
    assert row["ok"], row["problems"]


def test_starttls(certificate):
    with Server(smtp(), certificate) as server:
        row = ask(
            smtp={"port": server.port, "tls": "starttls"},
            ca_file=certificate,
            server_hostname=NAME,
            expect_capabilities={"present_before_tls": ["STARTTLS"], "present": ["AUTH PLAIN"], "absent": ["CHUNKING"]},
        )
    assert row["ok"], row["problems"]
    assert [line.split()[0] for line in server.received] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]


@pytest.mark.parametrize(
    ("reply", "outcome", "words"),
    [
        ("454 TLS not available", "tls_failed", "454 TLS not available"),
        ("220 go ahead\r\n250 2.0.0 injected", "tls_failed", "before the TLS handshake: 250 2.0.0 injected"),
        (
            lambda peer: (peer.say("220 go ahead"), peer.line(), peer.say("no TLS here"), peer.hang()),
            "tls_failed",
            "the TLS handshake failed",
        ),
        (lambda peer: peer.say("220 go ahead") or peer.sock.close(), "tls_failed", "TLS handshake"),
    ],
)
def test_starttls_that_fails(reply, outcome, words):
    with Server(smtp(STARTTLS=reply)) as server:
        row = ask(smtp={"port": server.port, "tls": "starttls"}, timeout=1.0)
    assert (row["outcome"], row["step"]) == (outcome, "tls")
    assert words in row["answer"]


def test_starttls_that_is_not_offered():
    with Server(smtp(EHLO="250 hi")) as server:
        row = ask(smtp={"port": server.port, "tls": "starttls"})
    assert (row["outcome"], row["answer"]) == ("unsupported", "the server does not offer STARTTLS")


# Several probes, and check mode


def test_probes_run_side_by_side_and_those_that_provoke_come_last():
    order = []
    both = threading.Barrier(2, timeout=PATIENCE)

    def waits_for_the_other(name):
        return smtp(greeting=lambda peer: (order.append(name), both.wait(), peer.say("220 hi")))

    wrong_one = smtp(greeting=lambda peer: (order.append("wrong"), peer.say("220 hi")), AUTH="535 no")
    with Server(wrong_one) as wrong, Server(waits_for_the_other("a")) as a, Server(waits_for_the_other("b")) as b:
        rows = run(
            probes(
                {
                    "host": "127.0.0.1",
                    "probes": [
                        {
                            "name": "wrong",
                            "smtp": {"tls": "none", "port": wrong.port, "user": "u", "password": "p", "allow_cleartext": True},
                            "expect": "login_rejected",
                        },
                        {"name": "a", "smtp": {"tls": "none", "port": a.port}},
                        {"name": "b", "smtp": {"tls": "none", "port": b.port}},
                    ],
                }
            )
        )
    assert [row["name"] for row in rows] == ["wrong", "a", "b"]
    assert all(row["ok"] for row in rows)
    assert order[-1] == "wrong"


def test_hanging_probe_does_not_hide_the_others():
    with Server(lambda peer: peer.hang()) as bad, Server(smtp()) as good:
        rows = run(
            probes(
                {
                    "host": "127.0.0.1",
                    "timeout": 0.4,
                    "probes": [{"smtp": {"tls": "none", "port": bad.port}}, {"smtp": {"tls": "none", "port": good.port}}],
                }
            )
        )
    assert [(row["name"], row["outcome"]) for row in rows] == [("probe 1", "timeout"), ("probe 2", "connected")]


def sends_and_fetches(mail, store, **options):
    return {
        "recipient": "alice@example.org",
        "smtp": {"tls": "none", "port": mail.port},
        "imap": {"tls": "none", "port": store.port, "user": "alice", "password": "geheim", "allow_cleartext": True},
        **options,
    }


def test_check_mode_sends_nothing():
    with Server(smtp()) as mail, Server(imap()) as store:
        row = ask(check_mode=True, **sends_and_fetches(mail, store))
    assert row["ok"], row["problems"]
    assert "no message sent" in row["answer"]
    assert "DATA" not in mail.received
    assert not any("SELECT" in line for line in store.received)


@pytest.mark.parametrize(("reply", "ok"), [("554 no relay", True), ("250 welcome", True), ("450 later", False)])
def test_check_mode_and_a_rejection_that_may_come_after_data(reply, ok):
    with Server(smtp(RCPT=reply)) as mail:
        row = ask(check_mode=True, smtp={"tls": "none", "port": mail.port}, recipient="x@example.com", expect="rejected")
    assert row["ok"] is ok
    assert "DATA" not in mail.received


def test_check_mode_judges_an_open_relay_when_the_probe_ends_at_rcpt_anyway():
    with Server(smtp()) as mail:
        row = ask(check_mode=True, smtp={"tls": "none", "port": mail.port}, recipient="x@example.com", expect="rejected", stop_after="rcpt")
    assert not row["ok"]


def test_both_halves():
    message = "Received: from a\r\n by b\r\nSubject: hi\r\nReceived: from c\r\n\r\n"
    with Server(smtp()) as mail, Server(imap(message, after=2)) as store:
        row = ask(**sends_and_fetches(mail, store))
    assert row["ok"], row["problems"]
    assert (row["outcome"], row["step"], row["queue_id"], row["removed"], row["size"]) == ("delivered", "fetch", "4XyZ1", True, 1234)
    assert row["headers"] == [
        {"name": "Received", "value": "from a by b"},
        {"name": "Subject", "value": "hi"},
        {"name": "Received", "value": "from c"},
    ]
    assert 0 < row["latency"] < row["duration"]
    assert f"Message-ID: {row['message_id']}" in mail.received


def test_message_that_does_not_arrive():
    with Server(smtp()) as mail, Server(imap()) as store:
        row = ask(**sends_and_fetches(mail, store, timeout=1.0))
    assert (row["outcome"], row["step"]) == ("not_arrived", "fetch")
    assert 0.8 < row["duration"] < 1.0
    with Server(smtp()) as mail, Server(pop3()) as store:
        options = sends_and_fetches(mail, store, timeout=1.0, expect="not_arrived")
        row = ask(**{**options, "pop3": options["imap"], "imap": None})
    assert row["ok"], row["problems"]
