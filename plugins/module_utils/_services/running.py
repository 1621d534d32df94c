# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the running Postfix and Dovecot have read, and their changes since: by the kernel and by the disk.

Both replace parts of themselves whenever they read their configuration, on any command: master(8) its queue manager,
Dovecot its log process. So the age of that part is the age of the configuration in use, and no record of ours can be wrong.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.changed_at import changed_at
from ansible_collections.postroom.mail.plugins.module_utils._core.listeners import parse_proc_net_tcp
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import dialects
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import tree as dovecot_tree
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import expand
from ansible_collections.postroom.mail.plugins.module_utils._services import applied, services
from ansible_collections.postroom.mail.plugins.module_utils._services.ready import listening_paths, port_number

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Iterable

Facts = t.Mapping[str, t.Any]

# Dovecot's own login ports: service, protocol, listener and the port that it has by default.
DOVECOT_PORTS = (
    ("imap-login", "imap", "imap", 143),
    ("imap-login", "imap", "imaps", 993),
    ("pop3-login", "pop3", "pop3", 110),
    ("pop3-login", "pop3", "pop3s", 995),
    ("submission-login", "submission", "submission", 587),
    ("submission-login", "submission", "submissions", 465),
    ("managesieve-login", "sieve", "sieve", 4190),
)


def need_of_postfix(postfix: Facts, proc: str = "/proc") -> applied.Need:
    """Return the need of Postfix, by its configuration as `_postfix.facts.ask` reports it."""
    master = services.master("postfix", postfix["queue_directory"])
    running = _running(master, ("qmgr", "oqmgr"), proc)
    if running is None or not postfix["installed"]:
        return applied.Need()
    running = running._replace(is_held=delivery_hold.is_abandoned(master, postfix["queue_directory"]))
    parameters = postfix["parameters"]
    changed = changed_at(applied.files_of_postfix(parameters, postfix["services"], postfix["config_directory"]))
    listens = {}
    # Names are looked up, which may take its time, only where the answer could matter.
    if not postfix["config_error"] and any(when > running.started for when in changed.values()):
        values = {"inet_interfaces": "all", "inet_protocols": "all", **parameters}
        interfaces, protocols = (expand(values[name], values, {}) for name in ("inet_interfaces", "inet_protocols"))
        if interfaces is not None and protocols is not None:
            addresses = applied.interfaces_of_postfix(interfaces, protocols, is_usable, resolve)
            ports = (port_number(name[: -len("/inet")]) for name in postfix["services"] if name.endswith("/inet") and ":" not in name)
            listens = {port: addresses for port in ports if port and addresses is not None}
    return applied.need("Postfix", running, applied.OnDisk(changed, listens), time.time())


def need_of_dovecot(dovecot: Facts, proc: str = "/proc") -> applied.Need:
    """Return the need of Dovecot, by its configuration as `_dovecot.facts.ask` reports it."""
    settings = dovecot["settings"]
    running = _running(services.master("dovecot"), ("log",), proc)
    if running is None or not dovecot["installed"]:
        return applied.Need()
    tree = dovecot_tree.read(dovecot["config_path"], {})
    paths = applied.files_of_dovecot(tree.files, ((item.path[-1], item.meaning[0]) for item in tree.assignments))
    changed = changed_at(paths)
    for directory in {os.path.dirname(pattern) for pattern in tree.patterns if re.search(r"[*?[]", pattern)}:
        # A file that was taken out of it leaves no other trace.
        with contextlib.suppress(OSError):
            changed[directory] = os.stat(directory).st_mtime
    if dovecot["config_error"]:
        return applied.need("Dovecot", running, applied.OnDisk(changed), time.time())
    base = str(settings.get("base_dir", "/run/dovecot"))
    with open(f"{proc}/net/unix", encoding="utf-8", errors="surrogateescape") as f:
        running = running._replace(sockets=listening_paths(f.read()))
    penalty = settings.get("service anvil", {}).get("unix_listener anvil-auth-penalty", {}).get("mode")
    sockets = {f"{base}/anvil-auth-penalty": int(penalty, 8) != 0} if penalty else {}
    if "base_dir" in settings:
        sockets[f"{base}/master"] = True
    dialect = dialects.of(dovecot["version"])
    on_disk = applied.OnDisk(changed, _listens_of_dovecot(settings), dialect.new_logins_take_a_restart, sockets)
    return applied.need("Dovecot", running, on_disk, time.time())


def _listens_of_dovecot(settings: Facts) -> dict[int, frozenset[str]]:
    """Return the addresses of Dovecot's login ports after a start."""
    everywhere = settings.get("listen", "*, ::")
    listens: dict[int, frozenset[str]] = {}
    for service, protocol, listener, default in DOVECOT_PORTS:
        if protocol not in _protocols(settings):
            continue
        options = settings.get(f"service {service}", {}).get(f"inet_listener {listener}", {})
        port = int(options.get("port", default))
        words = re.split(r"[\s,]+", str(options.get("listen") or options.get("address") or everywhere).strip())
        named = [set(_dovecot_addresses(word)) for word in words]
        if port and all(named):
            listens[port] = frozenset(filter(is_usable, set().union(*named)))
    return listens


def _protocols(settings: Facts) -> set[str]:
    """Return the active protocols: words in 2.3, a block or words in 2.4."""
    protocols = settings.get("protocols", "")
    if isinstance(protocols, t.Mapping):
        return {name for name, is_on in protocols.items() if is_on == "yes"}
    return set(protocols.split())


def _dovecot_addresses(word: str) -> Iterable[str]:
    return {"*": ["0.0.0.0"], "::": ["::"], "[::]": ["::"]}.get(word) or resolve(word.strip("[]"))


def _running(master: int | None, part: t.Collection[str], proc: str) -> applied.Running | None:
    """Return the kernel's facts about a daemon and that *part* of it which is replaced whenever it reads its configuration."""
    started = started_at(master, proc) if master is not None else None
    if master is None or started is None:
        return None
    ages = [started_at(child.pid, proc) for child in children(master, proc) if child.name in part]
    return applied.Running(started, max([started, *(age for age in ages if age is not None)]), _listens(master, proc))


def started_at(pid: int, proc: str = "/proc") -> float | None:
    """Return the time when the process *pid* started; None when there is none any more."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as f:
        ticks = int(f.read().rpartition(")")[2].split()[19])
        boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    return None


def _listens(pid: int, proc: str) -> dict[int, set[str]]:
    """Return the TCP ports that the process listens on, and their addresses.

    In an unprivileged container root does not see the owner of a socket. There all sockets on these ports count.
    """
    held: set[str] = set()
    with contextlib.suppress(OSError), os.scandir(f"{proc}/{pid}/fd") as descriptors:
        for entry in descriptors:
            with contextlib.suppress(OSError):
                held.add(os.readlink(entry.path))
    found: dict[int, set[str]] = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{proc}/net/{name}") as f:
            for listener in parse_proc_net_tcp(f.read()):
                if not held or f"socket:[{listener.inode}]" in held:
                    found.setdefault(listener.port, set()).add(listener.address)
    return found


def is_usable(address: str) -> bool:
    """Return whether a socket can have this address on this host."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def resolve(name: str) -> list[str]:
    """Return the addresses of *name*, which may be one itself."""
    with contextlib.suppress(OSError, UnicodeError):
        return sorted({str(row[4][0]) for row in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    return []
