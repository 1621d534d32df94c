# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All the changes of files that the wishes of a host come to, gathered before the first of them is made.

The cores write as they always do, through `_core.files`. Here their texts wait, and are read back as if they were in place, so
that what comes later is judged by what came before. `_change.placing` puts them in place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import clear_up

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.staging import Effect

# Owner, group and mode, each as it is.
AS_IT_IS: tuple[int, int, int | None] = (-1, -1, None)


@dataclasses.dataclass
class Entry:
    """The future of one path: a text or a mode of its own, its end, or something that is made of other files."""

    path: str
    # The file that is replaced, which a link may name.
    target: str
    before: str | None = None
    after: str | None = None
    is_text: bool = True
    attributes: tuple[int, int, int | None] = AS_IT_IS
    # How the copy of what is there is to be called that is kept beside it.
    backup: str | None = None
    written: str | None = None
    lock_timeout: float = 30.0
    read: t.Callable[[str], str | None] = files.read_text
    maker: t.Callable[[], None] | None = None
    # In whose home it is, and with whose rights it is written there.
    owner: str | None = None
    # What the link says that is taken away.
    link: str | None = None
    # Whether it is taken away when everything holds, because it could not be put back: a socket, a FIFO.
    is_last: bool = False

    @property
    def is_removal(self) -> bool:
        return self.is_text and self.after is None

    @property
    def changes_something(self) -> bool:
        if self.maker or self.link is not None or self.before != self.after:
            return True
        return os.path.exists(self.target) and files.attributes_differ(self.target, *self.attributes)


class Stage:
    """The changes of one host, in their order."""

    def __init__(self) -> None:
        self.rooms = contextlib.ExitStack()
        self.entries: dict[str, Entry] = {}
        self.directories: dict[str, tuple[int, int, int]] = {}
        self.effects: list[Effect] = []
        self.proofs: list[t.Callable[[], None]] = []
        self.warnings: list[str] = []
        # Every file that is ours, also where nothing changes, with the user in whose home it is.
        self.visited: dict[str, str | None] = {}

    # What the functions of _core.files ask for ------------------------------------------------------------------------

    def read(self, path: str) -> tuple[bool, str | None]:
        """Tell if *path* is changed here, and return the text that it will have."""
        entry = self._entry(path)
        return (True, entry.after) if entry and entry.is_text else (False, None)

    def will_exist(self, path: str) -> bool | None:
        """Tell if *path* will be there; None where that is as it is."""
        entry = self._entry(path)
        if entry is None:
            return True if path in self.directories else None
        if entry.maker:
            return not entry.is_last
        return entry.after is not None if entry.is_text else None

    def texts(self) -> dict[str, str]:
        """The texts that will be in place, by their paths."""
        return {entry.path: entry.after for entry in self.entries.values() if entry.is_text and entry.after is not None}

    def update(
        self, path: str, render: t.Callable[[str | None], str], wanted: files.Wanted, read: t.Callable[[str], str | None]
    ) -> files.Change:
        """As `files.update`, for later."""
        self.visited[path] = owner = _owner()
        attributes = (*wanted.attributes.ids(), wanted.attributes.mode)
        former = self._entry(path)
        known = former if former and former.is_text else None
        if known and known.after is None:
            # It is a new one, which has nothing from the one that was taken away.
            attributes = _merged((os.geteuid(), os.getegid(), 0o644), attributes)
        live = known.before if known else read(path)
        before = known.after if known else live
        after = render(before)
        target = former.target if former else os.path.realpath(path)
        if before == after:
            differ = _differ(former, target, attributes)
            if differ and known:
                known.attributes = _merged(known.attributes, attributes)
            elif differ:
                self._note(Entry(path, target, live, after, attributes=attributes, read=read, owner=owner))
            return files.Change(path, before, after, attributes_changed=differ)
        if wanted.validate:
            wanted.validate(after)
        backup = files.backup_name(path) if wanted.backup and live is not None else None
        entry = Entry(path, target, live, after, attributes=attributes, backup=backup, read=read, owner=owner)
        entry.written, entry.lock_timeout = wanted.written, wanted.lock_timeout
        self._note(entry)
        return files.Change(path, before, after, backup_file=backup)

    def remove(self, path: str) -> None:
        """Take a file away, later. Raises `HostError` for what is none."""
        former, owner = self._entry(path), _owner()
        if os.path.islink(path):
            if former is None or former.link is None or former.after is not None:
                self._note(Entry(path, _own_name(path), link=os.readlink(path), owner=owner))
        elif os.path.isdir(path):
            raise HostError(f"Cannot remove {path}: it is a directory.")
        elif os.path.lexists(path) and not os.path.isfile(path):
            self._note(Entry(path, _own_name(path), is_text=False, maker=lambda: os.unlink(path), owner=owner, is_last=True))
        elif former or os.path.lexists(path):
            read = homes.read_text if owner else files.read_text
            live = former.before if former and former.is_text else read(path)
            self._note(Entry(path, os.path.realpath(path), live, None, read=read, owner=owner))

    def make(self, path: str, maker: t.Callable[[], None]) -> None:
        """Have *maker* put *path* in place when the texts are."""
        self._note(Entry(path, os.path.realpath(path), is_text=False, maker=maker, owner=_owner()))

    def attributes(self, path: str, uid: int, gid: int, mode: int | None) -> None:
        """Give a file that keeps its content an owner, a group and a mode, later."""
        former = self._entry(path)
        if former:
            former.attributes = _merged(former.attributes, (uid, gid, mode))
        else:
            self._note(Entry(path, os.path.realpath(path), is_text=False, attributes=(uid, gid, mode), owner=_owner()))

    def directory(self, path: str, uid: int, gid: int, mode: int) -> None:
        """Make a directory, or give it what is wanted, later."""
        if path in self.directories or not os.path.isdir(path) or files.attributes_differ(path, uid, gid, mode):
            self.directories[path] = (uid, gid, mode)

    def effect(self, effect: Effect) -> None:
        """Do something beside files, later."""
        self.effects.append(effect)

    def proof(self, proof: t.Callable[[], None]) -> None:
        """See something when the daemons know what is new."""
        self.proofs.append(proof)

    # -------------------------------------------------------------------------------------------------------------------

    def _entry(self, path: str) -> Entry | None:
        """Return the future of *path*: of a link that goes, or of the file that it names."""
        return self.entries.get(_own_name(path)) or self.entries.get(os.path.realpath(path))

    def _note(self, entry: Entry) -> None:
        former = self.entries.pop(entry.target, None)
        if former:
            entry.attributes = _merged(former.attributes, entry.attributes)
        if former and former.is_text and entry.is_text:
            entry.before, entry.backup, entry.link = former.before, entry.backup or former.backup, former.link
        self.entries[entry.target] = entry

    def settle(self) -> None:
        """Forget what came to nothing in the end: a file that was changed, and changed back."""
        self.entries = {target: entry for target, entry in self.entries.items() if entry.changes_something}

    def clear_up(self) -> None:
        """Take away the staged copies that a run has left which was killed."""
        for path, owner in self.visited.items():
            # In a home as the user: a link that they laid may lead to what is not theirs.
            with contextlib.suppress(OSError), homes.acting_as(owner):
                for place in dict.fromkeys((path, os.path.realpath(path))):
                    clear_up(place)

    @property
    def is_empty(self) -> bool:
        return not (self.entries or self.directories or self.effects)


def _owner() -> str | None:
    """As whom a change is asked for: None is who runs this."""
    return None if os.geteuid() == os.getuid() else pwd.getpwuid(os.geteuid()).pw_name


def _own_name(path: str) -> str:
    """Return the place of *path* itself, whatever it names."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _merged(former: tuple[int, int, int | None], wanted: tuple[int, int, int | None]) -> tuple[int, int, int | None]:
    """*wanted*, and what *former* says where that says nothing."""
    uid, gid, mode = wanted
    return former[0] if uid == -1 else uid, former[1] if gid == -1 else gid, former[2] if mode is None else mode


def _differ(former: Entry | None, target: str, wanted: tuple[int, int, int | None]) -> bool:
    """Tell if a file has another owner, group or mode than *wanted*, or will have."""
    if former is None:
        return files.attributes_differ(target, *wanted)
    is_there = former.link is None and os.path.exists(target)
    live = os.stat(target) if is_there else None
    there = (live.st_uid, live.st_gid, live.st_mode & 0o7777) if live else (os.geteuid(), os.getegid(), 0o644)
    will_be = _merged(there, former.attributes)
    return _merged(will_be, wanted) != will_be
