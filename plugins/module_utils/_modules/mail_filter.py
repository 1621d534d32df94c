# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the rules by which mail is sorted on arrival, for Sieve and procmail."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._filter import mail_filter, plan, trial
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import ENGINES


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    wanted = plan.checked(
        *plan.plan(
            options["engine"],
            options["rules"],
            options["rules_after"],
            options["users"],
            domain=options["domain"],
            mail_location=options["mail_location"],
        )
    )
    host = mail_filter.Filters(call.run, check_mode=call.check_mode, virtual_account=options["virtual_account"], replace=options["replace"])
    outcome = host.bring(wanted, trial.samples_from(options["samples"]))
    call.warnings += host.warnings
    result: dict[str, t.Any] = {
        "changed": outcome.changed,
        "paths": outcome.paths,
        "skipped_users": outcome.skipped_users,
        "samples": outcome.samples,
    }
    if call.diff:
        result["diff"] = outcome.diff
    return result


RULES = {"type": "list", "elements": "dict", "default": []}
USER = {
    "name": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": list(ENGINES)},
    "rules": RULES,
    "script": {"type": "str"},
    "variables": {"type": "dict", "default": {}},
}
SAMPLE = {
    "name": {"type": "str"},
    "user": {"type": "str", "required": True},
    "mail": {"type": "str", "required": True},
    "sender": {"type": "str", "default": trial.DEFAULT_SENDER},
    "expect": {"type": "dict", "default": {}},
}

DOOR = Door(
    spec={
        "engine": {"type": "str", "choices": list(ENGINES), "default": "sieve"},
        "rules": RULES,
        "rules_after": RULES,
        "users": {"type": "list", "elements": "dict", "default": [], "options": USER},
        "samples": {"type": "list", "elements": "dict", "default": [], "options": SAMPLE},
        "domain": {"type": "str", "required": True},
        "mail_location": {"type": "str", "default": "maildir:~/Maildir"},
        "virtual_account": {"type": "str"},
        "replace": {"type": "bool", "default": False},
    },
    work=work,
)
