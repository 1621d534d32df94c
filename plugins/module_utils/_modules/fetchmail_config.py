# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say which mailboxes elsewhere fetchmail fetches from."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import config
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.options import ACCOUNT, SETTINGS


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    host = config.Fetchmail(call.run, check_mode=call.check_mode)
    outcome = host.bring(config.Request(options["accounts"], options["settings"], options["replace"]))
    call.warnings += host.warnings
    result: dict[str, t.Any] = {
        "changed": outcome.changed,
        "paths": outcome.paths,
        "skipped_users": outcome.skipped_users,
        "services": outcome.services,
    }
    if call.diff:
        result["diff"] = outcome.diff
    return result


DOOR = Door(
    spec={
        "accounts": {"type": "list", "elements": "dict", "required": True, "options": ACCOUNT, "no_log": True},
        "settings": {"type": "dict", "default": {}, "apply_defaults": True, "options": SETTINGS},
        "replace": {"type": "bool", "default": False},
    },
    work=work,
)
