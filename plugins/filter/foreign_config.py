# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: foreign_config
short_description: Find settings from another source that would be lost
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Returns the lookup tables and the values of C(main.cf) from another source that would be replaced.
  - Settings of the distributions' packages do not count. If C(main.cf) names tables of this collection, its parameters do not
    count either.
positional: parameters, postfix, host, by_hand
options:
  _input:
    description:
      - The tables to be written, as M(postroom.mail.postmap) takes them.
    type: list
    elements: dict
    required: true
  parameters:
    description:
      - The parameters to be set, as M(postroom.mail.postfix_config) takes them.
    type: dict
    required: true
  postfix:
    description:
      - The facts of Postfix, from M(postroom.mail.mail_info).
    type: dict
    required: true
  host:
    description:
      - The facts of the host, from M(postroom.mail.mail_info).
    type: dict
    required: true
  by_hand:
    description:
      - Parameters that the inventory sets itself; they never count as lost.
    type: dict
    default: {}
seealso:
  - module: postroom.mail.mail_info
"""

EXAMPLES = r"""
- name: Show the settings that would be lost
  ansible.builtin.debug:
    msg: "{{ [{'path': '/etc/postfix/virtual'}] | postroom.mail.foreign_config({}, host_info.postfix, host_info.host) }}"
  # => ["/etc/postfix/virtual"]
"""

RETURN = r"""
_value:
  description: The paths of tables, and parameters with the lost values; empty where nothing is lost.
  type: list
  elements: str
"""

import typing as t


def foreign_config(
    tables: t.Any, parameters: dict[str, t.Any], postfix: dict[str, t.Any], host: dict[str, t.Any], by_hand: dict[str, t.Any] | None = None
) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.foreign_config import lost

    return lost(tables, parameters, postfix=postfix, host=host, by_hand=by_hand)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"foreign_config": foreign_config}
