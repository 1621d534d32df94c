# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: inventory_problems
short_description: Check the inventory's variables against the argument specifications of the roles
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Evaluates every variable that the inventory gives to a role of this collection, and checks it against that role's argument
    specification, before a filter or a module sees it.
  - Ansible itself validates the variables of a role only when that role starts, after the roles before it have written files, and
    it converts values only in a copy.
  - A variable that needs an answer of the host, C(host_info), or the plans from it, C(host_plans), is left out before there is one.
options:
  _terms:
    description: Names of variables to look at. Without any, all of them are looked at.
    type: list
    elements: str
seealso:
  - plugin: ansible.builtin.validate_argument_spec
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Refuse values of a wrong type
  ansible.builtin.fail:
    msg: "{{ query('postroom.mail.inventory_problems') | join(' ') }}"
  when: query('postroom.mail.inventory_problems') | length > 0
"""

RETURN = r"""
_raw:
  description: The problems that must be put right, one sentence each.
  type: list
  elements: str
"""

import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"


class LookupModule(LookupBase):
    """Looks at the variables as they were written."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        from ansible_collections.postroom.mail.plugins.module_utils._core.contract import problems

        contracts, defaults = _contracts()
        templar: t.Any = self._templar
        found: list[str] = []
        values: dict[str, t.Any] = {}
        for name in contracts:
            # The role's own defaults take time to evaluate, and need no check.
            if name not in variables or variables[name] == defaults.get(name) or (terms and name not in terms):
                continue
            try:
                values[name] = templar.template(variables[name])
            except AnsibleError as e:
                if "host_info" in variables or not any(f"'{answer}'" in str(e) for answer in ("host_info", "host_plans")):
                    found.append(f"{name} cannot be worked out: {_cause(e)}. Correct the name, or give it a value.")
        return found + problems(values, contracts)


def _contracts() -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the options of all roles by the names of their variables, with their defaults."""
    from ansible.module_utils.common.yaml import yaml_load

    contracts: dict[str, t.Any] = {}
    defaults: dict[str, t.Any] = {}
    for role in sorted(ROLES.iterdir()):
        specs = yaml_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
        contracts.update(specs["main"].get("options", {}))
        defaults.update(yaml_load((role / "defaults/main.yml").read_text()) or {})
    return contracts, defaults


def _cause(error: BaseException) -> str:
    """Return the sentence at the bottom of *error*, without its frame."""
    while isinstance(error.__cause__, AnsibleError):
        error = error.__cause__
    return str(getattr(error, "message", "") or error).rstrip(".")
