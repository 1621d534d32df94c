# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix.owned_parameters import problems


@pytest.mark.parametrize(
    ("role", "name", "variable"),
    [
        ("relay_policy", "mynetworks", "mail_networks"),
        ("relay_policy", "smtpd_relay_restrictions", "relay_policy_mode"),
        ("sasl", "smtpd_sender_login_maps", "sasl_aliases and sasl_virtual_aliases"),
        ("postfix", "inet_protocols", "postfix_inet_protocols"),
    ],
)
def test_one_sentence_says_which_variable(role, name, variable):
    assert problems({"biff": False, name: None}, role) == [f"postfix_parameters sets {name}, which the role {role} owns: use {variable}."]


def test_what_a_role_does_not_write_is_free():
    by_hand = {"relayhost": "[smtp.example.net]", "transport_maps": "hash:/x", "smtpd_tls_auth_only": True, "virtual_alias_maps": "hash:/x"}
    assert problems(by_hand, "relay_policy", written=["mynetworks", "transport_maps"]) == [
        "postfix_parameters sets transport_maps, which the role relay_policy owns: use relay_policy_transport."
    ]
    assert problems(by_hand, "sasl") == problems(by_hand, "postfix") == problems({}, "sasl") == []
