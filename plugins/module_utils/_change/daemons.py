# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemons of a change: each is reloaded or restarted once, if what changed or what runs needs it, and then has to serve."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, MailError
from ansible_collections.postroom.mail.plugins.module_utils._services import running_daemon, services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control, Wanted

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

Results = t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]

# Which daemons read what a module writes.
READERS = {
    "mail_certificate": ("postfix", "dovecot"),
    "postmap": ("postfix",),
    "postfix_config": ("postfix",),
    "postfix_service": ("postfix",),
    "sasl_provider": ("postfix",),
    "mail_file": ("dovecot",),
    "dovecot_setting": ("dovecot",),
}


class NotProved(HostError):
    """The daemons run, and do not serve as they should."""


class Daemons:
    """The mail daemons of the host in front of us.

    *wanted* are those that must run; *known* is what mail_info said of services just now, which spares asking again; *probe* talks to
    the daemons and gives what is wrong, or nothing.
    """

    def __init__(
        self,
        run: Run,
        wanted: t.Sequence[Wanted],
        known: t.Mapping[str, t.Mapping[str, t.Any]],
        probe: t.Callable[[], str],
        *,
        timeout: float,
        check_mode: bool,
    ) -> None:
        self.run = run
        self.wanted = {service.name: service for service in wanted}
        self.known = known
        self.probe = probe
        self.timeout = timeout
        self.check_mode = check_mode
        self.warnings: list[str] = []
        # What ran before, and what was begun to be done to it.
        self._former: dict[str, services.State] = {}
        self._begun: list[str] = []

    def apply(self, results: Results, *, changed: bool) -> dict[str, t.Any]:
        """Reload or restart each daemon that needs it, start those that must run, and then what fetches mail; tells it."""
        told = [name for result in results.get("mail_file", ()) for name in result.get("services", ())]
        daemons = list(dict.fromkeys([*services.MASTERS, *self.wanted, *told]))
        todo = [service for name in daemons for service in self._todo(name, results, changed)]
        fetching = [Wanted(**service) for result in results.get("fetchmail_config", ()) for service in result["services"]]
        names = [service.name for service in (*todo, *fetching)]
        if not names:
            return {"changed": False, "actions": [], "reasons": []}
        self._former = self._states(names)
        told = [self._bring(part) for part in (todo, fetching) if part]
        reasons = [
            *(reason for service in todo for reason in self.known.get(service.name, {}).get("reasons", ())),
            *(reason for one in told for reason in one["reasons"]),
        ]
        return {
            "changed": any(one["changed"] for one in told),
            "actions": [action for one in told for action in one["actions"]],
            "reasons": list(dict.fromkeys(reasons)),
            "diff": [one["diff"] for one in told if one["changed"]],
        }

    def _todo(self, name: str, results: Results, changed: bool) -> list[Wanted]:
        """Return the action that a daemon needs; none where neither a wish, nor a change, nor the running daemon gives a reason."""
        wanted, known = self.wanted.get(name, Wanted(name)), self.known.get(name, {})
        has_new_file = any(name in result.get("services", ()) for result in results.get("mail_file", ()))
        if wanted.state == "stopped":
            return [wanted]
        if name not in services.MASTERS:
            return self._todo_of_another(name, has_new_file)
        told = [known, *(result for module, readers in READERS.items() if name in readers for result in results.get(module, ()))]
        state = "applied" if wanted.state or any(result.get("changed") for result in told) else None
        for key, needed in (("reload_required", "reloaded"), ("restart_required", "restarted")):
            if wanted.state == needed or any(result.get(key) for result in told) or (needed == "reloaded" and has_new_file):
                state = needed
        if state == "applied" and not changed and self._is_right(wanted, known):
            return []
        if state and not wanted.state and not self._runs(name):
            # Nobody wants it to run.
            state = None
        return [Wanted(name, state, wanted.enabled)] if state or wanted.enabled is not None else []

    def _todo_of_another(self, name: str, has_new_file: bool) -> list[Wanted]:
        """Restart a service that is no mail server if a file of it has changed, and it runs or has to."""
        wanted = self.wanted.get(name)
        if has_new_file and (wanted.state if wanted else self._runs(name)):
            return [Wanted(name, "restarted", wanted.enabled if wanted else None)]
        return [wanted] if wanted else []

    @staticmethod
    def _is_right(wanted: Wanted, known: t.Mapping[str, t.Any]) -> bool:
        is_enabled = known.get("enabled")
        return bool(known.get("running")) and wanted.enabled in (None, is_enabled) and known.get("outdated") is None

    def _runs(self, name: str) -> bool:
        running = self.known.get(name, {}).get("running")
        return self._states([name])[name].running if running is None else bool(running)

    def _states(self, names: t.Sequence[str]) -> dict[str, services.State]:
        return services.states(self.run, names, Control(self.run).queue_directory)

    def _bring(self, wanted: t.Sequence[Wanted]) -> dict[str, t.Any]:
        control = Control(self.run, self.timeout, self.check_mode)
        try:
            return control.bring(wanted)
        finally:
            self.warnings += control.warnings
            self._begun += control.begun

    def withdraw(self) -> None:
        """Stop what did not run before, as long as its unit is there. Raises a `MailError`."""
        self._bring_each([Wanted(name, "stopped", state.enabled) for name, state in self._former.items() if not state.running])

    def apply_former(self, *, after_kill: bool = False) -> None:
        """Have the daemons that ran before do what their files say, now that these are as they were. Raises a `MailError`.

        *after_kill*: nobody knows which ran, so all that are enabled have to.
        """
        if self._former:
            wanted = [Wanted(name, self._former_state(name), state.enabled) for name, state in self._former.items() if state.running]
        else:
            states = self._states(list(services.MASTERS))
            wanted = [Wanted(name, "applied") for name, state in states.items() if state.running or (after_kill and state.enabled)]
        self._bring_each(wanted)

    def _former_state(self, name: str) -> str:
        is_new = {f"restart {name}", f"start {name}", f"stop {name}"} & set(self._begun) or name not in services.MASTERS
        return "restarted" if is_new else "applied"

    def _bring_each(self, wanted: t.Sequence[Wanted]) -> None:
        """Bring all of them as far as it goes: one that fails keeps no other from it."""
        problems = []
        for one in wanted:
            try:
                Control(self.run, self.timeout).bring([one])
            except MailError as e:
                problems.append(str(e))
        if problems:
            raise HostError(" ".join(problems))

    def prove(self) -> None:
        """See that the installed daemons serve. Raises `NotProved`."""
        queue_directory = Control(self.run).queue_directory
        for name in self.wanted:
            why = running_daemon.outdated(services.master(name, queue_directory)) if name in services.MASTERS else None
            if why:
                raise NotProved(f"{name} is not the installed one: {why}.")
        problem = self.probe()
        if problem:
            raise NotProved(problem)
