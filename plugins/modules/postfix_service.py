#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_service
short_description: Define services of Postfix in master.cf
version_added: 0.1.0
description:
  - Adds, changes, comments out and removes services in C(master.cf), any number in one call.
  - The name and type identify a service. All others stay as they are, to the byte; so do comments, also those inside an entry.
  - Fields that are not given stay as the entry has them. If every service is as wanted, the module does not write the file at all.
  - Before it replaces the file, the module checks programs, ports, override names and override values, and C(postconf) and
    C(postfix check) check the candidate in a copy of the configuration directory.
  - Does not reload Postfix. RV(reload_required) returns the need; ports open and close on reload.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - On a host where Postfix is not installed yet, check mode reports all services as changes.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  services:
    description:
      - The services.
      - Naming the same service twice is an error.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name of the service. For O(services[].type=inet) a port, or an address and a port such as V(127.0.0.1:10025).
        type: str
        required: true
      type:
        description:
          - The way in which clients reach the service.
        type: str
        choices: [inet, unix, fifo, pass, unix-dgram]
        required: true
      state:
        description:
          - V(present) makes the entry as described. Where the file has it only as a comment, as many ship V(submission), the new
            entry stands behind the comment, which stays.
          - V(disabled) turns an entry into a comment, including its continuation lines. Without an entry there is nothing to do.
          - V(absent) removes an entry. Comments stay.
        type: str
        choices: [present, absent, disabled]
        default: present
      private:
        description:
          - Whether only Postfix's own programs may reach the service.
          - A boolean, or V(-) for Postfix's default, which a new service also gets; one of O(services[].type=inet) gets V(false).
        type: raw
      unprivileged:
        description:
          - Whether the service runs without root privileges. A boolean, or V(-) for Postfix's default.
        type: raw
      chroot:
        description:
          - Whether the service runs in the queue directory as its root directory. A boolean, or V(-) for Postfix's default.
        type: raw
      wakeup:
        description:
          - The number of seconds after which the service is woken up. A number, with a question mark behind it if only a service that is
            used must be woken up, or V(-) for Postfix's default.
        type: str
      process_limit:
        description:
          - The number of processes that can run at a time; V(0) for no limit, V(-) for Postfix's default.
        type: str
      command:
        description:
          - The program, by its name in Postfix's C(daemon_directory). Required for a new service.
        type: str
      args:
        description:
          - The arguments of the program other than C(-o) overrides, one an element, such as V(flags=DRX), V(user=vmail) and
            V(argv=/usr/bin/maildrop -d ${recipient}).
          - They replace all such arguments of the entry.
        type: list
        elements: str
      overrides:
        description:
          - Parameters of C(main.cf) that have another value in this service, in the file as C(-o name=value).
          - Values are given as for M(postroom.mail.postfix_config); null removes an override.
          - Overrides that are not named stay, unless O(services[].exclusive_overrides=true).
        type: dict
      exclusive_overrides:
        description:
          - Whether overrides that are not named in O(services[].overrides) go.
        type: bool
        default: false
  config_directory:
    description:
      - The configuration directory of the Postfix instance.
    type: path
    default: /etc/postfix
  unknown:
    description:
      - The action on an override of a parameter that Postfix does not know.
      - V(fail) changes nothing and suggests the parameters with the nearest names.
    type: str
    choices: [fail, warn, ignore]
    default: fail
  backup:
    description:
      - Keep a copy of the file as it was, with date and time in its name.
    type: bool
    default: false
seealso:
  - module: postroom.mail.postfix_config
"""

EXAMPLES = r"""
---
- name: Take mail from authenticated users on the submission ports
  postroom.mail.postfix_service:
    services:
      - name: submissions
        type: inet
        chroot: true
        command: smtpd
        overrides:
          syslog_name: postfix/submissions
          smtpd_tls_wrappermode: true
          smtpd_sasl_auth_enable: true
          smtpd_relay_restrictions: [permit_sasl_authenticated, reject]
      - name: submission
        type: inet
        state: disabled

- name: Hand mail to maildrop
  postroom.mail.postfix_service:
    services:
      - name: maildrop
        type: unix
        unprivileged: false
        chroot: false
        command: pipe
        args: [flags=DRX, user=vmail, "argv=/usr/bin/maildrop -d ${recipient}"]
"""

RETURN = r"""
changed_services:
  description: The services that were changed, or would be in check mode, as name and type.
  returned: always
  type: list
  elements: str
  sample: [submission/inet]
reload_required:
  description: Whether Postfix must be reloaded for the change to take effect.
  returned: always
  type: bool
  sample: true
restart_required:
  description:
    - Whether Postfix must be stopped and started for the change to take effect.
    - Always V(false), as a reload serves for everything in C(master.cf); here so that results can be treated like those of
      M(postroom.mail.postfix_config).
  returned: always
  type: bool
  sample: false
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/postfix/master.cf
backup_file:
  description: The copy of the file as it was.
  returned: when O(backup=true) and the file was changed
  type: str
  sample: /etc/postfix/master.cf.2026-11-22@10:15:00~
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.postfix_service import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
