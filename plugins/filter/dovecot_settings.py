# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dovecot_settings
short_description: Translate settings into the language of Dovecot 2.3 or 2.4
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Turns neutral settings into the nested settings of one version of Dovecot, in the form that M(postroom.mail.dovecot_setting) takes.
  - A setting with the same name in both versions stays as it is, so every setting of Dovecot can be among them. A setting with two
    names is written by its neutral one, which the page C(docs/dovecot.md) of the collection lists.
  - Secrets of any setting are left out. In their place there are includes of files of their own, which the role dovecot writes.
  - Plain settings come before blocks, and for 2.4 the version of the language comes first.
positional: version, more
options:
  _input:
    description:
      - The neutral settings.
    type: dict
    required: true
  version:
    description:
      - The version of Dovecot, of which the first two numbers count.
    type: str
    required: true
  more:
    description:
      - Settings in the language of that version, which are merged in at the end and win. V(null) removes a setting.
    type: dict
    default: {}
seealso:
  - module: postroom.mail.dovecot_setting
"""

EXAMPLES = r"""
- name: Serve IMAP over TLS from Maildirs, with any version of Dovecot
  postroom.mail.dovecot_setting:
    path: /etc/dovecot/dovecot.conf
    exclusive: true
    settings: "{{ neutral | postroom.mail.dovecot_settings(host_info.dovecot.version) }}"
  vars:
    neutral:
      protocols: [imaps]
      ssl_server_cert_file: /etc/ssl/certs/mail.pem
      ssl_server_key_file: /etc/ssl/private/mail.key
      mail_location: maildir:~/Maildir
      auth_username_format: "%{user|username|lower}"
      passdb: [{driver: pam}]
      userdb: [{driver: passwd}]
"""

RETURN = r"""
_value:
  description: The nested settings.
  type: dict
  sample:
    protocols: [imap]
    ssl_cert: </etc/ssl/certs/mail.pem
    mail_location: maildir:~/Maildir
    passdb: [{driver: pam}]
"""

import typing as t

from ansible.errors import AnsibleFilterError


def dovecot_settings(neutral: t.Any, version: t.Any, more: t.Any = None) -> dict[str, t.Any]:
    """Translate *neutral*, or report bad settings as Ansible does."""
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
    from ansible_collections.postroom.mail.plugins.module_utils._core.yaml_kind import yaml_kind
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.secrets import parted

    for name, value in (("The neutral settings", neutral), ("The settings in 'more'", more or {})):
        if not isinstance(value, t.Mapping):
            raise AnsibleFilterError(f"{name} must be a dictionary, and this is {yaml_kind(value)}.")
    try:
        return parted(translate(neutral, str(version), more))[0]
    except MailError as e:
        raise AnsibleFilterError(str(e)) from e


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dovecot_settings": dovecot_settings}
