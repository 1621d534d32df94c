# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop, reload and restart Postfix and Dovecot without breaking them."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control, Wanted


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    one = {key: options[key] for key in Wanted._fields}
    control = Control(call.run, options["timeout"], call.check_mode)
    result = control.bring([Wanted(**service) for service in options["services"] or [one]])
    call.warnings += control.warnings
    return result


WANTED: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["started", "stopped", "applied", "reloaded", "restarted"]},
    "enabled": {"type": "bool"},
}
SERVICE = {**WANTED, "name": {"type": "str", "required": True}}

DOOR = Door(
    spec={
        **WANTED,
        "services": {"type": "list", "elements": "dict", "options": SERVICE},
        "timeout": {"type": "int", "default": 30},
    },
    work=work,
    rules={
        "required_one_of": [("name", "services")],
        "mutually_exclusive": [("name", "services"), ("state", "services"), ("enabled", "services")],
    },
)
