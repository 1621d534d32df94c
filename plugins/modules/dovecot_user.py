#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dovecot_user
short_description: Keep the users of a Dovecot passwd-file
version_added: 0.1.0
description:
  - Creates, changes and removes the users of a passwd-file, any number of them in one call. Comments, other users and the order stay.
  - The module checks a password against the stored hash, in any scheme, and keeps the hash if it matches.
  - The new file is renamed into place, so that no login ever reads half a file. Dovecot sees it at the next login, without a reload.
  - Passwords and hashes stay out of the output, the diff and every command line.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - A missing directory, user or group is only a warning in check mode, because an earlier task may make it.
  diff_mode:
    support: full
    details:
      - The diff shows the changed users and fields. For a password or an extra field it only shows that it changes.
  idempotent:
    support: full
options:
  path:
    description:
      - The passwd-file. The module creates a missing file; its directory must exist.
    type: path
    required: true
  users:
    description:
      - The users. Fields of a user that are not given stay as they are in the file.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The login name. It can be a name that no system account can have, such as V(alice@example.org).
          - By default Dovecot makes login names lower-case before it looks them up, and allows ASCII letters, digits, C(.), C(-), C(_)
            and C(@) in them (its settings C(auth_username_format) and C(auth_username_chars)). The module warns of names that this
            Dovecot would not find.
        type: str
        required: true
      password:
        description:
          - The password in clear. It is stored in the scheme of O(users[].scheme).
          - A new user with neither this nor O(users[].password_hash) cannot log in, unless O(users[].extra_fields) has C(nopassword).
          - It must be text to YAML, so a password such as V(0123456) or V(yes) stands in quotes.
        type: raw
      password_hash:
        description:
          - The hash as it must stand in the file, with its scheme before it, for example V({SHA512-CRYPT}$6$...), made by C(doveadm pw).
          - A hash that shows its scheme by itself (C($6$), C($2y$), C($argon2id$) ...) or is in the scheme given by O(users[].scheme) may
            be given without it.
        type: raw
      scheme:
        description:
          - The scheme to store O(users[].password) in, if it is another one than O(scheme).
        type: str
      uid:
        description:
          - The user id to read mail with, a number or the name of a system account. Empty leaves it to Dovecot's settings.
        type: str
      gid:
        description:
          - The group id, a number or a name. Empty leaves it to Dovecot's settings.
        type: str
      gecos:
        description:
          - The full name, which Dovecot does not look at.
        type: str
      home:
        description:
          - The home directory, an absolute path. It is not created.
        type: str
      extra_fields:
        description:
          - Extra fields and their values; the user gets these and no others.
          - V(true) writes the name alone, as C(nopassword) wants it; V(false) and V(null) write nothing.
          - Those for the userdb begin with C(userdb_), for example C(userdb_quota_rule) (2.3) or C(userdb_quota_storage_size) (2.4).
          - Dovecot expands variables in the values; a C(%) that means itself is written C(%%).
        type: dict
      state:
        description:
          - V(absent) removes the user from the file, and no mail.
        type: str
        choices: [present, absent]
        default: present
  scheme:
    description:
      - The scheme to store passwords in, V(SHA512-CRYPT), V(SHA256-CRYPT), V(BLF-CRYPT) or V(ARGON2ID) for mechanisms that send the
        password (C(PLAIN), C(LOGIN)); V(SCRAM-SHA-1), V(SCRAM-SHA-256), V(CRAM-MD5) or V(DIGEST-MD5) for the mechanism of that name and,
        too, for those that send the password; V(PLAIN) for all mechanisms.
      - If not given, V(SHA512-CRYPT) for a password that is new, while a hash in another scheme is kept as long as its password is right.
        If given, passwords that are stored in another scheme are stored anew.
    type: str
  realm:
    description:
      - The realm of V(DIGEST-MD5) hashes, one of Dovecot's setting C(auth_realms).
      - If not given, the part of a name after its C(@), and no realm for a name without one.
    type: str
  exclusive:
    description:
      - Whether the file has the given users and no others. Comments stay.
    type: bool
    default: false
  owner:
    description:
      - The owner of the file.
    type: str
    default: root
  group:
    description:
      - The group of the file. The default is V(dovecot) where there is such a group, else V(root).
    type: str
  mode:
    description:
      - The mode of the file, in octal digits with a leading zero. The default is V(0640), or V(0600) where there is no group V(dovecot).
    type: str
  backup:
    description:
      - Keep a copy of the former file, under its name with the time appended.
    type: bool
    default: false
seealso:
  - module: postroom.mail.mail_user
  - module: postroom.mail.dovecot_setting
"""

EXAMPLES = r"""
---
- name: Mailboxes without system accounts
  postroom.mail.dovecot_user:
    path: /etc/dovecot/users
    exclusive: true
    users:
      - name: alice@example.org
        password: "{{ vault_alice }}"
        uid: vmail
        gid: vmail
        home: /var/vmail/example.org/alice
        extra_fields:
          userdb_quota_storage_size: 2G
      - name: bob@example.org
        password_hash: "{{ vault_bob_hash }}"
        uid: vmail
        gid: vmail
        home: /var/vmail/example.org/bob

- name: A user for the mechanism SCRAM-SHA-256, from two networks only
  postroom.mail.dovecot_user:
    path: /etc/dovecot/users.scram
    scheme: SCRAM-SHA-256
    users:
      - name: carol@example.org
        password: "{{ vault_carol }}"
        extra_fields: {allow_nets: "192.0.2.0/24,2001:db8::/32"}

- name: Remove a user, and keep the mail
  postroom.mail.dovecot_user:
    path: /etc/dovecot/users
    users:
      - {name: bob@example.org, state: absent}
"""

RETURN = r"""
created:
  description: The names of users that were created.
  type: list
  elements: str
  returned: success
  sample: [alice@example.org]
modified:
  description: The names of users with a change other than the password.
  type: list
  elements: str
  returned: success
removed:
  description: The names of users that were removed.
  type: list
  elements: str
  returned: success
changed_passwords:
  description: The names of users that were given another password or hash, new ones included.
  type: list
  elements: str
  returned: success
  sample: [alice@example.org]
backup_file:
  description: The copy of the former file.
  type: str
  returned: when O(backup) is V(true) and the file changed
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.dovecot_user import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
