# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._policy.access import Access, Client, Decision
from hypothesis import given
from hypothesis import strategies as st

STRANGER = Client()
TRUSTED = Client(trusted=True)
LOGIN = Client(authenticated=True)


def verdict(relay, client=STRANGER, destination="elsewhere", tables=None, **more):
    parameters = {"smtpd_relay_restrictions": relay, **{f"smtpd_{name}_restrictions": value for name, value in more.items()}}
    return Access(parameters, (tables or {}).get).decide(client, destination).verdict


@pytest.mark.parametrize(
    ("relay", "stranger", "trusted", "login"),
    [
        ("permit_mynetworks, reject_unauth_destination", "refused", "accepted", "refused"),
        ("permit_mynetworks permit_sasl_authenticated reject_unauth_destination", "refused", "accepted", "accepted"),
        ("permit_mynetworks permit_sasl_authenticated defer_unauth_destination", "deferred", "accepted", "accepted"),
        ("permit_sasl_authenticated, reject", "refused", "refused", "accepted"),
        # Without a stop before a permit smtpd does not start, and its clients come back later.
        ("permit, reject_unauth_destination", "deferred", "deferred", "deferred"),
        ("permit_mynetworks", "deferred", "deferred", "deferred"),
        ("", "deferred", "deferred", "deferred"),
        ("warn_if_reject reject_unauth_destination", "deferred", "deferred", "deferred"),
        ("warn_if_reject reject_unauth_destination, permit_mynetworks, reject", "refused", "accepted", "refused"),
        ("check_client_access static:OK, reject_unauth_destination", "accepted", "accepted", "accepted"),
        ("check_client_access static:{reject no}, reject_unauth_destination", "refused", "refused", "refused"),
        ("check_client_access static:{450 later}, permit_mynetworks, reject", "deferred", "deferred", "deferred"),
        ("check_client_access static:dunno, permit_mynetworks, reject", "refused", "accepted", "refused"),
        ("warn_if_reject reject_unknown_sender_domain, reject_unauth_destination", "refused", "refused", "refused"),
        ("REJECT_UNAUTH_DESTINATION", "refused", "refused", "refused"),
        ("permit_mynetworks, defer", "deferred", "accepted", "deferred"),
        ("defer_if_permit, permit", "deferred", "deferred", "deferred"),
        ("defer_if_permit, reject_unauth_destination", "refused", "refused", "refused"),
        ("permit_dnswl_client permit_mynetworks, reject_unauth_destination", "refused", "refused", "refused"),
        ("sleep 1, reject", "refused", "refused", "refused"),
        ("reject_rbl_client permit.example, reject_unauth_destination", "refused", "refused", "refused"),
    ],
)
def test_who_may_send_elsewhere(relay, stranger, trusted, login):
    assert [verdict(relay, client) for client in (STRANGER, TRUSTED, LOGIN)] == [stranger, trusted, login]


@pytest.mark.parametrize("destination", ["own", "relay"])
def test_own_domains_take_mail_from_strangers(destination):
    assert verdict("permit_mynetworks, reject_unauth_destination", destination=destination) == "accepted"
    assert verdict("permit_mynetworks, defer_unauth_destination", destination=destination) == "accepted"
    assert verdict("permit_auth_destination, reject", destination=destination) == "accepted"
    assert verdict("permit_auth_destination, reject") == "refused"
    assert verdict("permit_sasl_authenticated, reject", destination=destination) == "refused"


def test_every_list_must_let_the_client_through():
    assert verdict("permit", recipient="reject_unauth_destination") == "refused"
    assert verdict("", recipient="permit_mynetworks, reject_unauth_destination") == "refused"
    assert verdict("permit, reject", client=TRUSTED, destination="own", recipient="reject", sender="reject") == "refused"


def test_the_first_list_that_refuses_speaks():
    lists = {"smtpd_relay_restrictions": "defer_unauth_destination", "smtpd_recipient_restrictions": "reject_unauth_destination"}
    assert Access(lists).decide(STRANGER, "elsewhere") == Decision("deferred", "defer_unauth_destination in smtpd_relay_restrictions")
    later = {**lists, "smtpd_relay_before_recipient_restrictions": "no"}
    assert Access(later).decide(STRANGER, "elsewhere").by == "reject_unauth_destination in smtpd_recipient_restrictions"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"relay_domains_reject_code": "454"}, "deferred"),
        ({"soft_bounce": "yes"}, "deferred"),
        ({"relay_domains_reject_code": "554", "soft_bounce": "no"}, "refused"),
    ],
)
def test_a_refusal_may_be_for_now(parameters, expected):
    access = Access({"smtpd_relay_restrictions": "reject_unauth_destination", **parameters})
    assert access.decide(STRANGER, "elsewhere").verdict == expected


def test_restriction_classes():
    parameters = {
        "smtpd_restriction_classes": "inner, outer",
        "outer": "inner, outer",
        "inner": "reject_unauth_destination",
        "smtpd_relay_restrictions": "outer, permit",
    }
    assert Access(parameters).decide(STRANGER, "elsewhere").verdict == "refused"
    opened = {**parameters, "inner": "permit", "smtpd_relay_restrictions": "outer, reject"}
    assert Access(opened).decide(STRANGER, "elsewhere").verdict == "accepted"


@pytest.mark.parametrize(
    ("entries", "unless"),
    [
        ({"192.0.2.1": "OK"}, True),
        ({"192.0.2.1": "relay"}, True),
        ({"192.0.2.1": "permit_sasl_authenticated, reject"}, True),
        ({"192.0.2.1": "1234567890"}, True),
        ({"192.0.2.1": "trusted"}, True),
        ({"192.0.2.1": "REJECT go away", "192.0.2.2": "550 no", "192.0.2.3": "450", "192.0.2.4": "DUNNO"}, False),
        ({}, False),
        (None, True),
    ],
)
def test_a_table_that_may_let_somebody_through_is_a_condition(entries, unless):
    parameters = {
        "smtpd_restriction_classes": "trusted",
        "smtpd_relay_restrictions": "check_client_access hash:/etc/postfix/clients, reject_unauth_destination",
    }
    decision = Access(parameters, {"hash:/etc/postfix/clients": entries}.get).decide(STRANGER, "elsewhere")
    assert decision.verdict == "refused"
    assert decision.unless == (("check_client_access hash:/etc/postfix/clients",) if unless else ())


@pytest.mark.parametrize(
    ("relay", "recipient", "unless"),
    [
        ("hash:/x, reject_unauth_destination", "", ("hash:/x",)),
        ("check_policy_service { inet:127.0.0.1:10040, timeout=10s }, reject_unauth_destination", "", None),
        ("permit_tls_clientcerts, reject_unauth_destination", "", ("permit_tls_clientcerts",)),
        ("permit_mx_backup, reject_unauth_destination", "", ("permit_mx_backup",)),
        ("reject_unauth_destination, check_client_access hash:/x", "", ()),
        # A second list that knows no exception refuses them all.
        ("check_client_access hash:/x, reject_unauth_destination", "reject_unauth_destination", ()),
        ("check_client_access hash:/x, reject", "check_sender_access hash:/y, reject", True),
    ],
)
def test_conditions(relay, recipient, unless):
    access = Access({"smtpd_relay_restrictions": relay, "smtpd_recipient_restrictions": recipient})
    found = access.decide(STRANGER, "elsewhere").unless
    if unless is None:
        assert found[0].startswith("check_policy_service {")
    elif unless is True:
        assert found == ("check_client_access hash:/x", "check_sender_access hash:/y")
    else:
        assert found == unless


_WORD = st.sampled_from(
    "permit reject defer permit_mynetworks permit_sasl_authenticated permit_auth_destination warn_if_reject defer_if_permit"
    " check_client_access hash:/x reject_unauth_destination defer_unauth_destination sleep loop".split()
)


@given(st.lists(_WORD, max_size=8), st.lists(_WORD, max_size=8))
def test_any_lists_come_to_a_verdict(relay, class_):
    parameters = {"smtpd_relay_restrictions": " ".join(relay), "smtpd_restriction_classes": "loop", "loop": ", ".join(class_)}
    access = Access(parameters)
    for destination in ("own", "relay", "elsewhere"):
        assert access.decide(STRANGER, destination).verdict in ("accepted", "refused", "deferred")


@given(st.lists(_WORD.filter(lambda word: word not in ("warn_if_reject", "check_client_access", "sleep")), max_size=6))
def test_a_list_that_starts_with_the_stop_is_no_open_relay(rest):
    assert verdict(" ".join(["reject_unauth_destination", *rest])) == "refused"
