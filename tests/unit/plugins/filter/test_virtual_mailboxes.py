# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.filter.virtual_mailboxes import FilterModule

virtual_mailboxes = FilterModule().filters()["virtual_mailboxes"]


def test_it_plans_in_the_language_of_the_host():
    users = [{"address": "carol@shop.example", "quota": "1G"}]
    found = virtual_mailboxes(users, ["shop.example"], dovecot_version="2.3.19", directory="/srv/mail", account="post")
    assert found["domains"] == ["shop.example"]
    (account,) = found["accounts"]
    assert account["uid"] == account["gid"] == "post"
    assert account["home"] == "/srv/mail/shop.example/carol"
    assert account["extra_fields"] == {"userdb_quota_rule": "*:storage=1G"}


def test_it_says_what_is_wrong():
    assert len(virtual_mailboxes([{"address": "carol"}], ["shop.example"])["problems"]) == 1
