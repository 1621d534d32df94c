# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No module writes a secret into the journal of the host."""

from __future__ import annotations

import importlib
import typing as t

import pytest
from _house import ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def spec_of(name: str) -> dict[str, dict[str, t.Any]]:
    return importlib.import_module(f"ansible_collections.postroom.mail.plugins.module_utils._modules.{name}").DOOR.spec


def is_secret(option: dict[str, t.Any]) -> bool:
    """Tell if the option or one below it, however deep, must not be seen."""
    return bool(option.get("no_log")) or any(map(is_secret, option.get("options", {}).values()))


def logged(options: dict[str, dict[str, t.Any]], path: str = "") -> t.Iterator[str]:
    """Give the options that Ansible would log with a secret inside them."""
    for name, option in options.items():
        if is_secret(option) and not option.get("no_log"):
            yield f"{path}{name}"
        yield from logged(option.get("options", {}), f"{path}{name}.")


@pytest.mark.parametrize("name", MODULES)
def test_an_option_with_a_secret_inside_is_not_logged(name):
    """Ansible logs a list or a dictionary as Python shows it, where a password with a backslash is not found to be hidden."""
    assert list(logged(spec_of(name))) == []


def test_some_options_are_secret():
    assert any(is_secret(option) for name in MODULES for option in spec_of(name).values())


def test_secrets_are_found_at_any_depth():
    inner = {"type": "dict", "options": {"password": {"type": "str", "no_log": True}}}
    assert list(logged({"a": {"type": "list", "options": {"b": inner}, "no_log": True}})) == ["a.b"]
