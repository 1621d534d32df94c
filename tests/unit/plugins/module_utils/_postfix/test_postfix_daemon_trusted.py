# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import config
from ansible_collections.postroom.mail.plugins.module_utils._postfix import service as postfix_service
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix
from ansible_collections.postroom.mail.plugins.module_utils._postfix.restrictions import OpenRelay
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import BadValue
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost


@pytest.fixture
def postfix(tmp_path):
    (tmp_path / "main.cf").write_text("myhostname = mail.example.org\nmynetworks = 127.0.0.0/8, localhost, [::]/0\nnets = 10.0.0.0/8\n")
    (tmp_path / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    return Postfix(PostfixHost(), str(tmp_path))


def configure(postfix, parameters, **options):
    return config.configure(postfix, parameters, **options).change.after


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    "parameters",
    [
        {"mynetworks": ["127.0.0.0/8", "0.0.0.0/0"]},
        {"mynetworks": "127.0.0.0/8 64:ff9b::/96".replace("64:ff9b::", "[64:ff9b::]")},
        {"mynetworks": "static:all"},
        {"mynetworks": "$nets", "nets": "0.0.0.0/1"},
        {"permit_mx_backup_networks": "0.0.0.0/0"},
        {"smtpd_authorized_xclient_hosts": "0.0.0.0/0"},
    ],
)
def test_the_whole_world_is_no_network_to_trust(postfix, parameters, check_mode):
    with pytest.raises(OpenRelay, match="which is far larger than the network of one organisation"):
        configure(postfix, parameters, unknown="ignore", check_mode=check_mode)


def test_it_is_when_that_is_said(postfix):
    assert "mynetworks = 0.0.0.0/0\n" in configure(postfix, {"mynetworks": "0.0.0.0/0"}, open_relay=True)


def test_what_stands_there_is_not_held_against_a_change(postfix):
    """Names of clients are matched, too (postconf(5)); and whoever trusts the world already is told so by the report."""
    assert configure(postfix, {"smtpd_helo_required": True}).endswith("smtpd_helo_required = yes\n")
    value = "127.0.0.0/8 localhost [::]/0 192.0.2.0/24"
    assert f"mynetworks = {value}\n" in configure(postfix, {"mynetworks": value})
    with pytest.raises(BadValue, match="cannot contain 'locahost'"):
        configure(postfix, {"mynetworks": "127.0.0.0/8 localhost locahost"})


@pytest.mark.parametrize("overrides", [{"mynetworks": "0.0.0.0/0"}, {"mynetworks": "$everyone", "everyone": "0.0.0.0/0"}])
def test_a_service_does_not_trust_it_either(postfix, overrides):
    service = {"name": "10025", "type": "inet", "command": "smtpd", "overrides": overrides}
    with pytest.raises(OpenRelay, match=r"mynetworks cannot contain '0\.0\.0\.0/0'"):
        postfix_service.configure(postfix, [postfix_service.wanted_from(service)], unknown="ignore", check_mode=True)
