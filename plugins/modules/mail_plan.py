#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_plan
short_description: Plan the change of a mail host
version_added: 0.1.0
description:
  - The first task of each role of this collection, and of a play with several of them.
  - It asks the host once in a play, with M(postroom.mail.mail_info), works out what all roles of the play want of it, and begins the change
    that M(postroom.mail.mail_change) carries out.
  - All that is wrong with the variables of all roles is told in one answer, before anything of the host is touched.
  - The tasks of the role read the plan with P(postroom.mail.plan#lookup).
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - It changes nothing.
  idempotent:
    support: full
options:
  anew:
    description: Ask the host again, because something was installed on it.
    type: bool
    default: false
seealso:
  - module: postroom.mail.mail_info
  - module: postroom.mail.mail_change
  - plugin: postroom.mail.plan
    plugin_type: lookup
"""

EXAMPLES = r"""
---
- name: Plan the change of the host
  postroom.mail.mail_plan:
  tags: [always]
"""

RETURN = r"""
findings:
  description: What nobody has to put right, and somebody should know, a sentence each.
  returned: when it was planned, which a play does once
  type: list
  elements: str
  sample: ["mail.example.org has no address, neither in /etc/hosts nor in DNS. Other mail servers distrust such a name."]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_plan import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
