# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands before and after a connection, the link that must be there for it, and other ways than to Postfix."""

from __future__ import annotations

import time
from email import message_from_string

import pytest
from harness import play
from mail_hosts import BOB
from test_fetch import A_FEW_POLLS, PASSWORD, PROVIDER, at_provider, count, left, send

ACCOUNTS = ("move", "guided")


@pytest.fixture(autouse=True, scope="module")
def _as_it_was():
    yield
    back = play("site", "--tags", "fetchmail", limit="mail")
    assert back.rc == 0


def fetch(**options):
    """Have both hosts fetch from two mailboxes each, from the first one with *options* only."""
    accounts = [
        {"poll": f"{name}.example", "via": PROVIDER, "user": f"{name}{{{{ container_number }}}}", "password": PASSWORD, "is": ["bob"],
         "timeout": 20, "sslcertfile": "/etc/ssl/certs/provider-ca.pem", **(options if name == ACCOUNTS[0] else {})}
        for name in ACCOUNTS
    ]  # fmt: skip
    run = play("site", "--tags", "fetchmail", limit="mail", variables={"fetchmail_accounts": accounts})
    assert run.rc == 0, run.output


def said(mail, tag, since):
    return mail.out(f"journalctl --no-pager --since=@{since} -t {tag} -o cat; true")


def send_to_both(mail, outside, subject):
    for name in ACCOUNTS:
        send(outside, f"{at_provider(mail, name)}@isp.example", f"{subject}-{mail.name}-{name}")


def arrives(mail, outside, subject, names=ACCOUNTS):
    return all(count(outside, mail, BOB, f"{subject}-{mail.name}-{name}") == 1 for name in names)


def stays(mail, isp, subject, none_within=0.0):
    return left(isp, at_provider(mail, ACCOUNTS[0]), f"{subject}-{mail.name}-{ACCOUNTS[0]}", none_within=none_within) == 1


def waits_until_it_may_be_fetched(mails, isp, outside, subject, refused, taken):
    """With the options *refused* the first mailbox is left alone, and with those *taken* its mail comes."""
    since = [mail.out("date +%s") for mail in mails]
    fetch(**refused)
    for mail in mails:
        send_to_both(mail, outside, subject)
    # The first is asked before the second in each poll.
    assert all(arrives(mail, outside, subject, ACCOUNTS[1:]) for mail in mails)
    time.sleep(A_FEW_POLLS)
    assert all(stays(mail, isp, subject) for mail in mails)
    fetch(**taken)
    assert all(arrives(mail, outside, subject) for mail in mails)
    return [said(mail, "fetchmail", moment) for mail, moment in zip(mails, since)]


def test_commands_run_before_and_after_a_connection(mails, isp, outside, subject):
    fetch(preconnect=f"logger -t before {subject}", postconnect=f"logger -t after {subject}")
    since = [mail.out("date +%s") for mail in mails]
    for mail in mails:
        send_to_both(mail, outside, subject)
    for mail, moment in zip(mails, since):
        assert arrives(mail, outside, subject)
        assert not stays(mail, isp, subject, none_within=20)
        assert subject in said(mail, "before", moment)
        assert subject in said(mail, "after", moment)


def test_a_command_that_fails_before_stops_that_poll_and_loses_nothing(mails, isp, outside, subject):
    logs = waits_until_it_may_be_fetched(mails, isp, outside, subject, {"preconnect": "false"}, {"preconnect": "true"})
    assert all("pre-connection command failed" in log for log in logs)


def test_a_command_that_fails_after_is_told_and_loses_nothing(mails, isp, outside, subject):
    since = [mail.out("date +%s") for mail in mails]
    fetch(postconnect="false")
    for mail, moment in zip(mails, since):
        send_to_both(mail, outside, subject)
        assert arrives(mail, outside, subject)
        assert not stays(mail, isp, subject, none_within=20)
        assert "post-connection command failed" in said(mail, "fetchmail", moment)


def test_a_link_with_another_address_is_not_used(mails, isp, outside, subject):
    other, own = ({"interface": f"eth0/{address}/255.255.255.255"} for address in ("192.0.2.1", "{{ container_address }}"))
    waits_until_it_may_be_fetched(mails, isp, outside, subject, other, own)


@pytest.mark.parametrize(
    ("way", "last"),
    [
        ({"lmtp": True, "smtphost": ["/run/dovecot/lmtp-for-all"]}, "with LMTP id"),
        ({"mda": "/usr/sbin/sendmail -i -f %F -- %T"}, "(Postfix, from userid"),
    ],
    ids=["lmtp", "mda"],
)
def test_another_way_than_smtp(mails, isp, outside, subject, way, last):
    fetch(**way)
    for mail in mails:
        send_to_both(mail, outside, subject)
    for mail in mails:
        own = f"{subject}-{mail.name}-{ACCOUNTS[0]}"
        message = outside.ask("imap", host=mail.fqdn, login=BOB, subject=own, wait=40)["message"]
        traces = [" ".join(trace.split()) for trace in message_from_string(message).get_all("Received")]
        # What happened before the newest of fetchmail's own is the provider's.
        here = traces[: next(number for number, trace in enumerate(traces) if "(fetchmail-" in trace)]
        assert any(last in trace for trace in here), here
        # By LMTP it never was with Postfix here.
        assert any("(Postfix" in trace for trace in here) is ("mda" in way)
        assert not stays(mail, isp, subject, none_within=20)
