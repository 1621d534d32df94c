#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sendmail_auth
short_description: Let sendmail offer SMTP AUTH on the submission port
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Keeps one block at the end of C(sendmail.mc), with which sendmail accepts mail on port 587 from clients that have logged in under
    TLS, and relays it. The rest of C(sendmail.mc) stays as it is and keeps its effect, except for other listeners on port 587.
  - Builds C(sendmail.cf) from it with m4, lets sendmail read a copy before it writes the file, and lets the daemon start itself anew.
    If sendmail does not offer AUTH then, the module restores both files and the daemon.
  - It keeps no accounts and does not choose the provider that checks the passwords; M(postroom.mail.sasl_provider) does.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The difference is that of C(sendmail.mc). C(sendmail.cf), which follows from it, is not shown.
  idempotent:
    support: full
options:
  state:
    description:
      - V(absent) removes the block, so that sendmail behaves as before.
    type: str
    choices: [present, absent]
    default: present
  mechanisms:
    description:
      - The mechanisms that clients are offered. Those that send the password, like V(PLAIN), are only offered under TLS.
    type: list
    elements: str
    default: [PLAIN, LOGIN]
  realm:
    description:
      - The realm of a login that names none. Empty, it is the name of the host as sendmail knows it.
    type: str
    default: ""
  certificate:
    description:
      - The certificate that the submission port shows, with the ones up to its authority.
      - A C(sendmail.mc) that has C(confSERVER_CERT) already keeps its own certificate.
      - Required if O(state=present).
    type: path
  private_key:
    description:
      - Its private key.
      - Required if O(state=present).
    type: path
  auth_on_port_25:
    description:
      - Whether the other ports offer AUTH, too, and TLS with O(certificate).
      - Otherwise they stay unchanged.
    type: bool
    default: false
  sasldb:
    description:
      - Whether the passwords are in C(/etc/sasldb2). Its group can read it, and the module configures sendmail to accept that.
    type: bool
    default: false
  replace:
    description:
      - Whether to override AUTH that C(sendmail.mc) sets up already, and to build a C(sendmail.cf) anew that was changed by
        hand. The module keeps a backup of that.
    type: bool
    default: false
  backup:
    description:
      - Whether to keep copies of both files as they were, beside them.
    type: bool
    default: false
  path:
    description:
      - The source of the configuration.
    type: path
    default: /etc/mail/sendmail.mc
  configuration:
    description:
      - The file that is built of it.
    type: path
    default: /etc/mail/sendmail.cf
  timeout:
    description:
      - The number of seconds that sendmail may take until it answers.
    type: int
    default: 30
notes:
  - sendmail reads its configuration, C(Sendmail.conf) and the certificate when it starts. If one of them is newer than the daemon,
    the module lets the daemon start itself anew, after any change.
seealso:
  - module: postroom.mail.sasl_provider
  - module: postroom.mail.mail_certificate
"""

EXAMPLES = r"""
- name: Check passwords with PAM
  postroom.mail.sasl_provider:
    mta: sendmail
    provider: saslauthd

- name: Offer AUTH on the submission port
  postroom.mail.sendmail_auth:
    certificate: /etc/ssl/certs/mail.example.org.pem
    private_key: /etc/ssl/private/mail.example.org.key

- name: Stop offering AUTH
  postroom.mail.sendmail_auth:
    state: absent
"""

RETURN = r"""
actions:
  description: The actions taken, or those that would be taken in check mode.
  type: list
  elements: str
  returned: success
  sample: [write /etc/mail/sendmail.cf, write /etc/mail/sendmail.mc, reload sendmail]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.sendmail_auth import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
