# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dovecot_plan
short_description: Find the files that Dovecot's databases need, and the problems of the databases
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Takes the same neutral settings as P(postroom.mail.dovecot_settings#filter), of which it looks at the databases of passwords and
    users, their servers, the users who may not log in, the mechanisms, the addresses and the ports.
  - Returns the files that these and the secrets among all settings need beside C(dovecot.conf). They hold passwords, so the result
    must stay secret.
  - Reports the problems with them, before anything is written.
positional: version
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
  settings:
    description:
      - Further settings, in the language of that version, that the host will have.
    type: dict
    default: {}
  present:
    description:
      - The files of this kind that the host has.
    type: list
    elements: str
    default: []
  listeners:
    description:
      - The listeners of the host, RV(postroom.mail.mail_info#module:listeners).
    type: list
    elements: dict
    default: []
seealso:
  - plugin: postroom.mail.dovecot_settings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Refuse databases with which no login works
  ansible.builtin.assert:
    that: (neutral | postroom.mail.dovecot_plan('2.4.1')).problems == []
  vars:
    neutral:
      passdb:
        - driver: sql
          database: accounts
          query: SELECT userid AS user, password FROM users WHERE userid = '%{user}'
      userdb: [{driver: passwd}]
      databases:
        - {name: accounts, driver: sqlite, path: /srv/users.sqlite}
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    files:
      description: The files, each with its C(path), C(content) and C(mode). There are none as long as there are problems.
      type: list
      elements: dict
    former:
      description: Those of the present files that no database needs any more.
      type: list
      elements: str
    problems:
      description: The problems that must be put right, one sentence each.
      type: list
      elements: str
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError


def dovecot_plan(neutral: t.Any, version: t.Any, settings: t.Any = None, present: t.Any = (), listeners: t.Any = ()) -> dict[str, t.Any]:
    """Work the plan out, or report bad arguments as Ansible does."""
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
    from ansible_collections.postroom.mail.plugins.module_utils._core.yaml_kind import yaml_kind
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.databases import files
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.secrets import parted

    for name, value in (("The neutral settings", neutral), ("The option 'settings'", settings or {})):
        if not isinstance(value, t.Mapping):
            raise AnsibleFilterError(f"{name} must be a dictionary, and this is {yaml_kind(value)}.")
    found = problems(neutral, str(version), settings, listeners)
    try:
        wanted = [] if found else [*files(neutral, str(version)), *parted(translate(neutral, str(version), settings))[1]]
    except MailError as e:
        found, wanted = [str(e)], []
    named = set() if found else {entry.get("path") for kind in ("passdb", "userdb") for entry in neutral.get(kind) or ()}
    return {
        "files": [dataclasses.asdict(file) for file in wanted],
        "former": [path for path in present if path not in named | {file.path for file in wanted}],
        "problems": found,
    }


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dovecot_plan": dovecot_plan}
