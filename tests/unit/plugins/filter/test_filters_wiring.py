# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters whose work is another file's: under their name they give what the core gives, for what a template hands over."""

from __future__ import annotations

import importlib
import pathlib

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins import filter as filters

PACKAGE = "ansible_collections.postroom.mail.plugins.filter"
NAMES = sorted(path.stem for directory in filters.__path__ for path in pathlib.Path(directory).glob("*.py"))
SMARTHOST = {"relayhost": "[smtp.example.com]:587", "username": "al", "password": "geheim"}


def the(name):
    return importlib.import_module(f"{PACKAGE}.{name}").FilterModule().filters()[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_has_the_name_of_its_file(name):
    assert callable(the(name))


def test_patterns_of_the_users_own_addresses():
    patterns = the("own_address_patterns")({"example.org": None}.keys(), "+")
    assert patterns == the("own_address_patterns")(["example.org"])
    assert "example" in str(patterns)


def test_who_may_send_as_whom():
    logins = the("sender_logins")({"info": "alice"}, {}, ["example.org"])
    assert logins["info@example.org"] == "alice"
    with pytest.raises(AnsibleFilterError, match="sender_logins needs aliases as dictionaries"):
        the("sender_logins")(["alice"], {}, ["example.org"])


def test_a_plan_of_the_way_out():
    plan = the("relay_plan")([SMARTHOST], "closed")
    assert (plan["relayhost"], plan["passwords"], plan["problems"]) == (
        "[smtp.example.com]:587",
        {"[smtp.example.com]:587": "al:geheim"},
        [],
    )
    assert plan["mynetworks"]
    wrong = the("relay_plan")([{**SMARTHOST, "tls": "no"}], "networks", ["0.0.0.0/0"])
    assert len(wrong["problems"]) == 2


@pytest.mark.parametrize("smarthosts", [["geheim"], 5, [["geheim"]]])
def test_a_way_out_that_cannot_be_read_shows_no_password(smarthosts):
    with pytest.raises(AnsibleFilterError, match="relay_plan cannot read its input") as told:
        the("relay_plan")(smarthosts, "closed")
    assert "geheim" not in str(told.value)


def test_what_somebody_else_has_set_up_is_told():
    postfix = {"foreign_tables": [], "managed_tables": [], "parameters": {"mydestination": "localhost, shop.example"}}
    wanted = {"mydestination": "localhost, example.org"}
    assert the("foreign_config")([], wanted, postfix, {}) == ["mydestination = shop.example"]
    assert the("foreign_config")([], wanted, postfix, {}, wanted) == []
