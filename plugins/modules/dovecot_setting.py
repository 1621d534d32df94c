#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dovecot_setting
short_description: Set Dovecot's nested settings in one file
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Sets, changes and removes any number of settings of one Dovecot configuration file in one call.
  - Settings are nested as in C(dovecot.conf), and a block's key is its head as it is written there, without the brace.
  - The module edits a file of another source in place. Its comments, its order and every other setting stay.
    With O(exclusive=true) the file is this module's own and holds exactly the given settings in the given order.
  - Before the change, Dovecot itself checks its whole configuration as it would be with the change (C(doveconf -nx) on a stand-in
    for the configuration tree). The module checks for the mistakes that Dovecot overlooks, namely authentication mechanisms, drivers of
    password and user databases, addresses to listen on, and names with V($) that Dovecot 2.4 would take literally.
  - Only a mistake that the change brings is an error. A mistake that was there before is a warning.
  - Works with the languages of Dovecot 2.3 and 2.4, but does not translate between them. The filter
    P(postroom.mail.dovecot_settings#filter) does.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - Where Dovecot is not installed yet, it reports the change that it would write, unchecked.
  diff_mode:
    support: full
    details:
      - Values of O(secret_settings), and of other settings with a name that says password or secret, are not shown.
  idempotent:
    support: full
options:
  settings:
    description:
      - The settings, nested. The value of a plain name is a text, a number, a boolean (written V(yes) or V(no)) or a list
        (joined by spaces). The value of a block's head, such as C(service auth), is a dictionary.
      - V(null) removes a setting, or a block with everything in it.
      - C(passdb) and C(userdb) of Dovecot 2.3 have no name and may be repeated. They take a list of dictionaries,
        one for each block in their order, and the file will have exactly these. In Dovecot 2.4 they have names, as in C(passdb pam).
      - A value is put in quotes where Dovecot needs them. A value that comes with its own quotes stays as it is.
      - The key V(!include_try) includes the file in its value in this place, or each file of a list, if it exists and is readable.
      - File modes must be quoted in YAML, as in V("0660").
      - A new setting goes below its commented-out example when the file has one, otherwise to the end of its block.
    type: dict
    default: {}
  secret_settings:
    description:
      - More settings in the same form, with secret values. They are merged into O(settings).
      - The file is then made readable for its owner only, unless O(mode) says otherwise.
    type: dict
    default: {}
  path:
    description:
      - The file that the settings go to.
      - By default this is the collection's own drop-in in the directory that the Dovecot of this host reads last. It is
        C(local.d/99-postroom.conf) beside a C(dovecot.conf) of this collection and C(conf.d/99-postroom.conf) beside the distribution's,
        so that it wins over the files of the package without changing them.
    type: path
  exclusive:
    description:
      - Whether the file holds nothing but O(settings). Everything else in it goes.
      - Such a file begins with a comment that says C(Managed by postroom.mail).
    type: bool
    default: false
  includes:
    description:
      - Files or patterns that an exclusive file includes at its end when they exist (C(!include_try)), relative to its directory.
      - Only with O(exclusive=true).
    type: list
    elements: str
    default: []
  config_path:
    description:
      - The file that Dovecot starts reading with.
    type: path
    default: /etc/dovecot/dovecot.conf
  backup:
    description:
      - Whether to keep a copy of the file as it was before a change.
    type: bool
    default: false
  owner:
    description:
      - The user who owns the file. Left alone by default; a new file belongs to root.
    type: str
  group:
    description:
      - The group of the file. Left alone by default; a new file belongs to root's.
    type: str
  mode:
    description:
      - The permissions of the file, in octal digits with a leading zero. Left alone by default; a new file gets V("0644").
    type: str
notes:
  - The module neither reloads nor restarts Dovecot, but returns which of the two the change needs. M(postroom.mail.mail_service) does it.
  - Setting the same name twice, in two files or in two places of one, is legal in Dovecot, and the last one wins. The module changes
    the last one of its file, and warns after a change when a file that is read later wins over it.
seealso:
  - module: postroom.mail.mail_service
  - plugin: postroom.mail.dovecot_settings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Change the greeting, and let Postfix ask Dovecot about logins
  postroom.mail.dovecot_setting:
    settings:
      login_greeting: Welcome.
      service auth:
        unix_listener /var/spool/postfix/private/auth:
          mode: "0660"
          user: postfix
          group: postfix
  notify: Reload Dovecot

- name: Edit the distribution's own file, and keep its comments
  postroom.mail.dovecot_setting:
    path: /etc/dovecot/conf.d/10-logging.conf
    settings:
      auth_verbose: true
      log_timestamp: null
    backup: true

- name: Close the port for POP3 without TLS
  postroom.mail.dovecot_setting:
    settings:
      service pop3-login:
        inet_listener pop3: {port: 0}

- name: Databases of Dovecot 2.3, in their order
  postroom.mail.dovecot_setting:
    path: /etc/dovecot/conf.d/auth-system.conf.ext
    settings:
      passdb:
        - {driver: passwd-file, args: /etc/dovecot/deny-users, deny: true}
        - {driver: pam}

- name: A password in a file of its own
  postroom.mail.dovecot_setting:
    path: /etc/dovecot/local.d/ldap.conf
    exclusive: true
    settings:
      ldap_uris: ldaps://ldap.example.org
    secret_settings:
      ldap_auth_dn_password: "{{ vault_ldap_password }}"
"""

RETURN = r"""
path:
  description: The file that holds the settings.
  returned: success
  type: str
  sample: /etc/dovecot/conf.d/99-postroom.conf
changed_settings:
  description:
    - The settings that were changed, added or removed, by their path through the blocks.
    - Empty when only comments, spelling or permissions changed.
  returned: success
  type: list
  elements: str
  sample: [login_greeting, service auth/unix_listener /var/spool/postfix/private/auth/mode]
reload_required:
  description: Whether Dovecot has to take over the change, by a reload unless RV(restart_required).
  returned: success
  type: bool
restart_required:
  description:
    - Whether only a restart does. That is so for the addresses to listen on (C(listen), and C(address) or C(listen) of an
      C(inet_listener)), C(base_dir), C(default_internal_user), C(default_internal_group) and C(service anvil), from which a reload may
      crash Dovecot. Ports, protocols, certificates and all else need a reload.
  returned: success
  type: bool
checked:
  description: Whether Dovecot judged the change. Nothing is judged when nothing changes or Dovecot is not installed.
  returned: success
  type: bool
backup_file:
  description: The copy of the file as it was.
  returned: when O(backup=true) and the file was changed
  type: str
  sample: /etc/dovecot/conf.d/10-logging.conf.2026-11-22@08:30:00~
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.dovecot_setting import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
