# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The processes of this host, from /proc alone."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t


class Process(t.NamedTuple):
    pid: int
    name: str
    parent: int


def parse_stat(text: str) -> Process | None:
    """Parse the text of /proc/PID/stat; None for a zombie, which no longer does anything.

    The name stands in parentheses and may itself hold blanks and parentheses.
    """
    match = re.match(r"(\d+) \((.*)\) (\S) (\d+)", text, re.DOTALL)
    if not match or match.group(3) in "ZX":
        return None
    return Process(int(match.group(1)), match.group(2), int(match.group(4)))


def process(pid: int, proc: str = "/proc") -> Process | None:
    """Return the process *pid*, or None when there is none."""
    with contextlib.suppress(OSError), open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return parse_stat(f.read())
    return None


def children(parent: int | None, proc: str = "/proc") -> list[Process]:
    """Return the living children of the process *parent*."""
    if parent is None:
        return []
    return [child for child in processes(proc) if child.parent == parent]


def processes(proc: str = "/proc") -> t.Iterator[Process]:
    """Return every living process."""
    everyone = (process(int(entry), proc) for entry in os.listdir(proc) if entry.isdigit())
    return (each for each in everyone if each)
