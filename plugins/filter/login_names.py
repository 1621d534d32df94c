# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: login_names
short_description: Add the names with realms to the owners of sender addresses
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Cyrus SASL hands Postfix the name as the client gave it, C(alice) or C(alice@mail.example.org). In the values of a table
    for C(smtpd_sender_login_maps), this filter replaces every login with all names of the same person.
  - Dovecot hands over one name, so that the table needs no change; without realms it stays as it is.
positional: _input, realms, apart
options:
  _input:
    description: The entries, a dictionary as from P(postroom.mail.sender_logins#filter) or rows as from
      P(postroom.mail.own_address_patterns#filter).
    type: raw
    required: true
  realms:
    description: The realms in which a login is the same person as without any.
    type: list
    elements: str
    required: true
  apart:
    description: The domains in each of which a login is a person of its own, so that an address there belongs to logins there alone.
    type: list
    elements: str
    default: []
seealso:
  - plugin: postroom.mail.sasl_plan
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Show the logins that can send from an alias, with and without realm
  ansible.builtin.debug:
    msg: "{{ {'sales@example.org': 'alice'} | postroom.mail.login_names(['mail.example.org']) }}"
  # => {"sales@example.org": "alice, alice@mail.example.org"}
"""

RETURN = r"""
_value:
  description: The same entries.
  type: raw
"""

import typing as t

from ansible.errors import AnsibleFilterError


def login_names(entries: t.Any, realms: t.Any, apart: t.Any = ()) -> t.Any:
    from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import known_as

    if not realms:
        return entries
    if isinstance(entries, t.Mapping):
        domains = {address: address.rpartition("@")[2] for address in entries}
        return {
            address: known_as(logins, realms, domains[address] if domains[address] in apart else "") for address, logins in entries.items()
        }
    if not isinstance(entries, list) or not all(isinstance(row, t.Mapping) and "value" in row for row in entries):
        raise AnsibleFilterError("login_names needs a dictionary of addresses and logins, or rows with a pattern and a value each.")
    return [{**row, "value": known_as(row["value"], realms)} for row in entries]


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"login_names": login_names}
