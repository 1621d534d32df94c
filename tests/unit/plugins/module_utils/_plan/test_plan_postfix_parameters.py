# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import MAILBOXES, VARIABLES, facts, plan

ASK_QUOTA = "check_policy_service { unix:private/quota-status, default_action=DUNNO, timeout=10s, try_limit=1 }"
DESTINATIONS = "mail.example.org=ask_quota, example.org=ask_quota, localhost.example.org=ask_quota, localhost=ask_quota"
QUOTA = {"quota_service": "unix:private/quota-status"}
NOT_SET = object()

# What the role sets whatever there is, with all the values that no variable says.
ALWAYS = {
    "myhostname": "mail.example.org",
    "mydomain": "example.org",
    "myorigin": "$mydomain",
    "mydestination": ["$myhostname", "$mydomain", "localhost.$mydomain", "localhost"],
    "inet_interfaces": ["all"],
    "inet_protocols": ["all"],
    "alias_database": ["lmdb:/etc/postfix/aliases", "lmdb:/etc/aliases"],
    "alias_maps": ["$alias_database", "pipemap:{unix:passwd.byname, regexp:/etc/postfix/other_accounts}"],
    "virtual_alias_maps": ["lmdb:/etc/postfix/virtual"],
    "virtual_alias_domains": [],
    "allow_mail_to_commands": ["forward"],
    "allow_mail_to_files": ["forward"],
    "mailbox_transport": "lmtp:unix:private/dovecot-lmtp",
    "recipient_delimiter": "+",
    "smtpd_tls_cert_file": "/etc/ssl/mail.pem",
    "smtpd_tls_key_file": "/etc/ssl/mail.key",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_protocols": ">=TLSv1.2",
    "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
    "smtpd_tls_loglevel": 1,
    "smtpd_tls_received_header": True,
    "smtp_tls_security_level": "may",
    "smtp_tls_protocols": ">=TLSv1.2",
    "smtp_tls_mandatory_protocols": ">=TLSv1.2",
    "smtp_tls_loglevel": 1,
    "tls_high_cipherlist": "ECDHE+AESGCM:ECDHE+CHACHA20",
    "smtpd_client_auth_rate_limit": 60,
    "smtpd_client_event_limit_exceptions": ["$mynetworks"],
    "anvil_rate_time_unit": "60s",
    "smtpd_banner": "$myhostname ESMTP",
    "disable_vrfy_command": True,
    "smtpd_helo_required": True,
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_unauth_pipelining": True,
    "smtputf8_enable": False,
    "strict_rfc821_envelopes": True,
}
ACCOUNTS = ["pipemap:{proxy:unix:passwd.byname, regexp:/etc/postfix/mail_accounts}", "$alias_database"]


def test_a_plain_host_has_these_and_no_others():
    assert dict(plan().parameters) == {**ALWAYS, "local_recipient_maps": ACCOUNTS}


@pytest.mark.parametrize(
    ("variable", "value", "parameter"),
    [
        ("postfix_myhostname", "mx.example.net", "myhostname"),
        ("postfix_mydomain", "example.net", "mydomain"),
        ("postfix_myorigin", "example.net", "myorigin"),
        ("postfix_mydestination", ["localhost"], "mydestination"),
        ("postfix_inet_interfaces", ["loopback-only"], "inet_interfaces"),
        ("postfix_inet_protocols", ["ipv6"], "inet_protocols"),
        ("postfix_virtual_alias_domains", ["v.example"], "virtual_alias_domains"),
        ("postfix_allow_mail_to_commands", ["alias"], "allow_mail_to_commands"),
        ("postfix_allow_mail_to_files", [], "allow_mail_to_files"),
        ("postfix_mailbox_transport", "", "mailbox_transport"),
        ("postfix_recipient_delimiter", "-+", "recipient_delimiter"),
        ("postfix_tls_certificate", "/a.pem", "smtpd_tls_cert_file"),
        ("postfix_tls_private_key", "/a.key", "smtpd_tls_key_file"),
        ("postfix_smtpd_client_auth_rate_limit", 0, "smtpd_client_auth_rate_limit"),
        ("postfix_smtpd_client_event_limit_exceptions", [], "smtpd_client_event_limit_exceptions"),
        ("postfix_anvil_rate_time_unit", "1m", "anvil_rate_time_unit"),
    ],
)
def test_a_variable_says_a_parameter(variable, value, parameter):
    assert plan({variable: value}).parameters == {**plan().parameters, parameter: value}


def test_what_stands_in_postfix_parameters_wins():
    by_hand = {"smtpd_banner": "$myhostname", "biff": False, "virtual_transport": None}
    assert plan({"postfix_parameters": by_hand}).parameters == {**plan().parameters, **by_hand}


def test_tables_are_compiled_as_this_hosts_postfix_does():
    found = plan(there=facts(default_database_type="hash")).parameters
    assert found["alias_database"] == ["hash:/etc/postfix/aliases", "hash:/etc/aliases"]
    assert plan(there=facts(default_database_type=None)).parameters == found


@pytest.mark.parametrize(
    ("variables", "offers", "live", "local_recipient_maps"),
    [
        ({}, {}, {}, ACCOUNTS),
        ({}, {}, {"local_recipient_maps": "pipemap:{x, regexp:/etc/postfix/mail_accounts}"}, ACCOUNTS),
        # Somebody else says who has mail.
        ({}, {}, {"local_recipient_maps": "$alias_maps"}, NOT_SET),
        ({}, {"userdb_drivers": ["static"]}, {}, NOT_SET),
        ({}, {"userdb_drivers": ["static"]}, {"local_recipient_maps": "$alias_maps"}, NOT_SET),
        ({}, {"userdb_drivers": ["static"]}, {"local_recipient_maps": "regexp:/etc/postfix/mail_accounts"}, None),
        ({"postfix_parameters": {"local_recipient_maps": ""}}, {}, {}, ""),
    ],
)
def test_who_has_mail_is_asked_of_the_accounts_for_which_dovecot_keeps_some(variables, offers, live, local_recipient_maps):
    found = plan(variables, facts(live), **offers).parameters
    assert found.get("local_recipient_maps", NOT_SET) == local_recipient_maps
    assert ("other_accounts" in str(found["alias_maps"])) == (local_recipient_maps == ACCOUNTS)


def test_who_has_an_account_keeps_their_mail_in_the_domain_of_a_catch_all():
    assert plan({"postfix_virtual_aliases": {"@example.org": "alice"}}).parameters["virtual_alias_maps"] == [
        "lmdb:/etc/postfix/virtual",
        "pipemap:{regexp:/etc/postfix/catch_all_names, proxy:unix:passwd.byname, regexp:/etc/postfix/catch_all_accounts}",
    ]


@pytest.mark.parametrize(
    ("offers", "live", "parameters"),
    [
        ({}, {}, {}),
        (
            {"virtual_mailboxes": MAILBOXES},
            {},
            {
                "virtual_mailbox_maps": "lmdb:/etc/postfix/virtual_mailboxes",
                "virtual_mailbox_domains": ["shop.example"],
                "virtual_transport": "lmtp:unix:private/dovecot-lmtp",
            },
        ),
        # The last one is gone.
        (
            {},
            {"virtual_mailbox_maps": "lmdb:/etc/postfix/virtual_mailboxes"},
            {"virtual_mailbox_domains": None, "virtual_transport": None},
        ),
        # What somebody else has set is theirs.
        ({}, {"virtual_mailbox_maps": "lmdb:/etc/theirs", "virtual_transport": "theirs"}, {}),
    ],
)
def test_virtual_mailboxes(offers, live, parameters):
    found = plan(there=facts(live), **offers).parameters
    assert {name: value for name, value in found.items() if name.startswith(("virtual_mailbox", "virtual_transport"))} == parameters


def chain(length):
    return {f"a{number}@v.example": f"a{number + 1}@v.example" for number in range(length)}


LARGE, LONG = {"all@v.example": [f"u{number}@far.example" for number in range(1200)]}, chain(1001)


@pytest.mark.parametrize(
    ("aliases", "live", "limits"),
    [
        ({}, {}, [NOT_SET, NOT_SET]),
        (LARGE, {}, [1200, 1000]),
        (LARGE, {"virtual_alias_expansion_limit": "1200"}, [NOT_SET, NOT_SET]),
        (LARGE, {"virtual_alias_expansion_limit": "1199", "virtual_alias_recursion_limit": "2000"}, [1200, 2000]),
        # Whatever that is.
        (LARGE, {"virtual_alias_expansion_limit": "$other"}, [1200, 1000]),
        ({}, {"virtual_alias_expansion_limit": "$other"}, [NOT_SET, NOT_SET]),
        (LONG, {}, [1000, 1002]),
        (LONG, {"virtual_alias_recursion_limit": "1002"}, [NOT_SET, NOT_SET]),
        (LONG, {"virtual_alias_recursion_limit": "1001", "virtual_alias_expansion_limit": "3000"}, [3000, 1002]),
    ],
)
def test_there_is_room_for_the_largest_virtual_alias(aliases, live, limits):
    found = plan({"postfix_virtual_alias_domains": ["v.example"], "postfix_virtual_aliases": aliases}, facts(live)).parameters
    assert [found.get(f"virtual_alias_{what}_limit", NOT_SET) for what in ("expansion", "recursion")] == limits


@pytest.mark.parametrize(
    ("virtual_aliases", "code"),
    [({"@alias.example": "@far.example"}, 550), ({"@alias.example": "alice"}, NOT_SET)],
)
def test_who_is_nobody_in_a_domain_of_another_host_is_refused_for_good(virtual_aliases, code):
    found = plan({"postfix_virtual_alias_domains": ["alias.example"], "postfix_virtual_aliases": virtual_aliases})
    assert found.parameters.get("unverified_recipient_reject_code", NOT_SET) == code


@pytest.mark.parametrize(
    ("variables", "offers", "live", "parameters"),
    [
        ({}, {}, {}, {}),
        (
            {},
            QUOTA,
            {},
            {
                "ask_quota": ASK_QUOTA,
                "smtpd_restriction_classes": ["ask_quota"],
                "smtpd_recipient_restrictions": [f"check_recipient_access inline:{{{DESTINATIONS}}}"],
            },
        ),
        # Domains below those of mailboxes are left out, and restrictions and classes of others stay.
        (
            {
                "postfix_mydestination": ["example.org"],
                "postfix_virtual_alias_domains": ["lists.example.org"],
                "postfix_recipient_access": {"old@example.org": "REJECT"},
            },
            {**QUOTA, "virtual_mailboxes": MAILBOXES, "relayed_domains": ["relay.shop.example"]},
            {"smtpd_restriction_classes": "theirs, ask_quota"},
            {
                "ask_quota": ASK_QUOTA,
                "smtpd_restriction_classes": ["theirs", "ask_quota"],
                "smtpd_recipient_restrictions": [
                    "check_recipient_access lmdb:/etc/postfix/recipient_access",
                    "check_recipient_access inline:{example.org=ask_quota, shop.example=ask_quota,"
                    " lists.example.org=DUNNO, relay.shop.example=DUNNO}",
                ],
            },
        ),
        (
            {"postfix_parameters": {"smtpd_recipient_restrictions": "reject"}},
            QUOTA,
            {},
            {"ask_quota": ASK_QUOTA, "smtpd_restriction_classes": ["ask_quota"], "smtpd_recipient_restrictions": "reject"},
        ),
        # Nobody has a quota any more.
        (
            {},
            {},
            {"ask_quota": ASK_QUOTA, "smtpd_restriction_classes": "ask_quota", "smtpd_recipient_restrictions": "x ask_quota"},
            {"ask_quota": None, "smtpd_restriction_classes": None, "smtpd_recipient_restrictions": None},
        ),
        ({"postfix_quota_service": ""}, QUOTA, {}, {}),
    ],
)
def test_full_mailboxes(variables, offers, live, parameters):
    found = plan(variables, facts(live), **offers).parameters
    names = ("ask_quota", "smtpd_restriction_classes", "smtpd_recipient_restrictions")
    assert {name: found[name] for name in names if name in found} == parameters


def test_nothing_of_another_roles_is_said():
    assert {name.partition("_")[0] for name in VARIABLES} == {"mail", "host", "postfix"}
