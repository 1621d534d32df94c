#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sasl_provider
short_description: Set up saslauthd or sasldb to check the passwords of SMTP AUTH
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Writes the configuration file of Cyrus SASL for Postfix's smtpd, or for sendmail, to the place where this host's reads it.
    For saslauthd it also writes the settings, the PAM service or C(saslauthd.conf), and makes the directory of the socket where
    every smtpd of master.cf finds it, chrooted or not. Then it starts saslauthd and waits until it answers.
  - It removes everything that only the former provider needed, such as files, group membership and the daemon itself.
  - It keeps no accounts. M(postroom.mail.postfix_config) sets the parameters of main.cf, and M(postroom.mail.sendmail_auth) the
    lines of sendmail.mc.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The content of C(saslauthd.conf), which holds a password, is not shown.
  idempotent:
    support: full
options:
  provider:
    description:
      - The service that checks the passwords.
      - V(dovecot) needs no part of Cyrus SASL, so it removes the files of the others. sendmail cannot ask it.
      - V(none) removes these files, too. It is for a sendmail that must no longer offer AUTH.
    type: str
    choices: [dovecot, saslauthd, sasldb, none]
    required: true
  mta:
    description:
      - The mail server that asks the provider.
      - The file for V(sendmail) is C(Sendmail.conf), in the directory where this host's libsasl2 looks for it.
    type: str
    choices: [postfix, sendmail]
    default: postfix
  mechanisms:
    description:
      - The mechanisms that clients are offered. V(saslauthd) can serve V(PLAIN) and V(LOGIN) only.
    type: list
    elements: str
    default: [PLAIN, LOGIN]
  saslauthd:
    description:
      - The settings of saslauthd.
    type: dict
    suboptions:
      mechanism:
        description:
          - The mechanism by which it checks a password, one of those that C(saslauthd -v) lists.
        type: str
        default: pam
      server:
        description:
          - The IMAP server that V(rimap) asks, as C(host) or C(host/port). Other mechanisms take it as their option C(-O).
        type: str
        default: ""
      ldap:
        description:
          - The content of C(saslauthd.conf) for the mechanism V(ldap); C(ldap_servers) is required.
        type: dict
        default: {}
      join_realm:
        description:
          - Whether it looks up C(alice@example.org) under this whole name.
          - Otherwise the realm is left out, so that C(alice) can log in with any.
        type: bool
        default: false
      cache_seconds:
        description:
          - The number of seconds for which saslauthd accepts a right password without asking again, even when it was changed
            meanwhile. With V(0) it asks each time.
        type: int
        default: 0
      processes:
        description:
          - The number of logins that it can check at the same time.
        type: int
        default: 5
      first_valid_uid:
        description:
          - Accounts with a lower user id log in nowhere, by V(pam) with the PAM service of the collection. Other mechanisms have no such
            limit.
        type: int
        default: 1000
  replace:
    description:
      - Whether to replace configuration files of another source. The module keeps a backup beside the new ones.
    type: bool
    default: false
  timeout:
    description:
      - The number of seconds that saslauthd may take until it answers.
    type: int
    default: 30
notes:
  - A running mail server has read its configuration already; reload Postfix when RV(reload_required) is V(true).
    M(postroom.mail.sendmail_auth) sees by itself that sendmail is older than its C(Sendmail.conf).
seealso:
  - module: postroom.mail.postfix_config
  - module: postroom.mail.sendmail_auth
  - module: postroom.mail.mail_info
"""

EXAMPLES = r"""
- name: Check passwords with PAM
  postroom.mail.sasl_provider:
    provider: saslauthd
    saslauthd:
      mechanism: pam
  register: provider

- name: Set the parameters of Postfix
  postroom.mail.postfix_config:
    parameters:
      smtpd_sasl_type: cyrus
      smtpd_sasl_path: smtpd

- name: Check passwords with an LDAP directory
  postroom.mail.sasl_provider:
    provider: saslauthd
    saslauthd:
      mechanism: ldap
      ldap:
        ldap_servers: ldap://ldap.example.org/
        ldap_search_base: ou=people,dc=example,dc=org
        ldap_filter: (uid=%u)
"""

RETURN = r"""
actions:
  description: The actions taken, or those that would be taken in check mode.
  type: list
  elements: str
  returned: success
  sample: [write /etc/postfix/sasl/smtpd.conf, start saslauthd]
reload_required:
  description: Whether a mail server that runs must be reloaded to notice.
  type: bool
  returned: success
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.sasl_provider import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
