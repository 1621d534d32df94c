# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sasldb2 database and its copies: read, compare, change a copy, check the copy, and only then put it in place.

libsasl2 writes into the live file, user by user, while smtpd may be reading it. So it gets a copy in memory, and
the changed copy replaces the live file in one step: smtpd opens the database anew for each login.
"""

from __future__ import annotations

import dataclasses
import grp
import os
import socket
import stat
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl.libsasl import LibraryFailed, LibSasl, NoLibrary
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import Plan, Standing, User, others_than, parse_listing, plan

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# The passwords lie there in clear. On Debian smtpd's user is put into this group to read them.
READERS = "sasl"
NEW_MODE = 0o640
# Seconds: another run may be writing ten thousand users.
PATIENCE = 120.0
NOT_FOUND = 127


class BadPlace(BadInput):
    """No database can have this path."""


class NoListing(HostError):
    """The program that lists a database is missing, or it fails."""


class Library(t.Protocol):
    """The part of libsasl2 that this module needs."""

    def compare(self, database: str, users: t.Sequence[User]) -> list[Standing]: ...

    def store(self, database: str, users: t.Sequence[User]) -> None: ...


@dataclasses.dataclass(frozen=True)
class Request:
    """A wanted database; None for owner, group and mode leaves the present value."""

    users: t.Sequence[User]
    database: str
    exclusive: bool = False
    copies: t.Sequence[str] = ()
    owner: str | None = None
    group: str | None = None
    mode: int | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The work that was done, or would be in check mode."""

    plan: Plan
    attributes_changed: bool
    copies: list[str]

    @property
    def changed(self) -> bool:
        return self.plan.changed or self.attributes_changed or bool(self.copies)


def default_realm(run: Run) -> str:
    """Return the realm in which this host's smtpd looks up a name without one."""
    rc, stdout, stderr = run(["postconf", "-hx", "smtpd_sasl_local_domain", "myhostname"])
    if rc == NOT_FOUND:
        return socket.getfqdn()
    realms = stdout.split()
    if rc or not realms:
        raise HostError(f"postconf cannot tell the realm that smtpd looks up: {stderr.strip() or 'no answer'}; give 'realm'.")
    return realms[0]


class Sasldb:
    """The databases of this host."""

    def __init__(self, run: Run, *, check_mode: bool, library: t.Callable[[], Library] = LibSasl) -> None:
        self.run = run
        self.check_mode = check_mode
        self.warnings: list[str] = []
        self._make = library
        self._library: Library | None = None

    def apply(self, wanted: Request) -> Outcome:
        """Bring the database and its copies to the *wanted* state; leave every inode alone if they are right already."""
        self._check_places(wanted)
        todo = self._plan(wanted, wanted.database)
        if self.check_mode and todo.changed:
            for path in (wanted.database, *wanted.copies):
                files.make(path, lambda: None, check_mode=True)
            return Outcome(todo, attributes_changed=False, copies=list(wanted.copies))
        if not todo.changed and not os.path.exists(wanted.database):
            return Outcome(todo, attributes_changed=False, copies=[])
        done = [todo]

        def render(before: str | None) -> str:
            # Once more on the copy: somebody else may have changed the database meanwhile.
            text, done[0] = self._candidate(wanted, before) if todo.changed else (before or "", todo)
            return text

        change = files.update(
            wanted.database, render, check_mode=self.check_mode, attributes=self._attributes(wanted), lock_timeout=PATIENCE
        )
        return Outcome(done[0], change.attributes_changed, self._copy(wanted, change.after))

    def _plan(self, wanted: Request, database: str) -> Plan:
        """Return the changes to *database*, which is the wanted one or a copy of it."""
        if not os.path.exists(database):
            return plan(wanted.users, [Standing.ABSENT] * len(wanted.users))
        try:
            others = others_than(wanted.users, self._listed(database)) if wanted.exclusive else []
            return plan(wanted.users, self._loaded().compare(database, wanted.users), others)
        except (NoLibrary, NoListing) as e:
            if not self.check_mode:
                raise
            self.warnings.append(
                f"{e} Until then the users in {database} cannot be compared, and this check takes every password for another."
            )
            return plan(wanted.users, [Standing.SAME if user.password is None else Standing.OTHER for user in wanted.users])

    def _listed(self, database: str) -> list[User]:
        rc, stdout, stderr = self.run(["sasldblistusers2", "-f", database])
        if rc == NOT_FOUND:
            raise NoListing(
                "The program sasldblistusers2, which lists the users for 'exclusive', is not on this host: install sasl2-bin (Debian) or"
                " cyrus-sasl (Red Hat)."
            )
        # It ends with 0 whatever happens.
        if rc or "failed" in stderr:
            raise LibraryFailed(f"sasldblistusers2 cannot list {database}: {stderr.strip()}.")
        return parse_listing(stdout)

    def _candidate(self, wanted: Request, before: str | None) -> tuple[str, Plan]:
        """Return the new database made from the text *before*, and the changes. Raises `LibraryFailed` unless all of them worked."""
        try:
            # In memory: libsasl2 syncs after every user, which takes ten times as long on a disk.
            with rooms.room("sasldb2") as directory:
                staged = os.path.join(directory, os.path.basename(wanted.database))
                if before is not None:
                    with open(staged, "wb") as f:
                        f.write(before.encode(files.ENCODING, files.ERRORS))
                todo = self._plan(wanted, staged)
                # Removals first: the database reuses their room.
                self._loaded().store(staged, [*todo.remove, *todo.create, *todo.change])
                left = self._plan(wanted, staged)
                after = files.read_text(staged)
        except OSError as e:
            raise HostError(f"Cannot work on a copy of {wanted.database}: {e.strerror}; it was left as it is.") from e
        if left.changed or after is None:
            first = next((user.identity for user in [*left.create, *left.change, *left.remove]), "all users")
            raise LibraryFailed(f"libsasl2 did not take what it was given for {first}; {wanted.database} was left as it is.")
        return after, todo

    def _copy(self, wanted: Request, text: str) -> list[str]:
        """Bring the copies in step with the database; gives the paths of those that were not."""
        attributes = self._final_attributes(wanted)
        return [
            path
            for path in wanted.copies
            if files.update(path, lambda _before: text, check_mode=self.check_mode, attributes=attributes, lock_timeout=PATIENCE).changed
        ]

    def _final_attributes(self, wanted: Request) -> files.Attributes:
        """Those that the database has when it is in place."""
        attributes = self._attributes(wanted)
        uid, gid = attributes.ids()
        try:
            st = os.stat(wanted.database)
            uid, gid = st.st_uid if uid == -1 else uid, st.st_gid if gid == -1 else gid
        except FileNotFoundError:
            uid, gid = max(uid, 0), max(gid, 0)
        return files.Attributes(str(uid), str(gid), attributes.mode)

    @staticmethod
    def _attributes(wanted: Request) -> files.Attributes:
        """Return owner, group and mode as wanted; else a present database keeps them, without rights beyond its group's readers."""
        try:
            present = stat.S_IMODE(os.stat(wanted.database).st_mode)
        except FileNotFoundError:
            readers = any(entry.gr_name == READERS for entry in grp.getgrall())
            group = wanted.group or (READERS if readers else None)
            mode = NEW_MODE if group else 0o600
            return files.Attributes(wanted.owner, group, mode if wanted.mode is None else wanted.mode)
        return files.Attributes(wanted.owner, wanted.group, present & NEW_MODE if wanted.mode is None else wanted.mode)

    def _check_places(self, wanted: Request) -> None:
        for path in (wanted.database, *wanted.copies):
            if not os.path.isabs(path):
                raise BadPlace(f"'{path}' cannot be the place of a SASL database: give an absolute path.")
            self._check_directory(os.path.dirname(path), path, is_copy=path in wanted.copies)
        if wanted.database in wanted.copies:
            raise BadPlace(f"{wanted.database} cannot be a copy of itself; take it out of 'copies'.")

    def _check_directory(self, directory: str, path: str, *, is_copy: bool) -> None:
        # In check mode a role before this one may be about to make it.
        if self.check_mode or files.is_directory(directory):
            return
        if not is_copy or not os.path.isdir(os.path.dirname(directory)):
            raise BadPlace(f"There is no directory {directory} on this host for {path} to be in; make it first.")
        # Debian 13 makes etc in the chroot of Postfix, with this mode, only when Postfix starts for the first time.
        files.make_directory(directory, mode=0o755)

    def _loaded(self) -> Library:
        if self._library is None:
            self._library = self._make()
        return self._library
