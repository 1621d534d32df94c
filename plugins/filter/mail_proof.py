# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mail_proof
short_description: List the probes that prove a mail host
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns the probes with which the playbook C(postroom.mail.verify) proves a mail host, for the option
    O(postroom.mail.mail_probe#module:probes).
options:
  _input:
    description: The host's main domain.
    type: str
    required: true
  user:
    description: The login that sends and receives. A name without a domain gets mail in the main domain.
    type: str
    required: true
  password:
    description: The user's password.
    type: str
    required: true
  protocols:
    description: Which of V(imaps), V(pop3s), V(imap) and V(pop3) the host serves.
    type: list
    elements: str
    default: [imaps, pop3s]
  ports:
    description:
      - Ports that are not the standard ones, under the names V(smtp), V(submission), V(submissions), V(imap), V(imaps), V(pop3) and
        V(pop3s).
    type: dict
    default: {}
  stranger:
    description: A sender address that has nothing to do with the host.
    type: str
    default: stranger@example.net
  elsewhere:
    description: A recipient in a domain that is not the host's. Nothing is sent to it, it is only named.
    type: str
    default: somebody@example.com
  other_domain:
    description:
      - Another domain that the host takes mail for, for example as a backup. Relaying is tried through it, too.
      - The default is taken from O(policy).
    type: str
  catch_all:
    description:
      - Whether the host has a catch-all, and so may take in mail for any recipient in its own domains.
      - The default is taken from O(policy).
    type: bool
  policy:
    description: The report of the host on the mail that it accepts, RV(postroom.mail.mail_info#module:policy).
    type: dict
    default: {}
  relay_skip:
    description: Forms of relaying not to try, by their names.
    type: list
    elements: str
    default: []
seealso:
  - plugin: postroom.mail.mail_probe
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Prove the mail host
  postroom.mail.mail_probe:
    host: mail.example.org
    recipient: alice@example.org
    probes: "{{ 'example.org' | postroom.mail.mail_proof(user='alice', password=vault_alice) }}"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The probes.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError


def mail_proof(domain: str, user: str, password: str, **more: t.Any) -> list[dict[str, t.Any]]:
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
    from ansible_collections.postroom.mail.plugins.module_utils._probe.plan import Host, proof

    try:
        return proof(Host(domain=domain, user=user, password=password, **more))
    except (BadInput, TypeError) as e:
        raise AnsibleFilterError(str(e)) from e


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mail_proof": mail_proof}
