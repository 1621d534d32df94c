# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A check that a running daemon is the installed one, and the replacement of an older one.

After an upgrade of its package a daemon may go on running, and start programs that are no longer its own: Postfix 3.7 with the
programs of 3.10 takes mail and delivers none. Its unit may be an old one, too, which the service manager no longer starts and
which blocks the new one.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

# How the kernel ends the name of a program that is no longer in its place, because a package has put another one there.
_GONE = " (deleted)"
_STOP = {"postfix": ["postfix", "stop"], "dovecot": ["doveadm", "stop"]}


def why_outdated(program: str | None) -> str | None:
    """Tell why a process with *program*, as /proc/PID/exe names it, is not the installed daemon; None when it is, or is unknown."""
    if program is None or not program.endswith(_GONE):
        return None
    return f"it still runs the {program[: -len(_GONE)]} from before an upgrade"


def unit_of(cgroups: str) -> str | None:
    """Return the unit that a process belongs to, from the text of its /proc/PID/cgroup; None when it was started outside of any service."""
    ends = (line.rpartition("/")[2] for line in cgroups.splitlines())
    return next((end for end in ends if end.endswith(".service")), None)


def actions(planned: t.Sequence[str], state: str | None, outdated: str | None) -> list[str]:
    """Return the actions that replace *planned* for a service that is wanted in *state*, when the running one is outdated: a restart."""
    if not outdated or state not in ("started", "applied", "reloaded", "restarted") or "start" in planned:
        return list(planned)
    return [*(action for action in planned if action not in ("reload", "restart")), "restart"]


def outdated(pid: int | None, proc: str = "/proc") -> str | None:
    """Tell why the daemon with the process *pid* is not the installed one."""
    if pid is None:
        return None
    try:
        return why_outdated(os.readlink(f"{proc}/{pid}/exe"))
    except OSError:
        # In a container without CAP_SYS_PTRACE root does not see the program of a daemon that has changed its user.
        return why_outdated(_program_by_age(pid, proc))


def _program_by_age(pid: int, proc: str) -> str | None:
    """Return the program of a process as /proc/PID/exe would name it: it is gone when its file is newer than the process."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        program = _read(f"{proc}/{pid}/cmdline").split("\0")[0]
        if os.path.isabs(program):
            # When dpkg put the file there; its time of modification is that of the package. The times of /proc are of whole seconds.
            newer = os.stat(program).st_ctime > started(_read(f"{proc}/{pid}/stat"), _read(f"{proc}/stat")) + 2
            return program + (_GONE if newer else "")
    return None


def started(stat: str, system: str) -> float:
    """Return the start time of a process, from the texts of its /proc/PID/stat and of /proc/stat; raise `ValueError` or `IndexError`."""
    ticks = int(stat.rpartition(")")[2].split()[19])
    boot = int(system.partition("btime ")[2].split()[0])
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def stop_command(name: str, pid: int | None, proc: str = "/proc") -> list[str]:
    """Return the command that stops the daemon *name* under systemd, in the unit of its process *pid*."""
    cgroups = ""
    with contextlib.suppress(OSError):
        cgroups = _read(f"{proc}/{pid}/cgroup")
    unit = unit_of(cgroups)
    if pid is not None and unit is None and name in _STOP:
        return _STOP[name]
    # The service's own unit as well: it may say "active" without a daemon of its own, and would then not be started.
    return ["systemctl", "stop", "--", *dict.fromkeys([unit or f"{name}.service", f"{name}.service"])]
