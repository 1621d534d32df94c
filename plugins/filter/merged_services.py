# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: merged_services
short_description: Merge two lists of services of master.cf
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Merges a second list of services into a first one, so that M(postroom.mail.postfix_service) gets each of them once.
positional: more
options:
  _input:
    description: The services, as for the option O(postroom.mail.postfix_service#module:services).
    type: list
    elements: dict
    required: true
  more:
    description:
      - More services, in the same form. One with the C(name) and C(type) of a service above is merged with it and wins, also among its
        C(overrides); every other one follows behind.
      - With C(exclusive_overrides) a service has these C(overrides) alone.
    type: list
    elements: dict
    required: true
seealso:
  - module: postroom.mail.postfix_service
"""

EXAMPLES = r"""
---
- name: Set up a submission service, chrooted if the inventory says so
  postroom.mail.postfix_service:
    services: "{{ usual | postroom.mail.merged_services(own) }}"
  vars:
    usual: [{name: submission, type: inet, command: smtpd, overrides: {smtpd_tls_security_level: encrypt}}]
    own: [{name: submission, type: inet, chroot: true}]
"""

RETURN = r"""
_value:
  description: The services.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError


def merged_services(services: t.Any, more: t.Any) -> list[dict[str, t.Any]]:
    for name, value in (("services", services), ("more", more)):
        if not isinstance(value, (list, tuple)) or not all(isinstance(service, t.Mapping) for service in value):
            raise AnsibleFilterError(f"merged_services: {name} must be a list of dictionaries.")
    merged = [dict(service) for service in services]
    # Two of the same among them are left for the module to refuse.
    rest = list(more)
    for service in merged:
        own = next((other for other in rest if _key(other) == _key(service)), None)
        if own is not None:
            rest.remove(own)
            kept = {} if own.get("exclusive_overrides") else service.get("overrides") or {}
            service.update({**own, "overrides": {**kept, **(own.get("overrides") or {})}})
    return [*merged, *rest]


def _key(service: t.Mapping[str, t.Any]) -> tuple[t.Any, t.Any]:
    return service.get("name"), service.get("type")


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"merged_services": merged_services}
