# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: filtering_plan
short_description: Work out which engine sorts the mail of each user, and check the rules
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Returns the settings that the rules of M(postroom.mail.mail_filter) need from the roles C(postfix) and C(dovecot), and the problems of
    the rules, before anything on the host is changed.
positional: engine, rules, rules_after, domain, mail_location, transport, users_to_be, accounts, mailboxes
options:
  _input:
    description:
      - The users of M(postroom.mail.mail_filter).
    type: list
    elements: dict
    required: true
  engine:
    description:
      - The engine that sorts the mail of all other users.
    type: str
    choices: [sieve, procmail]
    required: true
  rules:
    description:
      - The rules of the site.
    type: list
    elements: dict
    default: []
  rules_after:
    description:
      - The rules that run after the users' own.
    type: list
    elements: dict
    default: []
  domain:
    description:
      - The domain of system accounts.
    type: str
    default: localhost
  mail_location:
    description:
      - The location of a user's mail, as Dovecot 2.3 writes it.
    type: str
    default: maildir:~/Maildir
  transport:
    description:
      - The transport by which Postfix hands mail to Dovecot.
    type: str
    default: lmtp:unix:private/dovecot-lmtp
  users_to_be:
    description:
      - The users that the play makes, each with a C(name). They count as existing.
    type: list
    elements: dict
  accounts:
    description:
      - The users that the host knows, as M(postroom.mail.mail_info) reports them. Without it, names are not checked.
    type: dict
  mailboxes:
    description:
      - The addresses of virtual mailboxes.
    type: list
    elements: str
seealso:
  - module: postroom.mail.mail_filter
"""

EXAMPLES = r"""
---
- name: Show the setting of Postfix for a user with procmail
  ansible.builtin.debug:
    msg: "{{ ([{'name': 'bob', 'engine': 'procmail'}] | postroom.mail.filtering_plan('sieve')).transports }}"
  # => {"bob": "postroom-procmail:"}
"""

RETURN = r"""
_value:
  description: The things that the rules need.
  type: dict
  contains:
    problems:
      description: The problems of the rules, one sentence each.
      type: list
      elements: str
      returned: always
    engines:
      description: The engines in use.
      type: list
      elements: str
      returned: always
    transport:
      description: The mailbox_transport of all other users.
      type: str
      returned: always
    transports:
      description: The mailbox_transport of users who have another engine than the others.
      type: dict
      returned: always
    redirects:
      description: The number of addresses to which Sieve may forward one mail.
      type: int
      returned: always
    procmail_command:
      description: The mailbox_command that starts procmail; empty where it is not used.
      type: str
      returned: always
"""

import typing as t


def filtering_plan(
    users: t.Any,
    engine: t.Any,
    rules: t.Any = (),
    rules_after: t.Any = (),
    domain: t.Any = "localhost",
    mail_location: t.Any = "maildir:~/Maildir",
    transport: t.Any = "lmtp:unix:private/dovecot-lmtp",
    users_to_be: t.Any = None,
    accounts: t.Any = None,
    mailboxes: t.Any = (),
) -> dict[str, t.Any]:
    from ansible_collections.postroom.mail.plugins.module_utils._filter import plan as filter_plan
    from ansible_collections.postroom.mail.plugins.module_utils._filter import procmailrc
    from ansible_collections.postroom.mail.plugins.module_utils._filter import users as filter_users
    from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import ENGINES, PROCMAIL, SIEVE

    result: dict[str, t.Any] = {
        "problems": [],
        "engines": [],
        "transport": transport,
        "transports": {},
        "procmail_command": "",
        "redirects": 4,
    }
    if engine not in ENGINES:
        return {**result, "problems": [f"filtering_engine is '{engine}'; write {' or '.join(ENGINES)}."]}
    if not isinstance(users, list) or not all(isinstance(user, t.Mapping) for user in users):
        return {**result, "problems": ["filtering_users must be a list of users, each with a name."]}
    # A value that is no list is reported with the other problems.
    site, after = (list(one) if isinstance(one, tuple) else one for one in (rules, rules_after))
    plan, problems = filter_plan.plan(engine, site, after, users, domain=str(domain), mail_location=str(mail_location))
    if accounts is not None:
        names = [user.name for user in plan.users]
        to_be = {str(user.get("name")) for user in users_to_be or () if isinstance(user, t.Mapping)}
        problems += filter_users.problems(names, domain=str(domain), users=to_be, accounts=accounts, mailboxes=mailboxes)
    transports = {SIEVE: transport, PROCMAIL: f"{procmailrc.SERVICE}:"}
    return {
        "problems": problems,
        "engines": sorted(plan.engines),
        "transport": transports[engine],
        "transports": {user.name: transports[user.engine] for user in plan.users if user.engine != engine and "@" not in user.name},
        "redirects": plan.redirects,
        "procmail_command": procmailrc.command(plan.location) if PROCMAIL in plan.engines and not problems else "",
    }


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"filtering_plan": filtering_plan}
