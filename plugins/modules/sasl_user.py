#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sasl_user
short_description: Keep the accounts of SMTP AUTH in a sasldb2 database
version_added: 0.1.0
description:
  - Creates, changes and removes the users of Cyrus SASL's own database, any number of them in one call and one process.
  - The module asks libsasl2 whether a password is the present one, and does not write it again if it is.
  - Works on a copy, checks the copy, and replaces the database in one step. smtpd needs no reload.
  - Supports every database format of libsasl2 (Berkeley DB, GDBM, LMDB).
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff shows added and removed users. For a password it only shows that it changes.
  idempotent:
    support: full
options:
  users:
    description:
      - The accounts.
      - The result and the host's log show only their number.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name to log in with, without a colon, a slash or a control character.
          - The part after an C(@) is the realm.
        type: str
        required: true
      realm:
        description:
          - The realm of this user. The default is O(realm).
        type: str
      password:
        description:
          - The password in clear. The database keeps it so, because mechanisms like CRAM-MD5 and SCRAM need it.
          - If not given, an existing user keeps the password. A new user needs one.
          - It must be text to YAML, so a password such as V(0123456) or V(yes) stands in quotes.
        type: raw
      state:
        description:
          - V(absent) removes the user.
        type: str
        choices: [present, absent]
        default: present
  realm:
    description:
      - The realm of users without one of their own.
      - The default is the one in which this host's smtpd looks up a name without realm, C(smtpd_sasl_local_domain), and C(myhostname)
        when that is empty. On a host without Postfix it is the host's fully qualified name.
    type: str
  database:
    description:
      - The database. The module creates it for the first user.
    type: path
    default: /etc/sasldb2
  exclusive:
    description:
      - Remove all users that O(users) does not name, of any realm. Needs the program C(sasldblistusers2), of the package C(sasl2-bin)
        (Debian) or C(cyrus-sasl) (Red Hat).
    type: bool
    default: false
  copies:
    description:
      - Paths of copies of the database, equal byte for byte, with its owner, group and mode.
      - An smtpd in a chroot reads C(/var/spool/postfix/etc/sasldb2) instead of C(/etc/sasldb2).
    type: list
    elements: path
    default: []
  owner:
    description:
      - The owner of the database. If this is not given, the present owner stays, and a new database belongs to root.
    type: str
  group:
    description:
      - The group of the database; its members may read it. If this is not given, the present group stays. A new database is for the group
        C(sasl) where there is one, as on Debian, where the user C(postfix) has to be in it for smtpd to read the database.
    type: str
  mode:
    description:
      - The mode of the database, in octal digits with a leading zero.
      - If not given, a new database gets V(0640), or V(0600) where there is no group for it, and one that is there loses the permissions
        beyond V(0640), since it holds passwords in clear.
    type: str
"""

EXAMPLES = r"""
---
- name: Create two accounts for SMTP AUTH, also where smtpd runs in a chroot
  postroom.mail.sasl_user:
    realm: mail.example.org
    users:
      - name: alice
        password: "{{ vault_alice }}"
      - name: bob@example.net
        password: "{{ vault_bob }}"
    copies: [/var/spool/postfix/etc/sasldb2]

- name: Remove all users but alice
  postroom.mail.sasl_user:
    users:
      - name: alice
    exclusive: true
"""

RETURN = r"""
created:
  description: The number of users that were created.
  type: int
  returned: success
  sample: 2
changed_passwords:
  description: The number of existing users that got another password.
  type: int
  returned: success
  sample: 0
removed:
  description: The number of users that were removed.
  type: int
  returned: success
  sample: 0
changed_copies:
  description: The paths of O(copies) that were not the same as the database.
  type: list
  elements: str
  returned: success
  sample: [/var/spool/postfix/etc/sasldb2]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.sasl_user import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
