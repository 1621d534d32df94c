# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have Postfix take over from another mail server."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._takeover.takeover import Takeover


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    takeover = Takeover(call.run, check_mode=call.check_mode, timeout=options["timeout"])
    if options["state"] == "restored":
        result = takeover.restore(options["servers"])
    else:
        result = takeover.stop() if options["state"] == "stopped" else takeover.hand_over()
    call.warnings += takeover.warnings
    return result


DOOR = Door(
    spec={
        "state": {"type": "str", "choices": ["stopped", "emptied", "restored"], "required": True},
        "servers": {"type": "list", "elements": "dict", "default": []},
        "timeout": {"type": "int", "default": 30},
    },
    work=work,
)
