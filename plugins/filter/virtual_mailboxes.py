# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: virtual_mailboxes
short_description: Plan mailboxes without system accounts
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Turns a list of addresses with passwords into the settings of Postfix and Dovecot for them, and reports the problems before
    anything is written.
positional: _input, domains
options:
  _input:
    description:
      - The mailboxes, as in V(mail_virtual_users), each with its C(address), and C(password) or C(password_hash), C(quota) and C(state).
    type: list
    elements: dict
    required: true
  domains:
    description:
      - The domains in which there may be mailboxes, as in V(mail_virtual_domains).
    type: list
    elements: str
    required: true
  dovecot_version:
    description:
      - The version of Dovecot, which decides how a quota is written.
    type: str
    default: "2.4"
  directory:
    description:
      - Below which directory the mail is, in one directory a domain and one in it a mailbox.
    type: str
    default: /var/vmail
  account:
    description:
      - The system account that owns the mail.
    type: str
    default: vmail
seealso:
  - module: postroom.mail.dovecot_user
"""

EXAMPLES = r"""
- name: Keep the users of the mailboxes
  postroom.mail.dovecot_user:
    path: /etc/dovecot/users
    users: "{{ (users | postroom.mail.virtual_mailboxes(['shop.example'], dovecot_version='2.3')).accounts }}"
    exclusive: true
  vars:
    users:
      - {address: carol@shop.example, password: "{{ vault_carol }}", quota: 2G}
"""

RETURN = r"""
_value:
  description: The plan. As long as there are problems, it has no mailboxes.
  type: dict
  contains:
    problems:
      description: The problems that must be put right, one sentence each.
      type: list
      elements: str
    domains:
      description: The domains that have mailboxes, for C(virtual_mailbox_domains).
      type: list
      elements: str
    alias_domains:
      description: The other domains, which have virtual aliases only.
      type: list
      elements: str
    addresses:
      description: The addresses that must exist, for C(virtual_mailbox_maps).
      type: list
      elements: str
    accounts:
      description: The users, as the option O(postroom.mail.dovecot_user#module:users) takes them.
      type: list
      elements: dict
"""

import typing as t


def virtual_mailboxes(users: t.Any, domains: t.Any, **more: t.Any) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.virtual_mailboxes import plan

    return plan(users, domains, **more)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"virtual_mailboxes": virtual_mailboxes}
