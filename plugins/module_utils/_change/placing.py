# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gathered changes on their way into place.

All files are written beside those that they replace, and only when the last of them lies there, is renamed the first.
"""

from __future__ import annotations

import contextlib
import os
import resource
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import NOTHING, SAME, UNKNOWN, Touch, digest
from ansible_collections.postroom.mail.plugins.module_utils._change.stage import AS_IT_IS
from ansible_collections.postroom.mail.plugins.module_utils._core import files, homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy, locked

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._change.stage import Entry, Stage

# Of a file by which two are told apart.
Signature = t.Optional[tuple[int, int, int, int]]


class Placing:
    """The changes of a stage: first everything that can fail, then the renames."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.entries = [entry for entry in stage.entries.values() if not entry.is_last]
        self.last = [entry for entry in stage.entries.values() if entry.is_last]
        self.new_directories = [path for path in stage.directories if not os.path.isdir(path)]
        self.old_directories = [path for path in stage.directories if path not in self.new_directories]
        # What was begun to be put in place.
        self.touched: set[str] = set()
        self._locked: dict[str, t.BinaryIO] = {}
        self._staged: dict[str, str] = {}
        self._seen: dict[str, Signature] = {}

    def touches(self) -> list[Touch]:
        """Return everything that the journal must keep."""
        found = []
        for entry in self.entries:
            after = _digest(entry.after) if entry.is_text else UNKNOWN if entry.maker else SAME
            before = _digest(entry.before) if entry.is_text and entry.link is None else UNKNOWN
            found.append(Touch(entry.target, before, after, entry.owner))
            if entry.path != entry.target and os.path.islink(entry.path):
                # Which stays, and beside which something is staged, too.
                found.append(Touch(entry.path, after=SAME, owner=entry.owner))
            if entry.backup and entry.before is not None:
                found.append(Touch(entry.backup, NOTHING, _digest(entry.before), entry.owner))
        return found

    def leave_out(self, what: Entry | Touch, why: object) -> None:
        """Change nothing for the user in whose home that is."""
        path = what.path if isinstance(what, Touch) else what.target
        self.entries = [entry for entry in self.entries if path not in (entry.target, entry.path, entry.backup)]
        self.stage.warnings.append(f"The user '{what.owner}' was left out, and all others were served: {why}")

    def prepare(self, stack: contextlib.ExitStack) -> None:
        """Lock every file, see that it is as it was when it was read, and write what it will be beside it.

        The locks and the written copies are gone when *stack* ends, unless they have been renamed. Raises a `HostError` before
        anything is changed, save directories that are new: `remove_directories`.
        """
        for path in self.new_directories:
            uid, gid, mode = self.stage.directories[path]
            files.make_directory(path, uid=uid, gid=gid, mode=mode)
        stack.enter_context(_enough_open_files(2 * len(self.entries)))
        for entry in list(self.entries):
            try:
                with homes.acting_as(entry.owner):
                    self._prepare(entry, stack)
            except (HostError, OSError) as e:
                if entry.owner is not None:
                    self.leave_out(entry, e)
                elif isinstance(e, HostError):
                    raise
                else:
                    raise HostError(f"Cannot write {entry.path}: {e.strerror}; nothing was changed.") from e

    def _prepare(self, entry: Entry, stack: contextlib.ExitStack) -> None:
        if not entry.is_text:
            return
        _see_that_it_is_as_it_was(entry)
        if entry.before != entry.after and entry.after is not None:
            staged = self._lock(entry.path, entry, stack)
            if os.path.islink(entry.path) and entry.link is None:
                staged = self._lock(entry.target, entry, stack)
                entry.written = None
            _see_that_it_is_as_it_was(entry)
            self._write(entry, staged)
        self._seen[entry.target] = _signature(entry.target)

    def _lock(self, path: str, entry: Entry, stack: contextlib.ExitStack) -> t.BinaryIO:
        """Lock *path*, once: a link that one change goes through may be what another one takes away."""
        if path not in self._locked:
            self._locked[path] = stack.enter_context(locked(path, entry.lock_timeout))
        return self._locked[path]

    def _write(self, entry: Entry, staged: t.BinaryIO) -> None:
        uid, gid, mode = entry.attributes
        if entry.link is not None:
            # It takes the place of the link, and nothing from the file that this named.
            uid, gid, mode = (os.geteuid() if uid == -1 else uid), (os.getegid() if gid == -1 else gid), 0o644 if mode is None else mode
        try:
            with open(entry.written, "r+b") if entry.written else contextlib.nullcontext(staged) as f:
                files.fill(f, entry.path, None if entry.written else entry.after, mode, uid, gid)
        except OSError as e:
            raise HostError(f"Cannot write {entry.path}: {e.strerror}; nothing was changed.") from e
        self._staged[entry.target] = entry.written or f"{entry.target}.tmp"

    def in_order(self) -> list[Entry]:
        """The texts, what is made of them, and last what nobody names any more."""
        return sorted(self.entries, key=lambda entry: 1 if entry.maker else 2 if entry.is_removal else 0)

    def place(self, entry: Entry) -> None:
        """Bring one prepared change about. Raises a `MailError`, save in the home of a user, who is left out."""
        try:
            with homes.acting_as(entry.owner):
                if entry.target in self._seen and _signature(entry.target) != self._seen[entry.target]:
                    raise FileBusy(f"{entry.path} was changed by somebody else while the host was being changed; run the play again.")
                self.touched |= {entry.target, entry.path, entry.backup or entry.target}
                self._place(entry)
        except (HostError, OSError) as e:
            why = e if isinstance(e, HostError) else HostError(f"Cannot write {entry.path}: {e.strerror}.")
            if entry.owner is None:
                raise why from e
            self.leave_out(entry, why)

    def _place(self, entry: Entry) -> None:
        if entry.maker:
            entry.maker()
        elif entry.is_removal:
            files.remove(entry.path)
            return
        elif entry.target in self._staged:
            if entry.backup and entry.before is not None:
                uid, gid, mode = entry.attributes
                files.back_up(entry.path, entry.before, mode, uid, gid, entry.backup)
            os.rename(self._staged[entry.target], entry.target)
            files.fsync_directory(os.path.dirname(entry.target))
        if entry.attributes != AS_IT_IS and files.attributes_differ(entry.target, *entry.attributes):
            files.apply_attributes(entry.target, *entry.attributes)

    def settle_directories(self) -> None:
        """Give the directories that were there already what is wanted of them."""
        for path, (uid, gid, mode) in self.stage.directories.items():
            files.make_directory(path, uid=uid, gid=gid, mode=mode)

    def remove_directories(self) -> None:
        """Take away the directories that were made, if there is nothing in them."""
        for directory in reversed(self.new_directories):
            with contextlib.suppress(OSError):
                os.rmdir(directory)

    def finish(self) -> None:
        """Take away what could not be put back, now that everything holds."""
        for entry in self.last:
            try:
                with homes.acting_as(entry.owner):
                    os.unlink(entry.path)
            except FileNotFoundError:
                continue
            except OSError as e:
                self.stage.warnings.append(f"{entry.path} is of no use any more, and cannot be removed: {e.strerror}.")


def _digest(text: str | None) -> str:
    return NOTHING if text is None else digest(text.encode(files.ENCODING, files.ERRORS))


def _see_that_it_is_as_it_was(entry: Entry) -> None:
    """Raise `FileBusy` when somebody has changed the file since it was read."""
    if entry.link is not None:
        is_same = os.path.islink(entry.path) and os.readlink(entry.path) == entry.link
    else:
        is_same = os.path.realpath(entry.path) == entry.target and entry.read(entry.path) == entry.before
    if not is_same:
        raise FileBusy(f"{entry.path} was changed by somebody else since the host was asked; nothing was changed: run the play again.")


def _signature(path: str) -> Signature:
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None
    return st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns


@contextlib.contextmanager
def _enough_open_files(number: int) -> t.Iterator[None]:
    """Allow this process *number* more open files, as far as it may: each lock is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft + number if hard == resource.RLIM_INFINITY else min(soft + number, hard)
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
