# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A parameter of main.cf has one place where an inventory says it: a variable of the role that writes it, or postfix_parameters."""

from __future__ import annotations

import re

import pytest
from _house import ROOT, roles
from _ownership import PARAMETER, writes
from _sample_play import EVERYTHING, facts
from ansible_collections.postroom.mail.plugins.module_utils._plan import roles as plans
from ansible_collections.postroom.mail.plugins.module_utils._postfix.owned_parameters import VARIABLES, WITHOUT_VARIABLE


def parameters(role):
    return {name for kind, name in writes(role) if kind == PARAMETER}


@pytest.mark.parametrize("role", ["relay_policy", "sasl"])
def test_all_that_a_second_writer_writes_is_known(role):
    assert parameters(role) == set(VARIABLES[role]) | WITHOUT_VARIABLE[role]


def test_a_role_owns_what_it_writes():
    assert set(VARIABLES["postfix"]) <= parameters("postfix")


@pytest.mark.parametrize("role", VARIABLES)
def test_the_variables_are_the_roles_own(role):
    defaults = (ROOT / "roles" / role / "defaults/main.yml").read_text()
    for variable in " and ".join(VARIABLES[role].values()).split(" and "):
        assert re.search(rf"^{variable}:|{{ {variable} }}", defaults, re.MULTILINE), variable


@pytest.mark.parametrize("role", ["relay_policy", "sasl"])
def test_a_second_writer_leaves_out_what_was_given_by_hand(role):
    by_hand = dict.fromkeys(parameters(role), "x")
    parts = plans.plan({**EVERYTHING, "postfix_parameters": by_hand}, facts(), roles())
    assert dict(parts[role].parameters) == {}
    assert by_hand.items() <= parts["postfix"].parameters.items()
