# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A relay policy that is set by hand, or spelled oddly, opens the host in no run."""

from __future__ import annotations

import pytest
from harness import FILES, play

ELSEWHERE = "somebody@elsewhere.example"
# What would open the host, or give away a sender's name, and the variable that each sentence has to name.
BY_HAND = {
    "mynetworks": ("0.0.0.0/0", "mail_networks"),
    "smtpd_relay_restrictions": ("permit", "relay_policy_mode"),
    "relay_domains": ("elsewhere.example", "relay_policy_domains"),
    "smtpd_sender_login_maps": ("static:mallory", "sasl_aliases"),
    "smtpd_sasl_auth_enable": (True, "sasl_auth_on_port_25"),
}
OPEN = {
    "by hand": (
        {"postfix_parameters": {name: value for name, (value, _variable) in BY_HAND.items()}},
        [variable for _v, variable in BY_HAND.values()],
    ),
    "in a network": ({"mail_networks": ["cidr:/etc/postfix/none.cidr, 0.0.0.0/0", "64:ff9b::/96", "[::ffff:0:0]/96"]}, ["64:ff9b::/96"]),
    "in a service": (
        {"postfix_services": [{"name": "smtp", "type": "inet", "overrides": {"mynetworks": "0.0.0.0/0"}}]},
        ["mynetworks cannot contain"],
    ),
}


def is_closed(mail, outside):
    """A stranger may neither relay nor log in on port 25."""
    said = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", f"RCPT TO:<{ELSEWHERE}>"])
    return said["replies"][1][0] == 554 and "auth" not in said["features"]


@pytest.mark.parametrize(("variables", "says"), OPEN.values(), ids=OPEN)
def test_the_host_opens_in_no_run(mails, outside, variables, says):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", limit="mail", variables=variables)
    said = " ".join(run.output.split())
    assert run.rc != 0
    assert [words for words in says if words not in said] == [], run.output[-3000:]
    assert [mail.out(FILES) for mail in mails] == before
    assert all(is_closed(mail, outside) for mail in mails)


def test_what_no_variable_says_counts_in_every_run(mails, outside):
    name, value = "smtpd_sasl_security_options", "noanonymous, noactive"
    for changed in (True, False):
        run = play("site", "--tags", "postfix,relay_policy,sasl", limit="mail", variables={"postfix_parameters": {name: value}})
        assert run.rc == 0, run.output[-3000:]
        assert [run.changed(mail.name) > 0 for mail in mails] == [changed, changed], run.output[-3000:]
    for mail in mails:
        assert mail.out(f"postconf -h {name}") == value
        assert is_closed(mail, outside)
