# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every policy, tried by three hosts of different trust over IPv4 and IPv6: refused is 5xx, and nothing at the sink."""

from __future__ import annotations

import pytest
from conftest import ADDRESSES, TAGS
from harness import FILES, play
from mail_hosts import ALICE, MAIL_HOSTS

NETWORKS = ["198.18.3.65", "[fd00:6d61:696c:3::65]"]
ELSEWHERE = "somebody@elsewhere.example"
# What a policy says, and whom it lets relay without a login.
POLICIES = {
    "closed": ({"relay_policy_mode": "closed"}, set()),
    "networks": ({"mail_networks": NETWORKS}, {"inside"}),
    "subnet": ({"relay_policy_mode": "subnet"}, {"inside", "near"}),
    "authenticated": ({"relay_policy_mode": "authenticated"}, set()),
    "open": ({"relay_policy_mode": "open", "relay_policy_open_to_the_whole_world": True}, {"inside", "near", "outside"}),
}
POLICY_PARAMETERS = "mynetworks mynetworks_style smtpd_relay_restrictions relay_domains smtpd_sasl_auth_enable"


# Not the session's fixture, so that each policy is set once for both.
each_mail = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)


@pytest.fixture(scope="module", params=POLICIES)
def trusted(request, policy):
    variables, allowed = POLICIES[request.param]
    policy(**variables)
    return allowed


@each_mail
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("client", ["inside", "near", "outside"])
def test_who_may_relay(trusted, mail, outside, client, version, subject, request):
    peer = outside if client == "outside" else request.getfixturevalue(client)
    address = ADDRESSES[mail.name][version == 6]
    sent = peer.ask("submit", host=address, subject=subject, sender="x@y.example", recipient=ELSEWHERE)
    if client in trusted:
        assert sent == {"accepted": True}
        assert outside.received(subject, wait=30) == 1
    else:
        assert sent["code"] == 554, sent
        assert "Relay access denied" in sent["text"]
        assert outside.received(subject) == 0


@each_mail
@pytest.mark.parametrize("client", ["near", "outside"])
def test_own_mail_is_taken_from_everybody(trusted, mail, client, subject, request):
    sent = request.getfixturevalue(client).ask(
        "submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"alice@{mail.domain}"
    )
    assert sent == {"accepted": True}


def test_a_login_opens_port_25_under_one_policy_only(policy, mails, outside, subject):
    policy(relay_policy_mode="authenticated")
    for mail in mails:
        assert "auth" not in outside.ask("smtp", host=mail.fqdn)["features"]
        message = {"subject": f"{subject}-{mail.name}", "sender": f"alice@{mail.domain}", "recipient": ELSEWHERE}
        assert outside.ask("submit", host=mail.fqdn, tls="starttls", login=ALICE, **message) == {"accepted": True}
        assert outside.received(message["subject"], wait=30) == 1
    policy(relay_policy_mode="closed")
    for mail in mails:
        assert "auth" not in outside.ask("smtp", host=mail.fqdn, tls="starttls")["features"]


def test_a_policy_takes_the_former_one_away(policy, mails):
    """There and back: main.cf is byte for byte what it was."""
    policy()
    look = f"cat /etc/postfix/main.cf; postconf -h {POLICY_PARAMETERS}; ls /etc/postfix"
    before = [mail.out(look) for mail in mails]
    policy(relay_policy_mode="authenticated", mail_networks=NETWORKS)
    policy(relay_policy_mode="subnet")
    policy()
    assert [mail.out(look) for mail in mails] == before


def test_a_policy_that_stands_is_left_alone(policy, mails):
    policy(mail_networks=NETWORKS)
    before = [mail.out(FILES) for mail in mails]
    run = policy(mail_networks=NETWORKS)
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output
    assert [mail.out(FILES) for mail in mails] == before


# What a run finds it says all at once.
BAD_INPUT = {
    "a mode that is none": ({"relay_policy_mode": "opne"}, ["value of relay_policy_mode must be one of"]),
    "closed, and networks": ({"relay_policy_mode": "closed", "mail_networks": NETWORKS}, ["has no effect"]),
    "networks": (
        {"mail_networks": ["0.0.0.0/0", "::/0", "198.18.3.0/244", "198.18.3.65/24"]},
        [
            "'0.0.0.0/0' is far larger than a network of your own",
            "'::/0' is far larger than a network of your own",
            "'198.18.3.0/244' is not a network",
            "the network is 198.18.3.0/24",
        ],
    ),
    "everything else": (
        {
            "relay_policy_mode": "open",
            "relay_policy_domains": [{"name": "backup.example"}, {"name": "{{ mail_domain }}", "any_recipient": True}],
            "relay_policy_smarthosts": [
                {"relayhost": "[mx.elsewhere.example]:587"},
                {"relayhost": "[mx.elsewhere.example]:587", "username": "all"},
            ],
            "relay_policy_transport": {"other.example": "smpt:[mx.elsewhere.example]"},
        },
        [
            "relay_policy_open_to_the_whole_world: true",
            "item 1: list the recipients in backup.example",
            "ends on this host",
            "takes no mail without a login",
            "has no password",
            "master.cf has no service 'smpt'",
        ],
    ),
}


@pytest.mark.parametrize(("variables", "says"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_said_and_writes_nothing(mails, outside, variables, says):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", *TAGS, limit="mail", variables=variables)
    assert run.rc != 0
    said = " ".join(run.output.split())
    assert [words for words in says if words not in said] == [], run.output[-3000:]
    assert [mail.out(FILES) for mail in mails] == before
    for mail in mails:
        assert outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn)
