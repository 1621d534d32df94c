# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every known form of relaying, from a stranger, at every door: refused for good, and nothing at the sink.

A host that is an open relay on purpose shows that both would be seen: the acceptance, and the mail.
"""

from __future__ import annotations

import time

import pytest
from conftest import ADDRESSES
from harness import call, play
from mail_hosts import BOB, MAIL_HOSTS

DOORS = {"25": "none", "465": "implicit", "587": "starttls"}
# Where a host forwards mail to somebody, and keeps whatever has no other recipient.
GENEROUS = {
    "mail_virtual_aliases": "{{ {'@' ~ mail_domain: 'bob'} }}",
    "relay_policy_domains": [{"name": "backup.example", "recipients": ["ann@backup.example"]}],
}
OPEN = {"relay_policy_mode": "open", "relay_policy_open_to_the_whole_world": True}
# What an open relay passes on, one form of each kind at least.
ARRIVES = {
    "plain",
    "null sender",
    "postmaster, domain",
    "behind an own recipient",
    "greets as own name",
    "percent hack, domain",
    "percent hack, IPv4 literal",
    "percent hack, no domain",
    "bang path, host name",
    "bang path, no domain",
    "source route, localhost",
    "doubled @, IPv6 literal",
    "quoted, domain",
    "capitals",
    "doubled brackets",
}

# Not the session's fixture, so that each policy is set once for both.
each_mail = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)
each_version = pytest.mark.parametrize("version", [4, 6])


def fire(mail, version, subject, doors=tuple(DOORS), **relay):
    """Return the answers of *mail* to the battery, by port. Everything that it accepts is really sent, under *subject*."""
    target = {
        "domain": mail.domain,
        "hostname": mail.fqdn,
        "addresses": ADDRESSES[mail.name],
        "elsewhere": "somebody@elsewhere.example",
        "stranger": "x@y.example",
        "send": True,
        **relay,
    }
    probes = [{"name": door, "smtp": {"tls": DOORS[door]}} for door in doors]
    seen = call(
        "outside",
        "mail_probe",
        host=ADDRESSES[mail.name][version == 6],
        validate_certs=False,
        subject=subject,
        relay=target,
        probes=probes,
        fail=False,
    )
    assert not seen["failed"], seen["msg"]
    return {row["name"]: row for row in seen["probes"]}


def arrived(outside, subject):
    """The forms whose message the sink has got; notices that one could not be delivered are none."""
    found = f"grep -rlsZ '^Subject: {subject}$' /var/spool/sink | xargs -0r grep -LZ '^Content-Type: multipart/report'"
    return set(outside.out(f"{found} | xargs -0r grep -hos 'The form was: .*[^.]' | sed 's/^The form was: //'").splitlines())


def queue_is_empty(mail, within=20):
    deadline = time.monotonic() + within
    while mail.out("postqueue -p") != "Mail queue is empty":
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


@each_mail
@each_version
def test_every_form_is_refused_at_every_door(mail, outside, version, subject):
    rows = fire(mail, version, subject)
    for row in rows.values():
        assert row["ok"], row["problems"]
        assert len(row["forms"]) >= 76
        assert [form for form in row["forms"] if not 500 <= form["code"] < 600] == []
    assert queue_is_empty(mail)
    assert outside.received(subject, wait=2) == 0


class TestGenerous:
    """A host with a catch-all, which is the backup of another domain, too."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def generous(cls):
        tags = ("--tags", "postfix,relay_policy,sasl")
        run = play("site", *tags, limit="mail", variables=GENEROUS)
        assert run.rc == 0, run.output[-3000:]
        yield
        run = play("site", *tags, limit="mail")
        assert run.rc == 0, run.output[-3000:]

    @each_mail
    @each_version
    def test_what_it_accepts_it_keeps(self, mail, outside, version, subject):
        rows = fire(mail, version, subject, catch_all=True, other_domain="backup.example")
        for row in rows.values():
            assert row["ok"], row["problems"]
            assert "subdomain, second domain" in [form["name"] for form in row["forms"]]
        assert {form["name"] for form in rows["25"]["forms"] if form["kept"]} == {"encapsulated", "forged return path"}
        assert not any(form["kept"] for door in ("465", "587") for form in rows[door]["forms"])
        # No reply tells whether it was kept or passed on.
        mine = outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject, wait=20)
        assert mine["count"] >= 1
        assert queue_is_empty(mail)
        assert outside.received(subject, wait=2) == 0


class TestOpen:
    """The positive control: an open relay."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def opened(cls, policy):
        policy(**OPEN)
        yield
        for mail in MAIL_HOSTS:
            # Some lead to addresses that are nobody's and would be tried for days.
            mail.out("postsuper -d ALL")

    @each_mail
    @each_version
    def test_it_is_caught_and_its_mail_arrives(self, mail, outside, version, subject):
        rows = fire(mail, version, subject)
        accepted = {form["name"] for form in rows["25"]["forms"] if not form["ok"]}
        assert not rows["25"]["ok"]
        assert len(accepted) >= 60
        assert f"accepted {len(accepted)} of" in rows["25"]["problems"][0]
        # The doors for clients stay shut.
        assert all(rows[door]["ok"] for door in ("465", "587"))
        assert accepted >= ARRIVES
        deadline = time.monotonic() + 60
        while not arrived(outside, subject) >= ARRIVES and time.monotonic() < deadline:
            time.sleep(1)
        assert arrived(outside, subject) >= ARRIVES

    @each_mail
    def test_only_asking_sends_nothing(self, mail, outside, subject):
        row = fire(mail, 4, subject, doors=["25"], send=False)["25"]
        assert not row["ok"]
        assert outside.received(subject, wait=3) == 0
