# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fetchmail_problems
short_description: Check the accounts of fetchmail
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Reports, before anything is written, the accounts that M(postroom.mail.fetchmail_config) would refuse on any host.
options:
  _input:
    description: The accounts, as for the option O(postroom.mail.fetchmail_config#module:accounts).
    type: list
    elements: dict
    required: true
  settings:
    description: Settings for all of them, as for the option O(postroom.mail.fetchmail_config#module:settings).
    type: dict
    default: {}
  users:
    description:
      - The users of the host, as for the option O(postroom.mail.mail_user#module:users). A user with the state V(absent) owns no account.
    type: list
    elements: dict
    default: []
seealso:
  - plugin: postroom.mail.fetchmail_config
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Refuse accounts that fetchmail could not work with
  ansible.builtin.assert:
    that: fetchmail_accounts | postroom.mail.fetchmail_problems == []
"""

RETURN = r"""
_value:
  description: The problems that must be put right, one sentence each. No sentence contains a password.
  type: list
  elements: str
"""

import typing as t


def _worked_out(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _worked_out(inner) for key, inner in value.items()}
    return [_worked_out(inner) for inner in value] if isinstance(value, list) else value


def fetchmail_problems(accounts: t.Any, settings: t.Any = None, users: t.Any = ()) -> list[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._plan.fetchmail import problems

    # Ansible works a value out when it is looked at, and cannot load a filter for that while the validator copies the accounts.
    return problems(_worked_out(accounts), settings or {}, users or ())


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fetchmail_problems": fetchmail_problems}
