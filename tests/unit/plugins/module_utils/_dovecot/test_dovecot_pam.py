# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate


def test_pam_is_asked_by_the_service_of_the_role_unless_another_one_is_named():
    neutral = {"passdb": [{"driver": "pam"}, {"driver": "pam", "service": "mine"}], "pam_service": "postroom-dovecot"}
    assert translate(neutral, "2.3.19.1") == {
        "passdb": [{"driver": "pam", "args": "postroom-dovecot"}, {"driver": "pam", "args": "mine"}],
    }
    found = translate(neutral, "2.4.1")
    assert {name: block for name, block in found.items() if name.startswith("passdb")} == {
        "passdb pam": {"pam_service_name": "postroom-dovecot"},
        "passdb pam2": {"driver": "pam", "pam_service_name": "mine"},
    }
