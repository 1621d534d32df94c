# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import begin, is_elsewhere, role_of, roles_around, waiting_for

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import Waiting


class ActionModule(ActionBase):
    """Begins a change of a host on the controller, and has the module carry out what waits."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if is_elsewhere(self._task, task_vars):
            raise AnsibleActionFail("A change cannot be delegated: the tasks of the play say what they want of its own hosts.")
        state = self._task.args.get("state", "done")
        if state == "begun":
            begin(self._task, task_vars)
            return {**result, "changed": False}
        if state == "asked":
            result |= self._execute_module(module_args=self._task.args, task_vars=task_vars)
            return result
        if state != "done":
            raise AnsibleActionFail(f"The option 'state' is '{state}'; it must be asked, begun or done.")
        me, waiting = role_of(self._task), waiting_for(self._task, task_vars)
        owner = waiting.owner()
        if owner and owner not in roles_around(self._task):
            # The role that began it has failed, and the play went on. What it wanted is not carried out with something else.
            waiting.end()
            owner = None
        if owner is None and me is not None and not self._task.args:
            return {**result, "changed": False}
        if owner is not None and owner != (me or ""):
            return {**result, "changed": False, "msg": f"{owner or 'The play'} carries this out with the rest."}
        waited = {} if owner is None else self._what_waits(waiting, task_vars)
        options = {**waited, **self._task.args, "wishes": [*waited.get("wishes", []), *self._task.args.get("wishes", [])]}
        result |= self._execute_module(module_args=options, task_vars=task_vars)
        for line in told(result, check_mode=self._task.check_mode):
            self._display.display(f"[{task_vars['inventory_hostname']}] {line}")
        return result

    def _what_waits(self, waiting: Waiting, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Give the wishes of the roles, and the probes that prove them."""
        wishes = waiting.wishes()
        roles = list(dict.fromkeys(wish["role"] for wish in wishes))
        # Whatever becomes of them: what was refused is not carried out with something else later.
        waiting.end()
        plans = Plans(task_vars["inventory_hostname"])
        known = {**plans.known_now(str(self._task.play._uuid)), "proof": plans.proof(roles)}
        return {"wishes": wishes, **{option: value for option, value in known.items() if value}}


def told(result: t.Mapping[str, t.Any], *, check_mode: bool) -> list[str]:
    """Lines that tell a person what the module did, or would do in check mode."""
    if result.get("failed"):
        return []
    lines = list(result.get("reasons", []))
    lines += [f"{'would change' if check_mode else 'changed'} {path}" for path in result.get("changed_files", [])]
    lines += [f"{'would ' if check_mode else ''}{action}" for action in result.get("actions", [])]
    lines += [sample["summary"] for one in result.get("modules", {}).get("mail_filter", []) for sample in one["samples"]]
    return [*lines, *([result["proof"]] if result.get("proof") else [])]
