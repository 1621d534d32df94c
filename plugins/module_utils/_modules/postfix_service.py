# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define services of Postfix in master.cf."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix
from ansible_collections.postroom.mail.plugins.module_utils._postfix.service import configure, wanted_from


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    outcome = configure(
        Postfix(call.run, options["config_directory"]),
        [wanted_from(service) for service in options["services"]],
        unknown=options["unknown"],
        backup=options["backup"],
        check_mode=call.check_mode,
    )
    call.warnings += outcome.warnings
    result: dict[str, t.Any] = {
        "changed": outcome.change.changed,
        "changed_services": outcome.changed_services,
        "reload_required": outcome.change.changed,
        "restart_required": False,
        "path": outcome.change.path,
    }
    if outcome.change.backup_file:
        result["backup_file"] = outcome.change.backup_file
    if call.diff:
        result["diff"] = files.diff(outcome.change)
    return result


SERVICE: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "required": True, "choices": ["inet", "unix", "fifo", "pass", "unix-dgram"]},
    "state": {"type": "str", "choices": ["present", "absent", "disabled"], "default": "present"},
    "private": {"type": "raw"},
    "unprivileged": {"type": "raw"},
    "chroot": {"type": "raw"},
    "wakeup": {"type": "str"},
    "process_limit": {"type": "str"},
    "command": {"type": "str"},
    "args": {"type": "list", "elements": "str"},
    "overrides": {"type": "dict"},
    "exclusive_overrides": {"type": "bool", "default": False},
}

DOOR = Door(
    spec={
        "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE},
        "config_directory": {"type": "path", "default": "/etc/postfix"},
        "unknown": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "fail"},
        "backup": {"type": "bool", "default": False},
    },
    work=work,
)
