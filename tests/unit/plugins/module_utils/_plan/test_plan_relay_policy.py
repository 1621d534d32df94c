# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import relay_policy
from ansible_collections.postroom.mail.plugins.module_utils._relay.networks import EVERYBODY, LOOPBACK
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan import host_play
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import FACTS, facts, said

VARIABLES = {
    **host_play.VARIABLES,
    **host_play.defaults("relay_policy"),
    "relay_policy_mode": "closed",
    "relay_policy_networks": [],
}
SUBMIT = {"relayhost": "[smtp.example.com]:587", "username": "me", "password": "secret"}
PLAIN = {"relayhost": "[smtp.example.com]:25"}
# A run of before, of which the inventory says nothing any more.
FORMER = facts(
    postfix={
        "parameters": {
            "transport_maps": "lmdb:/etc/postfix/relay_transport",
            "smtp_tls_policy_maps": "lmdb:/etc/postfix/relay_tls_policy",
            "relayhost": "[smtp.example.com]:587",
        },
        "managed_tables": ["/etc/postfix/relay_passwords", "/etc/postfix/relay_tls_policy", "/etc/postfix/relay_transport"],
    }
)


def plan(variables=None, there=None, **others):
    there = FACTS if there is None else there
    told = {f"relay_policy_{name}": value for name, value in (variables or {}).items()}
    return relay_policy.plan({**VARIABLES, **told}, there, said(**others))


def tables(part, state="present"):
    return {table["path"]: table.get("entries") for table in part.tables if table.get("state", "present") == state}


@pytest.mark.parametrize(
    ("variables", "mynetworks", "style", "restrictions", "problem"),
    [
        ({}, LOOPBACK, None, ["permit_mynetworks", "reject_unauth_destination"], None),
        ({"networks": ["192.0.2.0/24"]}, LOOPBACK, None, ["permit_mynetworks", "reject_unauth_destination"], "relay_policy_mode is closed"),
        (
            {"mode": "networks", "networks": ["192.0.2.0/24"]},
            [*LOOPBACK, "192.0.2.0/24"],
            None,
            ["permit_mynetworks", "reject_unauth_destination"],
            None,
        ),
        ({"mode": "subnet"}, None, "subnet", ["permit_mynetworks", "reject_unauth_destination"], None),
        (
            {"mode": "authenticated"},
            LOOPBACK,
            None,
            ["permit_mynetworks", "permit_sasl_authenticated", "reject_unauth_destination"],
            None,
        ),
        (
            {"mode": "open", "open_to_the_whole_world": True},
            EVERYBODY,
            None,
            ["permit_mynetworks", "reject_unauth_destination"],
            None,
        ),
        ({"mode": "open"}, LOOPBACK, None, ["permit_mynetworks", "reject_unauth_destination"], "relay_policy_mode is open, which lets"),
        (
            {"mode": "networks", "networks": ["x"]},
            LOOPBACK,
            None,
            ["permit_mynetworks", "reject_unauth_destination"],
            "'x' is not a network",
        ),
    ],
)
def test_who_may_relay(variables, mynetworks, style, restrictions, problem):
    part = plan(variables)
    assert part.parameters == {
        "mynetworks": mynetworks,
        "mynetworks_style": style,
        "smtpd_relay_restrictions": restrictions,
        "relay_domains": "",
        "relay_recipient_maps": None,
    }
    assert part.open_relay == (variables.get("mode") == "open")
    assert [problem in sentence for sentence in part.problems] == ([True] if problem else [])
    assert (list(part.tables), part.packages) == ([], [])


@pytest.mark.parametrize(
    ("variables", "domains", "auth"),
    [
        ({}, [], False),
        ({"relay_policy_mode": "authenticated"}, [], True),
        ({"relay_policy_domains": [{"name": "a.example", "any_recipient": True}, {}]}, ["a.example"], False),
    ],
)
def test_what_others_are_told(variables, domains, auth):
    offered = relay_policy.offers({**VARIABLES, **variables}, FACTS, said())
    assert (offered.relayed_domains, offered.auth_on_port_25) == (domains, auth)


def test_domains_that_are_handed_on():
    domains = [
        {"name": "backup.example", "recipients": ["alice"], "next_hop": "[192.0.2.7]"},
        {"name": "any.example", "any_recipient": True},
    ]
    part = plan({"domains": domains})
    assert part.problems == []
    assert part.parameters["relay_domains"] == ["backup.example", "any.example"]
    assert part.parameters["relay_recipient_maps"] == ["lmdb:/etc/postfix/relay_recipients", "regexp:/etc/postfix/relay_recipients.regexp"]
    assert part.parameters["transport_maps"] == "lmdb:/etc/postfix/relay_transport"
    assert "relayhost" not in part.parameters
    assert tables(part) == {
        "/etc/postfix/relay_transport": {"backup.example": "relay:[192.0.2.7]"},
        "/etc/postfix/relay_recipients": {"alice@backup.example": "OK"},
        "/etc/postfix/relay_recipients.regexp": [{"pattern": "/@([^@]+\\.)?any\\.example$/", "value": "OK"}],
    }
    assert plan({"domains": domains[1:]}).parameters["relay_recipient_maps"] == ["regexp:/etc/postfix/relay_recipients.regexp"]


@pytest.mark.parametrize("local", ["example.org", "mail.example.org"])
def test_mail_that_ends_here_is_not_handed_on(local):
    (problem,) = plan({"domains": [{"name": local, "any_recipient": True}]}).problems
    assert f"mail for {local} ends on this host" in problem


@pytest.mark.parametrize(
    ("there", "ca_file", "packages", "expected"),
    [
        (FACTS, None, ["libsasl2-modules", "ca-certificates"], "/etc/ssl/certs/ca-certificates.crt"),
        (facts(host={"os_family": "RedHat"}), None, ["cyrus-sasl-plain", "ca-certificates"], "/etc/pki/tls/certs/ca-bundle.crt"),
        (facts(host={"os_family": "Suse"}), None, ["ca-certificates"], ""),
        (FACTS, "/etc/mine.pem", ["libsasl2-modules", "ca-certificates"], "/etc/mine.pem"),
    ],
)
def test_a_smarthost_with_a_login(there, ca_file, packages, expected):
    part = plan({"smarthosts": [SUBMIT], "ca_file": ca_file}, there)
    assert (part.problems, part.packages) == ([], packages)
    assert set(packages) <= set(relay_policy.PACKAGES)
    written = {name: value for name, value in part.parameters.items() if name not in plan().parameters}
    assert written == {
        "relayhost": "[smtp.example.com]:587",
        "default_transport": None,
        "sender_dependent_default_transport_maps": None,
        "smtp_sasl_auth_enable": True,
        "smtp_sasl_password_maps": "lmdb:/etc/postfix/relay_passwords",
        "smtp_sender_dependent_authentication": False,
        "smtp_sasl_tls_security_options": "noanonymous",
        "smtp_tls_policy_maps": "lmdb:/etc/postfix/relay_tls_policy",
        "smtp_tls_CAfile": expected,
    }
    assert tables(part) == {
        "/etc/postfix/relay_tls_policy": {"[smtp.example.com]:587": "secure"},
        "/etc/postfix/relay_passwords": {"[smtp.example.com]:587": "me:secret"},
    }
    assert [table["path"] for table in part.tables if table.get("secret")] == ["/etc/postfix/relay_passwords"]


def test_a_smarthost_without_a_login():
    part = plan({"smarthosts": [PLAIN]}, facts(postfix={"default_database_type": None}))
    assert (part.problems, part.packages) == ([], [])
    decided = {name: value for name, value in part.parameters.items() if value is not None and name not in plan().parameters}
    assert decided == {"relayhost": "[smtp.example.com]:25", "smtp_tls_policy_maps": "hash:/etc/postfix/relay_tls_policy"}


def ways(part):
    return {service["name"]: service["state"] for service in part.services}


@pytest.mark.parametrize(
    ("smarthosts", "there"),
    [
        ([], []),
        ([PLAIN], []),
        ([{**SUBMIT, "relayhost": "[smtp.example.com]:465"}], ["relay-smtps"]),
        ([{**SUBMIT, "senders": ["alice@example.org"]}], ["relay-senders"]),
        ([{**SUBMIT, "relayhost": "[smtp.example.com]:465", "senders": ["@example.org"]}], ["relay-senders-smtps"]),
    ],
)
def test_the_services_of_the_ways(smarthosts, there):
    part = plan({"smarthosts": smarthosts})
    assert ways(part) == {
        name: "present" if name in there else "absent" for name in ("relay-smtps", "relay-senders", "relay-senders-smtps")
    }
    assert [service["overrides"] for service in part.services] == [
        {"smtp_tls_wrappermode": True, "smtp_tls_security_level": "encrypt"},
        {"smtp_sender_dependent_authentication": True, "smtp_fallback_relay": ""},
        {
            "smtp_sender_dependent_authentication": True,
            "smtp_fallback_relay": "",
            "smtp_tls_wrappermode": True,
            "smtp_tls_security_level": "encrypt",
        },
    ]
    senders = bool(smarthosts and "senders" in smarthosts[0])
    assert part.parameters.get("sender_dependent_default_transport_maps") == ("lmdb:/etc/postfix/relay_senders" if senders else None)


def test_what_a_former_policy_left_is_taken_back():
    part = plan({}, FORMER)
    assert tables(part) == {}
    assert list(tables(part, "absent")) == [
        "/etc/postfix/relay_transport",
        "/etc/postfix/relay_tls_policy",
        "/etc/postfix/relay_passwords",
    ]
    assert part.parameters["relayhost"] == ""
    for name in ("transport_maps", "smtp_tls_policy_maps", "smtp_sasl_password_maps", "smtp_sasl_auth_enable", "smtp_tls_CAfile"):
        assert part.parameters[name] is None


@pytest.mark.parametrize(
    ("main_cf", "by_hand", "transport"),
    [
        ({}, {}, None),
        # A forwarded domain without a way of its own is not for the smarthost that is there.
        ({"relayhost": "[theirs]"}, {}, {"a.example": "relay:", ".a.example": "relay:"}),
        ({}, {"relayhost": "[theirs]"}, {"a.example": "relay:", ".a.example": "relay:"}),
        ({"relayhost": "[theirs]"}, {"relayhost": None}, None),
        # Nor is it this role's to say where the transport table is somebody else's, too.
        ({"relayhost": "[theirs]", "transport_maps": "hash:/etc/theirs"}, {}, None),
        ({"relayhost": "[theirs]"}, {"transport_maps": "hash:/etc/theirs"}, None),
        (
            {"relayhost": "[theirs]", "transport_maps": "hash:/etc/postfix/relay_transport"},
            {},
            {"a.example": "relay:", ".a.example": "relay:"},
        ),
        # The role's own of before.
        ({"relayhost": "[ours]", "smtp_tls_policy_maps": "hash:/etc/postfix/relay_tls_policy"}, {}, None),
    ],
)
def test_a_smarthost_of_somebody_else(main_cf, by_hand, transport):
    part = plan(
        {"domains": [{"name": "a.example", "any_recipient": True}]}, facts(postfix={"parameters": main_cf}), parameters_by_hand=by_hand
    )
    assert tables(part).get("/etc/postfix/relay_transport") == transport


@pytest.mark.parametrize(
    ("there", "by_hand", "known"),
    [
        (FACTS, [], ["relay", "smtp"]),
        (FACTS, [{"name": "maildrop", "type": "unix"}], ["maildrop", "relay", "smtp"]),
        (facts(postfix={"installed": False}), [{"name": "maildrop", "type": "unix"}], []),
    ],
)
def test_a_route_leads_to_a_service(there, by_hand, known):
    part = plan({"transport": {"a.example": "nonesuch:", "b.example": "smtp:[192.0.2.7]"}}, there, services_by_hand=by_hand)
    assert [sentence.partition("it has ")[2].partition(".")[0] for sentence in part.problems] == ([", ".join(known)] if known else [])


@pytest.mark.parametrize(
    ("variables", "by_hand", "owned"),
    [
        ({}, ["mynetworks", "relay_domains", "message_size_limit"], ["mynetworks", "relay_domains"]),
        # Which way mail leaves is free as long as no variable says it.
        ({}, ["relayhost", "transport_maps", "smtp_tls_policy_maps"], []),
        (
            {"smarthosts": [PLAIN]},
            ["relayhost", "transport_maps", "smtp_tls_policy_maps", "smtp_sasl_password_maps"],
            ["relayhost", "smtp_tls_policy_maps"],
        ),
        ({"transport": {"a.example": "smtp:"}}, ["relayhost", "transport_maps"], ["transport_maps"]),
        # No variable says it.
        ({"smarthosts": [SUBMIT]}, ["smtp_sasl_tls_security_options"], []),
    ],
)
def test_what_is_said_by_hand(variables, by_hand, owned):
    part = plan(variables, parameters_by_hand=dict.fromkeys(by_hand, "x"))
    assert [sentence.split()[2].rstrip(",") for sentence in part.problems] == owned
    assert set(part.parameters) & set(by_hand) == set()


def test_a_host_that_was_not_asked_yet():
    part = plan({"smarthosts": [SUBMIT], "transport": {"a.example": "nonesuch:"}}, {})
    assert (part.problems, part.packages) == ([], ["ca-certificates"])
