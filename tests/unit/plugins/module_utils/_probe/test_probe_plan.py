# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.plan import PORTS, PROTOCOLS, Host, proof
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import Target


def host(**more):
    return Host(**{"domain": "example.org", "user": "alice", "password": "geheim", **more})


def names(**more):
    return [p["name"] for p in proof(host(**more))]


def endpoints(plan):
    return [(name, p[name]) for p in plan for name in ("smtp", "imap", "pop3") if name in p]


@pytest.mark.parametrize(
    "protocols", [["imaps", "pop3s"], ["imaps", "pop3s", "imap", "pop3"], ["imaps"], ["pop3s"], ["imap"], ["pop3"], ["pop3", "imap"]]
)
def test_every_plan_is_one_that_the_module_takes(protocols):
    plan = proof(host(protocols=protocols))
    found = probes({"host": "mail.example.org", "recipient": "alice@example.org", "probes": plan})
    assert len(found) == len(plan)
    # Every protocol is logged in to, and asked for nothing that it should not give.
    for protocol in protocols:
        half, tls = PROTOCOLS[protocol]
        assert any(name == half and server["tls"] == tls and server.get("password") == "geheim" for name, server in endpoints(plan)), (
            protocol
        )
    assert {p.expectation.outcome for p in found if p.store and p.smtp} == {"delivered"}


def test_the_real_password_never_goes_in_the_clear():
    for _name, server in endpoints(proof(host(protocols=list(PROTOCOLS)))):
        if server["tls"] == "none":
            assert server.get("password") != "geheim"


def test_the_wrong_password_is_nobodys():
    first, second = ({s["password"] for _n, s in endpoints(proof(host())) if "password" in s} - {"geheim"} for _run in range(2))
    assert len(first) == 1
    assert first != second


def test_relay_is_only_offered_never_done():
    more = {"elsewhere": "x@example.com", "stranger": "y@example.net", "other_domain": "example.edu"}
    plan = [p for p in proof(host(catch_all=True, relay_skip=["plain"], **more)) if "relay" in p]
    assert [p["smtp"]["port"] for p in plan] == [25, 465, 587]
    assert not any("user" in p["smtp"] for p in plan)
    found = probes({"host": "mail.example.org", "probes": plan})
    assert {p.expectation.outcome for p in found} == {"rejected"}
    for relay in (p.relay for p in found):
        assert relay.target == Target("example.org", "mail.example.org", (), **more)
        assert (relay.send, relay.catch_all, relay.skip) == (False, True, ("plain",))


RELAY = {"domains": ["example.edu"], "unknown_recipients": "refused"}
LOCAL = {"domains": ["mail.example.org", "example.org", "localhost.example.org", "localhost"], "unknown_recipients": "refused"}


@pytest.mark.parametrize(
    ("policy", "more", "domain"),
    [
        ({}, {}, None),
        ({"installed": True, "config_error": "postconf: fatal"}, {}, None),
        ({"final": {"local": LOCAL}, "forwarded": {"relay": {"domains": [], "unknown_recipients": None}}}, {}, None),
        ({"final": {"local": LOCAL}, "forwarded": {"relay": RELAY}}, {}, "example.edu"),
        ({"final": {"local": LOCAL}, "forwarded": {"relay": RELAY}}, {"other_domain": "example.info"}, "example.info"),
        ({"final": {"local": LOCAL}, "forwarded": {"relay": {**RELAY, "unknown_recipients": "accepted"}}}, {}, None),
        ({"final": {"local": LOCAL, "virtual_alias": {**RELAY, "domains": ["old.example"]}}}, {}, "old.example"),
        ({"final": {"virtual_alias": {**RELAY, "domains": ["*.x", "lists.example.org", "not-example.org"]}}}, {}, "not-example.org"),
        ({"final": {"local": {**LOCAL, "domains": ["mx.example.edu"]}}}, {}, None),
    ],
)
def test_second_domain_is_one_whose_recipients_the_host_knows(policy, more, domain):
    [relay, *_others] = [p["relay"] for p in proof(host(policy=policy, **more)) if "relay" in p]
    assert relay["other_domain"] == domain


@pytest.mark.parametrize(
    ("policy", "more", "catch_all"),
    [
        ({}, {}, False),
        ({"final": {"local": {**LOCAL, "catch_all": []}}}, {}, False),
        ({"final": {"local": {**LOCAL, "catch_all": ["example.org"]}}}, {}, True),
        ({"final": {"local": {**LOCAL, "catch_all": ["example.org"]}}}, {"catch_all": False}, False),
        ({}, {"catch_all": True}, True),
    ],
)
def test_catch_all_is_one_that_the_host_owns_up_to(policy, more, catch_all):
    assert {p["relay"]["catch_all"] for p in proof(host(policy=policy, **more)) if "relay" in p} == {catch_all}


def test_ports():
    ports = {name: port + 2000 for name, port in PORTS.items()}
    plan = proof(host(protocols=list(PROTOCOLS), ports=ports))
    assert {server["port"] for _name, server in endpoints(plan)} == set(ports.values())


def test_sender_that_is_not_the_users_own():
    [probe] = [p for p in proof(host(user="alice@example.org")) if "in somebody else's name" in p["name"]]
    assert (probe["sender"], probe["reply_code"]) == ("not-alice@example.org", ["553"])


def test_clear_protocols_get_their_own_checks():
    assert not any("before TLS" in name for name in names())
    assert [n for n in names(protocols=["imaps", "imap", "pop3"]) if "before TLS" in n] == [
        "143 takes no password before TLS",
        "110 takes no password before TLS",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"user": ""}, "no login to send and to receive with"),
        ({"password": ""}, "no login to send and to receive with"),
        ({"protocols": []}, "mail_protocols must name at least one of imaps, pop3s, imap, pop3."),
        ({"protocols": ["imaps", "http"]}, "and has http"),
        ({"ports": {"smtps": 465}}, "mail_probe_ports knows .*, and has smtps"),
    ],
)
def test_bad_input(more, message):
    with pytest.raises(BadInput, match=message):
        proof(host(**more))
