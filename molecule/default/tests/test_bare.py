# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On a machine where nothing is installed yet, a check tells what would happen, and nothing happens."""

from __future__ import annotations

from harness import play

EVERYTHING = "find /etc /var/lib/dpkg /var/spool /home -printf '%i %T@ %p\\n' | sort | sha256sum"


def test_check_of_a_bare_host_tells_what_would_change(bare):
    before = bare.out(EVERYTHING)
    run = play("site", "--check", "--diff", limit=bare.name, variables={"mail_hosts": "bare"})
    assert run.rc == 0, run.output
    assert run.changed(bare.name) > 0
    for line in (
        f"+myhostname = {bare.name}.example.org",
        "+mailbox_transport = lmtp:unix:private/dovecot-lmtp",
        "+smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
    ):
        assert line in run.output, run.output
    assert "what alice knows" not in run.output
    assert bare.out(EVERYTHING) == before


def test_check_of_a_bare_host_refuses_bad_input_as_a_run_does(bare):
    run = play("site", "--check", limit=bare.name, variables={"mail_hosts": "bare", "mail_domain": "not a domain"})
    assert run.rc != 0
    assert "not a domain" in run.output
    assert "Traceback" not in run.output
