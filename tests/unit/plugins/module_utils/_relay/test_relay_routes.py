# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._relay.routes import routes

HOST = "[smtp.example.com]:587"
LOGIN = {"username": "me", "password": "s3cret: #1"}


def test_nothing_said_is_nothing_routed():
    found = routes()
    assert found.problems == []
    assert (found.relayhost, found.default_transport, found.transport, found.passwords) == ("", None, {}, {})


def test_a_smarthost_for_all_mail():
    found = routes([{"relayhost": HOST, **LOGIN}])
    assert found.problems == []
    assert found.relayhost == HOST
    assert found.default_transport is None
    assert found.passwords == {HOST: "me:s3cret: #1"}
    assert found.tls_policy == {HOST: "secure"}
    assert found.verifies
    assert found.services == []


def test_a_smarthost_that_speaks_tls_at_once():
    found = routes([{"relayhost": "[smtp.example.com]:465", **LOGIN}])
    assert (found.relayhost, found.default_transport, found.services) == ("[smtp.example.com]:465", "relay-smtps", ["relay-smtps"])


def test_smarthosts_of_senders_and_of_domains():
    found = routes(
        [
            {"relayhost": "[one.example]", "tls": "may"},
            {"relayhost": HOST, "senders": ["bob@example.org", "@Sales.example.org"], **LOGIN},
            {"relayhost": "[two.example]:465", "recipient_domains": ["partner.example", ".partner.example"], "auth": False},
        ]
    )
    assert found.problems == []
    assert found.relayhost == "[one.example]"
    assert found.senders == {"bob@example.org": f"relay-senders:{HOST}", "@sales.example.org": f"relay-senders:{HOST}"}
    assert found.passwords == {"bob@example.org": "me:s3cret: #1", "@sales.example.org": "me:s3cret: #1"}
    assert found.transport == {
        "partner.example": "relay-smtps:[two.example]:465",
        ".partner.example": "relay-smtps:[two.example]:465",
    }
    assert found.tls_policy == {"[one.example]": "may", HOST: "secure", "[two.example]:465": "encrypt"}
    assert found.services == ["relay-smtps", "relay-senders"]


def test_a_password_is_looked_up_by_the_sender_on_the_way_to_his_own_smarthost_only():
    """A sender without a password of its own must not come across that of its domain, which is for another server."""
    found = routes(
        [
            {"relayhost": "[one.example]:465", "senders": ["@example.org"], **LOGIN},
            {"relayhost": "[two.example]", "senders": ["bob@example.org"]},
            {"relayhost": HOST, "senders": ["ann@example.org"], "recipient_domains": ["partner.example"], **LOGIN},
        ]
    )
    assert found.problems == []
    assert found.senders == {
        "@example.org": "relay-senders-smtps:[one.example]:465",
        "bob@example.org": "smtp:[two.example]",
        "ann@example.org": f"relay-senders:{HOST}",
    }
    assert found.transport == {"partner.example": f"smtp:{HOST}"}
    assert list(found.passwords) == ["@example.org", "ann@example.org", HOST]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (":[a.example]", "would be told to [a.example]: write smtp:[a.example]"),
        ("relay-senders:[a.example]", "shows its servers the passwords"),
    ],
)
def test_a_route_does_not_lead_a_senders_password_elsewhere(value, says):
    found = routes([{"relayhost": HOST, "senders": ["bob@example.org"], **LOGIN}], transport={"x.example": value})
    (problem,) = found.problems
    assert says in problem


@pytest.mark.parametrize(
    ("smarthosts", "there", "transport"),
    [
        ([], "", {}),
        ([{"relayhost": "[one.example]"}], "", {"backup.example": "relay:", "gate.example": "relay:", ".gate.example": "smtp:[x.example]"}),
        ([], "[two.example]", {"backup.example": "relay:", "gate.example": "relay:", ".gate.example": "smtp:[x.example]"}),
        ([{"relayhost": "[one.example]", "senders": ["bob@example.org"]}], "", {}),
    ],
)
def test_a_forwarded_domain_goes_to_its_mx_past_the_smarthost(smarthosts, there, transport):
    domains = [
        {"name": "Backup.example", "recipients": ["ann"]},
        {"name": "gate.example", "any_recipient": True},
        {"name": "hop.example", "any_recipient": True, "next_hop": "[192.0.2.7]"},
    ]
    own = {".gate.example": "smtp:[x.example]"}
    found = routes(smarthosts, domains=domains, transport=own, relayhost_there=there)
    assert found.problems == []
    assert found.transport == {**own, **transport, "hop.example": "relay:[192.0.2.7]", ".hop.example": "relay:[192.0.2.7]"}


def test_forwarded_domains():
    found = routes(
        domains=[
            {"name": "backup.example", "recipients": ["ann", "Bob@backup.example"]},
            {"name": "gate.example", "any_recipient": True, "next_hop": "[192.0.2.7]:2525"},
        ]
    )
    assert found.problems == []
    assert found.domains == ["backup.example", "gate.example"]
    assert found.recipients == {"ann@backup.example": "OK", "bob@backup.example": "OK"}
    assert found.transport == {"gate.example": "relay:[192.0.2.7]:2525", ".gate.example": "relay:[192.0.2.7]:2525"}
    pattern = found.recipient_patterns[0]["pattern"].strip("/")
    assert [bool(re.search(pattern, a)) for a in ("x@gate.example", "x@a.gate.example", "x@agate.example", "x@gate.example.org")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("smarthost", "says"),
    [
        ({"relayhost": HOST}, "takes no mail without a login"),
        ({"relayhost": "[smtp.example.com]:465"}, "takes no mail without a login"),
        ({"relayhost": HOST, "username": "me"}, "has no password"),
        ({"relayhost": HOST, "password": "x"}, "has no username"),
        ({"relayhost": HOST, "username": "m:e", "password": "x"}, "a user name with a colon"),
        ({"relayhost": HOST, "username": "me", "password": ""}, "an empty user name or password"),
        ({"relayhost": HOST, "username": "me", "password": "x\ny"}, "cannot hold"),
        ({"relayhost": HOST, "tls": "may", **LOGIN}, "in clear"),
        ({"relayhost": HOST, "tls": "always", **LOGIN}, "tls is 'always'"),
        ({"relayhost": "[a.example]:465", "auth": False, "tls": "none"}, "TLS from the first byte on"),
        ({"relayhost": "smtp:[a.example]"}, "must be a host as in"),
        ({"relayhost": ""}, "must be a host as in"),
        ({"relayhost": "[a.example]", "senders": ["bob"]}, "neither an address nor @domain"),
        ({"relayhost": "[a.example]", "recipient_domains": ["*.example"]}, "no domain"),
    ],
)
def test_smarthosts_that_cannot_be_meant(smarthost, says):
    (problem,) = routes([smarthost]).problems
    assert says in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ({"name": "backup.example"}, "list the recipients"),
        ({"name": "backup.example", "recipients": ["ann"], "any_recipient": True}, "list the recipients"),
        ({"name": "no domain", "any_recipient": True}, "is no domain"),
        ({"name": ".backup.example", "any_recipient": True}, "is no domain"),
        ({"name": "Example.org", "any_recipient": True}, "ends on this host"),
        ({"name": "backup.example", "recipients": ["ann@other.example"]}, "is not in backup.example"),
        ({"name": "backup.example", "any_recipient": True, "next_hop": "smtp:[a.example]"}, "must be a host as in"),
    ],
)
def test_domains_that_cannot_be_forwarded(domain, says):
    (problem,) = routes(domains=[domain], local_domains=["example.org"]).problems
    assert says in problem


def test_two_smarthosts_for_all_mail():
    (problem,) = routes([{"relayhost": "[a.example]"}, {"relayhost": "[b.example]"}]).problems
    assert "would both be the smarthost" in problem


def test_two_answers_for_one_key():
    found = routes([{"relayhost": "[a.example]", "recipient_domains": ["x.example"]}], transport={"X.example": "smtp:[b.example]"})
    assert "there are two answers" in found.problems[0]


def test_two_passwords_for_one_key_are_not_told():
    found = routes(
        [
            {"relayhost": HOST, "senders": ["a@x.example"], **LOGIN},
            {"relayhost": HOST, "senders": ["A@x.example"], "username": "u", "password": "other"},
        ]
    )
    assert "two passwords" in found.problems[0]
    assert "other" not in found.problems[0]
    assert "s3cret" not in found.problems[0]


@pytest.mark.parametrize(
    ("value", "problems"), [("smtp:[a.example]", 0), (":[a.example]", 0), ("smpt:[a.example]", 1), ("relay-smtps:x", 0)]
)
def test_a_transport_that_no_service_delivers(value, problems):
    found = routes(transport={"x.example": value}, services=["smtp", "relay", "local"])
    assert len(found.problems) == problems
    if problems:
        assert "master.cf has no service 'smpt'" in found.problems[0]


def test_before_postfix_is_there_no_service_is_missed():
    assert routes(transport={"x.example": "smpt:x"}).problems == []


def test_a_transport_is_text_with_a_colon():
    assert "must have transport:nexthop" in routes(transport={"x.example": "smtp"}).problems[0]


@pytest.mark.parametrize("password", [42798, True, 12.5, {"a": "b"}])
def test_a_password_that_yaml_read_otherwise(password):
    (problem,) = routes([{"relayhost": "[mx.example.com]:587", "username": "u", "password": password}]).problems
    assert problem.startswith("relay_policy_smarthosts, item 1: the password for [mx.example.com]:587 is a")
    assert problem.endswith("; put it in quotes.")
    assert str(password) not in problem


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"domains": [{"name": "x.example", "recipients": ["*"]}]}, "any_recipient: true", id="everybody"),
        pytest.param({"domains": [{"name": "x.example", "recipients": ["*@x.example"]}]}, "write '@x.example'", id="everybody there"),
        pytest.param({"smarthosts": [{"relayhost": HOST, **LOGIN, "senders": ["*@x.example"]}]}, "write '@x.example'", id="senders"),
        pytest.param({"transport": {"@x.example": "smtp:[192.0.2.7]"}}, "write 'x.example'", id="transport"),
    ],
)
def test_keys_that_are_never_looked_up(given, says):
    (problem,) = routes(**given).problems
    assert says in problem
