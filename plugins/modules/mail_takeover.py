#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mail_takeover
short_description: Replace another mail server with Postfix
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Does the two parts of a takeover that no package manager does. It stops the present mail server so that it stays
    stopped, and hands its waiting mail to Postfix once that is installed.
  - The role C(postfix) of this collection calls it when C(postfix_replace_mta) is true. On a host without another mail
    server it does nothing.
  - It installs and removes no packages, and deletes no mail.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(stopped) stops and disables the services of every installed other mail server, ends processes that outlive
        them, and proves that none of them listens on port 25. The mail in its queue stays there. If its aliases are
        only in another place, C(/etc/aliases) becomes a link to them.
      - V(emptied) hands Postfix, through its sendmail(1), every mail that waits in the queue of a mail server that was
        V(stopped) before and is no longer installed. It then moves each mail's files to C(/var/spool/handed-over-to-postfix),
        so that the next run can continue an interrupted one. A mail that Postfix does not take, that cannot be read, or that
        the former mail server held back (frozen, quarantined) stays where it is. So does a mail with files that are links, pipes or
        larger than 128 MiB, or that belong to neither the owner nor the group of the queue nor root.
      - V(restored) starts those of O(servers) again, and at boot, that ran before and are still installed, after a failed takeover.
    type: str
    choices: [stopped, emptied, restored]
    required: true
  servers:
    description:
      - With O(state=restored), the value of RV(postroom.mail.mail_info#module:other_mail_servers) from before V(stopped).
    type: list
    elements: dict
    default: []
  timeout:
    description:
      - The number of seconds that the other mail server may take to end.
    type: int
    default: 30
notes:
  - The queues of Exim, sendmail, nullmailer and dma can be read; those of OpenSMTPD, Courier and masqmail are left as they are.
  - Postfix gets a mail a second time only if the host breaks down, or the module is killed outright (SIGKILL), before it
    has moved the files of a mail that Postfix has just got. Other signals end the module between two mails.
  - Run it as root.
seealso:
  - module: postroom.mail.mail_info
"""

EXAMPLES = r"""
- name: Stop the other mail server, and keep it from starting
  postroom.mail.mail_takeover:
    state: stopped

- name: Install Postfix, for which Debian removes the other one
  ansible.builtin.apt:
    name: postfix

- name: Hand the waiting mail to Postfix
  postroom.mail.mail_takeover:
    state: emptied
"""

RETURN = r"""
actions:
  description: The actions taken, or those that would be taken in check mode, in order.
  returned: when O(state=stopped) or O(state=restored)
  type: list
  elements: str
  sample: [disable exim4, stop exim4, mark the queue of exim]
handed_over:
  description: The number of mails that were given to Postfix.
  returned: when O(state=emptied)
  type: int
  sample: 3
kept:
  description: The number of mails that stay where they are.
  returned: when O(state=emptied)
  type: int
  sample: 1
servers:
  description: The other mail servers, in the form of RV(postroom.mail.mail_info#module:other_mail_servers), from before any action.
  returned: success
  type: list
  elements: dict
  sample: [{name: exim, packages: [exim4-daemon-light], queue: 3}]
mails:
  description: The waiting mails, at most 200; those that stay come first.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The mail server that has it in its queue.
      type: str
      sample: exim
    id:
      description: Its name in that queue.
      type: str
      sample: 1xV5At-000000000yb-26M6
    queue:
      description: The directory of the queue.
      type: str
      sample: /var/spool/exim4/input
    sender:
      description: The envelope sender, empty for a bounce; V(null) when the mail cannot be read or is held back.
      type: str
      sample: alice@example.org
    recipients:
      description: The envelope recipients who have not got it yet.
      type: list
      elements: str
      sample: [bob@example.net]
    again:
      description: The recipients that may get it a second time, because an alias among the recipients stands for them and others.
      type: str
    reason:
      description: Why it stays where it is; empty when it does not.
      type: str
      sample: it was held back
    handed_over:
      description: Whether Postfix was given it, or would be in check mode.
      returned: when O(state=emptied)
      type: bool
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_takeover import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
