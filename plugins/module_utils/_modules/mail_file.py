# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write files whole that a mail daemon or what it asks reads, and take away those that nothing reads any more."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput


def judge(option: str, value: t.Any, file: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """The content is secret if the file says so."""
    return None if option == "content" and file.get("secret") else (value, set())


def work(call: Call) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {"changed": False, "changed_files": [], "services": []}
    diffs = []
    paths = [*(wanted["path"] for wanted in call.options["files"]), *call.options["absent"]]
    for path in paths:
        if not os.path.isabs(path):
            raise BadInput(f"'{path}' is no place for a file: give an absolute path.")
        if paths.count(path) > 1:
            raise BadInput(f"{path} is listed twice, in 'files' or in 'absent': list it once.")
    for wanted in call.options["files"]:
        change = _write(wanted, call)
        if change.changed:
            result["changed_files"].append(change.path)
            result["services"] += [wanted["service"]] if wanted["service"] else []
            diffs.append(files.diff(change, secret=wanted["secret"]))
    for path in call.options["absent"]:
        if os.path.lexists(path):
            files.remove(path, check_mode=call.check_mode)
            result["changed_files"].append(path)
            diffs.append({"before_header": path, "after_header": path, "before": f"{path}\n", "after": ""})
    result["services"] = list(dict.fromkeys(result["services"]))
    result["changed"] = bool(result["changed_files"])
    return {**result, "diff": diffs} if call.diff else result


def _write(wanted: t.Mapping[str, t.Any], call: Call) -> files.Change:
    path = wanted["path"]
    if call.check_mode and not os.path.isdir(os.path.dirname(path)):
        # It is yet to come, with a package.
        return files.Change(path, None, wanted["content"])
    attributes = files.Attributes(wanted["owner"], wanted["group"], files.mode_from(wanted["mode"], path))
    return files.update(path, lambda _before: wanted["content"], check_mode=call.check_mode, attributes=attributes)


FILE: dict[str, dict[str, t.Any]] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "secret": {"type": "bool", "default": False, "no_log": False},
    "service": {"type": "str", "default": ""},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0644"},
}

DOOR = Door(
    spec={
        "files": {"type": "list", "elements": "dict", "default": [], "options": FILE, "no_log": True},
        "absent": {"type": "list", "elements": "path", "default": []},
    },
    work=work,
    judge=judge,
)
