# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision to reload or restart a daemon, by the running processes and the files on disk, not by a record of changes. Pure.

A play that is killed between a file and the reload leaves a daemon that does not follow its file. So does
a renewed certificate, or an editor. The sign is the same for all of them: a file is newer than the last time at which
the daemon read it.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import expand
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import CLIENT_TYPES, TEXT_TYPES

Addresses = t.Mapping[int, t.AbstractSet[str]]

_TABLE = re.compile(rf"\b(?:{'|'.join((*TEXT_TYPES, *CLIENT_TYPES))}):(/[^\s,{{}}]+)")
# Parameters that name files of TLS, and lists whose words may be names of files with further words (postconf(5)).
_TLS_FILE = re.compile(r"tls\w*(_files?|_CAfile)$")
_LIST = re.compile(r"(^mydestination|networks|domains|_users|_exceptions|_hosts|_list)$")
_LISTED_FILE = re.compile(r"(?:^|[\s,])!?(/[^\s,]+)")
# Dovecot's files of TLS, what "<" brings in, and the files of databases and dictionaries.
_DOVECOT_TLS = re.compile(r"ssl_\w*(cert|key|ca|dh|file)$")
_EXT_FILE = re.compile(r"(/[^\s:\"]+\.ext)\b")


class Running(t.NamedTuple):
    """A running daemon. Times are seconds since 1970; *read* is the time when it last read its configuration, at a start or a reload."""

    started: float
    read: float
    listens: Addresses = {}
    sockets: t.AbstractSet[str] = frozenset()
    # Its part that hands out mail was stopped (SIGSTOP), or the one that takes it in closed, by somebody who is gone.
    is_held: bool = False


class OnDisk(t.NamedTuple):
    """The configuration on disk: the change time of each file that the daemon reads only when it is told to, and
    the settings that take effect only at a start.
    """

    changed: t.Mapping[str, float]
    listens: Addresses = {}
    new_ports_take_a_restart: bool = False
    sockets: t.Mapping[str, bool] = {}


class Need(t.NamedTuple):
    """The action that a daemon needs to follow its files; a restart includes a reload."""

    reload_required: bool = False
    restart_required: bool = False
    reasons: tuple[str, ...] = ()


def need(name: str, running: Running | None, on_disk: OnDisk, now: float) -> Need:
    """Return the need of the daemon *name*; none when it does not run, for it reads everything when it starts.

    A file of the future, on a host whose clock was wrong, is not judged: it would stay newer than every reload.
    """
    if running is None:
        return Need()
    for_reload = []
    if running.is_held:
        for_reload.append(f"A run that was killed has left {name} held: it takes in or hands out no mail.")
    unread = sorted(path for path, changed in on_disk.changed.items() if running.read < changed <= now)
    if unread:
        for_reload.append(f"{name} has not read {', '.join(unread)} since {'it' if len(unread) == 1 else 'they'} changed.")
    for_restart = []
    # Where nothing changed since the start, it does what the files say, however little of that is understood here.
    if any(running.started < changed <= now for changed in on_disk.changed.values()):
        for port, wanted in sorted(on_disk.listens.items()):
            found = running.listens.get(port, frozenset())
            if found != wanted if found else on_disk.new_ports_take_a_restart:
                for_restart.append(
                    f"{name} listens on port {port} of {_words(found)}, and would listen on that of {_words(wanted)} after a restart."
                )
        for path, is_wanted in sorted(on_disk.sockets.items()):
            if (path in running.sockets) != is_wanted:
                for_restart.append(f"{name} {'lacks' if is_wanted else 'has'} the socket {path}, which a restart alone changes.")
    reasons = (*for_reload, *for_restart)
    return Need(bool(reasons), bool(for_restart), reasons)


def _words(addresses: t.AbstractSet[str]) -> str:
    return ", ".join(sorted(addresses)) or "no address"


def files_of_postfix(parameters: t.Mapping[str, str], services: t.Mapping[str, t.Mapping[str, t.Any]], directory: str) -> list[str]:
    """Return the files that Postfix reads when it is told to, or that its processes read when they start, in their order.

    A compiled table is not among them, for its readers notice by themselves that it was replaced.
    """
    found = [f"{directory}/main.cf", f"{directory}/master.cf", f"{directory}/sasl/smtpd.conf"]
    for settings in (parameters, *(service["overrides"] for service in services.values())):
        names = {"config_directory": directory, **parameters, **settings}
        for name, raw in settings.items():
            value = expand(raw, names, {}) or raw
            found += _TABLE.findall(value)
            if _TLS_FILE.search(name):
                found += [word for word in re.split(r"[\s,]+", value) if word.startswith("/")]
            elif _LIST.search(name):
                found += _LISTED_FILE.findall(value)
    return list(dict.fromkeys(found))


def files_of_dovecot(files: t.Iterable[str], settings: t.Iterable[tuple[str, str]]) -> list[str]:
    """Return the files that Dovecot reads when it is told to: its configuration in *files*, and those that its *settings* name."""
    found = list(files)
    for name, value in settings:
        if value.startswith("<"):
            found.append(value[1:].strip())
        elif value.startswith("/") and _DOVECOT_TLS.search(name):
            found.append(value)
        else:
            found += _EXT_FILE.findall(value)
    return list(dict.fromkeys(found))


def interfaces_of_postfix(
    interfaces: str, protocols: str, is_usable: t.Callable[[str], bool], resolve: t.Callable[[str], t.Iterable[str]]
) -> frozenset[str] | None:
    """Return the addresses on which master(8) listens after a start, by ``inet_interfaces`` and ``inet_protocols``; None: unknown."""
    words = re.split(r"[\s,]+", interfaces.strip())
    if words == ["all"]:
        addresses = {"0.0.0.0", "::"}
    elif words == ["loopback-only"]:
        addresses = {"127.0.0.1", "::1"}
    else:
        found = [set(resolve(word.strip("[]"))) for word in words]
        if not all(found):
            return None
        addresses = set().union(*found)
    families = set(re.split(r"[\s,]+", protocols.strip()))
    allowed = {address for address in addresses if families & {"all", "ipv6" if ":" in address else "ipv4"}}
    return frozenset(filter(is_usable, allowed))
