# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_packages import packages

NOTHING = {
    "dovecot_protocols": [],
    "dovecot_lmtp_listeners": [],
    "dovecot_sieve": False,
    "dovecot_managesieve": False,
    "dovecot_databases": [],
}


def servers(*drivers):
    return {"dovecot_databases": [{"name": driver, "driver": driver} for driver in drivers]}


@pytest.mark.parametrize(
    ("variables", "debian", "red_hat"),
    [
        ({}, [], []),
        ({"dovecot_protocols": ["imap"]}, ["imapd"], []),
        ({"dovecot_protocols": ["pop3s", "imaps"]}, ["imapd", "pop3d"], []),
        ({"dovecot_protocols": ["pop3"]}, ["pop3d"], []),
        ({"dovecot_lmtp_listeners": [{"path": "/run/lmtp"}]}, ["lmtpd"], []),
        ({"dovecot_sieve": True}, ["sieve"], ["pigeonhole"]),
        ({"dovecot_managesieve": True}, ["managesieved"], ["pigeonhole"]),
        (servers("mysql", "pgsql"), ["mysql", "pgsql"], ["mysql", "pgsql"]),
        (servers("ldap", "sqlite"), ["sqlite", "ldap"], []),
        ({"dovecot_databases": [{"name": "x"}]}, [], []),
    ],
)
def test_what_serves_what(variables, debian, red_hat):
    given = {**NOTHING, **variables}
    assert packages(given, "Debian") == [f"dovecot-{name}" for name in ["core", *debian]]
    assert packages(given, "RedHat") == ["dovecot", *(f"dovecot-{name}" for name in red_hat)]
    assert packages(given, "Suse") == []
