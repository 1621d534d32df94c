#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_file
short_description: Write files that a mail daemon reads
version_added: 0.1.0
description:
  - Writes files as a whole, any number in one call, and takes files away.
  - A file that is as wanted is not written. Each file is replaced in one step.
  - In a role of this collection the files are part of the host's change, as P(postroom.mail.mail_change#module) describes it.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of a file that is O(files[].secret) the diff only tells that it changes.
  idempotent:
    support: full
options:
  files:
    description: The files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The absolute path. Its directory must be there.
        type: path
        required: true
      content:
        description: What the file says.
        type: str
        required: true
      secret:
        description: Whether the content must not be shown.
        type: bool
        default: false
      service:
        description:
          - The service that reads the file only when it is told to, if there is one. M(postroom.mail.mail_change) reloads C(postfix) or
            C(dovecot) when the file changes, and restarts any other service that runs.
        type: str
        default: ""
      owner:
        description: The owner.
        type: str
        default: root
      group:
        description: The group.
        type: str
        default: root
      mode:
        description: The mode, in quotes, in octal digits and with a leading zero.
        type: str
        default: "0644"
  absent:
    description: Files that must not be there.
    type: list
    elements: path
    default: []
seealso:
  - module: postroom.mail.mail_change
"""

EXAMPLES = r"""
---
- name: Write the PAM service of Dovecot
  postroom.mail.mail_file:
    files:
      - path: /etc/pam.d/dovecot-people
        content: |
          auth include dovecot
          account include dovecot
"""

RETURN = r"""
changed_files:
  description: The files that were written or taken away, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/pam.d/dovecot-people]
services:
  description: The services that have to be told, since a file of theirs changed.
  returned: success
  type: list
  elements: str
  sample: [dovecot]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_file import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
