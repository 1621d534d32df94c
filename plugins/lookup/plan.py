# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
short_description: Return what a role of this collection wants of the host
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns the part of one role in the plan that M(postroom.mail.mail_plan) has made, in the words of the collection's modules.
  - It is for the tasks of the role itself.
options:
  _terms:
    description: The name of the role.
    type: list
    elements: str
    required: true
seealso:
  - module: postroom.mail.mail_plan
"""

EXAMPLES = r"""
---
- name: Set the parameters of main.cf
  postroom.mail.postfix_config:
    parameters: "{{ lookup('postroom.mail.plan', 'postfix').parameters }}"
"""

RETURN = r"""
_raw:
  description: One dictionary for each name. Some hold passwords.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans


class LookupModule(LookupBase):
    """Reads what was planned."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        plans = Plans(variables["inventory_hostname"])
        try:
            return [plans.part(str(role)) for role in terms]
        except LookupError as e:
            raise AnsibleLookupError(str(e)) from None
