# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: own_address_patterns
short_description: Let every login own its own address
version_added: 0.1.0
author: The postroom.mail contributors (@postroom)
description:
  - Returns the rows of a regexp table for Postfix's C(smtpd_sender_login_maps) by which every login owns its own name,
    with any tag, in each of the given domains.
positional: _input, delimiter
options:
  _input:
    description: The domains with addresses that are local accounts.
    type: list
    elements: string
    required: true
  delimiter:
    description: The characters that begin a tag, C(recipient_delimiter) of Postfix.
    type: string
    default: +
"""

EXAMPLES = r"""
---
- name: Build the table by which every login owns its own address
  postroom.mail.postmap:
    path: /etc/postfix/sender_logins.regexp
    type: regexp
    entries: "{{ ['example.org'] | postroom.mail.own_address_patterns }}"
  # => [{"pattern": "/^([^@+]+)(\\+[^@]*)?@(example\\.org)$/", "value": "$1"}]
"""

RETURN = r"""
_value:
  description: The rows of the table, in order.
  type: list
  elements: dictionary
"""

import typing as t


def _own_address_patterns(domains: t.Any, delimiter: str = "+") -> t.Any:
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.sender_logins import own_address_patterns

    return own_address_patterns(list(domains), delimiter)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"own_address_patterns": _own_address_patterns}
