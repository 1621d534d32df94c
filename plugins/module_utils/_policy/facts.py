# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts that a mail policy follows from: the effective configuration, the listeners, the lookup tables."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import listeners as core_listeners
from ansible_collections.postroom.mail.plugins.module_utils._policy.report import (
    Door,
    Facts,
    plain,
    policy,
    tables_to_list,
    transport_keys,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.facts import parse_parameters
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import MasterCf, Service
from ansible_collections.postroom.mail.plugins.module_utils._postfix.ports import BadListener, known_ports, port_number, split_name
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import FILE_TYPES, SUFFIXES, parse

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

NOT_INSTALLED: dict[str, t.Any] = {"installed": False, "config_error": None}
# A larger table is named and not listed: to read a million entries takes seconds.
LARGEST = 1024 * 1024


def ask(run: Run) -> dict[str, t.Any]:
    """Return the policy of this host; a configuration that Postfix cannot read becomes a result, not an exception."""
    rc, stdout, stderr = run(["postconf", "-x"])
    if rc == 127:
        return NOT_INSTALLED
    services_rc, services, services_error = run(["postconf", "-M"])
    if rc or services_rc:
        reason = [line for line in (stderr if rc else services_error).splitlines() if "fatal" in line] or ["postconf failed"]
        return {"installed": True, "config_error": reason[-1].strip()}
    set_parameters = parse_parameters(run(["postconf", "-nx"])[1])
    # Restriction classes are parameters of the administrator's own, which only -n shows.
    parameters = {**set_parameters, **parse_parameters(stdout)}
    master_cf = MasterCf(services)
    facts = Facts(
        parameters=parameters,
        set_parameters=set_parameters.keys(),
        doors=_doors(run, master_cf, parameters, set_parameters),
        transports=[name for name, kind in master_cf.services() if kind == "unix"],
        addresses=own_addresses(_read("/proc/net/fib_trie"), _read("/proc/net/if_inet6")),
    )
    named = [table for effective in (parameters, *(door.parameters for door in facts.doors)) for table in tables_to_list(effective)]
    named = list(dict.fromkeys(named))
    listed = {name: entries for name in named for entries in [_list(run, name)] if entries is not None}
    facts = dataclasses.replace(facts, tables=listed, missing=[name for name in named if not all(map(os.path.exists, _files(name)))])
    routes = [table for table in words(facts.value("transport_maps")) if plain(table) not in facts.missing]
    facts = dataclasses.replace(facts, routes=_look_up(run, routes, transport_keys(facts)))
    return {"installed": True, "config_error": None, **policy(dataclasses.replace(facts, credentials=_credentials(run, facts)))}


# --- who listens ---------------------------------------------------------------------------------------------------


def _doors(run: Run, master_cf: MasterCf, parameters: t.Mapping[str, str], set_parameters: t.Mapping[str, str]) -> list[Door]:
    known = known_ports(parameters.get("known_tcp_ports", ""))
    listeners = core_listeners.listeners()
    doors = []
    for (name, kind), service in master_cf.services().items():
        if kind != "inet" or service.command not in ("smtpd", "postscreen"):
            continue
        try:
            port: int | None = port_number(name, known)
        except BadListener:
            port = None
        host = split_name(name)[0]
        listening = [row["address"] for row in listeners if row["port"] == port and _listens_for(host, row["address"])]
        answering = service
        if service.command == "postscreen":
            # It hands whom it lets through to an smtpd that does not listen by itself.
            answering = master_cf.services().get((parameters.get("smtpd_service_name", "smtpd"), "pass"), service)
        effective = {**set_parameters, **_effective(run, answering, parameters)}
        doors.append(Door(f"{name}/{kind}", port, host, tuple(listening), effective, service.command))
    return sorted(doors, key=lambda door: (door.port or 0, door.service))


def _effective(run: Run, service: Service, parameters: t.Mapping[str, str]) -> t.Mapping[str, str]:
    """Return the effective parameters of a service; Postfix itself expands its overrides, because other parameters may refer to them."""
    if not service.overrides:
        return parameters
    overrides = [word for name, value in service.overrides for word in ("-o", f"{name}={value}")]
    rc, stdout, _stderr = run(["postconf", "-x", *overrides])
    return {**parameters, **dict(service.overrides), **(parse_parameters(stdout) if rc == 0 else {})}


def _listens_for(host: str, address: str) -> bool:
    """Return whether the socket bound to *address* may be that of a service on *host*, which is empty for any."""
    try:
        return not host or ipaddress.ip_address(host) == ipaddress.ip_address(address)
    except ValueError:
        return True  # A name: whether it leads there is not worth a question to DNS.


def own_addresses(fib_trie: str, if_inet6: str) -> list[str]:
    """Return the addresses of the interfaces, from the texts of /proc/net/fib_trie and /proc/net/if_inet6, without link-local ones."""
    found = re.findall(r"\|-- ([\d.]+)\n\s+/32 host LOCAL", fib_trie)
    for line in if_inet6.splitlines():
        address = ipaddress.IPv6Address(int(line.split()[0], 16))
        if not address.is_link_local:
            found.append(str(address))
    return list(dict.fromkeys(found))


# --- lookup tables -------------------------------------------------------------------------------------------------


def _list(run: Run, table: str) -> dict[str, str] | None:
    """Return the entries of a table that can be listed and is not too large; postmap is never started for other tables,
    because it waits a second before it fails."""
    if table.startswith("/"):
        return {word: "" for line in _read(table).splitlines() if not line.lstrip().startswith("#") for word in words(line)} or None
    kind, _colon, path = table.partition(":")
    if not all(map(_is_small, _files(table))):
        return None
    if kind == "cidr":
        return {entry.key: entry.value or "" for entry in parse(_read(path), "cidr")}
    if kind not in ("inline", "texthash", *SUFFIXES):
        return None
    rc, stdout, _stderr = run(["postmap", "-s", table])
    return dict(_pair(line) for line in stdout.splitlines()) if rc == 0 else None


def _files(table: str) -> list[str]:
    """Return the files of a lookup table; none for a table that is not in a file."""
    kind, _colon, path = table.partition(":")
    if table.startswith("/"):
        return [table]
    return [path + suffix for suffix in SUFFIXES.get(kind, [""])] if kind in FILE_TYPES else []


def _is_small(path: str) -> bool:
    try:
        return os.path.getsize(path) <= LARGEST
    except OSError:
        return False


def _pair(line: str) -> tuple[str, str]:
    key, _tab, value = line.partition("\t")
    return key, value


def _look_up(run: Run, tables: t.Sequence[str], keys: t.Sequence[str]) -> dict[str, str]:
    """Return the answers of *tables* for *keys*, in a call each; the first table that answers counts."""
    found: dict[str, str] = {}
    for table in tables:
        _rc, stdout, _stderr = run(["postmap", "-q", "-", table], "".join(f"{key}\n" for key in keys))
        found = {**dict(_pair(line) for line in stdout.splitlines()), **found}
    return found


def _credentials(run: Run, facts: Facts) -> bool | None:
    """Return whether there is a password for the smarthost. The lookup is that of smtp(8), and never shows the password."""
    hosts = words(facts.value("relayhost"))
    tables = [table for table in words(facts.value("smtp_sasl_password_maps")) if all(map(os.path.exists, _files(plain(table))))]
    if facts.value("smtp_sasl_auth_enable") != "yes" or not hosts:
        return None
    keys = [key for host in hosts for key in (host, re.sub(r"^\[?([^\]]*?)\]?(:\w+)?$", r"\1", host))]
    return bool(_look_up(run, tables, list(dict.fromkeys(keys))))


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()
    return ""
