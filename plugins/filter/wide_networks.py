# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: wide_networks
short_description: Find networks that are far larger than that of one organisation
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns those items of a list in the style of Postfix's C(mynetworks) that hold a large part of the Internet or all of it, such as
    V(0.0.0.0/0), V(128.0.0.0/1), V([::]/0) or V(64:ff9b::/96), in which every IPv4 address stands once.
  - The private networks are allowed as a whole. The filter does not resolve names or read lookup tables.
options:
  _input:
    description: The list.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
---
- name: Refuse a network that is too large for one organisation
  ansible.builtin.assert:
    that: networks | postroom.mail.wide_networks | length == 0
  vars:
    networks: [192.0.2.0/24, 10.0.0.0/8]
"""

RETURN = r"""
_value:
  description: Those that are too wide.
  type: list
  elements: str
"""

import typing as t


def wide_networks(networks: t.Any) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import too_wide

    items = networks if isinstance(networks, (list, tuple)) else [networks]
    return [word for item in items for word in too_wide(str(item))]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"wide_networks": wide_networks}
