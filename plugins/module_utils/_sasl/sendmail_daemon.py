# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sendmail's daemon: whether it has read the present files, and whether it offers AUTH."""

from __future__ import annotations

import contextlib
import os
import signal
import smtplib
import ssl
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import process
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_mc
from ansible_collections.postroom.mail.plugins.module_utils._services.ready import wait_until
from ansible_collections.postroom.mail.plugins.module_utils._takeover import facts as takeover_facts
from ansible_collections.postroom.mail.plugins.module_utils._takeover import other_mta

SENDMAIL = next(server for server in other_mta.KNOWN if server.name == "sendmail")
PORT = 587
LOG = "its log (journalctl -t sm-mta, or /var/log/mail.log) may say why"
# A process is as old as the kernel's ticks tell.
_TICK = 0.02


class NotServing(HostError):
    """sendmail runs, or should, and does not offer the configured service."""


def daemon(pid_files: t.Sequence[str] = (), proc: str = "/proc") -> int | None:
    """Return the process that listens: the one of a pid file if it is a sendmail, else the first sendmail without a sendmail as parent."""
    everyone = takeover_facts.processes(SENDMAIL, proc)
    for path in pid_files:
        with contextlib.suppress(OSError, ValueError), open(path) as f:
            pid = int(f.readline())
            if pid in everyone:
                return pid
    return min((pid for pid in everyone if (found := process(pid, proc)) and found.parent not in everyone), default=None)


def started_at(pid: int, proc: str = "/proc") -> float:
    """Return the time when the process was started, in seconds since the epoch; 0 when it has ended."""
    with contextlib.suppress(OSError, IndexError, ValueError), open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as f:
        # The text after the name, which may hold blanks, begins with the third field.
        ticks = int(f.read().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return time.time() - age
    return 0.0


def changed_at(paths: t.Iterable[str]) -> float:
    """Return the time when the newest of these files got its content, its owner or its mode."""
    times = [0.0]
    for path in paths:
        with contextlib.suppress(OSError):
            times += [os.stat(path).st_ctime, os.lstat(path).st_ctime]
    return max(times)


def is_behind(pid: int, paths: t.Iterable[str]) -> bool:
    """Return whether the daemon is older than a file that it reads only at its start."""
    return started_at(pid) + _TICK < changed_at(paths)


def read_again(pid: int, cf: str, timeout: float) -> None:
    """Let the daemon start itself anew, which is how sendmail reads its configuration again, with its ports."""
    before = started_at(pid)
    files = sendmail_mc.options(cf, "PidFile")
    # Not by the init script: it does not find the daemon where the rights of root are less than all.
    os.kill(pid, signal.SIGHUP)

    def is_new() -> bool:
        now = daemon(files)
        return now is not None and (now != pid or started_at(now) > before + _TICK)

    if not wait_until(is_new, time.monotonic() + timeout):
        raise NotServing(f"sendmail has not started itself anew {timeout:g} s after it was told to; {LOG}.")


def prove(host: str, timeout: float, port: int = PORT) -> None:
    """Check that AUTH is offered under TLS. sendmail reports no error when it cannot do its task; it offers less."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            missing = _missing(host, port, timeout)
            break
        except (OSError, smtplib.SMTPException) as e:
            if time.monotonic() >= deadline:
                raise NotServing(f"sendmail does not answer on port {port} ({e}); {LOG}.") from e
        time.sleep(0.2)
    if missing:
        raise NotServing(f"sendmail offers no {missing} on port {port}; {LOG}.")


def _missing(host: str, port: int, timeout: float) -> str:
    with smtplib.SMTP(host, port, timeout=timeout) as session:
        session.ehlo()
        if not session.has_extn("starttls"):
            return "STARTTLS"
        # It is asked whether it does, not who it is.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        session.starttls(context=context)
        session.ehlo()
        return "" if session.has_extn("auth") else "AUTH"
