# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.dovecot_settings import FilterModule

dovecot_settings = FilterModule().filters()["dovecot_settings"]


def test_it_translates_and_merges():
    assert dovecot_settings({"ssl_server_cert_file": "/c"}, "2.3.19.1", more={"ssl": "yes"}) == {"ssl_cert": "</c", "ssl": "yes"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], "2.4"), "The neutral settings must be a dictionary"),
        (({}, "2.4", ["x"]), "The settings in 'more' must be a dictionary"),
        (({"mail_location": "x"}, "2.4"), "mail_location 'x' is not understood"),
    ],
)
def test_what_is_wrong_is_said_in_ansibles_way(arguments, message):
    with pytest.raises(AnsibleFilterError, match=".*") as caught:
        dovecot_settings(*arguments)
    assert message in str(caught.value)
