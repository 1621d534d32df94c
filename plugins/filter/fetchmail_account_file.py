# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fetchmail_account_file
short_description: Write an account as a file of variables
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns the text of a file in C(host_vars) with one account of fetchmail.
  - The password is encrypted if Ansible was given a vault password. A password that the file already holds is not encrypted again, so that
    it stays as it is.
options:
  _input:
    description: The account, as one of O(postroom.mail.fetchmail_config#module:accounts).
    type: dict
    required: true
  variable:
    description: The name of the variable in the file.
    type: str
    required: true
  path:
    description: The path of the file, which need not exist yet.
    type: path
    required: true
seealso:
  - plugin: postroom.mail.fetchmail_config
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Keep the account in the inventory
  ansible.builtin.copy:
    dest: "{{ account_file }}"
    content: "{{ account | postroom.mail.fetchmail_account_file('fetchmail_account_alice', account_file) }}"
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

import json
import pathlib
import re
import typing as t

INTRODUCTION = """\
# A mailbox elsewhere from which this host fetches mail. It was written by the playbook postroom.mail.fetchmail_account; to fetch from there
# no more, remove this file and run postroom.mail.site.
"""


def fetchmail_account_file(account: t.Any, variable: str, path: str) -> str:
    from ansible.parsing.vault import VaultLib, VaultSecretsContext

    # None in a run that knows no vault, although its type does not say so.
    context: VaultSecretsContext | None = VaultSecretsContext.current(optional=True)
    vault = VaultLib(context.secrets) if context and context.secrets else None
    wanted = _plain(account)
    place = pathlib.Path(path)
    live = place.read_text() if place.is_file() else ""
    encrypted = live.startswith("$ANSIBLE_VAULT") or "!vault" in live
    if (encrypted or not vault) and _read(live, path, vault) == {variable: wanted}:
        return live
    lines = [f"{variable}:"]
    for name, value in wanted.items():
        if name == "password" and vault:
            lines += [f"  {name}: !vault |", *(f"    {line}" for line in vault.encrypt(value).decode().splitlines())]
        else:
            lines.append(f"  {name}: {_yaml(value)}")
    return f"{INTRODUCTION}---\n" + "\n".join(lines) + "\n"


def _yaml(value: t.Any) -> str:
    """Return *value* on one line; a text in it is never a template of Ansible."""
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    text = re.sub(r"[^\x20-\x7e]", lambda one: f"\\U{ord(one[0]):08x}", json.dumps(value, ensure_ascii=False))
    return f"!unsafe {text}" if isinstance(value, str) and "{" in value else text


def _plain(value: t.Any) -> t.Any:
    """Return *value* without Ansible's tags, which name its source, and with encrypted parts decrypted."""
    return json.loads(json.dumps(value, default=str))


def _read(text: str, path: str, vault: t.Any) -> t.Any:
    """Return the contents of a file that this filter wrote; None when it is another, or cannot be decrypted."""
    from ansible.errors import AnsibleError
    from ansible.parsing.utils.yaml import from_yaml

    try:
        return _plain(from_yaml(vault.decrypt(text).decode() if text.startswith("$ANSIBLE_VAULT") else text, path, json_only=False))
    except (AnsibleError, AttributeError):
        return None


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fetchmail_account_file": fetchmail_account_file}
