# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The staged copy of a file, ``PATH.tmp``, and the lock on it.

That is Postfix's own protocol for editing ``main.cf`` and ``master.cf`` (``edit_file(3)`` in its source), so a ``postconf -e``
that runs at the same time waits for us and we for it, and neither loses the other's edit.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError


class FileBusy(HostError):
    """Another program holds the lock on the file for longer than we are willing to wait."""


@contextlib.contextmanager
def locked(path: str, timeout: float) -> t.Iterator[t.BinaryIO]:
    """Hold the lock on ``PATH.tmp``; the file is gone, or has become PATH, when the block ends."""
    staged_path = f"{path}.tmp"
    deadline = time.monotonic() + timeout
    while True:
        try:
            staged = _open_staged(staged_path)
        except OSError as e:
            raise HostError(f"Cannot write {staged_path}: {e.strerror}; {path} was left as it is.") from e
        if _flock_until(staged, deadline) and _is_same_file(staged, staged_path):
            if _is_private(staged):
                break
            # Left behind, or laid there: somebody else may have it open, and would read what is written to it.
            os.unlink(staged_path)
        staged.close()
        if time.monotonic() >= deadline:
            raise FileBusy(
                f"{path} is being edited by another program (postconf, or a second run of the play), which holds"
                f" {staged_path} for more than {timeout:g} s; try again when it has finished."
            )
    try:
        yield staged
    finally:
        try:
            # Only while the lock is held is the name ours to remove; after a rename it is no longer there.
            with contextlib.suppress(FileNotFoundError):
                if _is_same_file(staged, staged_path):
                    os.unlink(staged_path)
        finally:
            # On a full disk closing fails again, with what could not be written; the first failure says it better.
            with contextlib.suppress(OSError):
                staged.close()


def _open_staged(staged_path: str) -> t.BinaryIO:
    fd = os.open(staged_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EEXIST, "it is no file")
    return os.fdopen(fd, "r+b")


def _is_private(f: t.BinaryIO) -> bool:
    """Tell if nobody else could open the file, now or before: one that was made with another mode has kept it."""
    st = os.fstat(f.fileno())
    return st.st_uid == os.geteuid() and st.st_nlink == 1 and not st.st_mode & 0o077


def clear_up(path: str) -> None:
    """Take away the staged copy that a run left behind which was killed, unless somebody else is at work with it."""
    staged_path = f"{path}.tmp"
    if os.path.lexists(staged_path):
        with contextlib.suppress(OSError), _open_staged(staged_path) as staged:
            fcntl.flock(staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(staged, staged_path):
                os.unlink(staged_path)


def _flock_until(f: t.BinaryIO, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)


def _is_same_file(f: t.BinaryIO, path: str) -> bool:
    """Tell if the open file still is the one that *path* names: the former holder may have renamed or removed it."""
    try:
        return os.path.samestat(os.fstat(f.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False
