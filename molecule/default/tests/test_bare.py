# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On a machine where nothing is installed yet, a check tells what would happen, and nothing happens."""

from __future__ import annotations

from harness import play

EVERYTHING = "find /etc /var/lib/dpkg /var/spool /home -printf '%i %T@ %p\\n' | sort | sha256sum"


def test_check_of_bare_hosts_tells_what_would_change(bares):
    before = [bare.out(EVERYTHING) for bare in bares]
    run = play("site", "--check", "--diff", limit="bare", variables={"mail_hosts": "bare"})
    assert run.rc == 0, run.output
    for bare in bares:
        assert run.changed(bare.name) > 0
        assert f"+myhostname = {bare.name}.example.org" in run.output
    for line in (
        "+mailbox_transport = lmtp:unix:private/dovecot-lmtp",
        "+smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
    ):
        assert run.output.count(line) == len(bares), run.output
    assert "what alice knows" not in run.output
    assert [bare.out(EVERYTHING) for bare in bares] == before


def test_check_of_bare_hosts_refuses_bad_input_as_a_run_does(bares):
    run = play("site", "--check", limit="bare", variables={"mail_hosts": "bare", "mail_domain": "not a domain"})
    assert run.rc != 0
    assert run.output.count("not a domain") >= len(bares), run.output
    assert "Traceback" not in run.output
