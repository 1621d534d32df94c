# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep Postfix lookup tables, their sources and their compiled forms."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._tables.postmap import Postmap, diff_of, result_of
from ansible_collections.postroom.mail.plugins.module_utils._tables.request import judge, requests_from


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    host = Postmap(call.run, options["config_directory"], check_mode=call.check_mode, backup=options["backup"], tmpdir=call.tmpdir)
    is_one = options["tables"] is None
    outcomes = host.apply(requests_from([options] if is_one else options["tables"], host))
    call.warnings += host.warnings
    results = [result_of(outcome) for outcome in outcomes]
    result: dict[str, t.Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "tables": results,
        "reload_required": any(outcome.reload_required for outcome in outcomes),
        "type_known": host.type_known,
    }
    if is_one:
        result["table"] = results[0]["table"]
    if call.diff:
        result["diff"] = [entry for outcome in outcomes for entry in diff_of(outcome)]
    return result


TABLE: dict[str, t.Any] = {
    "path": {"type": "path"},
    "type": {"type": "str"},
    "format": {"type": "str", "choices": ["table", "aliases"], "default": "table"},
    "entries": {"type": "raw", "no_log": True},
    "content": {"type": "str", "no_log": True},
    "src": {"type": "path"},
    "parameters": {"type": "dict", "no_log": True},
    "exclusive": {"type": "bool", "default": True},
    "secret": {"type": "bool", "no_log": False},
    "file_contents": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

DOOR = Door(
    spec={
        **TABLE,
        "tables": {
            "type": "list",
            "elements": "dict",
            "options": {**TABLE, "path": {"type": "path", "required": True}},
            "no_log": True,
        },
        "config_directory": {"type": "path", "default": "/etc/postfix"},
        "backup": {"type": "bool", "default": False},
    },
    work=work,
    judge=judge,
    rules={
        "mutually_exclusive": [("tables", option) for option in ("path", "type", "entries", "content", "src", "parameters")],
        "required_one_of": [("path", "tables")],
    },
)
