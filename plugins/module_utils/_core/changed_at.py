# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The time at which a file last changed."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable


def changed_at(paths: Iterable[str]) -> dict[str, float]:
    """Return for each of *paths* that is a file when it last changed: its content, its attributes, or a link on the way to it.

    This is the change time of the inode, which no copy and no rename can set back.
    """
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            state = os.stat(path)
            if stat.S_ISREG(state.st_mode):
                found[path] = max(state.st_ctime, *_links_on_the_way(path))
    return found


def stamps(paths: Iterable[str]) -> dict[str, str]:
    """Return for each of *paths* that is a file by what it is known again, unless somebody writes it: inode, size and time."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            state = os.stat(path)
            if stat.S_ISREG(state.st_mode):
                found[path] = f"{state.st_ino} {state.st_size} {state.st_mtime_ns}"
    return found


def _links_on_the_way(path: str) -> list[float]:
    times = [0.0]
    step = ""
    for part in path.strip("/").split("/"):
        step = f"{step}/{part}"
        with contextlib.suppress(OSError):
            state = os.lstat(step)
            if stat.S_ISLNK(state.st_mode):
                times.append(state.st_ctime)
                # The target may be a link again, or lie behind one; whoever asks has seen that it ends somewhere.
                times += _links_on_the_way(os.path.normpath(os.path.join(os.path.dirname(step), os.readlink(step))))
    return times
