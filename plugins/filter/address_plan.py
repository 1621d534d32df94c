# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: address_plan
short_description: Follow the addresses of a mail host to their targets
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Follows every alias and virtual alias as Postfix would, and reports all problems at once, before
    anything is written.
  - Completes the virtual aliases, so that a catch-all leaves other users their mail.
options:
  _input:
    description: Local aliases, a name to one target or a list of targets.
    type: dict
    required: true
  virtual_aliases:
    description: Virtual aliases, an address or C(@domain) to one target or a list of targets.
    type: dict
    default: {}
  tables:
    description: Further tables of addresses, by the names of their variables; only their keys and values are checked.
    type: dict
    default: {}
  relocated:
    description: Addresses that have moved.
    type: dict
    default: {}
  access:
    description: Access tables, by the names of their variables.
    type: dict
    default: {}
  classes:
    description: Restriction classes that an access table may name.
    type: list
    elements: str
    default: []
  users:
    description: Accounts with mail, as in C(mail_users).
    type: list
    elements: dict
    default: []
  accounts:
    description: The names with accounts on the host, RV(postroom.mail.mail_info#module:accounts).
    type: dict
    default: {}
  system_aliases:
    description: The entries of the host's own C(/etc/aliases), RV(postroom.mail.mail_info#module:aliases).
    type: dict
    default: {}
  destinations:
    description: The value of C(mydestination).
    type: list
    elements: str
    default: []
  virtual_domains:
    description: The value of C(virtual_alias_domains).
    type: list
    elements: str
    default: []
  mailbox_domains:
    description: The value of C(virtual_mailbox_domains).
    type: list
    elements: str
    default: []
  mailboxes:
    description: The addresses in these domains that have a mailbox.
    type: list
    elements: str
    default: []
  relay_domains:
    description: Domains with mail that goes on to another host; none of them can be one of the above.
    type: list
    elements: str
    default: []
  names:
    description: The parameters that the two may refer to, and C(myorigin).
    type: dict
    default: {}
  commands:
    description: The value of C(allow_mail_to_commands).
    type: list
    elements: str
    default: []
  files:
    description: The value of C(allow_mail_to_files).
    type: list
    elements: str
    default: []
  uids:
    description: The first and the last user id for which Dovecot keeps mail; 0 as the last one is no limit.
    type: list
    elements: int
    default: [1000, 0]
  without_mail:
    description: Accounts among these with mail that no user reads.
    type: list
    elements: str
    default: []
  delimiter:
    description: The value of C(recipient_delimiter).
    type: str
    default: +
  fetched:
    description:
      - Accounts elsewhere, as for the option O(postroom.mail.fetchmail_config#module:accounts). The recipients of their mail must exist.
    type: list
    elements: dict
    default: []
  transports:
    description: The table of C(mailbox_transport_maps), a user to a transport.
    type: dict
    default: {}
  parents:
    description: Whether C(parent_domain_matches_subdomains) names access tables, as it does by default.
    type: bool
    default: true
seealso:
  - plugin: postroom.mail.postmap
    plugin_type: module
  - plugin: postroom.mail.mail_info
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Show the problems of these aliases
  ansible.builtin.debug:
    msg: "{{ ({'me': 'you', 'you': 'me'} | postroom.mail.address_plan(names={'myorigin': 'example.org'})).problems }}"
  # => ["The aliases me -> you -> me lead in a circle, so that mail for them would come back as undeliverable: ..."]
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    problems:
      description: The problems, one sentence each.
      type: list
      elements: str
    warnings:
      description: Settings that work but are probably a mistake, one sentence each.
      type: list
      elements: str
    look_up:
      description: Names of accounts that an alias leads to, for the option O(postroom.mail.mail_info#module:accounts).
      type: list
      elements: str
    aliases:
      description: The aliases, with one for postmaster.
      type: dict
    expansion:
      description: The number of addresses to which the largest virtual alias leads in the end.
      type: int
    steps:
      description: The number of steps in the longest chain of virtual aliases.
      type: int
    virtual_aliases:
      description:
        - The virtual aliases, with each name to itself in the domain of a catch-all, with the recipients of its target for a domain that
          is an alias of another, and with a postmaster for each domain.
      type: dict
    recipient_access:
      description: The access table C(postfix_recipient_access), and the RV(_value.verified_domains).
      type: dict
    verified_domains:
      description: Domains that are aliases of other hosts' domains, so that each recipient has to be verified.
      type: list
      elements: str
    catch_alls:
      description: The domains of the host's own accounts that have a catch-all.
      type: list
      elements: str
    name_rows:
      description: The table that turns addresses in these domains, and in aliases of the host's own domains, into names.
      type: list
      elements: dict
    account_rows:
      description: The table that turns answers of C(unix:passwd.byname) into addresses of these domains.
      type: list
      elements: dict
    mail_account_rows:
      description: The table of the answers of C(unix:passwd.byname) for accounts that have mail.
      type: list
      elements: dict
    other_account_rows:
      description: The table that leads all other accounts to root.
      type: list
      elements: dict
"""

import typing as t


def address_plan(aliases: t.Any, **more: t.Any) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.plan import plan

    return plan(aliases, **more)


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"address_plan": address_plan}
