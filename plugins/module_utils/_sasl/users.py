# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SASL accounts: checked, and compared with the contents of a database. Knows neither disk nor library."""

from __future__ import annotations

import dataclasses
import enum
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core import users as core_users
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

# Bytes. libsasl2 has buffers of 1 kB and 8 kB; a longer name it refuses, a longer password it takes and can then not read.
MAX_IDENTITY = 1000
MAX_PASSWORD = 4096


class BadUser(BadInput):
    """A user has a name that no sasldb2 can hold, or with which no login works."""


class Standing(enum.Enum):
    """The state of a wanted user in a database."""

    ABSENT = enum.auto()
    SAME = enum.auto()
    OTHER = enum.auto()


@dataclasses.dataclass(frozen=True)
class User:
    """A wanted SASL account; without a password the present one stays."""

    name: str
    realm: str
    password: str | None = dataclasses.field(default=None, repr=False)
    present: bool = True

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.realm}"

    @property
    def wants_password(self) -> bool:
        return self.present and self.password is not None


@dataclasses.dataclass
class Plan:
    """The changes to make."""

    create: list[User] = dataclasses.field(default_factory=list)
    change: list[User] = dataclasses.field(default_factory=list)
    remove: list[User] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.create or self.change or self.remove)

    def lines(self) -> tuple[str, str]:
        """Return the lines of the diff, before and after: the users, and those with a changed password."""
        before = [f"{user.identity}\n" for user in self.remove]
        after = [f"{user.identity}\n" for user in self.create]
        after += [f"{user.identity}: [password changed]\n" for user in self.change]
        return "".join(before), "".join(after)


def users_from(given: t.Sequence[t.Mapping[str, t.Any]], realm: str) -> list[User]:
    """Check the module's ``users`` and make `User` objects of them, of *realm* unless they have another.

    Raises `BadUser` with all problems.
    """
    return core_users.all_from(given, lambda options: _user(options, realm), lambda user: user.identity, BadUser)


def _user(options: t.Mapping[str, t.Any], realm: str) -> User:
    name, own_realm, password = options["name"], options.get("realm"), options.get("password")
    if "@" in name:
        if own_realm is not None:
            raise BadUser(f"The user {name!r} has its realm in its name and another in 'realm'; leave one of them out.")
        name, own_realm = name.split("@", 1)
    user = User(name, realm if own_realm is None else own_realm, password, options.get("state", "present") == "present")
    problem = problem_with_name(name)
    if problem:
        raise BadUser(f"{options['name']!r} cannot be the name of a SASL user: it {problem}.")
    problem = problem_with_realm(user.realm)
    if problem:
        raise BadUser(f"The realm {user.realm!r} of the user {name!r} {problem}.")
    if len(user.identity.encode("utf-8", "surrogateescape")) > MAX_IDENTITY:
        raise BadUser(f"The user '{name[:20]}...' with its realm is longer than {MAX_IDENTITY} bytes; libsasl2 takes no longer name.")
    if user.present and password is not None:
        problem = core_password.problem_with(password, "to keep the one that is there", MAX_PASSWORD)
        if problem:
            raise BadUser(f"The password of the user '{user.identity}' {problem}.")
    return user


def problem_with_name(name: str) -> str | None:
    """Tell why *name* cannot be a SASL user's, in words to follow "it"; None when it can."""
    if not name:
        return "is empty"
    if re.search(r"[:/\x00-\x1f\x7f]", name):
        return "has a colon, a slash or a control character in it"
    if name != name.strip():
        return "begins or ends with a space, which libsasl2 takes away at every login"
    return None


def problem_with_realm(realm: str) -> str | None:
    """Tell why *realm* cannot be one, in words to follow it; None when it can."""
    if not realm:
        return "is empty; leave the option out for the realm that smtpd looks up"
    if re.search(r"[@:/\s\x00-\x1f\x7f]", realm):
        return "has an '@', a colon, a slash, a space or a control character in it"
    return None


def plan(users: t.Sequence[User], standings: t.Sequence[Standing], others: t.Iterable[User] = ()) -> Plan:
    """Compare *users* with their states in a database; *others* are those in it that must go. Raises `BadUser`."""
    result = Plan(remove=list(others))
    for user, standing in zip(users, standings):
        if not user.present:
            if standing is not Standing.ABSENT:
                result.remove.append(user)
        elif standing is Standing.ABSENT:
            if user.password is None:
                raise BadUser(f"The user '{user.identity}' is not in the database yet and has no password; give one.")
            result.create.append(user)
        elif standing is Standing.OTHER:
            result.change.append(user)
    return result


def parse_listing(output: str) -> list[User]:
    """Return the users that ``sasldblistusers2`` printed, one for each, in the order printed; each must be removed.

    A line is ``name@realm: property``; a user has one for each secret kept of it.
    """
    identities = dict.fromkeys(line.rpartition(": ")[0] for line in output.split("\n"))
    split = (identity.partition("@") for identity in identities if "@" in identity)
    return [User(name, realm, present=False) for name, _at, realm in split]


def others_than(users: t.Sequence[User], listed: t.Sequence[User]) -> list[User]:
    """Return those *listed* that are none of *users*."""
    known = {user.identity for user in users}
    return [user for user in listed if user.identity not in known]
