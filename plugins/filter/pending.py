# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pending
short_description: Tell which parameters or services Postfix does not have yet
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Compares what is wanted with what M(postroom.mail.mail_info) has told of the host, so that a converged run can skip
    M(postroom.mail.postfix_config) and M(postroom.mail.postfix_service).
  - A value that cannot be judged from there, such as one that the answer hides because it is secret, counts as pending.
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

- name: Have a submission service, unless it is there already
  postroom.mail.postfix_service:
    services: "{{ wanted }}"
  when: wanted | postroom.mail.pending(host.postfix) | length > 0
  vars:
    wanted: [{name: submission, type: inet, command: smtpd, overrides: {smtpd_tls_security_level: encrypt}}]
"""

RETURN = r"""
_value:
  description: Those that are to be set, a dictionary or a list as it was given.
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
