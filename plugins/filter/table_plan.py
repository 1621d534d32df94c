# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: table_plan
short_description: Plan the lookup tables that main.cf names
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - A table without entries does not exist, and its parameter has its default.
  - Returns the tables to build before main.cf is written and those to remove after it, and does not touch settings and tables of
    another source.
options:
  _input:
    description: The tables, with C(path) and C(entries), and C(type) where it is not the host's default.
    type: list
    elements: dict
    required: true
  uses:
    description: The parameters that name them, each with the path of its table, or with a restriction and the path.
    type: dict
    required: true
  host:
    description: The state of the host, RV(postroom.mail.mail_info#module:postfix).
    type: dict
    required: true
  more_tables:
    description: Further tables, which are the administrator's own.
    type: list
    elements: dict
    default: []
  more_parameters:
    description: Further parameters, which are the administrator's own and win.
    type: dict
    default: {}
  services:
    description: The administrator's own services of master.cf, which may name tables as well.
    type: list
    elements: dict
    default: []
  types_to_come:
    description: Types of tables that are not installed yet. Tables and parameters that take them are left out.
    type: list
    elements: str
    default: []
seealso:
  - plugin: postroom.mail.postmap
    plugin_type: module
  - plugin: postroom.mail.postfix_config
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Show the plan for a relocated table
  ansible.builtin.debug:
    msg: "{{ [table] | postroom.mail.table_plan({'relocated_maps': table.path}, host_info.postfix) }}"
  vars:
    table: {path: /etc/postfix/relocated, entries: {old@example.org: new@example.net}}
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    tables:
      description: The tables to build before main.cf is written, for the option O(postroom.mail.postmap#module:tables).
      type: list
      elements: dict
    parameters:
      description: The parameters to set; V(none) for one that named a table to remove.
      type: dict
    former:
      description: The tables to remove after main.cf was written, for the option O(postroom.mail.postmap#module:tables).
      type: list
      elements: dict
    problems:
      description: Parameters of another source that would be lost, as sentences.
      type: list
      elements: str
"""

import dataclasses
import typing as t


def table_plan(tables: t.Any, uses: t.Any, host: t.Any, **more: t.Any) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._tables.plan import plan

    made = plan(
        tables,
        uses,
        default_type=host["default_database_type"] or "hash",
        live=host["parameters"],
        managed=host["managed_tables"],
        **more,
    )
    # Not asdict(), which would copy every entry of every table.
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"table_plan": table_plan}
