# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have saslauthd or sasldb check the passwords of SMTP AUTH."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._host import names
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import MTAS, PROVIDERS, Saslauthd, Wanted, judge
from ansible_collections.postroom.mail.plugins.module_utils._sasl.setup import Setup


def work(call: Call) -> dict[str, t.Any]:
    options, run = call.options, call.run
    family = names.distribution(sasl_facts.read("/etc/os-release")).os_family
    place = sasl_facts.place(postfix_facts.ask(run), family, mta=options["mta"])
    wanted = Wanted(options["provider"], options["mechanisms"], Saslauthd(**options["saslauthd"]), options["replace"])
    outcome = Setup(run, place, call.check_mode, timeout=options["timeout"]).bring(wanted)
    result = {"changed": bool(outcome.actions), "actions": outcome.actions, "reload_required": outcome.reload_required}
    return {**result, "diff": outcome.diff} if call.diff else result


SASLAUTHD = {
    "mechanism": {"type": "str", "default": "pam"},
    "server": {"type": "str", "default": ""},
    "ldap": {"type": "dict", "default": {}, "no_log": True},
    "join_realm": {"type": "bool", "default": False},
    "cache_seconds": {"type": "int", "default": 0},
    "processes": {"type": "int", "default": 5},
    "first_valid_uid": {"type": "int", "default": 1000},
}

DOOR = Door(
    spec={
        "provider": {"type": "str", "choices": list(PROVIDERS), "required": True},
        "mta": {"type": "str", "choices": list(MTAS), "default": "postfix"},
        "mechanisms": {"type": "list", "elements": "str", "default": ["PLAIN", "LOGIN"]},
        "saslauthd": {"type": "dict", "options": SASLAUTHD, "apply_defaults": True, "no_log": True},
        "replace": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 30},
    },
    work=work,
    judge=judge,
)
