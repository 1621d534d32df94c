# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_neutral_settings import VIRTUAL_USERS, neutral_settings
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_variables import completed
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import MARIADB, VARIABLES, facts

LISTENER = {"path": "/run/x"}


def neutral(variables=None, domains=(), *, has_quota=False):
    given = completed({**VARIABLES, **(variables or {})}, facts(), Offers())
    return neutral_settings(given, domains, has_quota=has_quota)


def test_what_is_passed_on_as_it_is():
    names = {
        "listen": "dovecot_listen",
        "ports": "dovecot_ports",
        "hostname": "dovecot_hostname",
        "postmaster_address": "dovecot_postmaster_address",
        "ssl_server_cert_file": "dovecot_tls_certificate",
        "ssl_server_key_file": "dovecot_tls_private_key",
        "ssl_min_protocol": "dovecot_tls_min_protocol",
        "ssl_cipher_list": "dovecot_tls_ciphers",
        "auth_mechanisms": "dovecot_auth_mechanisms",
        "auth_failure_delay": "dovecot_auth_failure_delay",
        "auth_penalty": "dovecot_auth_penalty",
        "auth_username_format": "dovecot_auth_username_format",
        "mail_location": "dovecot_mail_location",
        "first_valid_uid": "dovecot_first_valid_uid",
        "last_valid_uid": "dovecot_last_valid_uid",
        "first_valid_gid": "dovecot_first_valid_gid",
        "last_valid_gid": "dovecot_last_valid_gid",
        "databases": "dovecot_databases",
        "denied_users": "dovecot_denied_users",
        "mailboxes": "dovecot_mailboxes",
        "auth_listeners": "dovecot_auth_listeners",
        "lmtp_listeners": "dovecot_lmtp_listeners",
        "auth_worker_limit": "dovecot_auth_worker_limit",
        "lmtp_user_concurrency_limit": "dovecot_lmtp_user_concurrency_limit",
        "mail_max_userip_connections": "dovecot_mail_max_userip_connections",
        "imap_client_workarounds": "dovecot_imap_client_workarounds",
        "pop3_client_workarounds": "dovecot_pop3_client_workarounds",
    }
    settings = neutral({variable: [variable] for variable in names.values()})
    assert {name: settings[name] for name in names} == {name: [variable] for name, variable in names.items()}


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({}, "protocols", ["imaps", "pop3s", "lmtp"]),
        ({"dovecot_protocols": [], "dovecot_lmtp_listeners": []}, "protocols", []),
        ({"dovecot_managesieve": True}, "protocols", ["imaps", "pop3s", "lmtp", "sieve"]),
        ({}, "recipient_delimiter", None),
        ({"dovecot_recipient_delimiter": "-+"}, "recipient_delimiter", "-+"),
        ({"dovecot_recipient_delimiter": ""}, "recipient_delimiter", ""),
        ({}, "ssl", "required"),
        ({"dovecot_allow_cleartext_logins": True}, "ssl", "yes"),
        ({"dovecot_allow_cleartext_logins": True}, "auth_allow_cleartext", True),
        ({}, "auth_internal_failure_delay", None),
        ({"dovecot_databases": [MARIADB]}, "auth_internal_failure_delay", "12 secs"),
        ({"dovecot_databases": [MARIADB], "dovecot_auth_listeners": []}, "auth_internal_failure_delay", None),
        ({}, "auth_username_keep_domains", None),
        ({}, "mail_privileged_group", None),
        ({"dovecot_mail_privileged_group": "mail"}, "mail_privileged_group", "mail"),
        ({}, "mbox_read_locks", None),
        ({"dovecot_mbox_read_locks": ["fcntl"]}, "mbox_read_locks", ["fcntl"]),
        ({}, "mbox_write_locks", None),
        ({"dovecot_mbox_write_locks": ["dotlock"]}, "mbox_write_locks", ["dotlock"]),
        ({}, "passdb", [{"driver": "pam"}]),
        ({}, "userdb", [{"driver": "passwd"}]),
        ({}, "quota", None),
        ({}, "sieve", None),
        ({"dovecot_sieve": True}, "sieve", {"before": (), "after": (), "max_redirects": None}),
        (
            {"dovecot_sieve": True, "dovecot_sieve_before": ["/a"], "dovecot_sieve_after": ["/b"], "dovecot_sieve_max_redirects": "9"},
            "sieve",
            {"before": ["/a"], "after": ["/b"], "max_redirects": "9"},
        ),
        ({}, "pam_service", "postroom-dovecot"),
        ({}, "login_processes", None),
        ({"dovecot_login_processes": {"process_limit": 5}}, "login_processes", {"process_limit": 5}),
        ({"dovecot_lmtp_listeners": []}, "lmtp_user_concurrency_limit", None),
    ],
)
def test_what_depends(variables, setting, value):
    assert neutral(variables)[setting] == value


def test_owners_of_virtual_mailboxes_are_known_by_their_addresses_and_asked_for_first():
    settings = neutral({"dovecot_virtual_users": [{"name": "carol@shop.example"}]}, ["shop.example"])
    first = {"driver": "passwd-file", "path": VIRTUAL_USERS}
    assert settings["auth_username_keep_domains"] == ["shop.example"]
    assert (settings["passdb"], settings["userdb"]) == ([first, {"driver": "pam"}], [first, {"driver": "passwd"}])


def test_somebody_has_a_quota():
    settings = neutral({"dovecot_quota": "1G", "dovecot_quota_listeners": [LISTENER]}, has_quota=True)
    assert settings["quota"] == {"limit": "1G", "listeners": [LISTENER]}


def test_the_default_of_dovecot_takes_no_literal_address():
    assert neutral()["auth_username_chars"].endswith(".-_@[]:")
