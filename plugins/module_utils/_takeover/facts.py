# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other mail servers of this host, their state, and the mail that waits in their queues."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import foreign_files, listeners
from ansible_collections.postroom.mail.plugins.module_utils._core import packages as core_packages
from ansible_collections.postroom.mail.plugins.module_utils._core import processes as core_processes
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._takeover import other_mta
from ansible_collections.postroom.mail.plugins.module_utils._takeover.foreign_queue import FORMATS, Mail, Unreadable, checked

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# The mail that Postfix was given is kept here, by mail server and queue. A folder of a mail server here says that
# Postfix took over from it, so that what waits in its queue is meant for Postfix.
HANDED_OVER = "/var/spool/handed-over-to-postfix"
SMTP_PORT = 25
CONTROL_BYTES = 16 * 1024 * 1024  # of the file with envelope and headers


class Found(t.NamedTuple):
    """A mail in a queue; without a `mail` it stays there, and *reason* tells why. *files* are names in the *folder*."""

    id: str
    queue: other_mta.Queue
    folder: foreign_files.Folder
    files: tuple[str, ...]
    mail: Mail | None
    reason: str = ""


def ask(run: Run, dpkg_status: str, root: str = "/") -> list[dict[str, t.Any]]:
    """Return every other mail server that is installed, and every former one with mail that Postfix has not got.

    With *dpkg_status*, the text of dpkg's records, no command is run where there is none.
    """
    if dpkg_status:
        packages = other_mta.in_dpkg_status(dpkg_status)
        present = core_packages.dpkg_versions(dpkg_status, [c for server in other_mta.of_packages(packages) for c in server.companions])
    else:
        names = other_mta.names_for_rpm()
        found = core_packages.rpm_versions(run(["rpm", "-q", "--queryformat", core_packages.RPM_FORMAT, *names])[1], names)
        packages = {name: version for name, version in found.items() if version}
        present = {}
    installed = other_mta.of_packages(packages)
    handed_over = os.path.join(root, HANDED_OVER.lstrip("/"))
    answers = []
    for server in installed:
        of_server = [name for name in server.packages if name in packages]
        companions = [name for name in server.companions if present.get(name)]
        answer = _tell(run, server, [*of_server, *companions], root)
        # Without packages that conflict, mail servers may lie side by side, and only one in use is in the way.
        if dpkg_status or answer["running"] or answer["enabled"] or server.name in os.path.realpath("/etc/alternatives/mta"):
            answers.append(answer)
    in_place = {answer["name"] for answer in answers}
    former = [s for s in other_mta.KNOWN if s.name not in in_place and os.path.isdir(os.path.join(handed_over, s.name))]
    answers += [answer for answer in (_tell(run, server, [], root) for server in former) if answer["queue"] != 0 or answer["held"]]
    return answers


def _tell(run: Run, server: other_mta.MailServer, packages: list[str], root: str) -> dict[str, t.Any]:
    waiting, held = count(server, root)
    states = services.states(run, server.services) if packages and server.services else {}
    known = {name: state for name, state in states.items() if state.installed}
    running = bool(packages) and (bool(processes(server)) or any(state.running for state in known.values()))
    answer: dict[str, t.Any] = {
        "name": server.name,
        "packages": packages,
        "installed": bool(packages),
        "running": running,
        "listens": running and any(_is_of(row, server) for row in listeners.listeners()),
        "enabled": any(state.enabled for state in known.values()),
        "services": {name: {"running": state.running, "enabled": state.enabled} for name, state in known.items()},
        "processes": list(server.processes),
        "queue": waiting,
        "held": held,
        "spool": [queue.directory for queue in server.queues if os.path.isdir(_at(root, queue.directory))],
        "aliases": alias_files(server, root) if packages else [],
    }
    return {**answer, "summary": other_mta.summary(answer)}


def _is_of(listener: dict[str, t.Any], server: other_mta.MailServer) -> bool:
    """Return whether this is the server on its port. An unprivileged container hides the owner of a port; then it is taken to be."""
    return listener["port"] == SMTP_PORT and listener["process"] in (None, *server.processes)


def _at(root: str, path: str) -> str:
    return os.path.join(root, path.lstrip("/"))


def alias_files(server: other_mta.MailServer, root: str = "/") -> list[str]:
    """Return the alias files that exist; of one and its symbolic link, only the file."""
    return list(dict.fromkeys(os.path.realpath(_at(root, path)) for path in server.aliases if os.path.isfile(_at(root, path))))


def processes(server: other_mta.MailServer, proc: str = "/proc") -> list[int]:
    """Return the server's processes on this host; not those in containers, and not Postfix's own of the same name."""
    return [each.pid for each in core_processes.processes(proc) if each.name in server.processes and _is_ours(each.pid, proc)]


def _is_ours(pid: int, proc: str) -> bool:
    try:
        same = os.stat(f"{proc}/{pid}/ns/pid").st_ino == os.stat(f"{proc}/self/ns/pid").st_ino
        return same and "/postfix/" not in os.readlink(f"{proc}/{pid}/exe")
    except PermissionError:
        return True  # In an unprivileged container, where nobody else's processes are to be seen.
    except OSError:
        return False  # It has ended.


def count(server: other_mta.MailServer, root: str = "/", seconds: float = 1.0) -> tuple[int | None, int]:
    """Count the mails that wait (None: unknown), and those that are held back."""
    deadline = time.monotonic() + seconds
    waiting, held = 0, 0
    for queue in server.queues:
        try:
            with foreign_files.opened(_at(root, queue.directory)) as top:
                if queue.format is None:
                    if top.names():
                        return None, 0
                    continue
                for _id, folder, name, is_held in _controls(queue, top):
                    if time.monotonic() > deadline:
                        return None, 0
                    if is_held or _says_held(queue, folder, name):
                        held += 1
                    else:
                        waiting += 1
        except FileNotFoundError:
            continue
        except OSError:
            return None, 0
    return waiting, held


def _says_held(queue: other_mta.Queue, folder: foreign_files.Folder, name: str) -> bool:
    with contextlib.suppress(foreign_files.NotRead):
        return FORMATS[t.cast("str", queue.format)].is_held(folder.read(name, CONTROL_BYTES) or b"")
    return False


def _controls(queue: other_mta.Queue, top: foreign_files.Folder) -> t.Iterator[tuple[str, foreign_files.Folder, str, bool]]:
    """Yield the mails of a queue, which may have subdirectories: id, directory, control file, and whether its name says "held"."""
    form = FORMATS[t.cast("str", queue.format)]
    for folder in top.walk():
        for name in folder.names():
            match = form.control.fullmatch(name)
            held = form.held.fullmatch(name) if form.held else None
            if match or held:
                yield t.cast("t.Any", match or held).group(1), folder, name, held is not None


def mails(server: other_mta.MailServer, root: str = "/") -> t.Iterator[Found]:
    """Yield every mail of the server's queues, as far as it can be read; move its files before you ask for the next one."""
    for queue in server.queues:
        if queue.format:
            with contextlib.suppress(OSError), foreign_files.opened(_at(root, queue.directory)) as top:
                for name, folder, control, held in _controls(queue, top):
                    yield _found(queue, name, folder, control, held)


def _found(queue: other_mta.Queue, name: str, folder: foreign_files.Folder, control: str, held: bool) -> Found:
    if held:
        return Found(name, queue, folder, (control,), None, "it was held back")
    form = FORMATS[t.cast("str", queue.format)]
    parts = [part.format(name) for part in form.parts]
    try:
        contents = [folder.read(part) for part in parts]
        files = tuple(part for part, content in zip(parts, contents) if content is not None)
        if form.is_held(contents[0] or b""):
            return Found(name, queue, folder, files, None, "it was held back")
        return Found(name, queue, folder, files, checked(form.read(*contents)))
    except (Unreadable, foreign_files.NotRead) as e:
        return Found(name, queue, folder, (control,), None, str(e).rstrip("."))
