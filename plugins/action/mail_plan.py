# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._plan import packages, roles
from ansible_collections.postroom.mail.plugins.module_utils._plan.clashes import clashes
from ansible_collections.postroom.mail.plugins.plugin_utils import _variables
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans, Record
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import begin, is_elsewhere, role_of

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.plugin_utils._variables import Variables


class ActionModule(ActionBase):
    """Asks the host once, plans what the roles want of it, and begins the change."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {**super().run(tmp, task_vars), "changed": False}
        me = role_of(self._task)
        if is_elsewhere(self._task, task_vars):
            raise AnsibleActionFail("A plan cannot be delegated: the tasks of a role say what it wants of the play's own hosts.")
        plans = Plans(task_vars["inventory_hostname"])
        record = plans.record(str(self._task.play._uuid))
        fingerprint = _variables.fingerprint(task_vars)
        # Ansible's method has no types.
        validate: t.Callable[..., tuple[t.Any, dict[str, t.Any]]] = self.validate_argument_spec
        is_anew = validate({"anew": {"type": "bool", "default": False}})[1]["anew"]
        if record is None or is_anew or record.fingerprint != fingerprint:
            told = self._planned(plans, None if is_anew else record, fingerprint, task_vars)
            if told.get("failed"):
                return result | told
            result |= told
        # sendmail, which stays, is changed task by task.
        if me is None or (not is_anew and plans.part(me)["sendmail_auth"] is None):
            begin(self._task, task_vars)
        return result

    def _planned(self, plans: Plans, record: Record | None, fingerprint: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Plan, keep what was planned, and give what there is to say to it."""
        names = _variables.roles_in(task_vars)
        problems: list[str] = []
        try:
            record, found = self._asked(names, record, task_vars)
            problems += found.problems
            parts = roles.plan(_with_mode(found, task_vars), record.facts, names, found.unreadable)
        except NotAsked as e:
            return e.result
        except BadInput as e:
            return {"failed": True, "msg": " ".join([*problems, str(e)])}
        problems += [problem for part in parts.values() for problem in part.problems]
        problems = problems or list(clashes(parts))
        if problems:
            return {"failed": True, "msg": " ".join(dict.fromkeys(problems))}
        missing = packages.missing(parts, record.facts, record.handled)
        record.handled += missing["host"]
        record.fingerprint = fingerprint
        plans.keep_parts(parts, missing, record.facts["host"])
        plans.keep(record)
        findings = list(dict.fromkeys(warning for part in parts.values() for warning in part.warnings))
        for finding in findings:
            # Ansible itself would say the same of several hosts once, and not of which.
            self._display.display(f"[{task_vars['inventory_hostname']}] WARNING: {finding}", color=vars(constants)["COLOR_WARN"])
        return {"findings": findings}

    def _asked(self, names: t.Sequence[str], record: Record | None, task_vars: dict[str, t.Any]) -> tuple[Record, Variables]:
        """Give the answers of the host, and the variables in their light.

        The host is asked again only if the roles *names* need to know more than it was asked.
        """
        found = self._evaluated(names, record, task_vars)
        values, wanted = _with_mode(found, task_vars), found.values.get("mail_hostname")
        questions = {
            "packages": roles.packages(names),
            "accounts": roles.names_to_look_up(values, names, found.unreadable),
            "resolve": [wanted] if wanted else [],
        }
        if record is not None and all(set(asked) <= set(record.asked[option]) for option, asked in questions.items()):
            return record, found
        options = {**questions, "sasl_mta": values.get("sasl_mta", "postfix")}
        # By the module that changes the host later, too: Ansible builds its program once.
        arguments = {"state": "asked", "questions": options}
        facts = self._execute_module(module_name="postroom.mail.mail_change", module_args=arguments, task_vars=task_vars)
        if facts.get("failed") or facts.get("unreachable"):
            raise NotAsked(facts)
        play = str(self._task.play._uuid)
        known = {"services": facts["services"], "files": facts.get("files", {})}
        record = Record(play, facts, questions, handled=record.handled if record else [], **known)
        return record, self._evaluated(names, record, task_vars, found)

    def _evaluated(
        self, names: t.Sequence[str], record: Record | None, task_vars: dict[str, t.Any], before: Variables | None = None
    ) -> Variables:
        found = _variables.evaluated(self._templar, task_vars, names, record.facts if record else {}, before)
        if "host" in found.unreadable:
            # The site's own variables, from which those of all roles follow.
            raise BadInput(" ".join(found.problems))
        return found


class NotAsked(Exception):
    """The host did not answer."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


def _with_mode(found: Variables, task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**found.values, "ansible_check_mode": bool(task_vars.get("ansible_check_mode"))}
