# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""meta/argument_specs.yml is a role's contract: what it promises is what defaults/main.yml holds."""

from __future__ import annotations

import typing as t

import pytest
from _house import ROOT, load, roles

TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (float, int),
    "int": (int,),
    "list": (list,),
    "path": (str,),
    "raw": (object,),
    "str": (str,),
}


def entry_points(role: str) -> dict[str, dict[str, t.Any]]:
    return load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]


def spec(role: str) -> dict[str, dict[str, t.Any]]:
    return entry_points(role)["main"].get("options", {})


def options(role: str) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Give the options of every entry point of *role*, and those inside them."""
    for entry in entry_points(role).values():
        yield from _nested(entry.get("options", {}))


def _nested(listed: dict[str, dict[str, t.Any]]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, option in listed.items():
        yield name, option
        yield from _nested(option.get("options", {}))


def defaults(role: str) -> dict[str, t.Any]:
    return load(ROOT / "roles" / role / "defaults/main.yml") or {}


def is_template(value: t.Any) -> bool:
    return isinstance(value, str) and "{{" in value


@pytest.mark.parametrize("role", roles())
def test_defaults_and_contract_name_the_same_variables(role):
    optional = {name for name, option in spec(role).items() if not option.get("required")}
    assert set(defaults(role)) == optional


@pytest.mark.parametrize("role", roles())
def test_variables_carry_the_name_of_the_role(role):
    # Site-wide variables, which feed the defaults of several roles, start with mail_; the role host explains those.
    prefixes = ("host_", "mail_") if role == "host" else (f"{role}_",)
    assert [name for name in spec(role) if not name.startswith(prefixes)] == []


@pytest.mark.parametrize("role", roles())
def test_promised_default_is_the_default(role):
    promised = {name: option["default"] for name, option in spec(role).items() if "default" in option}
    actual = {name: value for name, value in defaults(role).items() if name in promised}
    assert promised == actual


@pytest.mark.parametrize("role", roles())
def test_every_variable_has_type_and_description(role):
    assert [name for name, option in options(role) if option.get("type") not in TYPES or not option.get("description")] == []


@pytest.mark.parametrize("role", roles())
def test_lists_say_what_they_hold(role):
    assert [name for name, option in options(role) if option["type"] == "list" and "elements" not in option] == []


@pytest.mark.parametrize("role", roles())
def test_defaults_are_of_the_promised_type(role):
    contract = spec(role)
    wrong = {
        name: value
        for name, value in defaults(role).items()
        if value is not None and not is_template(value) and not isinstance(value, TYPES[contract[name]["type"]])
    }
    assert wrong == {}


def test_services_are_promised_as_the_module_takes_them():
    from ansible_collections.postroom.mail.plugins.module_utils._modules.postfix_service import DOOR

    promised = spec("postfix")["postfix_services"]["options"]
    taken = DOOR.spec["services"]["options"]
    assert {name: {key: value for key, value in option.items() if key != "description"} for name, option in promised.items()} == taken
