# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Wishes that wait on the controller until the change of their host is carried out.

Every task runs in a process of its own, so they wait in a file. It lies in the directory that Ansible makes for each run, which nobody
else may look into, and which is gone when the run ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing as t

from ansible import context
from ansible.plugins.action.normal import ActionModule as NormalActionModule
from ansible_collections.postroom.mail.plugins.plugin_utils import _kept, _planned
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans

COLLECTION = "postroom.mail"


class Waiting:
    """The change that is open for one host in one play, if there is one."""

    def __init__(self, host: str, play: str, directory: str = "") -> None:
        name = hashlib.sha256(f"{play}\0{host}".encode()).hexdigest()
        self._path = os.path.join(directory or _kept.directory(), f"postroom-change-{name}")

    def owner(self) -> str | None:
        """Return the role that began the change, or nothing for the play itself. None: there is no change."""
        try:
            with open(self._path, encoding="utf-8") as f:
                return t.cast("str", json.loads(f.readline()))
        except FileNotFoundError:
            return None

    def begin(self, owner: str) -> None:
        """Begin a change, in which *owner* has the last word."""
        self._write("w", owner)

    def note(self, wish: t.Mapping[str, t.Any]) -> None:
        """Have one more wish wait."""
        self._write("a", wish)

    def wishes(self) -> list[t.Any]:
        """Return the wishes that wait, in their order."""
        return (self._lines() or [""])[1:]

    def end(self) -> None:
        """Forget the change."""
        os.unlink(self._path)

    def _lines(self) -> list[t.Any] | None:
        try:
            with open(self._path, encoding="utf-8") as f:
                return [json.loads(line) for line in f]
        except FileNotFoundError:
            return None

    def _write(self, mode: str, value: t.Any) -> None:
        with open(self._path, mode, encoding="utf-8", opener=_kept.private) as f:
            f.write(f"{_kept.text(value)}\n")


class WishAction(NormalActionModule):
    """A module of the collection: in one of its roles, while a change is open, the task only says what is wanted."""

    @classmethod
    def finalize_task_arg(cls, name: str, value: t.Any, templar: t.Any, *more: t.Any) -> t.Any:
        """Take what a plan says as it stands. An Ansible that does not ask this evaluates the template, to the same value."""
        found = _planned.field(value, templar.available_variables)
        if found is not None:
            return found
        usual: t.Callable[..., t.Any] = super().finalize_task_arg
        return usual(name, value, templar, *more)

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        role = role_of(self._task)
        waiting = waiting_for(self._task, task_vars)
        if role is None or waiting.owner() is None or _is_for_now(self._task) or is_elsewhere(self._task, task_vars):
            run: t.Callable[[t.Any, t.Any], dict[str, t.Any]] = super().run
            result = run(tmp, task_vars)
            if result.get("changed"):
                Plans(task_vars["inventory_hostname"]).forget_files(str(self._task.play._uuid))
            return result
        module = str(self._task.resolved_action).rpartition(".")[2]
        waiting.note({"module": module, "options": self._task.args, "role": role})
        return {"changed": False, "waits": True}


def role_of(task: t.Any) -> str | None:
    """The name of the collection's role that *task* is in; None elsewhere."""
    role = getattr(task, "_role", None)
    return role.get_name(include_role_fqcn=False) if role is not None and role._role_collection == COLLECTION else None


def roles_around(task: t.Any) -> list[str]:
    """The names of the collection's roles that *task* is in, and that have included it."""
    found = []
    part = task
    while part is not None:
        role = role_of(part)
        if role is not None:
            found.append(role)
        part = getattr(part, "_parent", None)
    return list(dict.fromkeys(found))


def _is_for_now(task: t.Any) -> bool:
    """Tell if the task, or a block around it, says by itself if it only checks: it wants to know, or to be done, now."""
    return "check_mode" in (task.get_ds() or {}) or bool(task.check_mode) != bool(context.CLIARGS.get("check"))


def is_elsewhere(task: t.Any, task_vars: t.Mapping[str, t.Any]) -> bool:
    """Tell if *task* is delegated to another host, which has a change of its own."""
    return task.delegate_to not in (None, "", task_vars["inventory_hostname"])


def begin(task: t.Any, task_vars: t.Mapping[str, t.Any]) -> Waiting:
    """The change that *task* takes part in: the one that a role around it or the play has begun, or else one of its own role."""
    waiting, me = waiting_for(task, task_vars), role_of(task) or ""
    owner = waiting.owner()
    if owner and (owner == me or owner not in roles_around(task)):
        # The role that began it has failed, and the play went on. What it wanted is not carried out with something else.
        waiting.end()
        owner = None
    if owner is None:
        waiting.begin(me)
    return waiting


def waiting_for(task: t.Any, task_vars: t.Mapping[str, t.Any]) -> Waiting:
    """The change of the host that *task* runs for, in its play."""
    return Waiting(task_vars["inventory_hostname"], str(task.play._uuid))
