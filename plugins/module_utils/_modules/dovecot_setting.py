# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set Dovecot's nested settings in one file."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.setting import Request, apply


def work(call: Call) -> dict[str, t.Any]:
    outcome = apply(call.run, Request(check_mode=call.check_mode, **call.options))
    call.warnings += outcome.warnings
    result = outcome.result
    if call.diff:
        result["diff"] = outcome.diff
    return result


DOOR = Door(
    spec={
        "settings": {"type": "dict", "default": {}},
        "secret_settings": {"type": "dict", "default": {}, "no_log": True},
        "path": {"type": "path"},
        "exclusive": {"type": "bool", "default": False},
        "includes": {"type": "list", "elements": "str", "default": []},
        "config_path": {"type": "path", "default": "/etc/dovecot/dovecot.conf"},
        "backup": {"type": "bool", "default": False},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "str"},
    },
    work=work,
)
