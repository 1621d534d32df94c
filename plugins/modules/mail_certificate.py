#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_certificate
short_description: Check the TLS certificate of a mail host, or make a self-signed one
version_added: 0.1.0
description:
  - Makes sure that a certificate and its private key can serve Postfix and Dovecot. A file that is missing, unreadable or not in PEM
    format, a certificate that is expired or not valid yet, and a key that is not the certificate's own are errors.
  - A certificate that expires soon, or that does not cover O(common_name), gives a warning.
  - With O(self_signed) it makes a pair once where there is none. Such a certificate is renewed, with its key kept, when it is about to
    expire or when its names must change, and other users of the host cannot read its key. The module checks a pair of another
    source, and never replaces it.
requirements:
  - The program C(openssl) on the host.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff names the files that are made or renewed. It shows neither the key nor the certificate.
  idempotent:
    support: full
options:
  certificate:
    description:
      - The certificate in PEM format, followed by its chain if it has one.
    type: path
    default: /etc/ssl/certs/postroom-mail.pem
  private_key:
    description:
      - The private key in PEM format, without a passphrase. One that is made here is readable for root only.
    type: path
    default: /etc/ssl/private/postroom-mail.key
  self_signed:
    description:
      - Whether to make a self-signed pair when there is none.
    type: bool
    default: false
  common_name:
    description:
      - The name that clients connect to. Needed when O(self_signed) is V(true).
    type: str
  subject_alt_names:
    description:
      - Further host names or addresses for a self-signed certificate, beside O(common_name).
    type: list
    elements: str
    default: []
  days:
    description:
      - The number of days for which a self-signed certificate is valid. It must be longer than O(warn_days).
      - Clients pin a self-signed certificate, or trust it by hand. A long life spares them from doing so again.
    type: int
    default: 3650
  key_type:
    description:
      - The type of a key that is made here, V(ecdsa) on the curve P-256, or V(rsa) of 3072 bits for clients that know nothing else.
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  warn_days:
    description:
      - How many days before its end a certificate gives a warning, or, if it is a self-signed one made here, is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
---
- name: A self-signed pair until there is a better one
  postroom.mail.mail_certificate:
    self_signed: true
    common_name: mail.example.org
    subject_alt_names: [imap.example.org, 192.0.2.25]

- name: The certificate that the host's ACME client keeps
  postroom.mail.mail_certificate:
    certificate: /etc/letsencrypt/live/mail.example.org/fullchain.pem
    private_key: /etc/letsencrypt/live/mail.example.org/privkey.pem
    common_name: mail.example.org
    warn_days: 14
"""

RETURN = r"""
action:
  description: The actions taken, or those that would be taken in check mode.
  type: str
  returned: success
  sample: none
self_signed:
  description: Whether the certificate is signed by its own key.
  type: bool
  returned: success
not_after:
  description: When the certificate expires; V(null) in check mode when it would be made or renewed.
  type: str
  returned: success
  sample: "2036-11-19T08:00:00Z"
subject:
  description: The subject of the certificate.
  type: str
  returned: success
  sample: CN=mail.example.org,O=self-signed by postroom.mail
subject_alt_names:
  description: The names and addresses for which clients accept it.
  type: list
  elements: str
  returned: success
  sample: [mail.example.org]
fingerprint:
  description: The SHA-256 fingerprint, to compare with the one that a client shows.
  type: str
  returned: success
  sample: "5B:1F:..."
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_certificate import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
