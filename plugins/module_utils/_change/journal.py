# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep everything that a change replaces, until the change has proved itself.

It lies on the disk, for root alone: a run that is killed, or a machine that loses its power, leaves it, and the next run puts back
from it what had been there. After a change that holds nothing of it is left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, homes, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy, clear_up, locked

PLACE = "/var/lib/postroom"
MANIFEST = "manifest.json"

# What a change finds or leaves at a path, beside the SHA-256 of a file.
NOTHING = ""
UNKNOWN = "?"
SAME = "="

Attributes = tuple[int, int, int]


class Damaged(HostError):
    """The journal of a run that was killed cannot be read."""


class NotForgotten(HostError):
    """The journal cannot be taken away."""


class Touch(t.NamedTuple):
    """A path that a change touches: what it saw there, what it leaves there, and the user in whose home that is."""

    path: str
    before: str = UNKNOWN
    after: str = UNKNOWN
    owner: str | None = None


@dataclasses.dataclass(frozen=True)
class Kept:
    """One path as it was: a file, whose content is in *copy*, a *link*, or nothing. *after* is what the change puts there."""

    path: str
    after: str
    owner: str | None = None
    copy: str | None = None
    link: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = 0
    mtime_ns: int = 0

    @property
    def attributes(self) -> Attributes:
        return self.uid, self.gid, self.mode


@dataclasses.dataclass
class Told:
    """Sentences about what was not put back: what somebody else changed stays, everything else is a failure."""

    stays: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)


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

    # Before the change --------------------------------------------------------------------------------------------------

    def keep(self, touches: t.Sequence[Touch], made: t.Sequence[str] = (), changed: t.Sequence[str] = ()) -> list[tuple[Touch, HostError]]:
        """Keep what is at the paths of *touches*, for directories that are *made* and directories that are *changed* besides.

        Gives those in the homes of users that could not be kept, and why. Raises a `HostError`, and leaves nothing, when there is no
        room, or when something is not as the change saw it.
        """
        try:
            os.mkdir(self.directory, 0o700)
            kept, skipped = [], []
            for number, touch in enumerate(touches):
                try:
                    kept.append(self._keep(str(number), touch))
                except HostError as e:
                    if touch.owner is None:
                        raise
                    skipped.append((touch, e))
            parents = {os.path.dirname(one.path) for one in kept} - set(changed)
            manifest = {
                "files": [dataclasses.asdict(one) for one in kept],
                "made": list(made),
                "changed": {path: _attributes(os.stat(path)) for path in changed if os.path.isdir(path)},
                "parents": {path: _attributes(os.stat(path)) for path in sorted(parents) if os.path.isdir(path)},
            }
            # Only with this file, which is written last, does the journal count.
            self._write(MANIFEST + ".new", json.dumps(manifest).encode())
            os.rename(os.path.join(self.directory, MANIFEST + ".new"), os.path.join(self.directory, MANIFEST))
            files.fsync_directory(self.directory)
            files.fsync_directory(self.place)
        except OSError as e:
            self.forget()
            raise HostError(f"Cannot keep in {self.directory} what would be changed: {e.strerror}; nothing was changed.") from e
        except BaseException:
            self.forget()
            raise
        return skipped

    def _keep(self, copy: str, touch: Touch) -> Kept:
        try:
            with homes.acting_as(touch.owner):
                found = _found(touch.path, None if touch.owner is None else homes.MOST_BYTES)
        except OSError as e:
            raise HostError(f"Cannot read {touch.path}: {e.strerror}; nothing was changed.") from e
        if found.is_special:
            raise HostError(f"{touch.path} is neither a file nor a link, and could not be put back: take it away; nothing was changed.")
        if touch.before not in (UNKNOWN, found.digest):
            raise FileBusy(f"{touch.path} was changed by somebody else since the host was asked; nothing was changed: run the play again.")
        kept = Kept(touch.path, found.digest if touch.after == SAME else touch.after, touch.owner, None, found.link)
        if found.st is None:
            return kept
        if found.content is not None:
            self._write(copy, found.content)
            kept = dataclasses.replace(kept, copy=copy)
        uid, gid, mode = _attributes(found.st)
        return dataclasses.replace(kept, uid=uid, gid=gid, mode=mode, mtime_ns=found.st.st_mtime_ns)

    def _write(self, name: str, content: bytes) -> None:
        fd = os.open(os.path.join(self.directory, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())

    # After it ------------------------------------------------------------------------------------------------------------

    def is_left(self) -> bool:
        """Tell if a run was killed in the middle of a change."""
        return os.path.exists(os.path.join(self.directory, MANIFEST))

    def put_back(self, touched: t.Collection[str] | None = None) -> Told:
        """Have everything as it was kept, or of that what was *touched*; tells what could not be put back. The journal stays.

        Raises `Damaged`.
        """
        try:
            with open(os.path.join(self.directory, MANIFEST), encoding="utf-8") as f:
                manifest = json.load(f)
            everything = [Kept(**one) for one in reversed(manifest["files"])]
            made, changed, parents = list(manifest["made"]), dict(manifest["changed"]), dict(manifest["parents"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise Damaged(
                f"The journal of a change that was not finished, {self.directory}/{MANIFEST}, cannot be read ({e}). What was there before"
                f" lies beside it: put back by hand what you need of that, take {self.directory} away, and run the play again."
            ) from e
        told = Told()
        for kept in everything:
            if touched is None or kept.path in touched:
                self._try_to_put_back(kept, parents, told)
        for directory in sorted({os.path.dirname(kept.path) for kept in everything if kept.owner is None}):
            rooms.clear_up(directory)
        for path, (uid, gid, mode) in changed.items():
            try:
                files.make_directory(path, uid=uid, gid=gid, mode=mode)
            except HostError as e:
                told.failed.append(str(e))
        for directory in reversed(made):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        return told

    def _try_to_put_back(self, kept: Kept, parents: t.Mapping[str, Attributes], told: Told) -> None:
        try:
            with homes.acting_as(kept.owner):
                self._put_back(kept, parents)
                clear_up(kept.path)
        except FileBusy as e:
            told.failed.append(f"{kept.path} could not be put back: {e}")
        except _Stays as e:
            told.stays.append(f"{kept.path} stays as it is, because {e}.")
        except KeyError:
            told.stays.append(f"{kept.path} stays as it is, because there is no user '{kept.owner}' any more.")
        except (HostError, OSError) as e:
            told.failed.append(f"{kept.path} could not be put back: {e.strerror if isinstance(e, OSError) else str(e).rstrip('.')}.")

    def _put_back(self, kept: Kept, parents: t.Mapping[str, Attributes]) -> None:
        found = _found(kept.path)
        former = self._read(kept)
        if found.link == kept.link and found.content == former and not found.is_special:
            if found.content is not None and found.st is not None:
                _settle(kept, found.st)
            return
        if found.st is not None and kept.after not in (UNKNOWN, found.digest):
            raise _Stays("somebody else has changed it since")
        directory = os.path.dirname(kept.path)
        if not os.path.isdir(directory) and directory in parents:
            uid, gid, mode = parents[directory]
            files.make_directory(directory, uid=uid, gid=gid, mode=mode, parents=True)
        if former is not None:
            _replace(kept, former)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(kept.path)
        if kept.link is not None:
            os.symlink(kept.link, kept.path)
            os.chown(kept.path, kept.uid, kept.gid, follow_symlinks=False)
        if os.path.isdir(directory):
            files.fsync_directory(directory)

    def _read(self, kept: Kept) -> bytes | None:
        if kept.copy is None:
            return None
        with homes.acting_as_root(), open(os.path.join(self.directory, kept.copy), "rb") as f:
            return f.read()

    def forget(self) -> None:
        """Take the journal away. Raises `NotForgotten`."""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, MANIFEST))
                # Before anything that it names.
                files.fsync_directory(self.directory)
            if os.path.lexists(self.directory):
                shutil.rmtree(self.directory)
        except OSError as e:
            raise NotForgotten(
                f"Cannot take {self.directory} away: {e.strerror}. Take it away by hand, or the next run may put back what it holds."
            ) from e


class _Stays(HostError):
    """Return the reason why something is not put back."""


@dataclasses.dataclass(frozen=True)
class _Found:
    """The state of a path: a file with its content, a link, something special, or nothing."""

    st: os.stat_result | None = None
    content: bytes | None = None
    link: str | None = None

    @property
    def is_special(self) -> bool:
        return self.st is not None and self.content is None and self.link is None

    @property
    def digest(self) -> str:
        if self.content is not None:
            return digest(self.content)
        return NOTHING if self.st is None else f"link {self.link}" if self.link is not None else "special"


def _found(path: str, limit: int | None = None) -> _Found:
    try:
        st = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return _Found()
    if stat.S_ISLNK(st.st_mode):
        return _Found(st, link=os.readlink(path))
    if not stat.S_ISREG(st.st_mode):
        return _Found(st)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as f:
        st = os.fstat(fd)
        if limit is not None and st.st_size > limit:
            raise OSError(errno.EFBIG, "it is too large")
        return _Found(st, f.read() if limit is None else f.read(limit)) if stat.S_ISREG(st.st_mode) else _Found(st)


def _attributes(st: os.stat_result) -> Attributes:
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


def _settle(kept: Kept, st: os.stat_result) -> None:
    """Give a file with the former content the former owner, mode and time, where they are others."""
    if _attributes(st) != kept.attributes:
        files.apply_attributes(kept.path, *kept.attributes)
    if st.st_mtime_ns != kept.mtime_ns:
        os.utime(kept.path, ns=(kept.mtime_ns, kept.mtime_ns))


def _replace(kept: Kept, content: bytes) -> None:
    """Write a file anew beside the present one, under its lock, and rename it."""
    with locked(kept.path, homes.PATIENCE) as f:
        f.truncate()
        f.write(content)
        f.flush()
        if kept.owner is None:
            os.fchown(f.fileno(), kept.uid, kept.gid)
        os.fchmod(f.fileno(), kept.mode if kept.owner is None else kept.mode & 0o777)
        os.fsync(f.fileno())
        os.utime(f.fileno(), ns=(kept.mtime_ns, kept.mtime_ns))
        if os.path.exists(kept.path):
            files.copy_security_context(kept.path, f.fileno())
        os.rename(f"{kept.path}.tmp", kept.path)
    files.fsync_directory(os.path.dirname(kept.path))


def digest(content: bytes) -> str:
    """By which a file is known again."""
    return hashlib.sha256(content).hexdigest()


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
