# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in the home of a user, who owns the home and everything else in it.

The work there is done as that user, so a link of theirs leads only to files that they may change anyway. A problem in one
home does not stop the work for the other users.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, foreign_files, managed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

MOST_BYTES = 1024 * 1024
# Somebody may hold the lock on purpose.
PATIENCE = 5.0
PRIVATE = 0o600


@contextlib.contextmanager
def acting_as(owner: str | None) -> t.Iterator[None]:
    """Run the block as the user who owns the home."""
    if owner is None or os.geteuid() != 0:
        yield
        return
    account, groups = pwd.getpwnam(owner), os.getgroups()
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextlib.contextmanager
def acting_as_root() -> t.Iterator[None]:
    """Within `acting_as`, do something that the user must not be able to."""
    uid, gid = os.geteuid(), os.getegid()
    if os.getuid() != 0 or uid == 0:
        yield
        return
    os.seteuid(0)
    os.setegid(0)
    try:
        yield
    finally:
        os.setegid(gid)
        os.seteuid(uid)


class Visits:
    """Work in the homes of several users; *skipped* are the users whose home refused it, each named in *warnings*."""

    def __init__(self, warnings: list[str]) -> None:
        self.warnings = warnings
        self.skipped: list[str] = []

    @contextlib.contextmanager
    def to(self, owner: str | None) -> t.Iterator[None]:
        """Act as *owner*, and go on after the block when their home does not allow it; without an owner, raise."""
        try:
            with acting_as(owner):
                yield
        except (HostError, OSError) as e:
            if owner is None:
                raise
            if owner not in self.skipped:
                self.skipped.append(owner)
                why = str(e) if isinstance(e, HostError) else f"{e.filename}: {e.strerror}."
                self.warnings.append(f"The user '{owner}' was left out, and all others were served: {why}")


def read_text(path: str) -> str | None:
    """Read as `files.read_text` does, but only a plain, not large file of the user or of root; never wait for anything else."""
    try:
        raw = foreign_files.read(path, lambda st: st.st_uid in (0, os.geteuid()), limit=MOST_BYTES, follow=True)
    except foreign_files.NotRead as e:
        raise HostError(f"{path} {e}.") from e
    return None if raw is None else raw.decode(files.ENCODING, files.ERRORS)


def update(path: str, text: str, *, check_mode: bool) -> files.Change:
    """Write *text* to a file that only the user may read; keep a copy of a file that came from another source."""
    live = read_text(path)
    return files.update(
        path,
        lambda _before: text,
        check_mode=check_mode,
        attributes=files.Attributes(mode=PRIVATE),
        backup=bool(live and live.strip()) and not managed.is_managed(live or ""),
        read=read_text,
        lock_timeout=PATIENCE,
    )


def remove(path: str, live: str, *, check_mode: bool) -> files.Change:
    """Take away a file with the text *live*."""
    files.remove(path, check_mode=check_mode)
    return files.Change(path, live, "")
