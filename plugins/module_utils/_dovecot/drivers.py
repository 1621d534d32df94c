# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drivers of password and user databases, one object each. Pure.

A driver that is yet to come is one more `Driver` below, and its words are one more row of docs/dovecot.md.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect, Version

Entry = t.Mapping[str, t.Any]
Problems = t.Iterator[str]

KINDS = ("passdb", "userdb")


@dataclasses.dataclass(frozen=True)
class Key:
    """A word of the neutral vocabulary that some drivers have, in each form in which a database is told it."""

    word: str  # among ``args``; without braces it is said of what is true
    # Of a block; without one, no block can be told it. By its whole name: in a block that is not named after its driver (``passdb pam2``)
    # ``service_name`` is no setting of PAM, and not refused.
    setting: str = ""
    kinds: tuple[str, ...] = KINDS
    has_variables: bool = False


# What entries of every driver may have, by kind. All else is the driver's own, or a setting by Dovecot's own name.
COMMON = {"passdb": ("fields", "mechanisms_filter", "deny"), "userdb": ("fields",)}

_SCHEME = Key("scheme={}", "default_password_scheme", kinds=("passdb",))
_FILE = Key("{}")  # of the settings of the driver, or a program; only ``args`` name it


def _nothing_wrong(kind: str, entry: Entry) -> Problems:
    yield from ()


@dataclasses.dataclass(frozen=True)
class Driver:
    name: str
    kinds: tuple[str, ...] = KINDS
    since: Version = (0,)
    until: Version = (99,)  # the first Dovecot without it
    instead: str = ""  # what to use there
    is_always_built: bool = False  # so ``dovecot --build-options`` does not list it
    package: str = ""  # on Debian, when it is a module beside the others
    keys: t.Mapping[str, Key] = dataclasses.field(default_factory=dict)  # in the order in which ``args`` has them
    has_fields_in_args: bool = False  # otherwise they override what the database says
    questions: tuple[str, ...] = ()  # keys that say which server is asked, and what
    says_yes_or_no: bool = False  # it never sees a stored password
    is_out_of_sight: bool = False  # what it says of a user is in a file or a program
    wrong: t.Callable[[str, Entry], Problems] = _nothing_wrong  # with an entry of a kind, to be read after its name

    @property
    def module(self) -> str:
        return f"libauthdb_{self.name}.so" if self.package else ""

    def is_in(self, dialect: Dialect) -> bool:
        return self.since <= dialect.since < self.until

    def vocabulary(self, kind: str, dialect: Dialect) -> list[str]:
        """Return the keys that an entry of this driver may have beside those of all entries."""
        own = (name for name, key in self.keys.items() if kind in key.kinds and (dialect.has_args or key.setting))
        return [*own, *(name for name in self.questions if name not in COMMON[kind])]


def known(kind: str, dialect: Dialect) -> dict[str, Driver]:
    return {name: driver for name, driver in DRIVERS.items() if kind in driver.kinds and driver.is_in(dialect)}


def of(entry: Entry) -> Driver:
    """That of an entry; one that nobody knows has nothing of its own."""
    name = str(entry.get("driver") or "")
    return DRIVERS.get(name) or Driver(name)


def misplaced(kind: str, entry: Entry, dialect: Dialect) -> Problems:
    """Words of other drivers, to be read after the name of this one. Any other key may be a setting of Dovecot, which refuses what is none.

    These it would not refuse: in ``args`` they become part of something else, and in a block they are settings that nobody asks for.
    """
    own = [*of(entry).vocabulary(kind, dialect), *COMMON[kind]]
    words = {word for driver in DRIVERS.values() for word in (*driver.keys, *driver.questions)}
    for key in entry:
        if key in words and key not in own:
            yield (
                f"has '{key}', which a {kind} of this driver does not have in Dovecot {dialect.name};"
                f" it may have {', '.join(own)}, and settings by Dovecot's own names."
            )


def _wrong_file(kind: str, entry: Entry) -> Problems:
    if not str(entry.get("path", entry.get("args", ""))).strip():
        yield f"has no path; say which file names {'who may not log in' if entry.get('deny') else 'the users'}."


def _wrong_sql(kind: str, entry: Entry) -> Problems:
    if not str(entry.get("query") or "").strip():
        yield "has no query; say with which SELECT a user is looked up."
    elif kind == "passdb" and re.match(r"(?i)\s*select\b(?!.*(\bpassword\b|\*))", str(entry["query"])):
        yield "has a query that gives no field 'password', so nobody could log in; name the column so (SELECT pw AS password)."


def _wrong_ldap(kind: str, entry: Entry) -> Problems:
    if "fields" in entry and kind == "passdb" and not entry.get("bind") and "password" not in entry["fields"]:
        yield "has fields without 'password', and does not bind as the user either; add password: '%{ldap:userPassword}', or bind: true."


_LISTED = (
    Driver("pam", kinds=("passdb",), keys={"service": Key("{}", "pam_service_name")}, says_yes_or_no=True),
    Driver("shadow", kinds=("passdb",), until=(2, 4), instead="use pam, which asks the same /etc/shadow"),
    Driver("passwd"),
    Driver(
        "passwd-file",
        keys={
            "scheme": _SCHEME,
            "username_format": Key("username_format={}", "auth_username_format", has_variables=True),
            "path": Key("{}", "passwd_file_path"),
        },
        is_out_of_sight=True,
        wrong=_wrong_file,
    ),
    Driver("sql", keys={"scheme": _SCHEME}, questions=("database", "query", "iterate_query"), wrong=_wrong_sql),
    Driver(
        "ldap",
        package="dovecot-ldap",
        keys={"scheme": _SCHEME},
        questions=("database", "bind", "bind_userdn", "filter", "iterate_filter", "iterate_fields", "fields"),
        wrong=_wrong_ldap,
    ),
    Driver(
        "static",
        is_always_built=True,
        keys={
            "password": Key("password={}", "static_password", kinds=("passdb",)),
            "allow_all_users": Key("allow_all_users=yes", "static_allow_all_users", kinds=("userdb",)),
        },
        has_fields_in_args=True,
    ),
    Driver("lua", is_always_built=True, package="dovecot-lua", keys={"scheme": _SCHEME}, is_out_of_sight=True),
    Driver("imap", kinds=("passdb",), is_always_built=True, says_yes_or_no=True, is_out_of_sight=True),
    Driver("oauth2", kinds=("passdb",), is_always_built=True, keys={"path": _FILE}, is_out_of_sight=True),
    Driver("prefetch", kinds=("userdb",)),
    Driver(
        "dict",
        until=(2, 4),
        instead="use passwd-file, sql or ldap",
        is_always_built=True,
        keys={"path": _FILE},
        is_out_of_sight=True,
    ),
    Driver(
        "checkpassword",
        until=(2, 4),
        instead="use passwd-file, sql, ldap or lua",
        keys={"path": _FILE},
        is_out_of_sight=True,
    ),
    Driver("bsdauth", kinds=("passdb",), says_yes_or_no=True),
)
DRIVERS = {driver.name: driver for driver in _LISTED}
