# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemons of a change: each is reloaded or restarted once, if what changed or what runs needs it, and then has to serve."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
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
        # What ran before, and what was done to it.
        self._former: dict[str, services.State] = {}
        self._done: list[str] = []

    def apply(self, results: Results, *, changed: bool) -> dict[str, t.Any]:
        """Reload or restart each daemon that needs it, start those that must run, and then what fetches mail; tells it."""
        todo = [service for name in services.MASTERS for service in self._todo(name, results, changed)]
        fetching = [Wanted(**service) for result in results.get("fetchmail_config", ()) for service in result["services"]]
        names = [service.name for service in (*todo, *fetching)]
        if not names:
            return {"changed": False, "actions": [], "reasons": []}
        self._former = services.states(self.run, names)
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
        """What is asked of a daemon; nothing where neither a change nor what runs gives a reason."""
        known = self.known.get(name, {})
        told = [known, *(result for module, readers in READERS.items() if name in readers for result in results.get(module, ()))]
        is_concerned = any(result.get("changed") for result in told) and (known.get("running", True) or name in self.wanted)
        enabled = self.wanted[name].enabled if name in self.wanted else None
        for key, state in (("restart_required", "restarted"), ("reload_required", "reloaded")):
            if any(result.get(key) for result in told):
                return [Wanted(name, state, enabled)]
        if name not in self.wanted and not is_concerned:
            return []
        if known.get("running") and known.get("enabled") and known.get("outdated") is None and not changed:
            return []
        return [Wanted(name, "applied", enabled)]

    def _bring(self, wanted: t.Sequence[Wanted]) -> dict[str, t.Any]:
        control = Control(self.run, self.timeout, self.check_mode)
        try:
            told = control.bring(wanted)
        finally:
            self.warnings += control.warnings
        self._done += told["actions"]
        return told

    def apply_former(self) -> None:
        """Have the daemons do what their files say, now that these are as they were; those that did not run before run no more."""
        names = list(self._former) or [name for name, state in services.states(self.run, list(services.MASTERS)).items() if state.enabled]
        former = self._former or dict.fromkeys(names, services.State(True, True, True))
        control = Control(self.run, self.timeout)
        for name in names:
            if former[name].running:
                state = "restarted" if f"restart {name}" in self._done or name not in services.MASTERS else "applied"
                control.bring([Wanted(name, state, former[name].enabled)])
            elif former[name].installed:
                control.bring([Wanted(name, "stopped", former[name].enabled)])

    def prove(self) -> None:
        """See that the installed daemons serve. Raises `NotProved`."""
        for name in self.wanted:
            why = running_daemon.outdated(services.master(name)) if name in services.MASTERS else None
            if why:
                raise NotProved(f"{name} is not the installed one: {why}.")
        problem = self.probe()
        if problem:
            raise NotProved(problem)
