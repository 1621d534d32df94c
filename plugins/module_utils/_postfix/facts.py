# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postfix's own facts: the output of the postconf family. Pure, save `ask`."""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import MasterCf

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

HIDDEN = "[hidden]"
QUEUES = ("active", "incoming", "deferred", "hold", "maildrop")
_FACTS = ("mail_version", "config_directory", "queue_directory", "daemon_directory", "default_database_type", "compatibility_level")
_SECRET = re.compile(r"pass(word|wd)|secret", re.IGNORECASE)
# A table whose content stands in the parameter itself.
_INLINE_TABLE = re.compile(r"\b(inline|static):")


def parse_parameters(text: str) -> dict[str, str]:
    """Parse the output of ``postconf -n``: one ``name = value`` a line, long values continued on indented lines."""
    parameters: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isspace() and name:
            parameters[name] += f" {line.strip()}"
        elif "=" in line:
            name, value = (part.strip() for part in line.split("=", 1))
            parameters[name] = value
    return parameters


def without_secrets(parameters: dict[str, str]) -> dict[str, str]:
    """Hide the value of a password parameter; the path of a table of passwords (``hash:/etc/...``) is no secret."""
    return {
        name: HIDDEN if value and _SECRET.search(name) and (":/" not in value or _INLINE_TABLE.search(value)) else value
        for name, value in parameters.items()
    }


def parse_services(text: str, chroot_default: bool) -> dict[str, dict[str, t.Any]]:
    """Parse the output of ``postconf -M``, by ``name/type``; ``-`` becomes the default that master(5) gives the column."""
    services = {}
    for (name, kind), service in MasterCf(text).services().items():
        private, unprivileged, chroot, wakeup, process_limit = service.columns
        services[f"{name}/{kind}"] = {
            "type": kind,
            "private": _column(private, kind != "inet"),
            "unprivileged": _column(unprivileged, True),
            "chroot": _column(chroot, chroot_default),
            "wakeup": wakeup,
            "process_limit": process_limit,
            "command": service.command,
            "args": [*service.options, *service.args],
            "overrides": without_secrets(dict(service.overrides)),
        }
    return services


def _column(text: str, default: bool) -> bool:
    return default if text == "-" else text == "y"


def chroots_by_default(compatibility_level: str) -> bool:
    """Return the meaning of ``-`` in master.cf's chroot column: yes up to level 0, no from 1 on (COMPATIBILITY_README)."""
    match = re.match(r"\d+", compatibility_level.strip())
    return not match or int(match.group()) < 1


NOT_INSTALLED: dict[str, t.Any] = {
    "installed": False,
    "version": None,
    "config_directory": None,
    "queue_directory": None,
    "daemon_directory": None,
    "default_database_type": None,
    "map_types": [],
    "sasl_types": [],
    "parameters": {},
    "services": {},
    "config_error": None,
}


def ask(run: Run) -> dict[str, t.Any]:
    """Return the facts of mail_info about Postfix, in five calls of postconf; a broken main.cf becomes a fact, not an exception."""
    rc, stdout, stderr = run(["postconf", "-hx", *_FACTS])
    if rc == 127:
        return NOT_INSTALLED
    config_error = None
    if rc != 0:
        # main.cf cannot be parsed: what was compiled in is still true of the paths.
        config_error = _last_line(stderr)
        rc, stdout, stderr = run(["postconf", "-dhx", *_FACTS])
    version, config, queue, daemon, database, level = ([line.strip() for line in stdout.splitlines()] + [""] * len(_FACTS))[: len(_FACTS)]
    services_rc, services, services_error = run(["postconf", "-M"])
    if services_rc != 0:
        config_error = config_error or _last_line(services_error)
    return {
        "installed": True,
        "version": version,
        "config_directory": config,
        "queue_directory": queue,
        "daemon_directory": daemon,
        "default_database_type": database,
        "map_types": run(["postconf", "-m"])[1].split(),
        "sasl_types": run(["postconf", "-a"])[1].split(),
        "parameters": {} if config_error else without_secrets(parse_parameters(run(["postconf", "-n"])[1])),
        "services": parse_services(services, chroots_by_default(level)) if services_rc == 0 else {},
        "config_error": config_error,
    }


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "fatal" in line), lines[-1] if lines else "postconf failed without saying why")


def count_queue(queue_directory: str, seconds: float = 1.0) -> dict[str, int | None]:
    """Count the messages in each queue; None when it cannot be read, or when counting took longer than *seconds*."""
    deadline = time.monotonic() + seconds
    return {queue: _count_files(os.path.join(queue_directory, queue), deadline) for queue in QUEUES}


def _count_files(directory: str, deadline: float) -> int | None:
    """Count the queue files below *directory*, which Postfix may have hashed into subdirectories of one letter."""
    count = 0
    pending = [directory]
    while pending:
        if time.monotonic() > deadline:
            return None
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        count += 1
        except FileNotFoundError:
            continue  # A subdirectory that Postfix has just removed, or a queue that never was.
        except OSError:
            return None
    return count


def master_pid(queue_directory: str) -> int | None:
    """Return the process id that the master daemon left in its pid file; it may be that of a process long gone."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(queue_directory, "pid", "master.pid")) as f:
        return int(f.read())
    return None
