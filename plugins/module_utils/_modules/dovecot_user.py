# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the users of a Dovecot passwd-file."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import user
from ansible_collections.postroom.mail.plugins.module_utils._passwords import passwd_file
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libsodium import LibSodium


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    users = passwd_file.users_from(options["users"], options["scheme"], options["realm"])
    host = user.Host(call.run, check_mode=call.check_mode)
    wanted = host.attributes(options["owner"], options["group"], files.mode_from(options["mode"], options["path"]))
    host.check_directory(options["path"])
    host.check_accounts(users)
    change, plan = user.update(
        options["path"],
        users,
        host.hasher(users, LibCrypt(), LibSodium()),
        exclusive=options["exclusive"],
        wanted=wanted,
        backup=options["backup"],
        check_mode=call.check_mode,
    )
    host.remark(users)
    call.warnings += host.warnings
    result: dict[str, t.Any] = {
        "changed": change.changed,
        "created": plan.create,
        "modified": list(plan.modify),
        "removed": plan.remove,
        "changed_passwords": plan.passwords,
    }
    if change.backup_file:
        result["backup_file"] = change.backup_file
    if call.diff:
        before, after = plan.lines()
        result["diff"] = {"before_header": change.path, "after_header": change.path, "before": before, "after": after}
    return result


USER: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "password": {"type": "raw", "no_log": True},
    "password_hash": {"type": "raw", "no_log": True},
    "scheme": {"type": "str"},
    "uid": {"type": "str"},
    "gid": {"type": "str"},
    "gecos": {"type": "str"},
    "home": {"type": "str"},
    "extra_fields": {"type": "dict", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

DOOR = Door(
    spec={
        "path": {"type": "path", "required": True},
        "users": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": USER},
        "scheme": {"type": "str"},
        "realm": {"type": "str"},
        "exclusive": {"type": "bool", "default": False},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str"},
        "mode": {"type": "str"},
        "backup": {"type": "bool", "default": False},
    },
    work=work,
    judge=user.judge,
    only_names=True,
)
