# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: owned_parameters
short_description: Find parameters that a role owns among those that were given by hand
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Reports each parameter in C(postfix_parameters) that a variable of one of the roles sets, with that variable, so that no parameter
    has two writers.
positional: role
options:
  _input:
    description: Parameters of main.cf and their values, as in the variable C(postfix_parameters).
    type: dict
    required: true
  role:
    description: The role, one of V(postfix), V(relay_policy) and V(sasl).
    type: str
    required: true
  written:
    description: The parameters that the role writes in this run. Without them all that it ever writes count.
    type: raw
"""

EXAMPLES = r"""
---
- name: Refuse parameters of another role
  ansible.builtin.assert:
    that: postfix_parameters | postroom.mail.owned_parameters('relay_policy') | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each.
  type: list
  elements: str
"""

import typing as t


def owned_parameters(by_hand: t.Any, role: str, written: t.Any = None) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.owned_parameters import problems

    return problems(by_hand or {}, role, written)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"owned_parameters": owned_parameters}
