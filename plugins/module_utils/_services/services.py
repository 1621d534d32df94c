# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of services, under systemd and under the init scripts of a host without it."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import process
from ansible_collections.postroom.mail.plugins.module_utils._postfix.facts import master_pid

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# The names of both daemons in the process table: a pid file may name a process that is another program by now.
MASTERS = {"postfix": "master", "dovecot": "dovecot"}
DEFAULT_QUEUE_DIRECTORY = "/var/spool/postfix"
DOVECOT_PID_FILES = ("/run/dovecot/master.pid", "/var/run/dovecot/master.pid")
_SHOWN = "Id,LoadState,ActiveState,SubState,UnitFileState"


class State(t.NamedTuple):
    """The state of a service. `installed` means that the service manager knows it."""

    installed: bool = False
    running: bool = False
    enabled: bool = False


def manager(root: str = "/") -> str:
    """Return the program that starts services here: 'systemd', 'sysvinit' (the packages' init scripts) or 'none'."""
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        return "systemd"
    scripts = glob.glob(os.path.join(root, "etc/init.d/*"))
    return "sysvinit" if any(os.access(script, os.X_OK) for script in scripts) else "none"


def parse_systemctl_show(text: str) -> list[dict[str, str]]:
    """Parse the output of ``systemctl show`` for several units, in the order in which they were asked for."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks if block.strip()]


def states(run: Run, names: t.Sequence[str], queue_directory: str | None = None) -> dict[str, State]:
    """Return the state of each of *names*; a missing service is State(False, False, False)."""
    found = _systemd_states(run, names) if manager() == "systemd" else {name: _init_state(run, name) for name in names}
    # Debian 12's postfix.service says "active" when nothing runs, and a daemon may have been started by hand:
    # for our own two daemons the process decides.
    return {
        name: state._replace(running=is_running(name, queue_directory)) if name in MASTERS and state.installed else state
        for name, state in found.items()
    }


def reload_units(run: Run) -> None:
    """Have systemd read the units again, when those that are being written are in place."""

    def reload() -> None:
        run(["systemctl", "daemon-reload"])

    # And when the former ones are back.
    staging.effect(lambda: None, reload, before_files=True)
    staging.effect(reload)


def is_running(name: str, queue_directory: str | None = None) -> bool:
    """Return whether Postfix's or Dovecot's master process lives."""
    return master(name, queue_directory) is not None


def master(name: str, queue_directory: str | None = None) -> int | None:
    """Return the process id of Postfix's or Dovecot's living master process."""
    pid = master_pid(queue_directory or DEFAULT_QUEUE_DIRECTORY) if name == "postfix" else _first_pid(DOVECOT_PID_FILES)
    found = process(pid) if pid is not None else None
    return pid if found and found.name == MASTERS[name] else None


def _first_pid(paths: t.Iterable[str]) -> int | None:
    for path in paths:
        with contextlib.suppress(OSError, ValueError), open(path) as f:
            return int(f.read())
    return None


def _systemd_states(run: Run, names: t.Sequence[str]) -> dict[str, State]:
    units = [name if re.search(r"\.(service|socket|timer|path|target)$", name) else f"{name}.service" for name in names]
    if not units:
        return {}
    blocks = parse_systemctl_show(run(["systemctl", "show", f"--property={_SHOWN}", "--", *units])[1])
    return (
        {name: _from_unit(name, block) for name, block in zip(names, blocks)}
        if len(blocks) == len(names)
        else dict.fromkeys(names, State())
    )


def _from_unit(name: str, unit: dict[str, str]) -> State:
    unit_file = unit.get("UnitFileState", "")
    return State(
        installed=unit.get("LoadState") == "loaded",
        running=unit.get("ActiveState") in ("active", "reloading", "refreshing") and unit.get("SubState") != "exited",
        # The unit of an init script is "generated"; its links in /etc/rc?.d tell.
        enabled=has_start_link(name) if unit_file == "generated" else unit_file in ("enabled", "enabled-runtime", "alias", "static"),
    )


def _init_state(run: Run, name: str) -> State:
    script = f"/etc/init.d/{name}"
    if not os.access(script, os.X_OK):
        return State()
    running = name not in MASTERS and run([script, "status"])[0] == 0
    return State(installed=True, running=running, enabled=has_start_link(name))


def has_start_link(name: str) -> bool:
    """Return whether an init script is started at boot, or in a runlevel with users."""
    return any(glob.glob(f"/etc/{rc}[2345S].d/S[0-9][0-9]{glob.escape(name)}") for rc in ("rc", "rc.d/rc"))


def has_links(name: str) -> bool:
    """Return whether an init script has links in any runlevel, as a package leaves them."""
    return any(glob.glob(f"/etc/{rc}[0-6S].d/[SK][0-9][0-9]{glob.escape(name)}") for rc in ("rc", "rc.d/rc"))
