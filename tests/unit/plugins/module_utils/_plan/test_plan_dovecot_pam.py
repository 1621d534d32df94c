# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_pam import service

REFUSAL = "auth [success=ignore user_unknown=ignore default=die] pam_succeed_if.so quiet uid"


@pytest.mark.parametrize(
    ("first", "last", "refusals"),
    [(1000, 0, [f"{REFUSAL} >= 1000"]), (500, 60000, [f"{REFUSAL} >= 500", f"{REFUSAL} <= 60000"]), (0, -1, [f"{REFUSAL} >= 0"])],
)
def test_who_has_no_mail_is_refused_before_the_password_is_looked_at(first, last, refusals):
    assert service(first, last).splitlines() == [
        "# Managed by postroom.mail: changes made here are lost.",
        "auth optional pam_faildelay.so delay=2000000",
        *refusals,
        "auth include dovecot",
        "account include dovecot",
        "session include dovecot",
    ]
    assert service(first, last).endswith("dovecot\n")
