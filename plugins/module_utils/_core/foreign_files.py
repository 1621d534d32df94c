# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in directories of other users: they can be links, pipes or endless, and can change during the work.

Each is opened once, without waiting for it, and judged by its descriptor. Root follows no link that another user can make.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

# Larger than what any mail server takes by default; more than that is not held in memory.
MOST_BYTES = 128 * 1024 * 1024
DEEPEST = 4  # directories below that of a queue
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Belongs = t.Callable[[os.stat_result], bool]


class NotRead(HostError):
    """A file is not of the expected kind; it was not read."""


def read(path: str, belongs: Belongs, *, limit: int, dir_fd: int | None = None, follow: bool = False) -> bytes | None:
    """Return the content of a plain file, None where there is none. Raises `NotRead`; its words come after the file's name."""
    try:
        fd = os.open(path, _OPEN | (0 if follow else os.O_NOFOLLOW), dir_fd=dir_fd)
    except FileNotFoundError:
        return None
    except OSError as e:
        if e.errno == errno.ELOOP and not follow:
            raise NotRead("is a link") from e
        raise NotRead("is no file" if e.errno == errno.ENXIO else f"cannot be read ({e.strerror})") from e
    try:
        return _judged(fd, belongs, limit)
    except OSError as e:
        raise NotRead(f"cannot be read ({e.strerror})") from e
    finally:
        os.close(fd)


def head(path: str, size: int) -> bytes:
    """Return the beginning of a file, wherever it lies and whoever owns it; nothing if there is no plain file."""
    with contextlib.suppress(OSError):
        fd = os.open(path, _OPEN)
        try:
            return os.read(fd, size) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        finally:
            os.close(fd)
    return b""


def _judged(fd: int, belongs: Belongs, limit: int) -> bytes:
    st = os.fstat(fd)
    if not stat.S_ISREG(st.st_mode):
        raise NotRead("is no file")
    if not belongs(st):
        raise NotRead("belongs to somebody else, or has a second name")
    parts, room = [], limit + 1
    # The size is what the file says of itself; what comes is counted.
    while room and st.st_size <= limit and (part := os.read(fd, min(room, 1 << 20))):
        parts.append(part)
        room -= len(part)
    if not room or st.st_size > limit:
        raise NotRead(f"is larger than {limit} bytes")
    return b"".join(parts)


class Folder:
    """A directory of another user, held open: the work stays in this directory, wherever its path leads to later."""

    def __init__(self, path: str, fd: int, place: os.stat_result) -> None:
        self.path = path
        self.fd = fd
        self._place = place  # of the directory at the top

    def names(self) -> list[str]:
        return sorted(os.listdir(self.fd))

    def _belongs(self, st: os.stat_result) -> bool:
        """Return whether the directory's owner owns the file, or root or a member of its group does, and it has no second name."""
        return st.st_uid == self._place.st_uid or (st.st_nlink == 1 and (st.st_uid == 0 or st.st_gid == self._place.st_gid))

    def read(self, name: str, limit: int = MOST_BYTES) -> bytes | None:
        with self._of(name) as (fd, base):
            try:
                return None if fd is None else read(base, self._belongs, limit=limit, dir_fd=fd)
            except NotRead as e:
                raise NotRead(f"its file {name} {e}") from None

    @contextlib.contextmanager
    def _of(self, name: str) -> t.Iterator[tuple[int | None, str]]:
        """Return the directory of *name*, perhaps one beside this one, and the name of the file in it."""
        *folders, base = name.split("/")
        fd: int | None = self.fd
        with contextlib.ExitStack() as stack:
            for folder in folders:
                try:
                    fd = os.open(folder, os.O_RDONLY | _DIRECTORY, dir_fd=fd)
                except OSError:
                    fd = None
                    break
                stack.callback(os.close, fd)
            yield fd, base

    def walk(self, depth: int = DEEPEST) -> t.Iterator[Folder]:
        """Yield this directory and those below it, each held open meanwhile."""
        yield self
        for name in self.names() if depth else ():
            try:
                below = os.open(name, os.O_RDONLY | _DIRECTORY, dir_fd=self.fd)
            except OSError:
                continue  # No directory; a link is none either.
            try:
                yield from Folder(os.path.join(self.path, name), below, self._place).walk(depth - 1)
            finally:
                os.close(below)

    def move(self, name: str, target: str) -> None:
        """Move a file to *target*, in a directory of our own. Raises OSError and `NotRead`."""
        with self._of(name) as (fd, base):
            if fd is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            try:
                os.rename(base, target, src_dir_fd=fd)
                return
            except OSError as e:
                if e.errno != errno.EXDEV:
                    raise
            content = self.read(name) or b""
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
            os.unlink(base, dir_fd=fd)


@contextlib.contextmanager
def opened(path: str) -> t.Iterator[Folder]:
    """Open a directory. Raises OSError if there is none, or if a link that another user can make stands on the way to it."""
    fd = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in os.path.abspath(path).strip("/").split("/"):
            st = os.fstat(fd)
            is_roots = st.st_uid == 0 and not st.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            following = os.open(part or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC | (0 if is_roots else os.O_NOFOLLOW), dir_fd=fd)
            os.close(fd)
            fd = following
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
        os.close(fd)
        fd = readable
        yield Folder(path, fd, os.fstat(fd))
    finally:
        os.close(fd)
