# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_variables import completed
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import MAILBOXES, facts


@pytest.mark.parametrize(
    ("there", "said", "variable", "value"),
    [
        (facts(), {}, "listen", ["*", "::"]),
        (facts({"ipv6": False}), {}, "listen", ["*"]),
        ({}, {}, "listen", ["*"]),
        (facts(), {}, "recipient_delimiter", "+"),
        (facts(), {"recipient_delimiter": "-"}, "recipient_delimiter", "-"),
        (facts(), {}, "auth_penalty", False),
        (facts(), {"sasl_provider": "sasldb"}, "auth_penalty", True),
        (facts(), {}, "virtual_users", []),
        (facts(), {"virtual_mailboxes": MAILBOXES}, "virtual_users", MAILBOXES["accounts"]),
        (facts(), {}, "sieve", False),
        (facts(), {"sieve": True}, "sieve", True),
        (facts(), {"sieve_before": ["/a"]}, "sieve_before", ["/a"]),
        (facts(), {"sieve_after": ["/b"]}, "sieve_after", ["/b"]),
        (facts(), {}, "sieve_max_redirects", 4),
        (facts(), {"sieve_max_redirects": 9}, "sieve_max_redirects", 9),
        (facts(), {}, "managesieve", False),
        (facts(), {"managesieve": True}, "managesieve", True),
    ],
)
def test_what_the_inventory_does_not_say_the_host_and_the_other_roles_say(there, said, variable, value):
    name = f"dovecot_{variable}"
    assert completed({}, there, Offers(**said))[name] == value
    assert completed({name: None}, there, Offers(**said))[name] == value
    for own in ("mine", "", [], False, 0):
        assert completed({name: own}, there, Offers(**said))[name] == own
