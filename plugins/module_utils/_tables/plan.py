# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup tables that a role's main.cf names, and those it named before. Pure.

A table without entries does not exist, and its parameter has its default. A table must exist before main.cf names it,
and main.cf must stop naming it before it goes; so old tables are removed after main.cf was written. Settings and tables
from another source stay: a parameter is reset only if it names a table of this collection.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._tables import secrets
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import SUFFIXES

Table = t.Mapping[str, t.Any]

# The tables of this parameter must answer with the contents of files: smtpd would take their names for a private key, and refuse
# every client that asks for a name.
HOLDS_FILES = "tls_server_sni_maps"


@dataclasses.dataclass(frozen=True)
class Plan:
    """`tables` and `parameters` in the form of the modules postmap and postfix_config; `former` must be removed after both."""

    tables: list[Table]
    parameters: dict[str, t.Any]
    former: list[Table]
    problems: list[str]


def plan(
    tables: t.Sequence[Table],
    uses: t.Mapping[str, str],
    *,
    default_type: str,
    live: t.Mapping[str, str],
    managed: t.Collection[str],
    more_tables: t.Sequence[Table] = (),
    more_parameters: t.Mapping[str, t.Any] | None = None,
    services: t.Any = (),
    types_to_come: t.Collection[str] = (),
) -> Plan:
    """Plan *tables*, which *uses* names by their paths: parameter to ``/path`` or ``check_client_access /path``.

    *live* are the present values of main.cf, *managed* the tables in it that this collection wrote. *more_tables* and
    *more_parameters* are the administrator's own; they win, and a table that they or *services* name stays, if without
    entries. *types_to_come* are types of tables that check mode does not find installed yet: their tables are left out.
    """
    by_hand = more_parameters or {}
    named = f"{list(by_hand.values())} {services}"
    own = {table["path"] for table in more_tables if "path" in table}
    in_use = [
        table
        for table in tables
        if table["entries"] or (table["path"] in managed and _names(named, table["path"]) and table["path"] not in own)
    ]
    paths = {table["path"] for table in in_use}
    former: list[Table] = [{"path": table["path"], "state": "absent"} for table in tables if table["path"] in set(managed) - paths - own]
    gone = {table["path"] for table in former}
    parameters: dict[str, t.Any] = {}
    problems = [sentence for table in more_tables for sentence in secrets.problems(table)]
    for name, use in uses.items():
        path = use.split()[-1]
        if path in gone:
            # One that a killed run has left is named by nothing any more, and the parameter is somebody else's by now.
            if _names(live.get(name, ""), path):
                parameters[name] = None
        elif path in paths and any(table["path"] == path and table["entries"] for table in in_use):
            parameters[name] = use.replace(path, f"{default_type}:{path}")
            if live.get(name) and not _names(live[name], path) and name not in by_hand:
                problems.append(
                    f"main.cf already has {name} = {live[name]}, which '{parameters[name]}' would replace: give the whole value in"
                    f" postfix_parameters, or take it out of main.cf (postconf -X {name})."
                )
    overrides = [service.get("overrides") or {} for service in services if isinstance(service, t.Mapping)]
    holds_files = " ".join(str(settings[HOLDS_FILES]) for settings in (live, by_hand, *overrides) if HOLDS_FILES in settings)
    return Plan(
        tables=[
            *in_use,
            *(_with_contents(table, holds_files, default_type) for table in more_tables if table.get("type") not in types_to_come),
        ],
        parameters={**parameters, **{name: value for name, value in by_hand.items() if not _takes(value, types_to_come)}},
        former=former,
        problems=problems,
    )


def _with_contents(table: Table, holds_files: str, default_type: str) -> Table:
    """Return the same table, compiled from the contents of its files where main.cf uses it so."""
    is_compiled = (table.get("type") or default_type) in SUFFIXES and table.get("state", "present") == "present"
    return {"file_contents": True, **table} if is_compiled and _names(holds_files, str(table.get("path", "/"))) else table


def _names(text: str, path: str) -> bool:
    """Return whether *path*, and not only the beginning of a longer one, stands in *text*."""
    return re.search(rf"{re.escape(path)}(?![\w.-])", text) is not None


def _takes(value: t.Any, types: t.Collection[str]) -> bool:
    """Return whether a parameter's *value* has a table of one of *types*."""
    return any(re.search(rf"\b{re.escape(kind)}:", str(value)) for kind in types)
