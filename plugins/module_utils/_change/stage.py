# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All the changes of files that the wishes of a host come to, gathered before the first of them is made.

The cores write as they always do, through `_core.files`. Here their texts wait, and are read back as if they were in place, so
that what comes later is judged by what came before. Then all are written beside their files, and only when the last of them lies
there, is renamed the first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import stat
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy, clear_up, locked

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.staging import Effect


@dataclasses.dataclass
class Entry:
    """What becomes of one path: a text or a mode of its own, its end, or something that is made of other files."""

    path: str
    before: str | None = None
    after: str | None = None
    is_text: bool = True
    attributes: tuple[int, int, int | None] = (-1, -1, None)
    # How the copy of what is there is to be called that is kept beside it.
    backup: str | None = None
    written: str | None = None
    lock_timeout: float = 30.0
    read: t.Callable[[str], str | None] = files.read_text
    maker: t.Callable[[], None] | None = None
    # In whose home it is, and with whose rights it is written there.
    owner: str | None = None

    @property
    def target(self) -> str:
        """The file that is replaced, which a link may name."""
        return os.path.realpath(self.path)

    @property
    def changes_text(self) -> bool:
        return self.is_text and self.before != self.after


class Stage:
    """The changes of one host, in their order."""

    def __init__(self) -> None:
        self.rooms = contextlib.ExitStack()
        self.entries: dict[str, Entry] = {}
        self.directories: dict[str, tuple[int, int, int]] = {}
        self.effects: list[Effect] = []
        self.proofs: list[t.Callable[[], None]] = []
        self.warnings: list[str] = []
        # Every file that is ours, also where nothing changes.
        self.visited: dict[str, None] = {}

    # What the functions of _core.files ask for ------------------------------------------------------------------------

    def read(self, path: str) -> tuple[bool, str | None]:
        """Whether *path* is changed here, and the text that it will have."""
        entry = self.entries.get(os.path.realpath(path))
        return (True, entry.after) if entry and entry.is_text else (False, None)

    def texts(self) -> dict[str, str]:
        """The texts that will be in place, by their paths."""
        return {entry.path: entry.after for entry in self.entries.values() if entry.is_text and entry.after is not None}

    def update(
        self, path: str, render: t.Callable[[str | None], str], wanted: files.Wanted, read: t.Callable[[str], str | None]
    ) -> files.Change:
        """As `files.update`, for later."""
        self.visited[path] = None
        uid, gid = wanted.attributes.ids()
        entry = self.entries.get(os.path.realpath(path))
        live = entry.before if entry else read(path)
        before = entry.after if entry else live
        after = render(before)
        attributes = (uid, gid, wanted.attributes.mode)
        if before == after:
            differ = entry is None and files.attributes_differ(path, *attributes)
            if differ:
                self._note(Entry(path, live, after, attributes=attributes, read=read, owner=_owner()))
            return files.Change(path, before, after, attributes_changed=differ)
        if wanted.validate:
            wanted.validate(after)
        backup = files.backup_name(path) if wanted.backup and live is not None else None
        self._note(Entry(path, live, after, True, attributes, backup, wanted.written, wanted.lock_timeout, read, None, _owner()))
        return files.Change(path, before, after, backup_file=backup)

    def remove(self, path: str) -> None:
        """Take a file away, later."""
        if os.path.lexists(path) or os.path.realpath(path) in self.entries:
            if os.path.lexists(path) and not os.path.isfile(path):
                # A link to nothing, or a socket that nobody serves any more.
                self._note(Entry(path, is_text=False, maker=lambda: os.unlink(path), owner=_owner()))
            else:
                self._note(Entry(path, files.read_text(path), None, owner=_owner()))

    def make(self, path: str, maker: t.Callable[[], None]) -> None:
        """Have *maker* put *path* in place when the texts are."""
        self._note(Entry(path, is_text=False, maker=maker, owner=_owner()))

    def attributes(self, path: str, uid: int, gid: int, mode: int | None) -> None:
        """Give a file that keeps its content an owner, a group and a mode, later."""
        if os.path.realpath(path) not in self.entries:
            self._note(Entry(path, is_text=False, attributes=(uid, gid, mode), owner=_owner()))

    def directory(self, path: str, uid: int, gid: int, mode: int) -> None:
        """Make a directory, or give it what is wanted, later."""
        self.directories[path] = (uid, gid, mode)

    def effect(self, effect: Effect) -> None:
        """Do something beside files, later."""
        self.effects.append(effect)

    def proof(self, proof: t.Callable[[], None]) -> None:
        """See something when the daemons know what is new."""
        self.proofs.append(proof)

    def _note(self, entry: Entry) -> None:
        former = self.entries.pop(os.path.realpath(entry.path), None)
        if former and entry.is_text:
            entry.before, entry.backup = former.before, entry.backup or former.backup
        self.entries[os.path.realpath(entry.path)] = entry

    def clear_up(self) -> None:
        """Take away the staged copies that a run has left which was killed."""
        for path in self.visited:
            for place in dict.fromkeys((path, os.path.realpath(path))):
                with contextlib.suppress(OSError):
                    clear_up(place)

    @property
    def is_empty(self) -> bool:
        return not (self.entries or self.directories or self.effects)


def _owner() -> str | None:
    """As whom a change is asked for: None is who runs this."""
    return None if os.geteuid() == os.getuid() else pwd.getpwuid(os.geteuid()).pw_name


class Placing:
    """The changes of a stage on their way into place: first everything that can fail, then the renames."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.entries = list(stage.entries.values())
        self._staged: dict[str, str] = {}
        self.made_directories: list[str] = []

    def prepare(self, stack: contextlib.ExitStack) -> None:
        """Lock every file, see that it is as it was when it was read, and write what it will be beside it.

        The locks and the written copies are gone when *stack* ends, unless they have been renamed. Raises a `HostError` before
        anything is changed, save directories that are new.
        """
        for path, (uid, gid, mode) in self.stage.directories.items():
            if not os.path.isdir(path):
                files.make_directory(path, uid=uid, gid=gid, mode=mode)
                self.made_directories.append(path)
        for entry in list(self.entries):
            try:
                with homes.acting_as(entry.owner):
                    self._prepare(entry, stack)
            except (HostError, OSError) as e:
                if entry.owner is None and isinstance(e, HostError):
                    raise
                if entry.owner is None:
                    raise HostError(f"Cannot write {entry.path}: {e}; nothing was changed.") from e
                self.entries.remove(entry)
                self.stage.warnings.append(f"The user '{entry.owner}' was left out, and everybody else served: {e}")

    def _prepare(self, entry: Entry, stack: contextlib.ExitStack) -> None:
        if not entry.is_text:
            return
        if entry.read(entry.path) != entry.before:
            raise _overtaken(entry.path)
        if not entry.changes_text or entry.after is None:
            return
        staged = stack.enter_context(locked(entry.path, entry.lock_timeout))
        if os.path.islink(entry.path):
            staged = stack.enter_context(locked(entry.target, entry.lock_timeout))
            entry.written = None
        if entry.read(entry.path) != entry.before:
            raise _overtaken(entry.path)
        uid, gid, mode = entry.attributes
        try:
            with open(entry.written, "r+b") if entry.written else contextlib.nullcontext(staged) as f:
                files.fill(f, entry.path, None if entry.written else entry.after, mode, uid, gid)
        except OSError as e:
            raise HostError(f"Cannot write {entry.path}: {e.strerror}; nothing was changed.") from e
        self._staged[entry.path] = entry.written or f"{entry.target}.tmp"

    def in_order(self) -> list[Entry]:
        """The texts, what is made of them, and last what nobody names any more."""
        return sorted(self.entries, key=lambda entry: 1 if entry.maker else 2 if entry.is_text and entry.after is None else 0)

    def place(self, entry: Entry) -> None:
        """Bring one prepared change about. Raises `HostError`."""
        with homes.acting_as(entry.owner):
            try:
                self._place(entry)
            except OSError as e:
                raise HostError(f"Cannot write {entry.path}: {e.strerror}.") from e

    def _place(self, entry: Entry) -> None:
        if entry.maker:
            entry.maker()
        elif entry.is_text and entry.after is None:
            files.remove(entry.path)
        elif entry.path in self._staged:
            if entry.backup and entry.before is not None:
                uid, gid, mode = entry.attributes
                files.back_up(entry.path, entry.before, mode, uid, gid, entry.backup)
            os.rename(self._staged[entry.path], entry.target)
            files.fsync_directory(os.path.dirname(entry.target))
        else:
            files.apply_attributes(entry.target, *entry.attributes)

    def settle_directories(self) -> None:
        """Give the directories that were there already what is wanted of them."""
        for path, (uid, gid, mode) in self.stage.directories.items():
            files.make_directory(path, uid=uid, gid=gid, mode=mode)


def _overtaken(path: str) -> FileBusy:
    return FileBusy(f"{path} was changed by somebody else since the host was asked; nothing was changed: run the play again.")


def attributes_of(path: str) -> tuple[int, int, int] | None:
    """Owner, group and mode of *path*; None where nothing is."""
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)
