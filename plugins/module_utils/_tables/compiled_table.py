# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The compiled forms of a lookup table: their files, and whether they are in step with their source."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files as core_files
from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.changed_at import changed_at
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import SUFFIXES

LOCK_TIMEOUT = 120.0  # A table of a million entries takes ten seconds to compile, and a second run waits for it.

# Why a compiled form must be built.
MISSING = "it does not exist"
OLDER = "it is older than its source"
OTHER_TYPE = "it is of another type"
OLDER_THAN_FILE = "it is older than a file whose content it holds"

# The first bytes tell hash from btree, which share the suffix .db; opened as the other one, every lookup is deferred.
_MAGIC = {
    "hash": (12, (b"\x61\x15\x06\x00", b"\x00\x06\x15\x61")),
    "btree": (12, (b"\x62\x31\x05\x00", b"\x00\x05\x31\x62")),
    "lmdb": (16, (b"\xde\xc0\xef\xbe", b"\xbe\xef\xc0\xde")),
}


def kinds_of(path: str, kind: str) -> list[str]:
    """Return the compiled forms that must be in step with the source: the wanted one, and other present ones.

    main.cf may still name a form of another type, so it is not removed, and must not become stale either.
    """
    if kind not in SUFFIXES:
        return []
    return [kind, *(other for other in SUFFIXES if SUFFIXES[other] != SUFFIXES[kind] and _magic_matches(path, other))]


def staleness(path: str, kind: str, files: t.Sequence[str] = ()) -> str | None:
    """Tell why the compiled form, which holds the contents of *files*, must be built; None if it need not."""
    try:
        source = os.stat(path)
    except FileNotFoundError:
        return MISSING
    for suffix in SUFFIXES[kind]:
        try:
            compiled = os.stat(path + suffix)
        except FileNotFoundError:
            return MISSING
        if compiled.st_mtime_ns < source.st_mtime_ns:
            return OLDER
        if compiled.st_mtime_ns < newest(files):
            return OLDER_THAN_FILE
    return OTHER_TYPE if _magic_matches(path, kind) is False else None


def newest(files: t.Sequence[str]) -> int:
    """Return the time when the last of *files* changed, in nanoseconds since 1970."""
    return max((int(changed * 1e9) for changed in changed_at(files).values()), default=0)


def _magic_matches(path: str, kind: str) -> bool | None:
    """Return whether the compiled file is one of *kind*: None, when there is none or the format has no mark (cdb)."""
    try:
        with open(path + SUFFIXES[kind][0], "rb") as f:
            head = f.read(20)
    except OSError:
        return None
    if kind not in _MAGIC:
        return True
    offset, marks = _MAGIC[kind]
    return head[offset : offset + 4] in marks


def all_files(path: str) -> list[str]:
    """Return the names of the source and of every compiled form it may have."""
    return [path, *(path + suffix for suffix in sorted({suffix for suffixes in SUFFIXES.values() for suffix in suffixes}))]


def put_in_place(compiled: str, path: str, suffix: str, of: int = 0) -> None:
    """Rename the freshly built *compiled* to ``PATHsuffix``, with the owner, mode and time of its source.

    Where it holds the contents of files, the last of which had changed at the time *of*, its time is that one.
    """
    try:
        source = os.stat(path)
        os.chown(compiled, source.st_uid, source.st_gid)
        os.chmod(compiled, stat.S_IMODE(source.st_mode))
        # As old as its source: Postfix warns of a table that is older, and a later edit by hand shows.
        os.utime(compiled, ns=(max(source.st_mtime_ns, of),) * 2)
        core_files.copy_security_context(path, compiled)
        os.rename(compiled, path + suffix)
    except OSError as e:
        raise HostError(f"Cannot put {path}{suffix} in place: {e.strerror}; the next run will try again.") from e


def follow_attributes(path: str, kinds: list[str], wanted: core_files.Attributes, *, check_mode: bool) -> bool:
    """Give the compiled forms the owner and mode of their source, as postmap itself would; return whether they differed."""
    source = os.stat(path)
    uid, gid, mode = source.st_uid, source.st_gid, stat.S_IMODE(source.st_mode)
    if check_mode or staging.current():  # The source itself does not have them yet.
        wanted_uid, wanted_gid = wanted.ids()
        uid, gid = uid if wanted_uid == -1 else wanted_uid, gid if wanted_gid == -1 else wanted_gid
        mode = mode if wanted.mode is None else wanted.mode
    changed = False
    for compiled in (path + suffix for kind in kinds for suffix in SUFFIXES[kind]):
        now = os.stat(compiled)
        if (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) != (uid, gid, mode):
            changed = True
            if not check_mode:
                core_files.set_attributes(compiled, uid, gid, mode)
    return changed


@contextlib.contextmanager
def directory_lock(directory: str) -> t.Iterator[None]:
    """Hold the lock by which only one run at a time builds tables in *directory*."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as e:
        raise HostError(f"Cannot build a table in {directory}: {e.strerror}.") from e
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise FileBusy(
                        f"Another run has been building tables in {directory} for more than {LOCK_TIMEOUT:g} s; try again later."
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(fd)
