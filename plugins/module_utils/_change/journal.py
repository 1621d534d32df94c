# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was there before a change, kept until the change has proved itself.

It lies on the disk, for root alone: a run that is killed, or a machine that loses its power, leaves it, and the next run puts back
from it what had been there. After a change that holds nothing of it is left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy

PLACE = "/var/lib/postroom"
MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True)
class Kept:
    """One path as it was; *copy* is the file in the journal with its content, None where there was nothing."""

    path: str
    copy: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = 0
    mtime_ns: int = 0
    # The SHA-256 of what the change puts there, None where that is not known beforehand.
    after: str | None = None
    owner: str | None = None


class Journal:
    """The journal of a host, below *place*."""

    def __init__(self, place: str = PLACE) -> None:
        self.place = place
        self.directory = os.path.join(place, "change")

    @contextlib.contextmanager
    def locked(self, timeout: float) -> t.Iterator[None]:
        """Let only one run at a time change the host. Raises `FileBusy` after *timeout* seconds."""
        try:
            os.makedirs(self.place, mode=0o700, exist_ok=True)
            fd = os.open(os.path.join(self.place, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as e:
            raise HostError(f"Cannot keep a journal in {self.place}: {e.strerror}; nothing was changed.") from e
        try:
            deadline = time.monotonic() + timeout
            while not _lock(fd):
                if time.monotonic() >= deadline:
                    raise FileBusy(f"Another run has been changing this host for more than {timeout:g} s; try again when it has finished.")
                time.sleep(0.1)
            yield
        finally:
            os.close(fd)

    def keep(self, wanted: t.Sequence[tuple[str, str | None, str | None]], directories: t.Sequence[str]) -> None:
        """Keep what is at the paths *wanted*: each with the text that it will have, if known, and the user in whose home it is.

        *directories* are those that the change made. Raises a `HostError`, and leaves nothing, when there is no room.
        """
        try:
            os.mkdir(self.directory, 0o700)
            kept = [self._keep(number, *one) for number, one in enumerate(wanted)]
            manifest = {"files": [dataclasses.asdict(one) for one in kept], "directories": list(directories)}
            # Only with this file, which is written last, does the journal count.
            self._write(MANIFEST + ".new", json.dumps(manifest).encode())
            os.rename(os.path.join(self.directory, MANIFEST + ".new"), os.path.join(self.directory, MANIFEST))
            files.fsync_directory(self.directory)
            files.fsync_directory(self.place)
        except OSError as e:
            self.forget()
            raise HostError(f"Cannot keep in {self.directory} what would be changed: {e.strerror}; nothing was changed.") from e

    def _keep(self, number: int, path: str, after: str | None, owner: str | None) -> Kept:
        digest = None if after is None else _digest(after.encode(files.ENCODING, files.ERRORS))
        with homes.acting_as(owner):
            found = _content(path)
        if found is None:
            return Kept(path, after=digest, owner=owner)
        content, st = found
        copy = str(number)
        self._write(copy, content)
        return Kept(path, copy, st.st_uid, st.st_gid, st.st_mode & 0o7777, st.st_mtime_ns, digest, owner)

    def _write(self, name: str, content: bytes) -> None:
        fd = os.open(os.path.join(self.directory, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())

    def is_left(self) -> bool:
        """Whether a run was killed in the middle of a change."""
        return os.path.exists(os.path.join(self.directory, MANIFEST))

    def put_back(self) -> list[str]:
        """Have everything as it was kept; gives sentences about what could not be put back. The journal stays."""
        with open(os.path.join(self.directory, MANIFEST), encoding="utf-8") as f:
            manifest = json.load(f)
        problems = []
        for kept in [Kept(**one) for one in reversed(manifest["files"])]:
            try:
                with homes.acting_as(kept.owner):
                    self._put_back(kept)
            except (OSError, HostError) as e:
                problems.append(f"{kept.path} could not be put back: {e.strerror if isinstance(e, OSError) else e}.")
        for directory in reversed(manifest["directories"]):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        return problems

    def _put_back(self, kept: Kept) -> None:
        found = _content(kept.path)
        former = self._read(kept)
        if found and kept.after is not None and _digest(found[0]) not in (kept.after, _digest(former) if former is not None else None):
            raise HostError("somebody else has changed it since, so it stays as it is")
        if former is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(kept.path)
            return
        attributes = (kept.uid, kept.gid, kept.mode)
        if found and found[0] == former and (found[1].st_uid, found[1].st_gid, found[1].st_mode & 0o7777) == attributes:
            return
        _replace(kept, former)

    def _read(self, kept: Kept) -> bytes | None:
        if kept.copy is None:
            return None
        with homes.acting_as_root(), open(os.path.join(self.directory, kept.copy), "rb") as f:
            return f.read()

    def forget(self) -> None:
        """Take the journal away."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.directory, MANIFEST))
        shutil.rmtree(self.directory, ignore_errors=True)


def _replace(kept: Kept, content: bytes) -> None:
    temporary = f"{kept.path}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(content)
            f.flush()
            if kept.owner is None:
                os.fchown(f.fileno(), kept.uid, kept.gid)
            os.fchmod(f.fileno(), kept.mode)
            os.fsync(f.fileno())
        os.utime(temporary, ns=(kept.mtime_ns, kept.mtime_ns))
        if os.path.exists(kept.path):
            files.copy_security_context(kept.path, temporary)
        os.rename(temporary, kept.path)
        files.fsync_directory(os.path.dirname(kept.path))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _content(path: str) -> tuple[bytes, os.stat_result] | None:
    """The bytes of a regular file, and what the kernel says of it; None where there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        if os.path.isfile(path) and not os.path.islink(path):
            raise
        return None
    with os.fdopen(fd, "rb") as f:
        st = os.fstat(f.fileno())
        return (f.read(), st) if os.path.isfile(path) else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
