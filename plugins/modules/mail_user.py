#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_user
short_description: Keep the system accounts that have mail
version_added: 0.1.0
description:
  - Creates, changes and removes system accounts, any number of them in one call.
  - The module checks a password against the present hash, and does not write it again if it matches.
  - It never changes or removes an account of the system itself, with a user id below C(UID_MIN) of C(/etc/login.defs).
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff shows the changed accounts and fields. For a password it only shows that it changes.
  idempotent:
    support: full
options:
  users:
    description:
      - The accounts.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name to log in with, of lower-case letters, digits, C(_), C(-) and C(.).
        type: str
        required: true
      password:
        description:
          - The password in clear. It is hashed on the host by the best method that its libcrypt knows.
          - If not given, an existing account keeps its password, and a new account cannot log in with one.
          - An account that was locked with C(usermod -L) stays locked as long as this is its password.
          - It must be text to YAML, so a password such as V(0123456) or V(yes) stands in quotes.
        type: raw
      state:
        description:
          - V(absent) removes the account, and keeps its home directory and its mail. No later account inherits them by getting the same
            user id; when an account of this name is created again, it gets its user id back.
        type: str
        choices: [present, absent]
        default: present
      shell:
        description:
          - The login shell. If not given, an existing account keeps its shell, and a new one gets C(/usr/sbin/nologin), with which a
            user still has mail.
        type: path
      home:
        description:
          - The home directory. The module creates that of a new account, C(/home/NAME) if this is not given. It does not move the
            contents of the home directory of an existing account.
        type: path
      comment:
        description:
          - The full name of the user.
        type: str
      groups:
        description:
          - Groups of the account, beside its present ones. They must exist.
        type: list
        elements: str
        default: []
"""

EXAMPLES = r"""
---
- name: Create two accounts with mail
  postroom.mail.mail_user:
    users:
      - name: alice
        password: "{{ vault_alice }}"
      - name: bob
        password: "{{ vault_bob }}"
        comment: Bob Example

- name: Remove an account, and keep its mail
  postroom.mail.mail_user:
    users:
      - {name: carol, state: absent}
"""

RETURN = r"""
created:
  description: The names of accounts that were created.
  type: list
  elements: str
  returned: success
  sample: [alice]
modified:
  description: The names of accounts with a changed shell, home, comment or group.
  type: list
  elements: str
  returned: success
removed:
  description: The names of accounts that were removed.
  type: list
  elements: str
  returned: success
changed_passwords:
  description: The names of accounts that were given another password, new ones included.
  type: list
  elements: str
  returned: success
  sample: [alice]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_user import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
