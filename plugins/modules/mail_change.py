#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_change
short_description: Change a mail host as a whole or not at all
version_added: 0.1.0
description:
  - Between a task with O(state=begun) and one with O(state=done), the tasks of this collection's roles only say what they want of the host.
    The second task carries all of it out as one change.
  - Everything is compared, written beside the live files, and judged by Postfix and Dovecot in a copy of the configuration, before the
    first live file is replaced. What is refused leaves every file of every daemon as it was.
  - Then all files are renamed into place, and each daemon is reloaded or restarted once, if what changed or what runs needs it.
  - At the end the daemons must serve. If they do not, everything is put back, the daemons are told again, and the task fails.
  - What was there is kept in C(/var/lib/postroom) until then, for root alone. The next run puts it back after a run that was killed.
  - Accounts of the host and a self-signed certificate are made first, since the rest is judged with them. They are not taken back.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - Everything is gathered, compared and judged, and nothing is written.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(asked) changes nothing, and returns what M(postroom.mail.mail_info) would. M(postroom.mail.mail_plan) asks this way, because
        Ansible builds and sends one program for both calls then.
      - V(begun) begins a change, on the controller alone. Within one that has begun it does nothing.
      - V(done) carries it out. In a role that found the change begun by the play, or by another role, it does nothing.
    type: str
    choices: [asked, begun, done]
    default: done
  questions:
    description: With O(state=asked), options of M(postroom.mail.mail_info).
    type: dict
    default: {}
  wishes:
    description: Calls of modules that are part of the change, beside those that wait on the controller.
    type: list
    elements: dict
    default: []
    suboptions:
      module:
        description: The name of the module.
        type: str
        required: true
        choices:
          - mail_certificate
          - mail_user
          - mail_file
          - postmap
          - postfix_config
          - postfix_service
          - dovecot_user
          - dovecot_setting
          - sasl_user
          - sasl_provider
          - fetchmail_config
          - mail_filter
          - mail_service
      options:
        description: Its options.
        type: dict
        required: true
      role:
        description: Who wants it, for messages.
        type: str
        default: ""
  services:
    description:
      - What M(postroom.mail.mail_info) has just said of C(services). A daemon that runs as it should is then not asked again.
    type: dict
    default: {}
  files:
    description:
      - What M(postroom.mail.mail_info) said of C(files) when the change was planned. If somebody has since changed one of them that is to
        be replaced, nothing is changed at all.
    type: dict
    default: {}
  proof:
    description:
      - What must succeed after a change, as options of M(postroom.mail.mail_probe). The probes start from the host itself.
      - Without a change nothing is probed.
    type: dict
    default: {}
  timeout:
    description: How many seconds a daemon may take to serve after it was started, reloaded or restarted.
    type: int
    default: 30
seealso:
  - module: postroom.mail.mail_info
  - module: postroom.mail.mail_probe
"""

EXAMPLES = r"""
---
- name: Change the mail host as one
  hosts: mail
  gather_facts: false
  pre_tasks:
    - name: Begin the change
      postroom.mail.mail_change:
        state: begun
      tags: [always]
  roles:
    - postroom.mail.postfix
    - postroom.mail.dovecot
  post_tasks:
    - name: Change the host
      postroom.mail.mail_change:
      tags: [always]

- name: Change main.cf and master.cf together
  postroom.mail.mail_change:
    wishes:
      - module: postfix_config
        options:
          parameters: {content_filter: "scan:[127.0.0.1]:10025"}
      - module: postfix_service
        options:
          services:
            - {name: scan, type: unix, command: smtp}
"""

RETURN = r"""
changed_files:
  description: The files that were replaced or taken away, or would be in check mode.
  returned: when O(state=done)
  type: list
  elements: str
  sample: [/etc/postfix/main.cf]
actions:
  description: What was done to the daemons, or would be in check mode, in order.
  returned: when O(state=done)
  type: list
  elements: str
  sample: [reload postfix]
reasons:
  description: Why, a sentence each, where it is not because of RV(changed_files).
  returned: when O(state=done)
  type: list
  elements: str
  sample: [A run that was killed left the host half changed; what was there before was put back.]
proof:
  description: What the probes saw after the change; empty when nothing was changed, or nothing was to be probed.
  returned: when O(state=done)
  type: str
  sample: All 7 probes succeeded.
modules:
  description: The results of the modules, by their names.
  returned: when O(state=done)
  type: dict
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_change import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
