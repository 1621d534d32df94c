#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_config
short_description: Set parameters of Postfix in main.cf
version_added: 0.1.0
description:
  - Sets any number of parameters in C(main.cf) in one call, and removes others, which then return to their defaults.
  - Comments, order, line ends and all other parameters stay as they are. A parameter that already has the wanted value is not touched,
    however it is folded over lines; lists are compared word by word. When every parameter has its value, the file is not written at all.
  - If a parameter stands in the file several times, Postfix reads the last. When its value changes, the module edits the last and
    removes the others.
  - Before it replaces the file, the module checks every value against the kind of its parameter (yes or no, whole numbers, times, the
    choices in Postfix's manual, access restrictions, installed lookup table types). C(postconf) and C(postfix check) check the candidate
    in a copy of the configuration directory. Postfix itself would notice most of these mistakes only when it no longer
    answers.
  - A transport parameter (C(mailbox_transport), C(default_transport), C(content_filter) and so on) can only name a service that is in
    C(master.cf); M(postroom.mail.postfix_service) adds it. In check mode a missing one is a warning, because an earlier task may add it.
  - Does not reload Postfix. RV(reload_required) and RV(restart_required) return the need.
  - Works together with a C(postconf -e) at the same time. Owner, mode and symbolic link of the file stay.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - On a host where Postfix is not installed yet, check mode reports all settings as changes.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  parameters:
    description:
      - The parameters and their values.
      - A boolean becomes V(yes) or V(no), a list is joined with V(, ), and null removes the parameter from the file.
      - A value may refer to other parameters with C($name).
      - A name that Postfix does not know is an error, unless something in the configuration refers to it by C($name) or it is listed in
        C(smtpd_restriction_classes). The names C(mua_client_restrictions), C(mua_helo_restrictions), C(mua_sender_restrictions),
        C(mua_relay_restrictions) and C(mua_recipient_restrictions), which the comments in C(master.cf) propose, are always accepted.
      - The old name of a parameter, such as C(virtual_maps), is an error that names the new one (C(virtual_alias_maps)).
    type: dict
    required: true
  config_directory:
    description:
      - The configuration directory of the Postfix instance.
    type: path
    default: /etc/postfix
  unknown:
    description:
      - The action on a parameter that Postfix does not know.
      - V(fail) changes nothing and suggests the parameters with the nearest names.
    type: str
    choices: [fail, warn, ignore]
    default: fail
  coming_services:
    description:
      - Services of type C(unix) that a later task will add to C(master.cf), before Postfix is reloaded. Transports may name them already.
    type: list
    elements: str
    default: []
  open_relay:
    description:
      - Whether C(mynetworks) and the like can hold a network far larger than that of one organisation, such as V(0.0.0.0/0), V([::]/0) or
        V(64:ff9b::/96). Otherwise that is an error, unless it stands there already.
    type: bool
    default: false
  backup:
    description:
      - Keep a copy of the file as it was, with date and time in its name.
    type: bool
    default: false
seealso:
  - module: postroom.mail.postfix_service
  - module: postroom.mail.postmap
"""

EXAMPLES = r"""
---
- name: Set the name of this host and the domains for which it takes mail
  postroom.mail.postfix_config:
    parameters:
      myhostname: mail.example.org
      mydestination: [$myhostname, localhost, example.org]
      message_size_limit: 52428800
      smtpd_helo_required: true
      relayhost: null

- name: Use a restriction class
  postroom.mail.postfix_config:
    parameters:
      smtpd_restriction_classes: [greylist]
      greylist: ["check_policy_service unix:private/postgrey"]
      smtpd_recipient_restrictions: ["check_recipient_access hash:/etc/postfix/greylisted", reject_unauth_destination]
"""

RETURN = r"""
changed_parameters:
  description: The names of the parameters that were set or removed, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [myhostname, relayhost]
reload_required:
  description:
    - Whether Postfix must be reloaded for the change to take effect.
    - V(false) when it must be restarted.
  returned: always
  type: bool
  sample: true
restart_required:
  description:
    - Whether Postfix must be stopped and started for the change to take effect, as for C(inet_interfaces), C(inet_protocols) and
      C(hash_queue_names).
  returned: always
  type: bool
  sample: false
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/postfix/main.cf
backup_file:
  description: The copy of the file as it was.
  returned: when O(backup=true) and the file was changed
  type: str
  sample: /etc/postfix/main.cf.2026-11-22@10:15:00~
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.postfix_config import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
