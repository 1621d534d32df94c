# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole dovecot.conf in the collection's own vocabulary; docs/dovecot.md lists how it is translated. Pure."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import CONFIG_DIRECTORY, PAM_SERVICE_FILE
from ansible_collections.postroom.mail.plugins.module_utils._filter.plan import USUAL_REDIRECTS
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_variables import Entry, Variables

Settings = dict[str, t.Any]

# The users of virtual mailboxes are in a file of their own.
VIRTUAL_USERS = f"{CONFIG_DIRECTORY}/postroom-virtual-users"
# Dovecot's default and []:, without which it bounces mail for alice@[192.0.2.1], an address that Postfix takes (RFC 5321).
USERNAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@[]:"


def neutral_settings(given: Variables, mailbox_domains: t.Sequence[str], *, has_quota: bool) -> Settings:
    """None stands for what Dovecot does by itself. In *mailbox_domains* a user is known by the whole address."""
    return {**_server(given), **_logins(given, mailbox_domains), **_mail(given), **_databases(given, has_quota), **_processes(given)}


def _server(given: Variables) -> Settings:
    lmtp = ["lmtp"] if given["dovecot_lmtp_listeners"] else []
    sieve = ["sieve"] if given["dovecot_managesieve"] else []
    delimiter = given["dovecot_recipient_delimiter"]
    return {
        "protocols": [*given["dovecot_protocols"], *lmtp, *sieve],
        "listen": given["dovecot_listen"],
        "ports": given["dovecot_ports"],
        "hostname": given["dovecot_hostname"],
        "postmaster_address": given["dovecot_postmaster_address"],
        "recipient_delimiter": delimiter if delimiter != "+" else None,
        "ssl": "yes" if given["dovecot_allow_cleartext_logins"] else "required",
        "ssl_server_cert_file": given["dovecot_tls_certificate"],
        "ssl_server_key_file": given["dovecot_tls_private_key"],
        "ssl_min_protocol": given["dovecot_tls_min_protocol"],
        "ssl_cipher_list": given["dovecot_tls_ciphers"],
    }


def _logins(given: Variables, mailbox_domains: t.Sequence[str]) -> Settings:
    return {
        "auth_allow_cleartext": given["dovecot_allow_cleartext_logins"],
        "auth_mechanisms": given["dovecot_auth_mechanisms"],
        "auth_failure_delay": given["dovecot_auth_failure_delay"],
        "auth_penalty": given["dovecot_auth_penalty"],
        # Of a server out of reach Postfix would hear what it tells the client as a wrong password (535). It waits for no more than ten
        # seconds, and then says 454.
        "auth_internal_failure_delay": "12 secs" if given["dovecot_databases"] and given["dovecot_auth_listeners"] else None,
        "auth_username_chars": USERNAME_CHARS,
        "auth_username_format": given["dovecot_auth_username_format"],
        "auth_username_keep_domains": mailbox_domains or None,
    }


def _mail(given: Variables) -> Settings:
    return {
        "mail_location": given["dovecot_mail_location"],
        "mail_privileged_group": given["dovecot_mail_privileged_group"] or None,
        "mbox_read_locks": given["dovecot_mbox_read_locks"] or None,
        "mbox_write_locks": given["dovecot_mbox_write_locks"] or None,
        "first_valid_uid": given["dovecot_first_valid_uid"],
        "last_valid_uid": given["dovecot_last_valid_uid"],
        "first_valid_gid": given["dovecot_first_valid_gid"],
        "last_valid_gid": given["dovecot_last_valid_gid"],
    }


def _databases(given: Variables, has_quota: bool) -> Settings:
    """The users of virtual mailboxes are asked for before everybody else."""
    virtual: list[Entry] = [{"driver": "passwd-file", "path": VIRTUAL_USERS}] if given["dovecot_virtual_users"] else []
    return {
        "passdb": [*virtual, *given["dovecot_passdbs"]],
        "userdb": [*virtual, *given["dovecot_userdbs"]],
        "quota": {"limit": given["dovecot_quota"], "listeners": given["dovecot_quota_listeners"]} if has_quota else None,
        "sieve": _scripts(given) if given["dovecot_sieve"] else None,
        "pam_service": os.path.basename(PAM_SERVICE_FILE),
        "databases": given["dovecot_databases"],
        "denied_users": given["dovecot_denied_users"],
    }


def _scripts(given: Variables) -> Settings:
    redirects = given["dovecot_sieve_max_redirects"]
    return {
        "before": given["dovecot_sieve_before"],
        "after": given["dovecot_sieve_after"],
        "max_redirects": redirects if int(redirects) != USUAL_REDIRECTS else None,
    }


def _processes(given: Variables) -> Settings:
    return {
        "mailboxes": given["dovecot_mailboxes"],
        "login_processes": given["dovecot_login_processes"] or None,
        "auth_listeners": given["dovecot_auth_listeners"],
        "lmtp_listeners": given["dovecot_lmtp_listeners"],
        "auth_worker_limit": given["dovecot_auth_worker_limit"],
        "lmtp_user_concurrency_limit": given["dovecot_lmtp_user_concurrency_limit"] if given["dovecot_lmtp_listeners"] else None,
        "mail_max_userip_connections": given["dovecot_mail_max_userip_connections"],
        "imap_client_workarounds": given["dovecot_imap_client_workarounds"],
        "pop3_client_workarounds": given["dovecot_pop3_client_workarounds"],
    }
