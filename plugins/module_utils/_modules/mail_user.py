# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the system accounts that have mail."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._passwords import accounts
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt


def work(call: Call) -> dict[str, t.Any]:
    users = accounts.users_from(call.options["users"])
    host, crypt = accounts.Host(call.run), LibCrypt()
    todo = accounts.plan(users, host.accounts(users), host.memberships(users, check_mode=call.check_mode), host.uid_range()[0], crypt)
    if not call.check_mode:
        host.carry_out(todo, crypt)
    call.warnings += (
        f"The account '{user.name}' is locked (usermod -L) and stays so; its password is the given one." for user in todo.locked
    )
    result: dict[str, t.Any] = {
        "changed": todo.changed,
        "created": [user.name for user in todo.create],
        "modified": [user.name for user, _changes in todo.modify],
        "removed": [user.name for user in todo.remove],
        "changed_passwords": [user.name for user in todo.passwords],
    }
    if call.diff:
        before, after = todo.lines()
        result["diff"] = {"before_header": "accounts", "after_header": "accounts", "before": before, "after": after}
    return result


USER: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "password": {"type": "raw", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "shell": {"type": "path"},
    "home": {"type": "path"},
    "comment": {"type": "str"},
    "groups": {"type": "list", "elements": "str", "default": []},
}

DOOR = Door(
    spec={"users": {"type": "list", "elements": "dict", "required": True, "no_log": True, "options": USER}},
    work=work,
    only_names=True,
)
