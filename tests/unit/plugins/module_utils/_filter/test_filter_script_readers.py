# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The readers of a user's Sieve script: the process of that user, and root."""

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_filter import NoUser
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.filter_host import FakeHost

HEADER = "# Managed by postroom.mail: what is changed in this file by hand is overwritten.\n"
SIEVE = "etc/dovecot/sieve"
REST = {"name": "rest", "discard": True}


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def test_only_the_account_of_the_mailboxes_reads_the_script_of_a_virtual_user(host):
    for name in ("carol@shop.example.sieve", "carol@shop.example.svbin"):
        # Of a version that let everybody read it.
        host.write(f"{SIEVE}/users/{name}", HEADER, 0o644)
    host.bring(users=[{"name": "carol@shop.example", "rules": [REST]}], virtual_account="vmail")
    assert host.mode(f"{SIEVE}/users/carol@shop.example.sieve") == 0o640
    assert host.mode(f"{SIEVE}/users/carol@shop.example.svbin") == 0o640


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("user", "account", "message", "may_come"),
    [
        ("carol@shop.example", None, "'virtual_account' is missing, .* the rules of 'carol@shop.example'", False),
        ("carol@shop.example", "gone", "no account 'gone' on this host, .* the rules of 'carol@shop.example'", True),
        ("dave", "vmail", "no user 'dave' on this host to sort mail for by Sieve; add the user to mail_users", True),
    ],
)
def test_a_script_that_only_everybody_could_read_is_refused(host, user, account, message, may_come, check_mode):
    before = host.tree()
    wanted = {"users": [{"name": user, "rules": [REST]}], "virtual_account": account, "check_mode": check_mode}
    if may_come and check_mode:
        assert host.bring(**wanted).changed
        assert re.match(f"Unless the play mends it before: .*{message}", host.warnings[0])
    else:
        with pytest.raises(NoUser, match=message):
            host.bring(**wanted)
    assert host.tree() == before
