# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of each user and the program that follows them, on one host. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._core import users as core_users
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._filter import procmailrc, sieve
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import Location, separator_of
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import parse as parse_location
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import ENGINES, PROCMAIL, SIEVE, BadRule, Rule, parse

FOR_ALL = "of the site"

# Dovecot's sieve_max_redirects.
USUAL_REDIRECTS = 4
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_DOMAIN = re.compile(r"\w([\w.-]*\w)?")


class User(t.NamedTuple):
    """A user with *rules*, or for Sieve a *script*; without either only the engine is set, and the user's own rules count."""

    name: str
    engine: str
    rules: tuple[Rule, ...] = ()
    script: str | None = None
    variables: t.Mapping[str, t.Any] = {}

    @property
    def of(self) -> str:
        return f"of {self.name}"

    @property
    def is_empty(self) -> bool:
        return not (self.rules or self.script or self.variables)


class Plan(t.NamedTuple):
    engine: str
    domain: str
    mail_location: str
    rules: tuple[Rule, ...] = ()
    rules_after: tuple[Rule, ...] = ()
    users: tuple[User, ...] = ()

    @property
    def engines(self) -> set[str]:
        return {self.engine, *(user.engine for user in self.users)}

    @property
    def location(self) -> Location:
        """Return the place to which procmail writes."""
        return parse_location(self.mail_location)

    @property
    def redirects(self) -> int:
        """Return the number of addresses to which one mail may be forwarded: beyond Dovecot's limit, none gets it."""
        own = max((sieve.redirects(user.rules) for user in self.users if user.engine == SIEVE), default=0)
        return max(USUAL_REDIRECTS, sieve.redirects([*self.rules, *self.rules_after]) + own)

    def engine_of(self, name: str) -> str:
        return next((user.engine for user in self.users if user.name == name), self.engine)

    def user(self, name: str) -> User:
        return next((user for user in self.users if user.name == name), User(name, self.engine))


def plan(
    engine: str,
    rules: t.Any,
    rules_after: t.Any,
    users: t.Sequence[t.Mapping[str, t.Any]],
    *,
    domain: str,
    mail_location: str,
) -> tuple[Plan, list[str]]:
    """Work out the files to write, and report each problem."""
    site, problems = parse(rules, FOR_ALL)
    after, more = parse(rules_after, FOR_ALL)
    problems += more
    if not _DOMAIN.fullmatch(domain):
        problems.append(f"The domain {domain!r} of the filter rules is no domain name.")
    known: list[User] = []
    for options in users:
        user, wrong = _user(options, engine)
        problems += wrong
        if user:
            known.append(user)
    problems += core_users.repeated(user.name for user in known)
    wanted = Plan(engine, domain, mail_location, tuple(site), tuple(after), tuple(known))
    return wanted, problems + _what_an_engine_cannot(wanted)


def _user(options: t.Mapping[str, t.Any], engine: str) -> tuple[User | None, list[str]]:
    name = str(options.get("name") or "")
    if not _NAME.fullmatch(name) or ".." in name:
        return None, [f"The user {name!r} of the filter rules has a name that no user can have."]
    own = options.get("engine") or engine
    if own not in ENGINES:
        return None, [f"The user {name} has the engine '{own}'; write {' or '.join(ENGINES)}."]
    rules, problems = parse(options.get("rules") or [], f"of {name}")
    script = options.get("script")
    if script and own != SIEVE:
        problems.append(f"The user {name} has a script, which is Sieve's (engine: sieve); for procmail, write rules.")
    if script and rules:
        problems.append(f"The user {name} has both rules and a script: write one of them.")
    if script and (not isinstance(script, str) or re.search("[\x00\ud800-\udfff]", script)):
        return None, [*problems, f"The script of {name} must be a text."]
    variables = options.get("variables") or {}
    if not isinstance(variables, dict):
        return None, [*problems, f"The variables of {name} must be a dictionary such as {{LOGFILE: $HOME/procmail.log}}."]
    if variables and own != PROCMAIL:
        problems.append(f"The user {name} has variables, which only procmail has (engine: procmail).")
    if own == PROCMAIL and "@" in name:
        problems.append(f"{name} has no system account, and only Sieve can sort the mail of such a user (engine: sieve).")
    return User(name, own, tuple(rules), script or None, variables), problems


def _what_an_engine_cannot(wanted: Plan) -> list[str]:
    found: list[str] = []
    if SIEVE in wanted.engines:
        try:
            separator = separator_of(wanted.mail_location)
        except BadInput as e:
            return [str(e)]
        found += sieve.problems([*wanted.rules, *wanted.rules_after], separator, FOR_ALL)
        for user in wanted.users:
            if user.engine == SIEVE:
                found += sieve.problems(user.rules, separator, user.of)
    if PROCMAIL in wanted.engines:
        try:
            location = wanted.location
        except BadInput as e:
            return [*found, str(e)]
        found += procmailrc.problems(wanted.rules, {}, location, FOR_ALL)
        if wanted.rules_after:
            found.append("The site has rules that run after the users' own, which procmail does not support; Sieve does (engine: sieve).")
        for user in wanted.users:
            if user.engine == PROCMAIL:
                found += procmailrc.problems(user.rules, user.variables, location, user.of)
    return list(dict.fromkeys(found))


def address_of(wanted: Plan, name: str) -> str:
    return name if "@" in name else f"{name}@{wanted.domain}"


# Texts -------------------------------------------------------------------------------------------------------------


def procmail_site(wanted: Plan) -> str | None:
    """Return the text of /etc/procmailrc."""
    if PROCMAIL not in wanted.engines or not wanted.rules:
        return None
    return procmailrc.Writer(wanted.location, wanted.domain).file(wanted.rules, {}, system=True)


def procmail_user(wanted: Plan, user: User) -> str | None:
    if user.engine != PROCMAIL or user.is_empty:
        return None
    # Flags of the site's rules stay after them, too.
    flags = any(rule.flag for top in wanted.rules for rule in top.nested())
    return procmailrc.Writer(wanted.location, wanted.domain, uses_flags=flags).file(user.rules, user.variables, system=False)


def sieve_site(wanted: Plan, rules: t.Sequence[Rule]) -> str | None:
    return sieve.Writer(None).script(rules) if SIEVE in wanted.engines and rules else None


def sieve_user(wanted: Plan, user: User) -> str | None:
    if user.engine != SIEVE or user.is_empty:
        return None
    return f"{managed.HEADER}{user.script.rstrip()}\n" if user.script else sieve.Writer(address_of(wanted, user.name)).script(user.rules)


def checked(wanted: Plan, problems: t.Sequence[str]) -> Plan:
    """Return *wanted*, unless there are *problems*. Raises `BadRule`."""
    if problems:
        raise BadRule(" ".join(problems))
    return wanted
