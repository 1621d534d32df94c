# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""System accounts with mail: the wanted ones, the present ones, and the commands between the two.

Passwords go through pipes only: never into an argument, a file of this collection or a message. The host's own crypt(3)
checks the present hash, so that an unchanged password costs no write.
"""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core import users as core_users
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run
    from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import Crypt

NOLOGIN = "/usr/sbin/nologin"
UID_MIN, UID_MAX = 1000, 60000  # What login.defs(5) says where the file says nothing.
NOBODY = 65534
EXISTS = 9  # useradd's exit code when another run created the account a moment ago
MAIL_SPOOLS = ("/var/mail", "/var/spool/mail")


class BadAccount(BadInput):
    """A user has a name or a field that no host accepts."""


class ProtectedAccount(BadInput):
    """An account of the system itself, which this module must not change."""


class CommandFailed(HostError):
    """One of useradd, usermod, userdel and chpasswd failed."""


@dataclasses.dataclass(frozen=True)
class User:
    """A wanted system account; None leaves the present value."""

    name: str
    password: str | None = dataclasses.field(default=None, repr=False)
    present: bool = True
    shell: str | None = None
    home: str | None = None
    comment: str | None = None
    groups: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Account:
    """A present system account."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    hash: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass
class Plan:
    """The changes to make; the names of users in the order given."""

    create: list[User] = dataclasses.field(default_factory=list)
    modify: list[tuple[User, dict[str, tuple[str, str]]]] = dataclasses.field(default_factory=list)
    passwords: list[User] = dataclasses.field(default_factory=list)
    locked: list[User] = dataclasses.field(default_factory=list)
    remove: list[User] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.create or self.modify or self.passwords or self.remove)

    def lines(self) -> tuple[str, str]:
        """Return the lines of the diff, before and after: names and changes, never a hash."""
        before, after = [], []
        for user in self.create:
            after.append(f"{user.name}: account\n")
        for user, changes in self.modify:
            for field, (old, new) in changes.items():
                before.append(f"{user.name}: {field} {old}\n")
                after.append(f"{user.name}: {field} {new}\n")
        for user in self.passwords:
            after.append(f"{user.name}: [password changed]\n")
        for user in self.remove:
            before.append(f"{user.name}: account\n")
        return "".join(before), "".join(after)


# --- pure ----------------------------------------------------------------------------------------------------------


def users_from(given: list[dict[str, t.Any]]) -> list[User]:
    """Check the module's ``users`` and make `User` objects of them. Raises `BadAccount` with all problems."""
    return core_users.all_from(given, _user, lambda user: user.name, BadAccount)


def _user(options: dict[str, t.Any]) -> User:
    name, password = options["name"], options.get("password")
    if name == "root":
        raise ProtectedAccount("'root' is the administrator, not a mail user: give root's mail to another user with an alias.")
    if not re.fullmatch(r"[a-z_][a-z0-9_.-]{0,31}", name):
        raise BadAccount(
            f"{name!r} cannot be the name of a mail user: it must have 1 to 32 lower-case letters, digits, '_', '-' and '.',"
            " the first of them a letter or '_'."
        )
    present = options.get("state", "present") == "present"
    if password is not None:
        problem = core_password.problem_with(password, "for an account without password")
        if problem:
            raise BadAccount(f"The password of user '{name}' {problem}.")
    for field in ("shell", "home", "comment"):
        value = options.get(field)
        if value is not None and re.search(r"[:\n\r\0]", value):
            raise BadAccount(f"The {field} of user '{name}' has a colon or a line break in it, which /etc/passwd cannot hold.")
        if field != "comment" and value is not None and not value.startswith("/"):
            raise BadAccount(f"The {field} of user '{name}' must be an absolute path, and '{value}' is not.")
    return User(
        name=name,
        password=password if present else None,
        present=present,
        shell=options.get("shell"),
        home=options.get("home"),
        comment=options.get("comment"),
        groups=tuple(options.get("groups") or ()),
    )


def plan(users: list[User], accounts: dict[str, Account], memberships: dict[str, set[str]], uid_min: int, crypt: Crypt) -> Plan:
    """Compare *users* with the host's *accounts*. Raises `ProtectedAccount` before anything changes."""
    result = Plan()
    both = [(user, accounts[user.name]) for user in users if user.password is not None and user.name in accounts]
    # "usermod -L" puts a "!" before the hash: somebody shut this account on purpose, and a run must not open it.
    right = crypt.verify([(user.password or "", account.hash.lstrip("!")) for user, account in both])
    passwords = {user.name: known for (user, _account), known in zip(both, right)}
    for user in users:
        account = accounts.get(user.name)
        if account and (account.uid < uid_min or account.uid == NOBODY):
            _protect(user, account, uid_min)
        if not user.present:
            if account:
                result.remove.append(user)
            continue
        if account is None:
            result.create.append(user)
            if user.password is not None:
                result.passwords.append(user)
            continue
        changes = _changes(user, account, memberships.get(user.name, set()))
        if changes:
            result.modify.append((user, changes))
        if passwords.get(user.name) is False:
            result.passwords.append(user)
        elif passwords.get(user.name) and account.hash.startswith("!"):
            result.locked.append(user)
    return result


def _protect(user: User, account: Account, uid_min: int) -> None:
    what = "remove" if not user.present else "set the password of" if user.password is not None else ""
    if not what and (user.shell or user.home or user.comment or user.groups):
        what = "change"
    if what:
        raise ProtectedAccount(
            f"'{user.name}' is an account of the system itself (its uid is {account.uid}, and people's start at {uid_min}), and this module"
            f" does not {what} such an account; give the mail user another name."
        )


def _changes(user: User, account: Account, groups: set[str]) -> dict[str, tuple[str, str]]:
    changes = {}
    for field in ("shell", "home", "comment"):
        old, new = getattr(account, field), getattr(user, field)
        if new is not None and new != old:
            changes[field] = (old, new)
    if not set(user.groups) <= groups:
        changes["groups"] = (",".join(sorted(groups)), ",".join(sorted(groups | set(user.groups))))
    return changes


def parse_login_defs(text: str | None) -> tuple[int, int]:
    """Return the first and the last uid of people's accounts, from the text of /etc/login.defs."""
    values = dict(re.findall(r"^\s*(UID_MIN|UID_MAX)\s+(\d+)", text or "", re.MULTILINE))
    return int(values.get("UID_MIN", UID_MIN)), int(values.get("UID_MAX", UID_MAX))


def choose_uid(home_owner: int | None, taken: set[int], left_behind: set[int], uid_min: int, uid_max: int) -> int | None:
    """Return the uid of a new account; None lets useradd choose.

    useradd gives the number of a removed account to the next one, and with it the home and the mail that were kept. So
    numbers *left_behind* on files are not used; only a user with that very home gets its owner's number back.
    """
    if home_owner is not None and uid_min <= home_owner <= uid_max and home_owner not in taken:
        return home_owner
    orphans = {uid for uid in left_behind if uid_min <= uid <= uid_max} - taken
    if not orphans:
        return None
    highest = max(orphans | {uid for uid in taken if uid_min <= uid <= uid_max})
    return highest + 1 if highest < uid_max else None


# --- the host ------------------------------------------------------------------------------------------------------


class Host:
    """The accounts of this host."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def accounts(self, users: list[User]) -> dict[str, Account]:
        """Return the present accounts of *users*, with the hash of a password only where one must be compared."""
        hashes = self._hashes() if any(user.password is not None for user in users) else {}
        accounts = {}
        for user in users:
            try:
                entry = pwd.getpwnam(user.name)
            except KeyError:
                continue
            accounts[user.name] = Account(
                entry.pw_name,
                entry.pw_uid,
                entry.pw_gid,
                entry.pw_gecos,
                entry.pw_dir,
                entry.pw_shell,
                hashes.get(user.name, entry.pw_passwd),
            )
        return accounts

    def _hashes(self) -> dict[str, str]:
        text = files.read_text("/etc/shadow") or ""
        return {fields[0]: fields[1] for fields in (line.split(":") for line in text.splitlines()) if len(fields) > 1}

    def memberships(self, users: list[User], *, check_mode: bool) -> dict[str, set[str]]:
        """Return the supplementary groups of each of *users*, if any user has a wanted list.

        Raises `BadAccount` for a group that does not exist, save in check mode, where an earlier task may install its package.
        """
        wanted = {user.name for user in users if user.groups}
        if not wanted:
            return {}
        members = {entry.gr_name: set(entry.gr_mem) for entry in grp.getgrall()}
        for user in users:
            for group in user.groups:
                if group not in members and not check_mode:
                    raise BadAccount(f"There is no group '{group}' on this host for user '{user.name}' to be in; create it first.")
        return {name: {group for group, names in members.items() if name in names} for name in wanted}

    def uid_range(self) -> tuple[int, int]:
        """Return the first and the last uid of people's accounts."""
        return parse_login_defs(files.read_text("/etc/login.defs"))

    def carry_out(self, todo: Plan, crypt: Crypt) -> None:
        """Carry out *todo*: all accounts first, then all passwords in one go, so that a failure leaves no account half made."""
        for user in todo.create:
            self._create(user)
        for user, changes in todo.modify:
            self._modify(user, changes)
        if todo.passwords:
            # chpasswd locks /etc/shadow and replaces it once for all; -e takes hashes, which say nothing even to PAM's own log.
            lines = "".join(f"{user.name}:{crypt.hash(user.password or '')}\n" for user in todo.passwords)
            self._command(["chpasswd", "-e"], "set passwords", data=lines)
        for user in todo.remove:
            # Without -r: home and mail stay for whoever has to look at them.
            self._command(["userdel", user.name], f"remove user '{user.name}'")

    def _create(self, user: User) -> None:
        # -m for Debian, whose useradd makes no home unless told; nologin, because mail needs no shell.
        args = ["useradd", "-m", "-s", user.shell or self._nologin()]
        args += ["-d", user.home] if user.home else []
        uid = self._uid(user)
        args += ["-u", str(uid)] if uid is not None else []
        args += ["-c", user.comment] if user.comment else []
        args += ["-G", ",".join(user.groups)] if user.groups else []
        self._command([*args, user.name], f"create user '{user.name}'", fine=(0, EXISTS))

    def _uid(self, user: User) -> int | None:
        homes = os.path.dirname(user.home or "/home/x")
        owners = {path: os.lstat(path).st_uid for directory in {homes, *MAIL_SPOOLS} for path in _entries(directory)}
        taken = {entry.pw_uid for entry in pwd.getpwall()}
        return choose_uid(owners.get(user.home or f"/home/{user.name}"), taken, set(owners.values()), *self.uid_range())

    def _modify(self, user: User, changes: dict[str, tuple[str, str]]) -> None:
        options = {"shell": "-s", "home": "-d", "comment": "-c"}
        args = ["usermod"]
        for field, (_old, new) in changes.items():
            args += ["-a", "-G", ",".join(user.groups)] if field == "groups" else [options[field], new]
        self._command([*args, user.name], f"change user '{user.name}'")

    def _nologin(self) -> str:
        return NOLOGIN if os.path.exists(NOLOGIN) else "/sbin/nologin"

    def _command(self, args: list[str], what: str, data: str | None = None, fine: tuple[int, ...] = (0,)) -> None:
        rc, stdout, stderr = self.run(args, data)
        if rc == 127:
            raise CommandFailed(f"Cannot {what}: there is no program {args[0]} on this host; install shadow-utils or passwd.")
        if rc not in fine:
            raise CommandFailed(f"Cannot {what}: {(stderr or stdout).strip() or f'{args[0]} ended with exit code {rc}'}.")


def _entries(directory: str) -> list[str]:
    try:
        return [entry.path for entry in os.scandir(directory)]
    except OSError:
        return []
