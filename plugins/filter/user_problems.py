# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: user_problems
short_description: Check the users of a mail host
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Reports, before anything is written, the users that M(postroom.mail.mail_user) would refuse on any host.
options:
  _input:
    description: The users, as for the option O(postroom.mail.mail_user#module:users).
    type: list
    elements: dict
    required: true
seealso:
  - plugin: postroom.mail.mail_user
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Refuse users that no host can have
  ansible.builtin.assert:
    that: mail_users | postroom.mail.user_problems == []
"""

RETURN = r"""
_value:
  description: The problems that must be put right, one sentence each.
  type: list
  elements: str
"""

import typing as t


def user_problems(users: t.Any) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
    from ansible_collections.postroom.mail.plugins.module_utils._passwords.accounts import users_from

    try:
        # A name or a comment of digits alone is a number in YAML, and a text to the module; a password must be one to YAML.
        number = int, float
        users_from([{k: str(v) if k != "password" and isinstance(v, number) else v for k, v in user.items()} for user in users])
    except BadInput as e:
        return [f"mail_users: {e}"]
    return []


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"user_problems": user_problems}
