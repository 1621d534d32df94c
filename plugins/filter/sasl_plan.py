# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: sasl_plan
short_description: Turn the settings of the role sasl into packages, parameters and accounts
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Returns the packages and parameters of main.cf that a provider of SMTP AUTH needs on a host, and reports all problems of the
    settings at once, before anything is written.
options:
  _input:
    description: The facts of the host in RV(postroom.mail.mail_info#module:sasl).
    type: dict
    required: true
  os_family:
    description: The family of its distribution, RV(postroom.mail.mail_info#module:host.os_family).
    type: str
    required: true
  provider:
    description: The service that checks the passwords.
    type: str
    choices: [dovecot, saslauthd, sasldb, none]
    default: dovecot
  mta:
    description: The mail server that has them checked.
    type: str
    choices: [postfix, sendmail]
    default: postfix
  mechanisms:
    description: The mechanisms that saslauthd or sasldb serves.
    type: list
    elements: str
    default: [PLAIN, LOGIN]
  saslauthd:
    description: The settings of saslauthd, with the keys of the variables C(sasl_saslauthd_*) of the role.
    type: dict
    default: {}
  replace:
    description: Whether configuration files of another source are replaced.
    type: bool
    default: false
  path:
    description: Dovecot's socket, relative to Postfix's queue directory.
    type: str
    default: private/auth
  realm:
    description: The realm of a login without one, for saslauthd and sasldb. Empty, it is O(hostname).
    type: str
    default: ""
  hostname:
    description: Postfix's C(myhostname).
    type: str
    default: ""
  domains:
    description: The domains in which every login owns the address of its own name.
    type: list
    elements: str
    default: []
  mailboxes:
    description: The addresses of virtual mailboxes, which Dovecot knows.
    type: list
    elements: str
    default: []
  users:
    description: The accounts of sasldb, for M(postroom.mail.sasl_user).
    type: list
    elements: dict
    default: []
seealso:
  - plugin: postroom.mail.mail_info
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Ask the host
  postroom.mail.mail_info:
    gather: [host, sasl]
  register: host

- name: Show the requirements of AUTH through saslauthd and PAM
  ansible.builtin.debug:
    msg: "{{ host.sasl | postroom.mail.sasl_plan(host.host.os_family, provider='saslauthd', saslauthd={'mechanism': 'pam'}) }}"
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
      description: The warnings, one sentence each.
      type: list
      elements: str
    mailboxes:
      description: Those of O(mailboxes) by whose addresses only their owners can log in.
      type: list
      elements: str
    packages:
      description: The packages that must be installed.
      type: list
      elements: str
    parameters:
      description: The parameters of main.cf that name the provider.
      type: dict
    realm:
      description: The realm of a login that names none.
      type: str
    realms:
      description: The realms that P(postroom.mail.login_names#filter) must add.
      type: list
      elements: str
    domains:
      description: Those of O(domains) in which a login with the domain as its realm is the same person as without one.
      type: list
      elements: str
    domains_apart:
      description: The others of O(domains), in each of which a login is a person of its own.
      type: list
      elements: str
    other_realms:
      description: The latter, and further realms of O(users).
      type: list
      elements: str
    accounts:
      description: O(users), without the options of their system accounts. The list holds passwords.
      type: list
      elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError


def sasl_plan(
    sasl: t.Any, os_family: str, provider: t.Any = "dovecot", path: str = "private/auth", realm: str = "", **more: t.Any
) -> t.Any:
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import names
    from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider as core
    from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import BadUser, users_from

    domains, users = more.pop("domains", []), more.pop("users", [])
    hostname, mailboxes, mta = more.pop("hostname", ""), list(more.pop("mailboxes", [])), more.pop("mta", "postfix")
    own_realm, provider = realm or hostname, str(provider)
    if isinstance(more.get("mechanisms"), str):
        more["mechanisms"] = names(more["mechanisms"])
    try:
        wanted = core.Wanted(provider, **{**more, "saslauthd": core.Saslauthd(**more.get("saslauthd", {}))})
        foreign = core.Foreign(sasl["foreign_files"], sasl["saslauthd"]["foreign"])
        problems = core.problems(wanted, sasl["saslauthd"]["mechanisms"], mta) + core.conflicts(wanted, foreign, sasl["config_path"])
        named = [user for user in users if isinstance(user, t.Mapping) and user.get("name")]
        accounts = core.accounts(named) if provider == "sasldb" else []
        if provider == "sasldb" and len(named) < len(users):
            problems.append("sasl_users has a user without a name: write each user as {name: alice, password: ...}.")
        try:
            users_from(accounts, own_realm)
        except BadUser as e:
            problems.append(f"sasl_users: {e}")
        realms = core.realms(wanted, own_realm, domains)
        apart = [domain for domain in domains if domain not in realms] if core.joins_realm(wanted) else []
        known = core.known_mailboxes(wanted, mailboxes, accounts)
        unknown = [address for address in mailboxes if address not in known]
        return {
            "problems": problems,
            "warnings": [
                f"{', '.join(unknown)} in mail_virtual_users cannot log in to send mail: sasl_provider {provider} does not know them."
            ]
            if unknown
            else [],
            "mailboxes": known,
            "packages": core.packages(wanted, os_family),
            "parameters": core.parameters(provider, path, realm),
            "realm": own_realm,
            "realms": realms,
            "domains": [domain for domain in domains if domain not in apart],
            "domains_apart": apart,
            "other_realms": [*apart, *core.other_realms(accounts, [*realms, *apart])],
            "accounts": accounts,
        }
    except (TypeError, AttributeError, KeyError) as e:
        # The input is not shown: there may be passwords in it.
        raise AnsibleFilterError(
            f"sasl_plan cannot read its input, which is not as the role sasl documents it ({type(e).__name__})."
        ) from None


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"sasl_plan": sasl_plan}
