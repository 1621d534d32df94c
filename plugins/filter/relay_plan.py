# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: relay_plan
short_description: Turn the settings of the role relay_policy into entries of Postfix's tables
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns the networks that can relay, and the routes of mail for other hosts, as entries of lookup tables. It also reports all
    problems of the settings at once, before anything is written.
options:
  _input:
    description: The smarthosts, as in the variable C(relay_policy_smarthosts) of the role.
    type: list
    elements: dict
    required: true
  mode:
    description: The relay policy, one of V(closed), V(networks), V(subnet), V(authenticated) and V(open).
    type: str
    required: true
  networks:
    description: The clients that may relay without AUTH.
    type: list
    elements: str
    default: []
  open_to_the_world:
    description: Whether the mode V(open) is really meant.
    type: bool
    default: false
  domains:
    description: The forwarded domains, as in the variable C(relay_policy_domains).
    type: list
    elements: dict
    default: []
  transport:
    description: Further entries of the transport table.
    type: dict
    default: {}
  local_domains:
    description: Domains with mail that ends on the host.
    type: list
    elements: str
    default: []
  services:
    description: The names of the services that deliver mail. Without any, transports are not checked.
    type: list
    elements: str
    default: []
  relayhost_there:
    description: A smarthost for all mail, set from another source.
    type: str
    default: ""
seealso:
  - plugin: postroom.mail.postmap
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Show the entries for a smarthost
  ansible.builtin.debug:
    msg: "{{ [{'relayhost': '[smtp.example.com]:25'}] | postroom.mail.relay_plan(mode='networks', networks=['192.0.2.0/24']) }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    problems:
      description: The problems, one sentence each. If there are any, the rest is not complete.
      type: list
      elements: str
    mynetworks:
      description: The value of C(mynetworks); V(none) where Postfix must find its own subnets.
      type: list
      elements: str
    relayhost:
      description: The smarthost for all mail; empty without one.
      type: str
    default_transport:
      description: The service that reaches it, where that is not Postfix's default.
      type: str
    transport:
      description: Entries of transport(5).
      type: dict
    senders:
      description: Entries of C(sender_dependent_default_transport_maps).
      type: dict
    passwords:
      description: Entries of C(smtp_sasl_password_maps).
      type: dict
    tls_policy:
      description: Entries of C(smtp_tls_policy_maps).
      type: dict
    domains:
      description: The value of C(relay_domains).
      type: list
      elements: str
    recipients:
      description: Entries of C(relay_recipient_maps).
      type: dict
    recipient_patterns:
      description: Entries of a regexp table for domains with unknown recipients.
      type: list
      elements: dict
    services:
      description: The services of the role that the routes name, such as V(relay-smtps), which speaks TLS from the first byte on.
      type: list
      elements: str
    verifies:
      description: Whether certificates are verified, so that Postfix must know the authorities to trust.
      type: bool
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError


def relay_plan(smarthosts: t.Any, mode: str, networks: t.Any = (), open_to_the_world: bool = False, **more: t.Any) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._relay import networks as relay_networks
    from ansible_collections.postroom.mail.plugins.module_utils._relay.routes import routes

    try:
        plan = dataclasses.asdict(routes(smarthosts, **more))
    except (TypeError, AttributeError) as e:
        # The input is not shown: there may be passwords in it.
        raise AnsibleFilterError(
            f"relay_plan cannot read its input, which is not as the role relay_policy documents it ({type(e).__name__})."
        ) from None
    mynetworks, problems = relay_networks.mynetworks(mode, list(networks), open_to_the_world)
    return {**plan, "mynetworks": mynetworks, "problems": problems + plan["problems"]}


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_plan": relay_plan}
