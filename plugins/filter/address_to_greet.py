# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: address_to_greet
short_description: Find an address at which Postfix answers its own host
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns one address at which the host itself can reach its Postfix, by the interfaces and the IP versions that it uses.
positional: protocols
options:
  _input:
    description: The interfaces, as for Postfix's C(inet_interfaces).
    type: list
    elements: str
    required: true
  protocols:
    description: The IP versions, as for Postfix's C(inet_protocols), a list or one string.
    type: raw
    required: true
seealso:
  - module: postroom.mail.mail_probe
"""

EXAMPLES = r"""
---
- name: Check that Postfix answers
  postroom.mail.mail_probe:
    host: "{{ ['all'] | postroom.mail.address_to_greet('ipv6') }}"
    smtp: {port: 25, tls: none}
    stop_after: greeting
"""

RETURN = r"""
_value:
  description: An address, or a name where Postfix listens by its name only.
  type: str
"""

import typing as t


def address_to_greet(interfaces: t.Any, protocols: t.Any) -> str:
    from ansible_collections.postroom.mail.plugins.module_utils._plan import proof

    return proof.address_to_greet(interfaces, protocols)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"address_to_greet": address_to_greet}
