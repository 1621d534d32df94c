# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: sender_logins
short_description: Derive the logins that can send from an alias
version_added: 0.1.0
author: The postroom.mail contributors (@postroom)
description:
  - Makes the entries of a table for Postfix's C(smtpd_sender_login_maps) from the aliases of a host, so that
    exactly the users who get the mail of an alias can also send from it.
positional: _input, virtual_aliases, domains
options:
  _input:
    description: Local aliases, as in V(mail_aliases); name to one target or a list of targets.
    type: dictionary
    required: true
  virtual_aliases:
    description: Virtual aliases, as in V(mail_virtual_aliases).
    type: dictionary
    required: true
  domains:
    description: The domains with addresses that are local accounts and aliases.
    type: list
    elements: string
    required: true
  mailboxes:
    description: Addresses of virtual mailboxes. Their owners log in with the whole address, and each owns it.
    type: list
    elements: string
    default: []
  without_login:
    description:
      - Those of O(mailboxes) without a login. They have no owner, even if a user gets the rest of their domain's mail.
    type: list
    elements: string
    default: []
"""

EXAMPLES = r"""
---
- name: Build the table of the owners of sender addresses
  postroom.mail.postmap:
    path: /etc/postfix/sender_logins
    entries: "{{ {'wizards': ['root', 'alice'], 'root': 'alice'} | postroom.mail.sender_logins({}, ['example.org']) }}"
  # => {"wizards@example.org": "alice", "root@example.org": "alice"}
"""

RETURN = r"""
_value:
  description: Address to login names, joined by a comma and a space.
  type: dictionary
"""

import typing as t

from ansible.errors import AnsibleFilterError


def _sender_logins(
    aliases: t.Any, virtual_aliases: t.Any, domains: t.Any, mailboxes: t.Any = (), without_login: t.Any = ()
) -> dict[str, str]:
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.sender_logins import sender_logins

    if not isinstance(aliases, t.Mapping) or not isinstance(virtual_aliases, t.Mapping):
        raise AnsibleFilterError("sender_logins needs aliases as dictionaries of a name and its target or list of targets.")
    return sender_logins(dict(aliases), dict(virtual_aliases), list(domains), list(mailboxes), list(without_login))


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"sender_logins": _sender_logins}
