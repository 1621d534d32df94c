# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable

VERSIONS = {"dovecot_config_version": "2.4.0", "dovecot_storage_version": "2.4.0"}


@pytest.mark.parametrize(
    ("neutral", "old", "new"),
    [
        (
            {"login_greeting": "Hi", "first_valid_uid": 1000},
            {"login_greeting": "Hi", "first_valid_uid": 1000},
            {"login_greeting": "Hi", "first_valid_uid": 1000},
        ),
        # What is Dovecot's own value needs no line: as one, Dovecot 2.4.5 refuses the 0.
        ({"last_valid_uid": 0, "last_valid_gid": "0", "first_valid_gid": 1}, {}, {}),
        ({"last_valid_uid": 65533, "first_valid_gid": 100},) * 3,
        ({"ssl_server_cert_file": "/c"}, {"ssl_cert": "</c"}, {"ssl_server_cert_file": "/c"}),
        ({"ssl_server_key_file": "/k"}, {"ssl_key": "</k"}, {"ssl_server_key_file": "/k"}),
        ({"auth_allow_cleartext": False}, {"disable_plaintext_auth": True}, {"auth_allow_cleartext": False}),
        ({"auth_allow_cleartext": True}, {"disable_plaintext_auth": False}, {"auth_allow_cleartext": True}),
        ({"ssl_server_prefer_ciphers": "server"}, {"ssl_prefer_server_ciphers": True}, {"ssl_server_prefer_ciphers": "server"}),
        ({"ssl_server_prefer_ciphers": "client"}, {"ssl_prefer_server_ciphers": False}, {"ssl_server_prefer_ciphers": "client"}),
        ({"mail_home": None}, {}, {}),
        (
            {"auth_username_format": "%{user|username|lower}"},
            {"auth_username_format": "%Ln"},
            {"auth_username_format": "%{user|username|lower}"},
        ),
        (
            {"mail_location": "maildir:~/Maildir"},
            {"mail_location": "maildir:~/Maildir"},
            {"mail_driver": "maildir", "mail_path": "~/Maildir", "mail_inbox_path": "~/Maildir"},
        ),
        (
            {"mail_location": "mbox:~/mail:INBOX=/var/mail/%u"},
            {"mail_location": "mbox:~/mail:INBOX=/var/mail/%u"},
            {"mail_driver": "mbox", "mail_path": "~/mail", "mail_inbox_path": "/var/mail/%{user}"},
        ),
        (
            {"mail_location": "sdbox:/srv/%{user|domain}/%Ln:LAYOUT=fs:INDEX=/idx/%u"},
            {"mail_location": "sdbox:/srv/%d/%Ln:LAYOUT=fs:INDEX=/idx/%u"},
            {
                "mail_driver": "sdbox",
                "mail_path": "/srv/%{user|domain}/%{user|username|lower}",
                "mailbox_list_layout": "fs",
                "mail_index_path": "/idx/%{user}",
            },
        ),
        ({"protocols": ["imap", "imaps", "lmtp"]}, {"protocols": ["imap", "lmtp"]}, {"protocols": ["imap", "lmtp"]}),
        (
            {"protocols": ["imaps", "pop3"]},
            {
                "protocols": ["imap", "pop3"],
                "service imap-login": {"inet_listener imap": {"port": 0}},
                "service pop3-login": {"inet_listener pop3s": {"port": 0}},
            },
            {
                "protocols": ["imap", "pop3"],
                "service imap-login": {"inet_listener imap": {"port": 0}},
                "service pop3-login": {"inet_listener pop3s": {"port": 0}},
            },
        ),
        ({"auth_internal_failure_delay": "12 secs"}, {}, {"auth_internal_failure_delay": "12 secs"}),
        ({"auth_penalty": True, "auth_failure_delay": "2 secs"}, {"auth_failure_delay": "2 secs"}, {"auth_failure_delay": "2 secs"}),
        (
            {"auth_penalty": False},
            {"service anvil": {"unix_listener anvil-auth-penalty": {"mode": "0"}}},
            {"service anvil": {"unix_listener anvil-auth-penalty": {"mode": "0"}}},
        ),
        ({"protocols": "lmtp"}, {"protocols": ["lmtp"]}, {"protocols": ["lmtp"]}),
        (
            {"protocols": ["imap", "imaps", "pop3s"], "ports": {"imaps": 1993, "imap": 143, "pop3": 1110, "pop3s": "995"}},
            {
                "protocols": ["imap", "pop3"],
                "service imap-login": {"inet_listener imaps": {"port": 1993}},
                "service pop3-login": {"inet_listener pop3": {"port": 0}},
            },
            {
                "protocols": ["imap", "pop3"],
                "service imap-login": {"inet_listener imaps": {"port": 1993}},
                "service pop3-login": {"inet_listener pop3": {"port": 0}},
            },
        ),
        (
            {"protocols": ["imap", "imaps"], "login_processes": {"restart_request_count": 0, "process_min_avail": 2}},
            {"protocols": ["imap"], "service imap-login": {"process_min_avail": 2, "service_count": 0}},
            {"protocols": ["imap"], "service imap-login": {"process_min_avail": 2, "restart_request_count": "unlimited"}},
        ),
        (
            {"protocols": ["imaps"], "login_processes": {"restart_request_count": 5}},
            {"protocols": ["imap"], "service imap-login": {"inet_listener imap": {"port": 0}, "service_count": 5}},
            {"protocols": ["imap"], "service imap-login": {"inet_listener imap": {"port": 0}, "restart_request_count": 5}},
        ),
        (
            {
                "protocols": ["imap", "imaps"],
                "imap_client_workarounds": ["delay-newmail"],
                "pop3_client_workarounds": ["oe-ns-eoh"],
                "mail_max_userip_connections": 5,
            },
            {"protocols": ["imap"], "protocol imap": {"imap_client_workarounds": ["delay-newmail"], "mail_max_userip_connections": 5}},
            {"protocols": ["imap"], "protocol imap": {"imap_client_workarounds": ["delay-newmail"], "mail_max_userip_connections": 5}},
        ),
        ({"auth_worker_limit": 100}, {"auth_worker_max_count": 100}, {"service auth-worker": {"process_limit": 100}}),
        ({"lmtp_user_concurrency_limit": 0}, {"lmtp_user_concurrency_limit": 0}, {"lmtp_user_concurrency_limit": "unlimited"}),
        ({"lmtp_user_concurrency_limit": 5}, {"lmtp_user_concurrency_limit": 5}, {"lmtp_user_concurrency_limit": 5}),
        (
            {"auth_listeners": [{"path": "/a", "mode": "0660"}], "lmtp_listeners": []},
            {"service auth": {"unix_listener /a": {"mode": "0660"}}},
            {"service auth": {"unix_listener /a": {"mode": "0660"}}},
        ),
        (
            {
                "mailboxes": {
                    "Sent": {"special_use": "Sent", "auto": "subscribe"},
                    "Archive": {"special_use": ["\\Archive", "All"]},
                    "Plain": None,
                }
            },
            {
                "namespace inbox": {
                    "inbox": True,
                    "mailbox Sent": {"special_use": ["\\Sent"], "auto": "subscribe"},
                    "mailbox Archive": {"special_use": ["\\Archive", "\\All"]},
                    "mailbox Plain": {},
                }
            },
            {
                "namespace inbox": {
                    "inbox": True,
                    "mailbox Sent": {"special_use": ["\\Sent"], "auto": "subscribe"},
                    "mailbox Archive": {"special_use": ["\\Archive", "\\All"]},
                    "mailbox Plain": {},
                }
            },
        ),
        ({"passdb": [{"driver": "pam"}]}, {"passdb": [{"driver": "pam"}]}, {"passdb pam": {}}),
        (
            {"passdb": [{"driver": "pam", "service": "mail"}]},
            {"passdb": [{"driver": "pam", "args": "mail"}]},
            {"passdb pam": {"pam_service_name": "mail"}},
        ),
        (
            {
                "passdb": [
                    {"driver": "passwd-file", "path": "/deny", "deny": True},
                    {"driver": "passwd-file", "path": "/users", "scheme": "SHA512-CRYPT", "username_format": "%u"},
                ]
            },
            {
                "passdb": [
                    {"driver": "passwd-file", "args": "/deny", "deny": True},
                    {"driver": "passwd-file", "args": "scheme=SHA512-CRYPT username_format=%u /users"},
                ]
            },
            {
                "passdb deny": {"driver": "passwd-file", "passwd_file_path": "/deny", "deny": True},
                "passdb passwd-file": {
                    "passwd_file_path": "/users",
                    "default_password_scheme": "SHA512-CRYPT",
                    "auth_username_format": "%{user}",
                },
            },
        ),
        (
            {"passdb": [{"driver": "pam"}, {"driver": "pam", "service": "b"}]},
            {"passdb": [{"driver": "pam"}, {"driver": "pam", "args": "b"}]},
            {"passdb pam": {}, "passdb pam2": {"driver": "pam", "pam_service_name": "b"}},
        ),
        (
            {"userdb": [{"driver": "static", "fields": {"uid": "vmail", "home": "/srv/%d/%n"}}]},
            {"userdb": [{"driver": "static", "args": "uid=vmail home=/srv/%d/%n"}]},
            {"userdb static": {"fields": {"uid": "vmail", "home": "/srv/%{user|domain}/%{user|username}"}}},
        ),
        (
            {"userdb": [{"driver": "passwd", "fields": {"home": "/srv/%u"}, "result_failure": "continue"}]},
            {"userdb": [{"driver": "passwd", "override_fields": "home=/srv/%u", "result_failure": "continue"}]},
            {"userdb passwd": {"fields": {"home": "/srv/%{user}"}, "result_failure": "continue"}},
        ),
        ({"passdb": [{"driver": "shadow"}]}, {"passdb": [{"driver": "shadow"}]}, None),
    ],
)
def test_the_same_in_both_languages(neutral, old, new):
    given = copy.deepcopy(neutral)
    assert dialect.translate(neutral, "2.3.19.1") == old
    if new is not None:
        assert dialect.translate(neutral, "2.4.1-4") == {**VERSIONS, **new}
    assert neutral == given


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_settings_of_the_host_win_and_null_takes_out(version):
    neutral = {"ssl": "required", "listen": "*", "protocols": ["imaps"]}
    more = {"ssl": "yes", "listen": None, "service imap-login": {"inet_listener imap": {"port": 1143}, "client_limit": 7}, "late": 1}
    result = dialect.translate(neutral, version, more)
    assert result["ssl"] == "yes"
    assert result["listen"] is None
    assert result["service imap-login"] == {"inet_listener imap": {"port": 1143}, "client_limit": 7}
    # A plain setting behind a block would be warned about.
    assert list(result).index("late") < list(result).index("service imap-login")


def test_the_version_of_the_language_comes_first():
    assert list(dialect.translate({"listen": "*"}, "2.4.1"))[:2] == ["dovecot_config_version", "dovecot_storage_version"]


def test_nothing_given_is_changed():
    neutral = {"protocol imap": {"a": 1}}
    dialect.translate(neutral, "2.4", {"protocol imap": {"b": 2}})
    assert neutral == {"protocol imap": {"a": 1}}
    more = {"service auth": {"a": 1}}
    dialect.translate({"auth_listeners": [{"path": "/x"}]}, "2.4", more)
    assert more == {"service auth": {"a": 1}}


def test_a_mail_location_is_understood_for_both_or_refused_for_both():
    with pytest.raises(Untranslatable, match="'nonsense' is not understood"):
        dialect.translate({"mail_location": "nonsense"}, "2.3")


@pytest.mark.parametrize(
    ("neutral", "message"),
    [
        ({"mail_location": "Maildir"}, "write it as DRIVER:PATH"),
        ({"mail_location": "maildir:~/Maildir:UTF-8"}, "the option 'UTF-8'"),
        ({"passdb": [{"driver": "shadow"}]}, "use pam"),
        ({"userdb": [{"driver": "dict", "path": "/d"}]}, "userdb: Dovecot 2.4 has no driver 'dict' any more; use passwd-file"),
        ({"passdb": [{"driver": "checkpassword", "path": "/c"}]}, "passdb: Dovecot 2.4 has no driver 'checkpassword' any more"),
        ({"passdb": [{"driver": "oauth2", "path": "/o"}]}, "passdb: the database 'oauth2' has 'path'"),
        ({"userdb": [{"path": "/u"}]}, "userdb: a database has no driver; write one of passwd, passwd-file"),
    ],
)
def test_what_has_no_counterpart_is_said(neutral, message):
    with pytest.raises(Untranslatable, match=".*") as caught:
        dialect.translate(neutral, "2.4")
    assert message in str(caught.value)
