# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and parameters of a Postfix from another source, which the role would replace. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import expand

# Parameters of which mail depends, and which the role sets to what the inventory says.
PARAMETERS = ("alias_maps", "virtual_alias_maps", "virtual_alias_domains", "mydestination")
# Both distributions' own.
STOCK_TABLES = frozenset({"/etc/aliases"})
_TABLE_FILE = re.compile(r"\b\w+:(/[^\s,{}]+)")


def lost(
    tables: t.Sequence[t.Mapping[str, t.Any]],
    parameters: t.Mapping[str, t.Any],
    *,
    postfix: t.Mapping[str, t.Any],
    host: t.Mapping[str, t.Any],
    by_hand: t.Mapping[str, t.Any] | None = None,
) -> list[str]:
    """Return the settings from another source that would be lost if *tables* and *parameters* were written.

    *postfix* and *host* are results of mail_info. *by_hand* are parameters that the inventory sets itself, so that they replace
    old values on purpose. If main.cf names tables of this collection, all parameters are its own.
    """
    foreign = set(postfix.get("foreign_tables") or ())
    written = {table.get("path") for table in tables if table.get("exclusive", True) and table.get("state", "present") != "absent"}
    found: list[str] = sorted(t.cast("set[str]", written & foreign))
    if postfix.get("managed_tables"):
        return found
    live: t.Mapping[str, str] = postfix.get("parameters") or {}
    wanted = {name: _text(value) for name, value in parameters.items() if value is not None}
    for name in PARAMETERS:
        if name in live and name in wanted and name not in (by_hand or {}):
            gone = _gone(_items(live[name], live), _items(wanted[name], {**live, **wanted}), written, _of_the_host(host, live))
            if gone:
                found.append(f"{name} = {', '.join(gone)}")
    return found


def _text(value: t.Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _items(value: str, values: t.Mapping[str, str]) -> list[str]:
    """Return the tables and domains in a value. A word that cannot be resolved here stays as it is."""
    expanded = expand(value, values, {})
    return [item for item in re.split(r"[\s,]+", value if expanded is None else expanded) if item]


def _gone(live: t.Sequence[str], wanted: t.Sequence[str], written: t.Collection[str | None], own: t.Collection[str]) -> list[str]:
    tables = {path for item in wanted for path in _TABLE_FILE.findall(item)}
    names = {item.lower() for item in wanted}
    gone = []
    for item in live:
        paths = _TABLE_FILE.findall(item)
        if paths:
            # The contents of a file that is written are reported on their own.
            if set(paths) - tables - STOCK_TABLES - set(written):
                gone.append(item)
        elif ":" not in item and "$" not in item and item.lower() not in names and item.lower() not in own:
            gone.append(item)
    return gone


def _of_the_host(host: t.Mapping[str, t.Any], live: t.Mapping[str, str]) -> set[str]:
    """Return the names of the machine itself, which packages put into mydestination."""
    names = {str(name or "").lower() for name in (host.get("fqdn"), host.get("hostname"), live.get("myhostname"))}
    domains = {name.partition(".")[2] for name in names} | {live.get("mydomain", "").lower()}
    return {"localhost", "localhost.localdomain", *names, *(f"localhost.{domain}" for domain in domains if domain)}
