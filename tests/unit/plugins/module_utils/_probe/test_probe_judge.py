# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._probe.judge import judge, offers, verdict
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Expectation


def row(outcome, step="rcpt", code=None, answer="554 no", **more):
    return {"name": "x", "outcome": outcome, "step": step, "reply_code": code, "answer": answer, **more}


@pytest.mark.parametrize(
    ("expected", "seen", "ok"),
    [
        ({"outcome": "accepted"}, row("accepted"), True),
        ({"outcome": "connected"}, row("delivered"), True),
        ({"outcome": "delivered"}, row("accepted"), False),
        ({"outcome": "connected"}, row("rejected", code=554), False),
        # A rejection: 5xx, at a step where the server answers what was asked of it.
        ({"outcome": "rejected"}, row("rejected", "rcpt", 554), True),
        ({"outcome": "rejected"}, row("rejected", "mail", 530), True),
        ({"outcome": "rejected"}, row("rejected", "data", 552), True),
        ({"outcome": "rejected"}, row("login_rejected", "auth", 535), True),
        ({"outcome": "rejected"}, row("rejected", "greeting", 554), False),
        ({"outcome": "rejected"}, row("rejected", "ehlo", 550), False),
        ({"outcome": "rejected"}, row("dropped", "rcpt"), False),
        ({"outcome": "rejected"}, row("timeout", "rcpt"), False),
        ({"outcome": "rejected"}, row("unreachable", "connect"), False),
        ({"outcome": "rejected"}, row("accepted", "rcpt", 250), False),
        ({"outcome": "rejected", "steps": ("greeting",)}, row("rejected", "greeting", 554), True),
        ({"outcome": "rejected", "steps": ("mail",)}, row("rejected", "rcpt", 554), False),
        # A 4xx only for whoever asks for it.
        ({"outcome": "rejected"}, row("deferred", "rcpt", 454), False),
        ({"outcome": "rejected", "reply_codes": ("554",)}, row("deferred", "rcpt", 454), False),
        ({"outcome": "rejected", "reply_codes": ("4xx",)}, row("deferred", "rcpt", 454), True),
        ({"outcome": "rejected", "reply_codes": ("5xx", "45x")}, row("deferred", "rcpt", 454), True),
        ({"outcome": "rejected", "reply_codes": ("553",)}, row("rejected", "rcpt", 554), False),
        ({"outcome": "rejected", "reply_codes": ("553", "554")}, row("rejected", "rcpt", 554), True),
        ({"outcome": "deferred"}, row("deferred", "rcpt", 454), True),
        ({"outcome": "deferred"}, row("rejected", "rcpt", 554), False),
        # IMAP and POP3 have no reply codes.
        ({"outcome": "rejected"}, row("rejected", "select"), True),
        ({"outcome": "login_rejected"}, row("login_rejected", "login"), True),
        ({"outcome": "login_rejected"}, row("deferred", "login"), False),
        ({"outcome": "login_rejected", "reply_codes": ("535",)}, row("login_rejected", "login"), False),
        ({"outcome": "rejected", "answer": "[Rr]elay"}, row("rejected", "rcpt", 554, "554 Relay access denied"), True),
        ({"outcome": "rejected", "answer": "[Rr]elay"}, row("rejected", "rcpt", 554, "554 no"), False),
    ],
)
def test_judge(expected, seen, ok):
    against = judge(seen, Expectation(**expected))
    assert (against == []) is ok, against


SMTP = ["PIPELINING", "SIZE 10240000", "AUTH PLAIN LOGIN", "STARTTLS"]


@pytest.mark.parametrize(
    ("capabilities", "name", "there"),
    [
        (SMTP, "AUTH", True),
        (SMTP, "auth login", True),
        (SMTP, "AUTH CRAM-MD5", False),
        (SMTP, "SIZE", True),
        (SMTP, "SIZE 1", False),
        (SMTP, "START", False),
        (["AUTH=PLAIN LOGIN"], "AUTH", True),
        (["IMAP4rev1", "AUTH=PLAIN", "AUTH=LOGIN"], "AUTH LOGIN", True),
        (["IMAP4rev1", "AUTH=PLAIN"], "AUTH=PLAIN", True),
        (["IMAP4rev1", "AUTH=PLAIN"], "AUTH=LOGIN", False),
        ([], "AUTH", False),
        (["", "X"], "AUTH", False),
    ],
)
def test_offers(capabilities, name, there):
    assert offers(capabilities, name) is there


def test_capabilities_before_and_after_tls():
    seen = row("connected", "ehlo", smtp={"capabilities_before_tls": ["STARTTLS"], "capabilities": ["AUTH PLAIN"]})
    good = {"present": ["AUTH"], "absent": ["STARTTLS"], "present_before_tls": ["STARTTLS"], "absent_before_tls": ["AUTH"]}
    assert judge(seen, Expectation("connected", capabilities=good)) == []
    bad = {"absent": ["AUTH"], "present": ["STARTTLS"], "absent_before_tls": ["STARTTLS"], "present_before_tls": ["AUTH"]}
    assert judge(seen, Expectation("connected", capabilities=bad)) == [
        "the server offers AUTH",
        "the server does not offer STARTTLS",
        "the server offers STARTTLS before TLS",
        "the server does not offer AUTH before TLS",
    ]


def test_unknown_capabilities_prove_nothing():
    seen = row("connected", "greeting", smtp={"capabilities": []})
    assert judge(seen, Expectation("connected", capabilities={"absent_before_tls": ["AUTH"]})) == [
        "the capabilities before TLS are not known"
    ]


def test_handshake_that_should_have_failed_tells_the_version():
    seen = row("connected", "ehlo", 220, "220 hi", tls_version="TLSv1.1")
    assert judge(seen, Expectation("tls_failed")) == ["expected tls_failed, but it was connected at ehlo with TLSv1.1: 220 hi"]


def test_verdict():
    good, bad = {**row("accepted"), "ok": True}, {**row("dropped"), "ok": False, "problems": ["it broke", "and more"]}
    assert verdict([good]) == (True, "rcpt: 554 no")
    assert verdict([good, good]) == (True, "All 2 probes saw what they expected.")
    assert verdict([bad]) == (False, "The probe failed: it broke, and and more")
    assert verdict([good, bad]) == (False, "1 of 2 probes failed. x: it broke, and and more")
