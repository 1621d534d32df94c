# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pending_services
short_description: Tell which services of master.cf Postfix does not have yet
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Compares what is wanted with what M(postroom.mail.mail_info) has told of the host, so that a converged run can skip
    M(postroom.mail.postfix_service).
  - What cannot be judged from there, such as a value that the answer hides for being secret, counts as pending.
options:
  _input:
    description: The wanted services, as for the option O(postroom.mail.postfix_service#module:services).
    type: list
    elements: dict
    required: true
  live:
    description: What the host has, RV(postroom.mail.mail_info#module:postfix.services).
    type: dict
    required: true
seealso:
  - plugin: postroom.mail.mail_info
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Ask the host
  postroom.mail.mail_info:
    gather: [postfix]
  register: host

- name: Have a submission service, unless it is there already
  postroom.mail.postfix_service:
    services: "{{ wanted }}"
  when: wanted | postroom.mail.pending_services(host.postfix.services) | length > 0
  vars:
    wanted: [{name: submission, type: inet, command: smtpd, overrides: {smtpd_tls_security_level: encrypt}}]
"""

RETURN = r"""
_value:
  description: Those that are to be set.
  type: list
  elements: dict
"""

import typing as t


def pending_services(wanted: t.Any, live: t.Any) -> t.Any:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix_pending import services

    return services(wanted, live)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"pending_services": pending_services}
