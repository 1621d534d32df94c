# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of docs/speed.md are in force; their speed belongs into the benchmark."""

from __future__ import annotations

import pytest

# 2.3 takes 0 for no limit.
SETTINGS = {
    "2.3": {"lmtp_user_concurrency_limit": "0", "auth_worker_max_count": "100", "mail_fsync": "optimized", "auth_cache_size": "0"},
    "2.4": {
        "lmtp_user_concurrency_limit": "unlimited",
        "service/auth-worker/process_limit": "100",
        "mail_fsync": "optimized",
        "auth_cache_size": "0",
    },
}


@pytest.fixture(scope="module")
def settings(mail):
    return SETTINGS[mail.out("dovecot --version")[:3]]


def test_settings_are_in_force(mail, settings):
    assert {name: mail.out(f"doveconf -h {name}") for name in settings} == settings


def test_more_mails_for_one_user_than_dovecot_takes_by_itself_wait_for_none(mail):
    # Straight over LMTP, as Postfix hands over mail for virtual mailboxes: twenty at a time.
    script = """
import socket
sessions = []
for n in range(20):
    session = socket.socket(socket.AF_UNIX)
    session.settimeout(20)
    session.connect("/var/spool/postfix/private/dovecot-lmtp")
    sessions.append((session, session.makefile("rb")))
for session, answers in sessions:
    answers.readline()
    session.sendall(b"LHLO test\\r\\n")
    while not answers.readline().startswith(b"250 "):
        pass
    session.sendall(b"MAIL FROM:<>\\r\\n")
    answers.readline()
replies = set()
for session, answers in sessions:
    session.sendall(b"RCPT TO:<bob>\\r\\n")
    replies.add(answers.readline()[:3].decode())
print(*replies)
"""
    assert mail.out(f"python3 -c '{script}'") == "250"
