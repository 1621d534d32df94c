# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: parameter_problems
short_description: Find values that no main.cf and no master.cf can hold
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Checks names and values of parameters and services, without a host, before anything is written.
  - Facts that only a host's Postfix knows, such as the names of its parameters, are left to M(postroom.mail.postfix_config) and
    M(postroom.mail.postfix_service).
positional: _input, services
options:
  _input:
    description: Parameters, as for the option O(postroom.mail.postfix_config#module:parameters).
    type: dict
    required: true
  services:
    description: Services, as for the option O(postroom.mail.postfix_service#module:services).
    type: list
    elements: dict
    default: []
seealso:
  - plugin: postroom.mail.postfix_config
    plugin_type: module
  - plugin: postroom.mail.postfix_service
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Refuse values that cannot be written
  ansible.builtin.assert:
    that: "{'relayhost': '[mx.example]'} | postroom.mail.parameter_problems == []"
"""

RETURN = r"""
_value:
  description: The problems that must be put right, one sentence each.
  type: list
  elements: str
"""

import typing as t


def parameter_problems(parameters: t.Any, services: t.Any = ()) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
    from ansible_collections.postroom.mail.plugins.module_utils._postfix import values
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.service import wanted_from

    found: list[str] = []
    for name, value in parameters.items():
        try:
            values.check_name(str(name))
            if value is not None:
                values.render(str(name), value)
        except BadInput as e:
            found.append(f"postfix_parameters: {e}")
    for service in services:
        try:
            wanted_from({"overrides": None, **service})
        except BadInput as e:
            found.append(f"postfix_services: {e}")
    return found


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"parameter_problems": parameter_problems}
