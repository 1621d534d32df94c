# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import restrictions


def check(value, classes=(), newer=()):
    restrictions.check("smtpd_recipient_restrictions", value, classes, lambda name: name in newer)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "permit_mynetworks, permit_sasl_authenticated reject_unauth_destination",
        "Permit_MyNetworks",
        "reject_rbl_client zen.example.org=127.0.0.[2..11], reject",
        "check_client_access hash:/etc/postfix/access, permit",
        "check_policy_service { inet:localhost:10023, timeout=10s }, permit",
        "check_policy_service unix:private/policy",
        "check_sender_mx_access cidr:/x check_reverse_client_hostname_ns_access hash:/y",
        "hash:/etc/postfix/access, reject",
        "warn_if_reject reject_unknown_client_hostname",
        "sleep 1, reject_unauth_pipelining",
        "$mua_client_restrictions reject",
        "check_client_access inline:{192.0.2.1=reject, 192.0.2.2=ok}",
    ],
)
def test_what_smtpd_knows_passes(value):
    check(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("permit_mynetwork, reject", "no restriction 'permit_mynetwork'; did you mean permit_mynetworks"),
        ("grey, reject", "no restriction 'grey'"),
        ("reject_unauth_destination check_client_access", "'check_client_access' lacks"),
        ("check_client_access reject", "followed by 'reject' instead of a lookup table"),
    ],
)
def test_what_smtpd_does_not_know_is_refused(value, message):
    with pytest.raises(restrictions.UnknownRestriction, match=message):
        check(value)


def test_classes_and_newer_restrictions_pass():
    check("grey, reject_of_tomorrow", classes=["grey"], newer=["reject_of_tomorrow"])


@pytest.mark.parametrize(
    ("relay", "recipient"),
    [
        ("permit_mynetworks, reject_unauth_destination", ""),
        ("", "permit_mynetworks, REJECT"),
        ("closed", ""),
        ("nested", ""),
        ("$unknown", ""),
        ("warn_if_reject reject_unauth_destination, reject", ""),
    ],
)
def test_closed_relays_pass(relay, recipient):
    classes = {"closed": "defer", "nested": "loop closed", "loop": "loop nested"}
    restrictions.check_relay(relay, recipient, classes.get, list(classes))


@pytest.mark.parametrize(
    ("relay", "recipient"),
    [
        ("", ""),
        ("permit_mynetworks", "permit"),
        ("open", "loop"),
        ("permit, reject_unauth_destination", "PERMIT, reject"),
        ("warn_if_reject reject_unauth_destination", ""),
    ],
)
def test_open_relays_are_refused(relay, recipient):
    classes = {"open": "permit", "loop": "loop"}
    with pytest.raises(restrictions.OpenRelay, match="reject_unauth_destination"):
        restrictions.check_relay(relay, recipient, classes.get, list(classes))
