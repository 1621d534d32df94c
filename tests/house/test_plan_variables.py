# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a role takes the variables that the role's contract promises, and no others."""

from __future__ import annotations

import importlib

import pytest
from _house import ROOT, load, roles
from _sample_play import PLAYS, parts

PLANS = "ansible_collections.postroom.mail.plugins.module_utils._plan"
PLANNED = [role for role in roles() if (ROOT / "plugins/module_utils/_plan" / f"{role}.py").exists()]


def promised(role: str) -> set[str]:
    return set(load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {}))


def test_there_are_plans():
    assert PLANNED


@pytest.mark.parametrize("role", PLANNED)
def test_the_variables_are_those_of_the_contract(role):
    taken = set(importlib.import_module(f"{PLANS}.{role}").Variables.__annotations__)
    # Every role may see those of the role host, too.
    assert taken - (promised("host") - promised(role)) == promised(role)


@pytest.mark.parametrize("role", PLANNED)
def test_a_plan_that_looks_names_up_says_so(role):
    asks = any(part.names_to_look_up for name in PLAYS for planned, part in parts(name).items() if planned == role)
    assert getattr(importlib.import_module(f"{PLANS}.{role}"), "LOOKS_UP_NAMES", False) is asks
