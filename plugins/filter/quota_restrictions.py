# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quota_restrictions
short_description: Let smtpd ask whether a mailbox is full
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Returns the values of Postfix's C(smtpd_restriction_classes) and C(smtpd_recipient_restrictions) by which smtpd uses the
    restriction class C(ask_quota) only for recipients in the domains that have mailboxes.
  - Restriction classes of others stay.
options:
  _input:
    description:
      - The domains that have mailboxes. Without any, the values are those without the question.
    type: list
    elements: str
    required: true
  others:
    description:
      - Other domains for which the host accepts mail; one below a domain with mailboxes gets an exception by name.
    type: list
    elements: str
    default: []
  names:
    description:
      - The parameters that the domains may refer to, such as C(mydomain).
    type: dict
    default: {}
  live:
    description:
      - The parameters of C(main.cf), as M(postroom.mail.mail_info) reports them.
    type: dict
    default: {}
  by_hand:
    description:
      - Parameters that the inventory sets itself, and that win.
    type: dict
    default: {}
  planned:
    description:
      - The restrictions that come first.
    type: str
seealso:
  - plugin: postroom.mail.virtual_mailboxes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the domains for which smtpd asks
  ansible.builtin.debug:
    msg: "{{ (['example.org'] | postroom.mail.quota_restrictions).restrictions }}"
  # => ["check_recipient_access inline:{example.org=ask_quota}"]
"""

RETURN = r"""
_value:
  description: The values; V(null) stands for a parameter that must not be set.
  type: dict
  contains:
    classes:
      description: The value of C(smtpd_restriction_classes).
      type: list
      elements: str
    restrictions:
      description: The value of C(smtpd_recipient_restrictions).
      type: raw
    problems:
      description: The problems that must be put right, one sentence each.
      type: list
      elements: str
"""

import typing as t


def quota_restrictions(domains: t.Any, **more: t.Any) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.quota_restrictions import plan

    return plan(domains, **more)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"quota_restrictions": quota_restrictions}
