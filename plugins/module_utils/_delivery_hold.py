# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Hold local delivery for a moment, so that Dovecot can be reloaded or restarted without a mail arriving twice.

When Dovecot reloads, an LMTP session that has just stored a message may be answered with "421 shutting down" instead of
"250 saved"; Postfix cannot know better and delivers the message again. To hold delivery through Postfix's
configuration (``defer_transports``) would mean two edits of main.cf, two reloads, and a host left in that state when
we are killed in between. Instead Postfix's queue manager, which hands out every delivery, is stopped with SIGSTOP: mail
is still accepted and queued. What was handed out already is waited for: a delivery agent holds a shared lock on the
message that it delivers. With the last lock gone no session is in the midst of a message.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._processes import children

# Postfix's programs that hand a message to Dovecot, directly or through another of them.
AGENTS = ("lmtp", "local", "virtual", "pipe")
_POLL_SECONDS = 0.02
# Between the queue manager's request and the agent's lock lie microseconds; twice in a row means "really idle".
_IDLE_POLLS = 3


def parse_locks(text: str) -> set[int]:
    """The processes that hold a shared flock(2) on something, from the text of /proc/locks."""
    holders = set()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 4 and fields[1:4] == ["FLOCK", "ADVISORY", "READ"]:
            holders.add(int(fields[4]))
    return holders


@contextlib.contextmanager
def held(master: int | None, patience: float = 10.0, limit: float = 60.0) -> t.Iterator[None]:
    """Hold the deliveries of the Postfix whose master process is *master* while the block runs.

    Waits up to *patience* seconds for deliveries under way. Whatever happens to this process, the queue manager goes on
    after *limit* seconds at the latest.
    """
    manager = next((child.pid for child in children(master) if child.name in ("qmgr", "oqmgr")), None)
    if manager is None:
        yield
        return
    guard = _guard(manager, limit)
    try:
        os.kill(manager, signal.SIGSTOP)
        _wait_for_agents(t.cast("int", master), patience)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(manager, signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()


def _guard(manager: int, limit: float) -> subprocess.Popen[bytes]:
    """A process of its own that wakes the queue manager even if we are killed."""
    return subprocess.Popen(
        ["/bin/sh", "-c", 'sleep "$1"; kill -CONT "$2"', "sh", str(limit), str(manager)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for_agents(master: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    idle = 0
    while idle < _IDLE_POLLS and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        agents = {child.pid for child in children(master) if child.name in AGENTS}
        idle = 0 if agents & _lock_holders() else idle + 1


def _lock_holders() -> set[int]:
    with contextlib.suppress(OSError), open("/proc/locks") as f:
        return parse_locks(f.read())
    return set()
