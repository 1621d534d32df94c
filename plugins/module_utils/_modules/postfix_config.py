# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set parameters of Postfix in main.cf."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._postfix.config import configure
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    outcome = configure(
        Postfix(call.run, options["config_directory"]),
        options["parameters"],
        unknown=options["unknown"],
        coming_services=options["coming_services"],
        open_relay=options["open_relay"],
        backup=options["backup"],
        check_mode=call.check_mode,
    )
    call.warnings += outcome.warnings
    result: dict[str, t.Any] = {
        "changed": outcome.change.changed,
        "changed_parameters": outcome.changed_parameters,
        "reload_required": outcome.change.changed and not outcome.restart_required,
        "restart_required": outcome.restart_required,
        "path": outcome.change.path,
    }
    if outcome.change.backup_file:
        result["backup_file"] = outcome.change.backup_file
    if call.diff:
        result["diff"] = files.diff(outcome.change)
    return result


DOOR = Door(
    spec={
        "parameters": {"type": "dict", "required": True},
        "config_directory": {"type": "path", "default": "/etc/postfix"},
        "unknown": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "fail"},
        "coming_services": {"type": "list", "elements": "str", "default": []},
        "open_relay": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": False},
    },
    work=work,
)
