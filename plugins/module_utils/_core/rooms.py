# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that exist during a run, for copies of files that may be secret.

They lie in /run, which is in memory and gone after a boot. The run that makes a directory locks it, so that the next run
recognizes and removes the directories of a killed one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

PLACE = "/run/postroom"
# The beginning of the name of a directory beside the file for which it is made.
BESIDE = ".postroom-"
OPEN = 0o711


@contextlib.contextmanager
def room(purpose: str, beside: str | None = None) -> t.Iterator[str]:
    """Make a directory for the running user alone; in the directory *beside*, for a file that will be renamed to its place there.

    Raises `HostError`.
    """
    with contextlib.ExitStack() as stack:
        try:
            directory = _make(purpose, beside, stack)
        except OSError as e:
            where = e.filename or beside or PLACE
            raise HostError(f"Cannot make a directory to work in, {where}: {e.strerror}; nothing was changed.") from e
        yield directory


def clear_up(beside: str) -> None:
    """Take away the rooms in the directory *beside* of runs that were killed."""
    with contextlib.suppress(OSError):
        if os.geteuid() == 0 and any(name.startswith(BESIDE) for name in os.listdir(beside)):
            with _one_at_a_time():
                _take_away_what_was_left(beside, BESIDE)


def _make(purpose: str, beside: str | None, stack: contextlib.ExitStack) -> str:
    if os.geteuid() != 0:
        directory = tempfile.mkdtemp(prefix=f"postroom-{purpose}.", dir=beside)
        stack.callback(_remove, directory)
        return directory
    prefix = "" if beside is None else BESIDE
    with _one_at_a_time() as place:
        _take_away_what_was_left(beside or place, prefix)
        directory = tempfile.mkdtemp(prefix=f"{prefix}{purpose}.", dir=beside or place)
        lock = _opened(directory)
        stack.callback(os.close, lock)
        stack.callback(_remove, directory)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return directory


@contextlib.contextmanager
def _one_at_a_time() -> t.Iterator[str]:
    """Hold the lock on the place of all rooms: without it, a new room that is not yet locked looks like a room of a killed run."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(PLACE, 0o700)
    fd = _opened(PLACE)
    try:
        # Everybody may go through, into a room that was opened to them, and nobody else may look round.
        if stat.S_IMODE(os.fstat(fd).st_mode) != OPEN:
            os.fchmod(fd, OPEN)
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield PLACE
    finally:
        os.close(fd)


def _take_away_what_was_left(parent: str, prefix: str) -> None:
    for name in os.listdir(parent):
        directory = os.path.join(parent, name)
        with contextlib.suppress(OSError):
            lock = _opened(directory) if name.startswith(prefix) else None
            if lock is not None:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(directory)
                finally:
                    os.close(lock)


def _remove(directory: str) -> None:
    # Who had a room opened to them could have made it deeper than can be gone down.
    with contextlib.suppress(RecursionError):
        shutil.rmtree(directory, ignore_errors=True)


def _opened(directory: str) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
