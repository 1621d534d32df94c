#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mail_service
short_description: Start, stop, reload and restart Postfix and Dovecot without breaking them
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Brings services to the wanted state through systemd or, on a host without it, through the packages' init scripts.
  - Before Postfix or Dovecot is started, reloaded or restarted, its configuration is checked by the daemon's own checker
    (C(postfix check), C(doveconf -nx)). With a broken configuration the module does nothing, a running daemon goes on
    serving, and the error shows the checker's message.
  - Afterwards it waits until the daemon really serves, that is until every configured port listens and greets. Otherwise
    the error shows the last lines of the daemon's log.
  - While Dovecot is reloaded, restarted or stopped, Postfix's queue manager pauses. Otherwise Dovecot could store a message,
    report it as not stored, and get it a second time. Postfix accepts mail all the
    while. After a start or restart of Dovecot, Postfix tries mail that had to wait for it again at once.
  - Before Postfix is restarted or stopped, its deliveries and the messages that clients are sending come to their end, for half a
    minute at most. Otherwise some of them would arrive twice. A warning counts those that did not end in time.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - On a host where the service is not installed yet, it returns the actions that will follow the installation.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - V(reloaded) and V(restarted) are done each time.
options:
  name:
    description:
      - The name of one service, V(postfix), V(dovecot) or any other one of the host.
      - Exactly one of O(name) and O(services) is required.
    type: str
  state:
    description:
      - The wanted state of the service of O(name).
      - V(started) and V(stopped) do nothing when it already is.
      - A Postfix or Dovecot that still runs a program from before an upgrade of its package is restarted, also with V(started) and
        V(reloaded).
      - V(reloaded) lets it read its configuration again, V(restarted) stops and starts it; either starts a stopped service.
      - V(applied) makes Postfix and Dovecot follow their files. It starts a stopped daemon, restarts one that must listen
        on other addresses since its configuration changed, reloads one that has not read a file since that changed
        (its configuration, a certificate, a table that is no compiled one), and does nothing otherwise. For other services it
        means V(started).
    type: str
    choices: [started, stopped, applied, reloaded, restarted]
  enabled:
    description:
      - Whether the service of O(name) is started at boot.
    type: bool
  services:
    description:
      - Several services at once, in the order of the actions. The module validates all of them before it changes the first.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the service.
        type: str
        required: true
      state:
        description:
          - The wanted state of the service, as O(state).
        type: str
        choices: [started, stopped, applied, reloaded, restarted]
      enabled:
        description:
          - Whether it is started at boot.
        type: bool
  timeout:
    description:
      - The number of seconds that a daemon may take until it serves.
    type: int
    default: 30
seealso:
  - module: postroom.mail.mail_info
"""

EXAMPLES = r"""
- name: Start Postfix and Dovecot, now and at every boot
  postroom.mail.mail_service:
    services:
      - {name: postfix, state: started, enabled: true}
      - {name: dovecot, state: started, enabled: true}

- name: Apply a renewed certificate, or any other change of the files
  postroom.mail.mail_service:
    services:
      - {name: postfix, state: applied}
      - {name: dovecot, state: applied}

- name: Reload Dovecot without a mail arriving twice
  postroom.mail.mail_service:
    name: dovecot
    state: reloaded
"""

RETURN = r"""
actions:
  description: The actions taken, or those that would be taken in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [enable dovecot, start dovecot, flush the queue]
reasons:
  description: Why V(applied) reloads or restarts, a sentence each.
  returned: success
  type: list
  elements: str
  sample: [Dovecot has not read /etc/ssl/certs/mail.pem since it changed.]
services:
  description: The state of each service afterwards.
  returned: success
  type: dict
  sample: {postfix: {installed: true, running: true, enabled: true}}
  contains:
    installed:
      description: Whether the service manager knows it.
      type: bool
    running:
      description: Whether it runs; for Postfix and Dovecot, whether the master process lives.
      type: bool
    enabled:
      description: Whether it is started at boot.
      type: bool
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_service import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
