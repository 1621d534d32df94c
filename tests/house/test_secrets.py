# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No module writes a secret into the journal of the host."""

from __future__ import annotations

import typing as t

import pytest
from _house import ROOT
from ansible_collections.postroom.mail.tests.unit.plugins.modules.called import introduced

MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def is_secret(option: dict[str, t.Any]) -> bool:
    """Whether the option or one below it, however deep, must not be seen."""
    return bool(option.get("no_log")) or any(map(is_secret, option.get("options", {}).values()))


def logged(options: dict[str, dict[str, t.Any]], path: str = "") -> t.Iterator[str]:
    """Give the options that Ansible would log with a secret inside them."""
    for name, option in options.items():
        if is_secret(option) and not option.get("no_log"):
            yield f"{path}{name}"
        yield from logged(option.get("options", {}), f"{path}{name}.")


@pytest.mark.parametrize("name", MODULES)
def test_an_option_with_a_secret_inside_is_not_logged(name, monkeypatch):
    """Ansible logs a list or a dictionary as Python shows it, where a password with a backslash is not found to be hidden."""
    assert list(logged(introduced(name, monkeypatch)["argument_spec"])) == []


@pytest.mark.parametrize("name", MODULES)
def test_what_ansible_would_hide_is_told_apart(name, monkeypatch):
    """Every word of an option that is not logged would be hidden from the result."""
    if any(map(is_secret, introduced(name, monkeypatch)["argument_spec"].values())):
        assert "take_options(module" in (ROOT / f"plugins/modules/{name}.py").read_text()


def test_secrets_are_found_at_any_depth():
    inner = {"type": "dict", "options": {"password": {"type": "str", "no_log": True}}}
    assert list(logged({"a": {"type": "list", "options": {"b": inner}, "no_log": True}})) == ["a.b"]
