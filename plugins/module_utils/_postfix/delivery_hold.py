# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold Postfix for a moment, so that Dovecot or Postfix itself can be reloaded or restarted without a mail arriving twice.

When Dovecot reloads, an LMTP session that has just stored a message may be answered with "421 shutting down" instead of
"250 saved"; Postfix cannot know better and delivers the message again. To hold delivery through Postfix's
configuration (``defer_transports``) would mean two edits of main.cf, two reloads, and a host left in that state when
we are killed in between. Instead Postfix's queue manager, which hands out every delivery, is stopped with SIGSTOP: mail
is still accepted and queued. Sessions that are under way, or that Postfix keeps open for the next message, are waited
for; they are over within seconds. With the last of them gone, no message is between the two daemons.

A stop of Postfix ends each of its processes, and with the same result: a delivery agent that has handed a message over does not
record it any more, and an smtpd(8) that has queued one does not answer. So its deliveries are held and waited for likewise. Then
its intake is closed: no process may connect to cleanup(8) any more, through which each new message goes. Messages on their way through
it are waited for. An smtpd waits at the next message, at RCPT TO, and its client has sent nothing yet when Postfix stops.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import unix_sockets
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children

_POLL_SECONDS = 0.02
# A message that the queue manager handed out may pass through local(8) before a session is opened for it.
_QUIET_POLLS = 6
# smtpd still has to answer its client when cleanup has the message, and pickup(8) to remove the file.
_QUIET_INTAKE_POLLS = 12
_CONNECTED = "03"
# It waits for our end, or for the limit, and then undoes what we have left.
_GUARD = 'timeout "$1" cat; kill -CONT "$2"; shift 2; [ $# = 0 ] || chmod a+w -- "$@"'
# Postfix opens all of its sockets to everybody; a lack of this is ours.
_MAY_CONNECT = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_AGENTS = ("smtp", "lmtp", "local", "virtual", "pipe", "error", "discard")


class Sockets(t.NamedTuple):
    """The sockets of Postfix's services below its queue directory: of the delivery agents, and of what takes new messages."""

    agents: frozenset[str] = frozenset()
    intake: frozenset[str] = frozenset()


class Rest(t.NamedTuple):
    """A Postfix at rest, and what was still under way when there was no more patience."""

    manager: int | None = None
    deliveries: int = 0
    messages: int = 0

    def warning(self, action: str) -> str:
        """Tell what the *action* interrupts."""
        under_way = f"{self.deliveries} deliveries and {self.messages} messages that clients were sending"
        return f"The {action} of Postfix interrupts {under_way}: it had waited for them long enough. One of them may arrive twice."

    def wake(self) -> None:
        """Let a queue manager hear that it was ended: one that sleeps would keep its place from the next one."""
        if self.manager is not None:
            _continue(self.manager)


def sockets(services: t.Mapping[str, t.Mapping[str, t.Any]]) -> Sockets:
    """Return the sockets of the *services* of master.cf, as `_postfix.facts.parse_services` gives them."""
    commands = [(name.rpartition("/")[0], service["command"]) for name, service in services.items() if service["type"] == "unix"]
    return Sockets(
        frozenset(f"private/{name}" for name, command in commands if command in _AGENTS),
        frozenset(f"public/{name}" for name, command in commands if command == "cleanup"),
    )


def lmtp_sessions(proc_net_unix: str) -> int:
    """Return the open sessions on Dovecot's LMTP sockets, from the text of /proc/net/unix.

    A socket that was accepted carries the path of the one that it was accepted on. Dovecot's paths are absolute;
    Postfix's own ``private/lmtp``, which is something else, is relative.
    """
    return sum(1 for path in _accepted(proc_net_unix) if path.startswith("/") and "lmtp" in os.path.basename(path))


def messages(proc_net_unix: str, intake: t.Collection[str]) -> int:
    """Return the number of messages on their way through the sockets *intake*, from the text of /proc/net/unix."""
    return sum(1 for path in _accepted(proc_net_unix) if path in intake)


def deliveries(connections: t.Iterable[unix_sockets.Connection], agents: t.Collection[str]) -> int:
    """Return the number of deliveries under way, of the connections of the queue manager to the sockets *agents*.

    An agent that is done waits for the queue manager to hear it, which sleeps. So does one that waits for its order.
    """
    return sum(1 for connection in connections if connection.path in agents and not connection.is_answered)


def _accepted(proc_net_unix: str) -> t.Iterator[str]:
    rows = (line.split(None, 7) for line in proc_net_unix.splitlines()[1:])
    return (row[7] for row in rows if len(row) == 8 and row[5] == _CONNECTED)


@contextlib.contextmanager
def held(master: int | None, patience: float = 10.0, limit: float = 60.0) -> t.Iterator[Rest]:
    """Hold the deliveries of the Postfix whose master process is *master* while the block runs.

    Waits up to *patience* seconds for sessions under way. Whatever happens to this process, the queue manager goes on
    after *limit* seconds at the latest.
    """
    manager = queue_manager(master)
    if manager is None:
        yield Rest()
        return
    with _guarded(manager, (), limit):
        os.kill(manager, signal.SIGSTOP)
        _is_quiet(lambda: lmtp_sessions(_proc_net_unix()), time.monotonic() + patience, _QUIET_POLLS)
        yield Rest()


@contextlib.contextmanager
def at_rest(master: int | None, queue_directory: str, of: Sockets, patience: float = 20.0, limit: float = 90.0) -> t.Iterator[Rest]:
    """Bring the Postfix whose master process is *master* to rest while the block stops or restarts it.

    Waits up to *patience* seconds for deliveries, and then up to half of that for messages that are being taken in.
    """
    manager = queue_manager(master)
    if manager is None:
        yield Rest()
        return
    with _opened(os.path.join(queue_directory, path) for path in of.intake) as intake, _guarded(manager, intake, limit):
        os.kill(manager, signal.SIGSTOP)
        under_way = _left(lambda: _deliveries_now(of.agents), patience, _QUIET_POLLS)
        for socket in intake:
            _set_open(socket, is_open=False)
        yield Rest(manager, under_way, _left(lambda: _messages_now(of.intake), patience / 2, _QUIET_INTAKE_POLLS))


def queue_manager(master: int | None) -> int | None:
    """Return the process that hands out the deliveries of the Postfix whose master process is *master*."""
    return next((child.pid for child in children(master) if child.name in ("qmgr", "oqmgr")), None)


def is_abandoned(master: int | None, queue_directory: str, proc: str = "/proc") -> bool:
    """Return whether Postfix is held, and no run or guard is left to release it."""
    manager = queue_manager(master)
    if manager is None:
        return False
    return (_is_stopped(manager, proc) or bool(_closed(queue_directory))) and not _has_guard(manager, proc)


def release_abandoned(master: int | None, queue_directory: str) -> bool:
    """Release a Postfix that a killed run and its guard left held; return whether it was."""
    manager = queue_manager(master)
    if manager is None or not is_abandoned(master, queue_directory):
        return False
    with _opened(_closed(queue_directory)) as intake:
        _release(manager, intake)
    return True


def _release(manager: int, intake: t.Iterable[int]) -> None:
    for socket in intake:
        _set_open(socket, is_open=True)
    _continue(manager)


def _continue(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def _opened(paths: t.Iterable[str]) -> t.Iterator[list[int]]:
    """Open the sockets themselves. Postfix's account owns their directory, and can put a link to a file of root in their place."""
    with contextlib.ExitStack() as stack:
        found = []
        for path in sorted(paths):
            with contextlib.suppress(OSError):
                opened = os.open(path, os.O_PATH | os.O_NOFOLLOW)
                stack.callback(os.close, opened)
                state = os.fstat(opened)
                if stat.S_ISSOCK(state.st_mode) and state.st_nlink == 1:
                    found.append(opened)
        yield found


def _place(socket: int) -> str:
    """Return the name by which chmod reaches the socket that was opened, and nothing else."""
    return f"/proc/self/fd/{socket}"


def _set_open(socket: int, *, is_open: bool) -> None:
    """Let nobody but root connect to the *socket*, or everybody."""
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(os.fstat(socket).st_mode)
        os.chmod(_place(socket), mode | _MAY_CONNECT if is_open else mode & ~_MAY_CONNECT)


def _closed(queue_directory: str) -> list[str]:
    """Return the sockets for new messages that nobody may connect to."""
    found = []
    with contextlib.suppress(OSError), os.scandir(os.path.join(queue_directory, "public")) as entries:
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISSOCK(mode) and not mode & _MAY_CONNECT:
                found.append(entry.path)
    return sorted(found)


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


@contextlib.contextmanager
def _guarded(manager: int, intake: t.Sequence[int], limit: float) -> t.Iterator[None]:
    """Release Postfix after the block, and after *limit* seconds or the end of this process, whatever happens to it."""
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(limit), str(manager), *map(_place, intake)],
        pass_fds=intake,
        # Its other end is here: when we are killed it ends.
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        _release(manager, intake)
        with contextlib.suppress(ProcessLookupError):
            os.kill(guard.pid, signal.SIGKILL)
        guard.communicate()


def _deliveries_now(agents: t.Collection[str]) -> int:
    try:
        return deliveries(unix_sockets.connections(), agents)
    except OSError:
        # This kernel does not tell which of them are done. Those into Dovecot's mailboxes are known anyway.
        return lmtp_sessions(_proc_net_unix())


def _messages_now(intake: t.Collection[str]) -> int:
    return messages(_proc_net_unix(), intake)


def _left(number: t.Callable[[], int], patience: float, quiet_polls: int) -> int:
    """Wait until nothing is left, and return what is when there is no more patience."""
    return 0 if _is_quiet(number, time.monotonic() + patience, quiet_polls) else number()


def _is_quiet(number: t.Callable[[], int], deadline: float, quiet_polls: int) -> bool:
    """Wait until *number* is zero in so many polls in turn; return False when the time is over."""
    quiet = 0
    while quiet < quiet_polls and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        quiet = 0 if number() else quiet + 1
    return quiet >= quiet_polls


def _proc_net_unix() -> str:
    with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as f:
        return f.read()
    return ""
