# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop Postfix so that no message is cut off: ``postfix drain`` ends the master alone, and each process then ends when it is idle.

``postfix stop`` ends every process at once. A client that has sent a whole message then hears nothing and sends it again, and a message
that a delivery process has just handed over is handed over again. After ``postfix drain`` nobody takes a new client or a new delivery, and
those at work finish theirs.

systemd, which sees its main process end, would end the others at once. A drop-in below /run keeps it from that for as long as it takes.
Sources: postfix-script (``drain``), systemd.kill(5).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children, process

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

UNITS = "/run/systemd/system"
DROP_IN = "postroom-drain.conf"
_POLL_SECONDS = 0.05
# A process that did nothing for so long waits for its client or its server.
_IDLE_SECONDS = 0.5


def drain(run: Run, master: int, unit: str | None, patience: float = 20.0, units: str = UNITS, proc: str = "/proc") -> bool:
    """End the Postfix whose master process is *master*, and which runs in the *unit* of systemd, if in one; False: it went on.

    Waits up to *patience* seconds for sessions and deliveries under way, and then ends each that is left when it is idle.
    """
    with _left_alone(run, unit, units):
        members = [child.pid for child in children(master, proc)]
        rc, _stdout, _stderr = run(["postfix", "drain"])
        if rc:
            return False
        deadline = time.monotonic() + patience
        while _living(members, proc) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        _end_when_idle(_living(members, proc), proc)
    return True


def _living(members: t.Iterable[int], proc: str) -> list[int]:
    return [pid for pid in members if process(pid, proc) is not None]


def _end_when_idle(members: list[int], proc: str) -> None:
    """End the processes whose client or server takes its time, each when it has done nothing for a moment."""
    seen = {pid: (_work(pid, proc), time.monotonic()) for pid in members}
    deadline = time.monotonic() + 10 * _IDLE_SECONDS
    while seen:
        now = time.monotonic()
        for pid, (work, since) in list(seen.items()):
            current = _work(pid, proc)
            if current != work and now < deadline:
                seen[pid] = current, now
            elif now - since >= _IDLE_SECONDS or now >= deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                del seen[pid]
        time.sleep(_POLL_SECONDS)


def _work(pid: int, proc: str) -> str:
    """Something that is another when the process has done anything: how often it was put to sleep, or had to wait."""
    with contextlib.suppress(OSError), open(f"{proc}/{pid}/status", encoding="utf-8", errors="replace") as f:
        return "".join(line for line in f if "ctxt_switches" in line)
    return ""


@contextlib.contextmanager
def _left_alone(run: Run, unit: str | None, units: str) -> t.Iterator[None]:
    """Keep systemd from ending the processes of *unit* when its main process is gone."""
    if unit is None or not os.path.isdir(units):
        yield
        return
    directory = os.path.join(units, f"{unit}.d")
    path = os.path.join(directory, DROP_IN)
    try:
        os.makedirs(directory, exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write("[Service]\nKillMode=process\n")
        run(["systemctl", "daemon-reload"])
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
            os.rmdir(directory)
        run(["systemctl", "daemon-reload"])
