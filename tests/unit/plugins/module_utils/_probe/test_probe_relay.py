# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The battery against servers that refuse, accept, put off, grow tired, hang and hang up."""

from __future__ import annotations

import dataclasses
import json
import re
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._probe import relay as probe_relay
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.probe import run
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay import Answer, summary
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import EXAMPLE, forms
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.probe_servers import Server, make_certificate, smtp

REFUSAL = "554 5.7.1 Relay access denied"
TARGET = dataclasses.replace(EXAMPLE, other_domain=None)
BATTERY = forms(TARGET)


def ask(script, check_mode=False, relay=None, certificate=None, tls="none", **options):
    """The one row of a battery, and the server that it was fired at."""
    told = {"domain": TARGET.domain, "hostname": TARGET.hostname, "addresses": TARGET.addresses, **(relay or {})}
    options = {"host": "127.0.0.1", "timeout": 5.0, "validate_certs": False, **options}
    with Server(script, certificate) as server:
        [row] = run(probes({"smtp": {"port": server.port, "tls": tls}, "relay": told, **options}), check_mode=check_mode)
    assert json.dumps(row)
    return row, server


def answering(accepts, **replies):
    """A script that accepts the recipients that *accepts* finds, and refuses all others."""

    def rcpt(peer):
        peer.say("250 2.1.5 Ok" if accepts(peer.received[-1].partition(":")[2]) else REFUSAL)

    return smtp(**{"RCPT": rcpt, **replies})


def commands(server, verb):
    return [line.partition(":")[2] for line in server.received if line.upper().startswith(verb)]


def test_every_form_is_refused():
    row, server = ask(smtp(RCPT=REFUSAL))
    assert row["ok"], row["problems"]
    assert (row["outcome"], row["step"], row["reply_code"]) == ("rejected", "rcpt", 554)
    assert row["answer"] == f"refused all {len(BATTERY)} forms of relaying ({len(BATTERY)} by 554)"
    assert [f["name"] for f in row["forms"]] == [f.name for f in BATTERY]
    assert all((f["code"], f["answer"], f["ok"], f["kept"]) == (554, REFUSAL, True, False) for f in row["forms"])
    assert "subject" not in row
    # Each form went over the wire as it stands in the table, and was taken back.
    assert sorted(commands(server, "RCPT TO:")) == sorted(f.before or f.recipient for f in BATTERY)
    assert sorted(commands(server, "MAIL FROM:")) == sorted(f.sender for f in BATTERY)
    assert server.received.count("RSET") == len(BATTERY)
    assert "DATA" not in server.received


@pytest.mark.parametrize(("reply", "offered"), [("250 ok", 2), ("450 later", 2), ("550 who?", 1)])
def test_recipient_to_stand_behind(reply, offered):
    def rcpt(peer):
        peer.say(reply if peer.received[-1] == "RCPT TO:<postmaster@example.org>" else REFUSAL)

    row, server = ask(smtp(RCPT=rcpt))
    assert row["ok"], row["problems"]
    [session] = [peer.received for peer in server.peers if "RCPT TO:<postmaster@example.org>" in peer.received]
    start = session.index("RCPT TO:<postmaster@example.org>")
    assert [line.startswith("RCPT") for line in session[start : start + 2]].count(True) == offered


def test_sessions_are_short_and_end_politely():
    _row, server = ask(smtp(RCPT=REFUSAL))
    errors = [sum(line.startswith("RCPT") for line in peer.received) for peer in server.peers]
    # At its tenth error Postfix begins to answer slowly.
    assert max(errors) < 10
    assert all(peer.received[-1] == "QUIT" for peer in server.peers)


def test_client_lies_about_itself_in_sessions_of_their_own():
    def ehlo(peer):
        peer.say("503 already identified" if "EHLO" in str(peer.received[:-1]) else "250 hi")

    row, server = ask(smtp(RCPT=REFUSAL, EHLO=ehlo), helo="probe.example.net")
    assert row["ok"], row["problems"]
    assert {f["code"] for f in row["forms"]} == {554}
    lies = [f.helo for f in BATTERY if f.helo]
    assert sorted(peer.received[0][5:] for peer in server.peers if peer.received[0] != "EHLO probe.example.net") == sorted(lies)
    for peer in server.peers:
        if peer.received[0][5:] in lies:
            assert [line.split()[0] for line in peer.received] == ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"]


@pytest.mark.parametrize(
    ("replies", "code"),
    [({"MAIL": "530 5.7.0 Must issue STARTTLS"}, 530), ({"MAIL": "550 no"}, 550), ({"RCPT": "550 5.1.1 unknown"}, 550)],
)
def test_refusal_may_come_early(replies, code):
    row, _server = ask(smtp(**replies))
    assert row["ok"], row["problems"]
    assert row["answer"].endswith(f"({len(BATTERY)} by {code})")


def test_lie_that_is_refused_at_once():
    def ehlo(peer):
        peer.say("250 hi" if peer.received[-1] == "EHLO probe.example.net" else "550 that is me")

    row, _server = ask(smtp(RCPT=REFUSAL, EHLO=ehlo), helo="probe.example.net")
    assert row["ok"], row["problems"]
    assert {f["answer"] for f in row["forms"] if f["name"].startswith("greets")} == {"550 that is me"}


def test_lie_that_makes_the_server_hang_up_has_no_answer():
    def ehlo(peer):
        peer.say("250 hi") if peer.received[-1] == "EHLO probe.example.net" else peer.sock.close()

    row, _server = ask(smtp(RCPT=REFUSAL, EHLO=ehlo), helo="probe.example.net")
    assert (row["ok"], row["outcome"]) == (False, "dropped")
    assert [f["name"] for f in row["forms"] if not f["ok"]] == [f.name for f in BATTERY if f.helo]


def test_accepted_form_is_named_and_nothing_is_sent():
    row, server = ask(answering(lambda recipient: recipient == "<somebody%example.com@mail.example.org>"))
    assert (row["ok"], row["outcome"], row["reply_code"]) == (False, "accepted", 250)
    assert row["problems"] == [
        f"expected rejected, but it was accepted at rcpt: accepted 1 of {len(BATTERY)} forms from a stranger:"
        " percent hack, host name <somebody%example.com@mail.example.org> (250 2.1.5 Ok)"
        " (a host with a catch-all may take this for mail of its own: say catch_all, if it has one)"
    ]
    assert [f["name"] for f in row["forms"] if not f["ok"]] == ["percent hack, host name"]
    assert "DATA" not in server.received


def test_catch_all_is_no_excuse_for_foreign_recipients():
    row, _server = ask(answering(lambda r: r in ("<somebody%example.com@example.org>", "<somebody@not-example.org>")))
    assert "accepted 2 of" in row["answer"]
    assert "catch_all" not in row["answer"]


def test_open_relay_is_told_in_few_words_and_can_be_expected():
    row, _server = ask(smtp())
    assert not row["ok"]
    assert row["answer"].startswith(f"accepted {len(BATTERY)} of {len(BATTERY)} forms from a stranger: plain from <stranger@example.net> (")
    assert row["answer"].endswith(f", and {len(BATTERY) - 3} more")
    row, _server = ask(smtp(), expect="accepted")
    assert row["ok"], row["problems"]


def test_message_with_every_accepted_form():
    wanted = ["<somebody%example.com>", "<@localhost:somebody@example.com>"]
    row, server = ask(answering(wanted.__contains__), relay={"send": True}, subject="count me")
    assert not row["ok"]
    assert row["subject"] == "count me"
    assert server.received.count("DATA") == server.received.count("Subject: count me") == len(wanted)
    told = sorted(line.rpartition(": ")[2].rstrip(".") for line in server.received if "The form was:" in line)
    assert told == sorted(f.name for f in BATTERY if f.recipient in wanted)
    assert {f["answer"] for f in row["forms"] if not f["ok"]} == {"250 2.0.0 Ok: queued as 4XyZ1"}


def test_messages_of_one_run_have_a_subject_of_their_own():
    subjects = {ask(smtp(), relay={"send": True})[0]["subject"] for _run in range(2)}
    assert len(subjects) == 2


def test_refusal_of_the_message_is_a_refusal():
    row, _server = ask(smtp(message="554 5.7.1 not for you"), relay={"send": True})
    assert row["ok"], row["problems"]
    row, _server = ask(smtp(DATA="554 5.5.1 no valid recipients"), relay={"send": True})
    assert row["ok"], row["problems"]


def test_check_mode_sends_nothing_and_judges_all_the_same():
    row, server = ask(smtp(), check_mode=True, relay={"send": True})
    assert (row["ok"], row["outcome"]) == (False, "accepted")
    assert "DATA" not in server.received


def test_refused_for_now_is_not_refused():
    row, _server = ask(smtp(RCPT="454 4.7.1 Relay access denied"))
    assert (row["ok"], row["outcome"], row["reply_code"]) == (False, "deferred", 454)
    assert f"refused only for now {len(BATTERY)} of {len(BATTERY)} forms" in row["problems"][0]


def test_accepted_counts_more_than_put_off():
    def rcpt(peer):
        peer.say("250 ok" if "%" in peer.received[-1] else "450 later")

    row, _server = ask(smtp(RCPT=rcpt))
    hacks = [f for f in BATTERY if "%" in f.recipient]
    assert (row["outcome"], row["reply_code"]) == ("accepted", 250)
    assert re.search(rf"accepted {len(hacks)} of .*; and refused only for now {len(BATTERY) - len(hacks)} of ", row["answer"])


@pytest.mark.parametrize("catch_all", [True, False])
def test_what_a_catch_all_keeps(catch_all):
    own = [f for f in BATTERY if TARGET.owns(f.recipient)]
    row, _server = ask(answering(TARGET.owns), relay={"catch_all": catch_all})
    assert row["ok"] is catch_all
    assert [f["name"] for f in row["forms"] if f["kept"]] == ([f.name for f in own] if catch_all else [])
    if catch_all:
        refused = len(BATTERY) - len(own)
        assert row["answer"] == f"refused {refused} of {len(BATTERY)} forms of relaying, kept {len(own)} ({refused} by 554)"


def test_catch_all_keeps_no_foreign_recipient():
    row, _server = ask(answering(lambda r: r == "<somebody@not-example.org>"), relay={"catch_all": True})
    assert [f["name"] for f in row["forms"] if not f["ok"]] == ["own domain at the end"]


def test_skipped_forms_are_not_tried():
    row, server = ask(answering(lambda r: "example.com!" in r), relay={"skip": [f.name for f in BATTERY if "!" in f.recipient]})
    assert row["ok"], row["problems"]
    assert not any("!" in line for line in server.received)


def test_addresses_are_looked_up_where_none_are_given():
    row, _server = ask(smtp(RCPT=REFUSAL), relay={"addresses": None})
    assert "<somebody%example.com@[127.0.0.1]>" in [f["recipient"] for f in row["forms"]]


@pytest.mark.parametrize(("offer", "parameter"), [("250 SMTPUTF8", " SMTPUTF8"), ("250 SIZE 1", "")])
def test_international_addresses(offer, parameter):
    _row, server = ask(smtp(RCPT=REFUSAL, EHLO=["250-hi", offer]))
    senders = commands(server, "MAIL FROM:")
    assert senders.count(f"<stranger@example.net>{parameter}") >= 2
    assert "<somebody@example。com>" in commands(server, "RCPT TO:")


# Servers that do not go along


@pytest.mark.parametrize("patience", [1, 4])
def test_server_that_hangs_up_after_some_errors_is_asked_everything(patience):
    def rcpt(peer):
        peer.say(REFUSAL)
        if sum(line.startswith("RCPT") for line in peer.received) >= patience:
            peer.say("421 4.7.0 Error: too many errors")
            peer.sock.close()

    row, server = ask(smtp(RCPT=rcpt))
    assert row["ok"], row["problems"]
    assert len(server.peers) >= len(BATTERY) // patience


@pytest.mark.parametrize("farewell", ["", "421 4.3.2 enough of this session"])
def test_server_that_ends_a_session_before_the_next_form(farewell):
    def mail(peer):
        if sum(line.startswith("MAIL") for line in peer.received) < 3:
            peer.say("250 ok")
        else:
            peer.say(*[farewell] * bool(farewell))
            peer.sock.close()

    row, server = ask(smtp(MAIL=mail, RCPT=REFUSAL))
    assert row["ok"], row["problems"]
    assert server.received.count("RSET") == len(BATTERY)


def test_farewell_to_the_first_form_of_a_session_is_its_answer():
    row, _server = ask(smtp(MAIL="421 4.3.2 not now"))
    assert (row["ok"], row["outcome"], row["reply_code"]) == (False, "deferred", 421)
    assert {f["answer"] for f in row["forms"]} == {"421 4.3.2 not now"}


def test_server_that_hangs_up_at_one_form():
    def rcpt(peer):
        peer.sock.close() if "%" in peer.received[-1] else peer.say(REFUSAL)

    row, _server = ask(smtp(RCPT=rcpt))
    assert (row["ok"], row["outcome"], row["reply_code"]) == (False, "dropped", None)
    hacks = [f.name for f in BATTERY if "%" in f.recipient]
    assert [f["name"] for f in row["forms"] if not f["ok"]] == hacks
    assert f"did not answer {len(hacks)} of {len(BATTERY)} forms" in row["answer"]


def test_server_that_takes_one_client_at_a_time():
    at_work = []

    def greeting(peer):
        if at_work:
            peer.say("421 4.7.0 too many connections")
            peer.sock.close()
        else:
            at_work.append(peer)
            peer.say("220 hi")

    def quit_(peer):
        at_work.remove(peer)
        peer.say("221 bye")

    row, _server = ask(smtp(greeting=greeting, QUIT=quit_, RCPT=REFUSAL))
    assert row["ok"], row["problems"]


def test_server_that_has_enough_of_this_client():
    greeted = []

    def greeting(peer):
        greeted.append(peer)
        peer.say("220 hi" if len(greeted) == 1 else "421 4.7.0 go away")

    row, _server = ask(smtp(greeting=greeting, RCPT=REFUSAL))
    assert (row["ok"], row["outcome"]) == (False, "deferred")
    unasked = [f for f in row["forms"] if f["code"] is None]
    assert len(unasked) == len(BATTERY) - probe_relay.FORMS_A_SESSION
    assert {f["answer"] for f in unasked} == {"not asked: 421 4.7.0 go away"}


def test_server_that_hangs_ends_in_time(monkeypatch):
    # Nobody watches over the probe, and a busy machine may take its time.
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.probe.GRACE", 60)

    def rcpt(peer):
        peer.hang() if "!" in peer.received[-1] else peer.say(REFUSAL)

    started = time.monotonic()
    row, _server = ask(smtp(RCPT=rcpt), timeout=0.6)
    assert time.monotonic() - started < 20
    assert (row["ok"], row["outcome"]) == (False, "timeout")
    assert "did not answer" in row["answer"]


@pytest.mark.parametrize(
    ("script", "options", "outcome", "step"),
    [
        (smtp(greeting="554 no"), {}, "rejected", "greeting"),
        (smtp(EHLO="550 no"), {}, "rejected", "ehlo"),
        (lambda peer: None, {}, "dropped", "greeting"),
        (lambda peer: (peer.say("SSH-2.0"), peer.hang()), {}, "garbled", "greeting"),
        (lambda peer: peer.hang(), {"timeout": 0.4}, "timeout", "greeting"),
        (smtp(EHLO="250 hi"), {"tls": "starttls"}, "unsupported", "tls"),
        (smtp(), {"host": "nowhere.invalid"}, "unresolved", "connect"),
    ],
)
def test_nothing_is_proved_by_a_server_that_does_not_talk(script, options, outcome, step):
    row, _server = ask(script, **options)
    assert (row["ok"], row["outcome"], row["step"]) == (False, outcome, step)
    assert "forms" not in row


def test_after_starttls(tmp_path):
    row, server = ask(smtp(RCPT=REFUSAL), certificate=make_certificate(tmp_path), tls="starttls")
    assert row["ok"], row["problems"]
    assert row["tls_version"] == row["smtp"]["tls_version"]
    assert all(peer.received[1] == "STARTTLS" for peer in server.peers)


def test_fault_of_ours_is_not_a_result(monkeypatch):
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.module_utils._probe.smtp.Smtp.open", lambda self: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ask(smtp())


def test_summary_of_nothing_but_kept_forms():
    answers = [Answer(f, 250, "250 ok", kept=True) for f in BATTERY[:2]]
    assert summary(answers) == ("rejected", None, "refused 0 of 2 forms of relaying, kept 2")
