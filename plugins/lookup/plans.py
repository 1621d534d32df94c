# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plans
short_description: Evaluate once the plans that many tasks of this collection's roles need
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Ansible evaluates a variable anew at each use, with all the variables in it. The plans of the roles use every
    variable of the inventory, and every task uses the plans.
  - Returns their values, each evaluated once, to be stored as a fact, C(host_plans).
options:
  _terms:
    description:
      - Names of plans, first those that the others take. For each name the lookup works out the variable of that name with C(_anew).
      - A plan is left out if its role is not in the play.
    type: list
    elements: str
    required: true
seealso:
  - plugin: ansible.builtin.vars
    plugin_type: lookup
"""

EXAMPLES = r"""
---
- name: Work out the plans of the roles
  ansible.builtin.set_fact:
    host_plans: "{{ lookup('postroom.mail.plans', 'host_virtual_mailboxes', 'sasl_plan') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One dictionary, the values by the names of their variables. Some hold passwords.
  type: list
  elements: dict
"""

import typing as t

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Evaluates the plans in order; each finds the earlier ones in host_plans, and no older host_plans counts."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        templar: t.Any = self._templar
        plans: dict[str, t.Any] = {}
        for name in terms:
            if f"{name}_anew" in variables:
                known = {**variables, "host_plans": dict(plans)}
                plans[name] = templar.copy_with_new_env(available_variables=known).template(variables[f"{name}_anew"])
        return [plans]
