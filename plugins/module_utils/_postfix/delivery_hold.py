# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold local delivery for a moment, so that Dovecot can be reloaded or restarted without a mail arriving twice.

When Dovecot reloads, an LMTP session that has just stored a message may be answered with "421 shutting down" instead of
"250 saved"; Postfix cannot know better and delivers the message again. To hold delivery through Postfix's
configuration (``defer_transports``) would mean two edits of main.cf, two reloads, and a host left in that state when
we are killed in between. Instead Postfix's queue manager, which hands out every delivery, is stopped with SIGSTOP: mail
is still accepted and queued. Sessions that are under way, or that Postfix keeps open for the next message, are waited
for; they are over within seconds. With the last of them gone, no message is between the two daemons.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children

_POLL_SECONDS = 0.02
# A message that the queue manager handed out may pass through local(8) before a session is opened for it.
_QUIET_POLLS = 6
_CONNECTED = "03"
# Its input ends with the process that holds the deliveries, and no later than this is over.
_GUARD = '{ sleep "$1"; kill -CONT "$2"; } & cat; kill -CONT "$2"; kill $!'


def lmtp_sessions(proc_net_unix: str) -> int:
    """Return the open sessions on Dovecot's LMTP sockets, from the text of /proc/net/unix.

    A socket that was accepted carries the path of the one that it was accepted on. Dovecot's paths are absolute;
    Postfix's own ``private/lmtp``, which is something else, is relative.
    """
    rows = (line.split(None, 7) for line in proc_net_unix.splitlines()[1:])
    return sum(
        1 for row in rows if len(row) == 8 and row[5] == _CONNECTED and row[7].startswith("/") and "lmtp" in os.path.basename(row[7])
    )


@contextlib.contextmanager
def held(master: int | None, patience: float = 10.0, limit: float = 60.0) -> t.Iterator[None]:
    """Hold the deliveries of the Postfix whose master process is *master* while the block runs.

    Waits up to *patience* seconds for sessions under way. The queue manager goes on after *limit* seconds at the latest, and at once
    if this process is killed.
    """
    manager = queue_manager(master)
    if manager is None:
        yield
        return
    guard = _guard(manager, limit)
    try:
        os.kill(manager, signal.SIGSTOP)
        _wait_for_sessions(patience)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(manager, signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.communicate()


def queue_manager(master: int | None) -> int | None:
    """Return the process that hands out the deliveries of the Postfix whose master process is *master*."""
    return next((child.pid for child in children(master) if child.name in ("qmgr", "oqmgr")), None)


def is_abandoned(master: int | None, proc: str = "/proc") -> bool:
    """Return whether the queue manager is stopped, and no run or guard is left to wake it."""
    manager = queue_manager(master)
    return manager is not None and _is_stopped(manager, proc) and not _has_guard(manager, proc)


def release_abandoned(master: int | None) -> bool:
    """Wake a queue manager if a killed run and its guard left it stopped; return whether it was."""
    manager = queue_manager(master)
    if manager is None or not is_abandoned(master):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(manager, signal.SIGCONT)
    return True


def _is_stopped(pid: int, proc: str) -> bool:
    with contextlib.suppress(OSError), open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rpartition(")")[2].split()[:1] == ["T"]
    return False


def _has_guard(manager: int, proc: str) -> bool:
    for entry in os.listdir(proc):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"{proc}/{entry}/cmdline", encoding="utf-8", errors="replace") as f:
                words = f.read().split("\0")
                if _GUARD in words and str(manager) in words:
                    return True
    return False


def _guard(manager: int, limit: float) -> subprocess.Popen[bytes]:
    """Start a process of its own that wakes the queue manager even if this one is killed."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(limit), str(manager)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for_sessions(patience: float) -> None:
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < _QUIET_POLLS and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        quiet = 0 if _sessions_now() else quiet + 1


def _sessions_now() -> int:
    with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as f:
        return lmtp_sessions(f.read())
    return 0
