# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pending
short_description: Find the parameters or services that Postfix does not have yet
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Compares the wanted settings with the facts of M(postroom.mail.mail_info), so that a converged run can skip
    M(postroom.mail.postfix_config) and M(postroom.mail.postfix_service).
  - A value that the facts do not show, such as a secret one, counts as pending.
options:
  _input:
    description:
      - A dictionary of wanted parameters, as for the option O(postroom.mail.postfix_config#module:parameters), or a list of
        wanted services, as for the option O(postroom.mail.postfix_service#module:services).
    type: raw
    required: true
  live:
    description: The state of the host, RV(postroom.mail.mail_info#module:postfix).
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

- name: Set two parameters, unless they are so already
  postroom.mail.postfix_config:
    parameters: "{{ wanted }}"
  when: wanted | postroom.mail.pending(host.postfix) | length > 0
  vars:
    wanted: {biff: false, message_size_limit: 26214400}

- name: Set up a submission service, unless it exists already
  postroom.mail.postfix_service:
    services: "{{ wanted }}"
  when: wanted | postroom.mail.pending(host.postfix) | length > 0
  vars:
    wanted: [{name: submission, type: inet, command: smtpd, overrides: {smtpd_tls_security_level: encrypt}}]
"""

RETURN = r"""
_value:
  description: The pending ones, in the form of the input, a dictionary or a list.
  type: raw
"""

import typing as t


def pending(wanted: t.Any, live: t.Any) -> t.Any:
    from ansible_collections.postroom.mail.plugins.module_utils._postfix.pending import parameters, services

    if isinstance(wanted, t.Mapping):
        return parameters(wanted, live["parameters"])
    return services(wanted, live["services"])


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"pending": pending}
