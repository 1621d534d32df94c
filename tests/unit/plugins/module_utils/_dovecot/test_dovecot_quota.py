# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf, quota
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import DIALECTS, V23, V24
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable

LISTENER = {"path": "/var/spool/postfix/private/quota-status", "mode": "0600"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2G", "2G"),
        ("2g", "2G"),
        ("500 MB", "500M"),
        ("500MiB", "500M"),
        ("64k", "64K"),
        ("1T", "1T"),
        ("1048576B", "1048576B"),
        (0, "0"),
        ("0", "0"),
        ("unlimited", "0"),
        ("Unlimited", "0"),
    ],
)
def test_a_size_is_told_with_its_unit(given, told):
    assert quota.size(given) == told


@pytest.mark.parametrize("given", ["", "much", "1024", 1024, "-1G", "1.5G", "1G 2G", "1X", True, None, "1G\n*:ignore", "10%", "１G"])
def test_what_is_no_size(given):
    with pytest.raises(Untranslatable, match="is no size"):
        quota.size(given)


def test_the_settings_of_2_3():
    told = quota.settings({"limit": "1G", "listeners": [LISTENER]}, ["imap", "pop3"], V23)
    assert told == {
        "plugin": {
            "quota": "count:User quota",
            "quota_vsizes": True,
            "quota_rule": "*:storage=1G",
            "quota_status_success": "DUNNO",
            "quota_status_nouser": "DUNNO",
            "quota_status_overquota": "552 5.2.2 Mailbox is full",
        },
        "mail_plugins": ["quota"],
        "protocol imap": {"mail_plugins": ["quota", "imap_quota"]},
        "service quota-status": {
            "executable": "quota-status -p postfix",
            "client_limit": 1,
            "unix_listener /var/spool/postfix/private/quota-status": {"mode": "0600"},
        },
    }


def test_the_settings_of_2_4():
    told = quota.settings({"limit": "1G", "listeners": [LISTENER]}, ["imap"], V24)
    assert told["quota_storage_size"] == "1G"
    assert told["quota User quota"] == {"driver": "count"}
    assert told["quota_status_overquota"] == "552 5.2.2 Mailbox is full"
    assert told["mail_plugins"] == {"quota": True}
    assert told["protocol imap"] == {"mail_plugins": {"imap_quota": True}}
    assert told["service quota-status"]["executable"] == "quota-status -p postfix"


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_quotas_of_users_alone(dialect):
    told = str(quota.settings({"limit": None}, ["pop3"], dialect))
    assert "storage" not in told
    assert "imap" not in told
    assert "quota-status" not in told


@pytest.mark.parametrize(("dialect", "fields"), [(V23, {"userdb_quota_rule": "*:storage=2G"}), (V24, {"userdb_quota_storage_size": "2G"})])
def test_the_quota_of_a_user(dialect, fields):
    assert quota.user_fields("2G", dialect) == fields


@pytest.mark.parametrize("version", ["2.3.19", "2.4.1"])
def test_it_is_part_of_the_translation_and_can_be_written(version):
    neutral = {"protocols": ["imaps", "lmtp"], "mail_max_userip_connections": 20, "quota": {"limit": "1G", "listeners": [LISTENER]}}
    told = translate(neutral, version)
    # What the protocol has besides is still there.
    assert told["protocol imap"]["mail_max_userip_connections"] == 20
    assert "mail_plugins" in told["protocol imap"]
    text = conf.render_wanted(conf.wanted_from(told))
    assert "quota-status -p postfix" in text
    assert "quota" not in conf.render_wanted(conf.wanted_from(translate({**neutral, "quota": None}, version)))
