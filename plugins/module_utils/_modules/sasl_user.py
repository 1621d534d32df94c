# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the accounts of SMTP AUTH in a sasldb2 database."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sasldb
from ansible_collections.postroom.mail.plugins.module_utils._sasl import users as sasl_users


def work(call: Call) -> dict[str, t.Any]:
    options, run = call.options, call.run
    needs_realm = any("@" not in user["name"] and user["realm"] is None for user in options["users"])
    realm = options["realm"] if options["realm"] is not None else sasldb.default_realm(run) if needs_realm else ""
    host = sasldb.Sasldb(run, check_mode=call.check_mode)
    request = sasldb.Request(
        users=sasl_users.users_from(options["users"], realm),
        database=options["database"],
        exclusive=options["exclusive"],
        copies=options["copies"],
        owner=options["owner"],
        group=options["group"],
        mode=files.mode_from(options["mode"], options["database"]),
    )
    outcome = host.apply(request)
    call.warnings += host.warnings
    result: dict[str, t.Any] = {
        "changed": outcome.changed,
        "created": len(outcome.plan.create),
        "changed_passwords": len(outcome.plan.change),
        "removed": len(outcome.plan.remove),
        "changed_copies": outcome.copies,
    }
    if call.diff:
        before, after = outcome.plan.lines()
        result["diff"] = {"before_header": request.database, "after_header": request.database, "before": before, "after": after}
    return result


USER: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "realm": {"type": "str"},
    "password": {"type": "raw", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

DOOR = Door(
    spec={
        "users": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": USER},
        "realm": {"type": "str"},
        "database": {"type": "path", "default": "/etc/sasldb2"},
        "exclusive": {"type": "bool", "default": False},
        "copies": {"type": "list", "elements": "path", "default": []},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "str"},
    },
    work=work,
    only_names=True,
)
