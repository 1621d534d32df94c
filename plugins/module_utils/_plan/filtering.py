# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the role filtering: rules and engines by user, and the facts that the roles postfix and dovecot need of them. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._filter import plan as filter_plan
from ansible_collections.postroom.mail.plugins.module_utils._filter import procmailrc
from ansible_collections.postroom.mail.plugins.module_utils._filter import users as filter_users
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_filter import SIEVE_DIRECTORY
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import ENGINES, PROCMAIL, SIEVE
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options, Part

# Dovecot and procmail come with the roles dovecot and postfix.
PACKAGES: t.Sequence[str] = ()
LOOKS_UP_NAMES = True
TRANSPORTS = {SIEVE: Offers.mailbox_transport, PROCMAIL: f"{procmailrc.SERVICE}:"}


class Variables(t.TypedDict, total=False):
    """As the role's contract promises them."""

    filtering_engine: str
    filtering_rules: t.Sequence[Options]
    filtering_rules_after: t.Sequence[Options]
    filtering_users: t.Sequence[Options]
    filtering_samples: t.Sequence[Options]
    filtering_managesieve: bool
    filtering_replace_config: bool


def offers(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Offers:
    given = t.cast("Variables", variables)
    wanted, problems = _wanted(variables, facts, offers)
    said = dataclasses.replace(
        offers,
        sieve=given["filtering_managesieve"] or (_has_rules(given) and _uses(SIEVE, wanted)),
        sieve_before=[f"{SIEVE_DIRECTORY}/before.sieve", f"{SIEVE_DIRECTORY}/users/%{{user}}.sieve"],
        sieve_after=[f"{SIEVE_DIRECTORY}/after.sieve"],
        managesieve=given["filtering_managesieve"],
    )
    if wanted is None:
        return said
    return dataclasses.replace(
        said,
        sieve_max_redirects=wanted.redirects,
        mailbox_transport=TRANSPORTS[wanted.engine],
        # Postfix knows a virtual mailbox by its domain, and Dovecot has all of these.
        mailbox_transports={
            user.name: TRANSPORTS[user.engine] for user in wanted.users if user.engine != wanted.engine and "@" not in user.name
        },
        procmail_command=procmailrc.command(wanted.location) if _uses(PROCMAIL, wanted) and not problems else "",
    )


def plan(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Part:
    given = t.cast("Variables", variables)
    wanted, problems = _wanted(variables, facts, offers)
    is_wanted = _has_rules(given) or bool(given["filtering_samples"]) or _uses(PROCMAIL, wanted)
    options = {
        "engine": given["filtering_engine"],
        "rules": given["filtering_rules"],
        "rules_after": given["filtering_rules_after"],
        "users": given["filtering_users"],
        "samples": given["filtering_samples"],
        "domain": variables["host_domain"],
        "mail_location": offers.mail_location,
        "virtual_account": variables["host_virtual_account"],
        "replace": given["filtering_replace_config"],
    }
    return Part(
        problems=problems,
        names_to_look_up=[user.name.partition("@")[0] for user in wanted.users] if wanted else [],
        mail_filter=options if is_wanted or _had_rules(facts) else None,
    )


def _wanted(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> tuple[filter_plan.Plan | None, list[str]]:
    """Return the plan of the rules, and their mistakes."""
    given = t.cast("Variables", variables)
    engine, users = given["filtering_engine"], given["filtering_users"]
    if engine not in ENGINES:
        return None, [f"filtering_engine is '{engine}'; write {' or '.join(ENGINES)}."]
    if not isinstance(users, list) or not all(isinstance(user, t.Mapping) for user in users):
        return None, ["filtering_users must be a list of users, each with a name."]
    # What is no list is said with the other problems.
    site, after = (
        list(rules) if isinstance(rules, tuple) else rules for rules in (given["filtering_rules"], given["filtering_rules_after"])
    )
    domain = str(variables["host_domain"])
    wanted, problems = filter_plan.plan(engine, site, after, users, domain=domain, mail_location=offers.mail_location)
    accounts = facts.get("accounts")
    # Users of other databases than the host's accounts are known to nobody but these.
    if accounts is not None and set(offers.userdb_drivers) <= {"passwd"}:
        problems += filter_users.problems(
            [user.name for user in wanted.users],
            domain=domain,
            users={str(user.get("name")) for user in variables["host_users"]},
            accounts=accounts,
            mailboxes=(offers.virtual_mailboxes or {}).get("addresses", ()),
        )
    return wanted, problems


def _has_rules(given: Variables) -> bool:
    return bool(given["filtering_rules"] or given["filtering_rules_after"] or given["filtering_users"])


def _uses(engine: str, wanted: filter_plan.Plan | None) -> bool:
    return wanted is not None and engine in wanted.engines


def _had_rules(facts: Facts) -> bool:
    """Tell if former rules may have to be taken away."""
    services = facts.get("postfix", {}).get("services", ())
    return f"{procmailrc.SERVICE}/unix" in services or f"{SIEVE_DIRECTORY}/" in str(facts.get("dovecot", {}).get("settings", ""))
