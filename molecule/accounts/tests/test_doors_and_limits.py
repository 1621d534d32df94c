# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run moves Dovecot's doors, closes one of them and limits guessing; another takes all of it back."""

from __future__ import annotations

import pytest
from mail_hosts import ALICE, address

# 993 and 110 move, 143 is closed, 995 stays.
OTHER = {"mail_protocols": ["imaps", "pop3", "pop3s"], "dovecot_ports": {"imaps": 10993, "pop3": 10110, "imap": 10143}}
USUAL, MOVED = [110, 143, 993, 995], [10110, 10143, 10993]
LIMIT, MORE = 5, 3


@pytest.fixture(scope="module")
def other(site):
    return site(**OTHER, postfix_smtpd_client_auth_rate_limit=LIMIT)


@pytest.fixture(scope="module")
def guesses(other, mails, outside):
    """The replies to more guesses than one address may make, by host, and to the right password behind them.

    Over IPv4, since newer Postfix takes all of a /84 of IPv6, such as the network of the containers, for one client.
    """
    seen = {}
    for mail in mails:
        talks = [["auth", {"host": address(mail), "login": ["alice", f"guess-{number}"]}] for number in range(LIMIT + MORE)]
        seen[mail] = [outside.ask("together", talks=talks), outside.ask("auth", host=address(mail), login=ALICE)]
    return seen


def test_doors_are_where_they_shall_be(other, mail, outside):
    answers = outside.ask("reachable", host=mail.fqdn, ports=USUAL + MOVED)
    assert sorted(int(port) for port, is_open in answers.items() if is_open) == [995, 10110, 10993]


def test_who_comes_to_them_logs_in(other, mail, outside):
    imap = ["imap", {"host": mail.fqdn, "login": ALICE, "port": 10993}]
    pop3s = ["pop3", {"host": mail.fqdn, "login": ALICE}]
    pop3 = ["pop3", {"host": mail.fqdn, "login": ALICE, "port": 10110, "tls": "starttls"}]
    assert [answer.get("login") for answer in outside.ask("together", talks=[imap, pop3s, pop3])] == [True] * 3


def test_guesses_are_put_off(guesses, mail):
    codes = [answer.get("code") for answer in guesses[mail][0]]
    # Who logged in from there in the last minute has counted, too.
    assert set(codes) <= {535, 450}
    assert codes.count(450) >= MORE


def test_the_right_password_is_put_off_there(guesses, mail):
    late = guesses[mail][1]
    assert (late["code"], "too many AUTH commands" in late["text"]) == (450, True)


def test_who_comes_from_elsewhere_logs_in(guesses, mail, data):
    assert data.ask("auth", host=address(mail), login=ALICE)["code"] == 235


def test_nobody_else_at_that_address_is_locked_out(guesses, mail, outside):
    """Postfix would not wait for a Dovecot that lets the whole address wait for somebody's guesses."""
    assert outside.ask("auth", host=address(mail), login=ALICE, port=587)["code"] == 235


def test_mail_is_taken_from_that_address(guesses, mail, outside, subject):
    answer = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"alice@{mail.domain}")
    assert answer == {"accepted": True}


def test_doors_are_back(site, mails, outside):
    site()
    for mail in mails:
        answers = outside.ask("reachable", host=mail.fqdn, ports=USUAL + MOVED)
        assert sorted(int(port) for port, is_open in answers.items() if is_open) == USUAL
        assert mail.out("postconf -h smtpd_client_auth_rate_limit") == "60"
