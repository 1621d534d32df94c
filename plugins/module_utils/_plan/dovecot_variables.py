# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role dovecot, as its contract promises them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers

Entry = t.Mapping[str, t.Any]
# The command line gives numbers as texts.
Number = t.Union[int, str]


class Variables(t.TypedDict, total=False):
    """Those that may be None, or missing, are then as the host and the other roles of the play say."""

    dovecot_protocols: t.Sequence[str]
    dovecot_listen: t.Sequence[str]  # or None
    dovecot_ports: Entry
    dovecot_hostname: str  # or None
    dovecot_postmaster_address: str  # or None
    dovecot_recipient_delimiter: str  # or None
    dovecot_tls_certificate: str  # or None
    dovecot_tls_private_key: str  # or None
    dovecot_tls_min_protocol: str
    dovecot_tls_ciphers: str
    dovecot_allow_cleartext_logins: bool
    dovecot_mail_location: str
    dovecot_mail_privileged_group: str  # or None
    dovecot_mbox_read_locks: t.Sequence[str]
    dovecot_mbox_write_locks: t.Sequence[str]
    dovecot_mailboxes: Entry
    dovecot_auth_mechanisms: t.Sequence[str]
    dovecot_auth_failure_delay: str
    dovecot_auth_penalty: bool  # or None
    dovecot_auth_username_format: str
    dovecot_passdbs: t.Sequence[Entry]
    dovecot_userdbs: t.Sequence[Entry]
    dovecot_virtual_users: t.Sequence[Entry]  # or None
    dovecot_quota: Number
    dovecot_sieve: bool  # or None
    dovecot_sieve_before: t.Sequence[str]  # or None
    dovecot_sieve_after: t.Sequence[str]  # or None
    dovecot_sieve_max_redirects: Number  # or None
    dovecot_managesieve: bool  # or None
    dovecot_databases: t.Sequence[Entry]
    dovecot_denied_users: t.Sequence[str]
    dovecot_first_valid_uid: Number
    dovecot_last_valid_uid: Number
    dovecot_first_valid_gid: Number
    dovecot_last_valid_gid: Number
    dovecot_mail_max_userip_connections: Number
    dovecot_login_processes: Entry
    dovecot_auth_worker_limit: Number  # or None
    dovecot_lmtp_user_concurrency_limit: Number
    dovecot_imap_client_workarounds: t.Sequence[str]
    dovecot_pop3_client_workarounds: t.Sequence[str]
    dovecot_lmtp_listeners: t.Sequence[Entry]
    dovecot_quota_listeners: t.Sequence[Entry]
    dovecot_auth_listeners: t.Sequence[Entry]
    dovecot_settings: Entry
    dovecot_replace_config: bool


def completed(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Variables:
    """*variables* with what the host and the other roles say of those that are None or missing."""
    is_mbox = str(variables["dovecot_mail_location"]).startswith("mbox:")
    others: Variables = {
        "dovecot_hostname": variables["host_fqdn"],
        "dovecot_postmaster_address": f"postmaster@{variables['host_domain']}",
        "dovecot_tls_certificate": variables["host_tls_certificate"],
        "dovecot_tls_private_key": variables["host_tls_private_key"],
        "dovecot_mail_privileged_group": "mail" if is_mbox else "",
        # With databases each process has connections of its own to their servers.
        "dovecot_auth_worker_limit": 30 if variables["dovecot_databases"] else 100,
        "dovecot_listen": ["*", "::"] if facts.get("host", {}).get("ipv6") else ["*"],
        "dovecot_recipient_delimiter": offers.recipient_delimiter,
        # Postfix waits no longer than ten seconds for an answer, and the penalty can be fifteen.
        "dovecot_auth_penalty": offers.sasl_provider != "dovecot",
        "dovecot_virtual_users": (offers.virtual_mailboxes or {}).get("accounts", []),
        "dovecot_sieve": offers.sieve,
        "dovecot_sieve_before": offers.sieve_before,
        "dovecot_sieve_after": offers.sieve_after,
        "dovecot_sieve_max_redirects": offers.sieve_max_redirects,
        "dovecot_managesieve": offers.managesieve,
    }
    return t.cast("Variables", {**variables, **{name: value for name, value in others.items() if variables.get(name) is None}})
