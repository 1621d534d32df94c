# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts that mail is fetched from, and its recipients. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.fetchmailrc import all_problems
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.options import ACCOUNT, SETTINGS
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options, Part

# Lists in several files of an inventory replace each other; a variable for each account lets a file be added and taken away by itself.
ACCOUNT_PREFIX = "fetchmail_account_"
PACKAGES = ("fetchmail",)


class Variables(t.TypedDict, total=False):
    """As the role's contract promises them; beside them there is a variable for each account that begins with `ACCOUNT_PREFIX`."""

    fetchmail_accounts: t.Sequence[Options]
    fetchmail_settings: Options
    fetchmail_replace_config: bool


def offers(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Offers:
    return dataclasses.replace(offers, fetched_accounts=_accounts(variables))


def plan(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Part:
    given = t.cast("Variables", variables)
    accounts, settings = _accounts(variables), given["fetchmail_settings"]
    # A host that never had accounts is not asked about them.
    is_wanted = bool(accounts) or bool(facts.get("packages", {}).get("fetchmail"))
    options = {"accounts": accounts, "settings": settings, "replace": given["fetchmail_replace_config"]}
    return Part(
        problems=problems(accounts, settings, variables["host_users"]),
        packages=PACKAGES if accounts else (),
        fetchmail_config=options if is_wanted else None,
    )


def _accounts(variables: t.Mapping[str, t.Any]) -> list[Options]:
    given = t.cast("Variables", variables)
    return [*given["fetchmail_accounts"], *(account for name, account in variables.items() if name.startswith(ACCOUNT_PREFIX))]


def problems(accounts: t.Sequence[Options], settings: Options, users: t.Sequence[Options]) -> list[str]:
    """Return the mistakes that fetchmail_config would refuse on any host. No password stands in a sentence."""
    if not isinstance(accounts, (list, tuple)) or not all(isinstance(account, t.Mapping) for account in accounts):
        return ["fetchmail_accounts must be a list of accounts, each with poll, user, password and is."]
    # The types and defaults are those of the module, which sees the same values later.
    validated = [ArgumentSpecValidator(ACCOUNT).validate(account) for account in accounts]
    general = ArgumentSpecValidator(SETTINGS).validate(settings)
    found = [
        f"The account {_who(account)}: {_without(account.get('password'), message)}."
        for account, result in zip(accounts, validated)
        for message in result.error_messages
    ]
    found += [f"fetchmail_settings: {message}." for message in general.error_messages]
    complete = [result.validated_parameters for result in validated]
    if not found:
        found = all_problems(complete, general.validated_parameters)
    return [*found, *_without_owner(complete, users)]


def _without_owner(accounts: t.Sequence[Options], users: t.Sequence[Options]) -> t.Iterator[str]:
    gone = {user.get("name") for user in users if user.get("state") == "absent"} - {None}
    for account in accounts:
        if account.get("owner") in gone:
            who = f"{account.get('user')} at {account.get('poll')}"
            yield f"The account {who} belongs to '{account['owner']}', who is absent in mail_users; remove one of the two."


def _who(account: Options) -> str:
    return f"{account.get('user', 'nobody')} at {account.get('poll', 'no server')}"


def _without(secret: t.Any, message: str) -> str:
    """Ansible repeats the value of which it complains; that of a password is its own affair."""
    return message.replace(str(secret), "********") if secret else message
