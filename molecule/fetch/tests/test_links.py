# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is run before and after a connection, and the link that must be there for it."""

from __future__ import annotations

import time

import pytest
from harness import Peer, play
from mail_hosts import BOB, address
from test_fetch import A_FEW_POLLS, PASSWORD, PROVIDER, at_provider, count, left, send

ACCOUNTS = ("move", "guided")


@pytest.fixture(scope="module")
def isp():
    return Peer("isp")


@pytest.fixture(autouse=True, scope="module")
def _as_it_was():
    yield
    back = play("site", "--tags", "fetchmail", limit="mail")
    assert back.rc == 0


def fetch(mail, **options):
    """Have *mail* fetch from two mailboxes, from the first one with *options* only."""
    accounts = [
        {"poll": f"{name}.example", "via": PROVIDER, "user": at_provider(mail, name), "password": PASSWORD, "is": ["bob"], "timeout": 20,
         "sslcertfile": "/etc/ssl/certs/provider-ca.pem", **(options if name == ACCOUNTS[0] else {})}
        for name in ACCOUNTS
    ]  # fmt: skip
    run = play("site", "--tags", "fetchmail", limit=mail.name, variables={"fetchmail_accounts": accounts})
    assert run.rc == 0, run.output


def said(mail, tag, since):
    return mail.out(f"journalctl --no-pager --since=@{since} -t {tag} -o cat; true")


def arrives_only_from_the_second(mail, isp, outside, subject):
    for name in ACCOUNTS:
        send(outside, f"{at_provider(mail, name)}@isp.example", f"{subject}-{name}")
    # The first is asked before the second in each poll.
    assert count(outside, mail, BOB, f"{subject}-{ACCOUNTS[1]}") == 1
    time.sleep(A_FEW_POLLS)
    return left(isp, at_provider(mail, ACCOUNTS[0]), f"{subject}-{ACCOUNTS[0]}") == 1


def arrives_from_both(mail, outside, subject):
    return all(count(outside, mail, BOB, f"{subject}-{name}") == 1 for name in ACCOUNTS)


def test_commands_run_before_and_after_a_connection(mail, isp, outside, subject):
    fetch(mail, preconnect=f"logger -t before {subject}", postconnect=f"logger -t after {subject}")
    since = mail.out("date +%s")
    send(outside, f"{at_provider(mail, ACCOUNTS[0])}@isp.example", subject)
    assert count(outside, mail, BOB, subject) == 1
    assert left(isp, at_provider(mail, ACCOUNTS[0]), subject, none_within=20) == 0
    assert subject in said(mail, "before", since)
    assert subject in said(mail, "after", since)


def test_a_command_that_fails_before_stops_that_poll_and_loses_nothing(mail, isp, outside, subject):
    since = mail.out("date +%s")
    fetch(mail, preconnect="false")
    assert arrives_only_from_the_second(mail, isp, outside, subject)
    assert "pre-connection command failed" in said(mail, "fetchmail", since)
    fetch(mail, preconnect="true")
    assert arrives_from_both(mail, outside, subject)


def test_a_command_that_fails_after_is_told_and_loses_nothing(mail, isp, outside, subject):
    since = mail.out("date +%s")
    fetch(mail, postconnect="false")
    for name in ACCOUNTS:
        send(outside, f"{at_provider(mail, name)}@isp.example", f"{subject}-{name}")
    assert arrives_from_both(mail, outside, subject)
    assert left(isp, at_provider(mail, ACCOUNTS[0]), f"{subject}-{ACCOUNTS[0]}", none_within=20) == 0
    assert "post-connection command failed" in said(mail, "fetchmail", since)


def test_a_link_with_another_address_is_not_used(mail, isp, outside, subject):
    fetch(mail, interface="eth0/192.0.2.1/255.255.255.255")
    assert arrives_only_from_the_second(mail, isp, outside, subject)
    fetch(mail, interface=f"eth0/{address(mail)}/255.255.255.255")
    assert arrives_from_both(mail, outside, subject)
