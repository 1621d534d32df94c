# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with services that a service manager starts and stops."""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._services import ready, services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State

UP = State(True, True, True)
DOWN = State(True, False, False)
ABSENT = State()


class Host:
    """A host whose services are what they are told to be, and whose commands answer as given."""

    def __init__(self, monkeypatch, manager="systemd", **states):
        self.states = states
        self.answers: dict[str, tuple[int, str, str]] = {}
        self.calls: list[str] = []
        monkeypatch.setattr(services, "manager", lambda: manager)
        monkeypatch.setattr(services, "states", lambda run, names, queue: {name: self.states.get(name, ABSENT) for name in names})
        monkeypatch.setattr(services, "master", lambda name, queue=None: None)
        monkeypatch.setattr(ready, "wait_for", lambda endpoints, deadline: None)

    def run(self, args, data=None):
        call = " ".join(args)
        self.calls.append(call)
        words = [word for word in args if word != "--"]
        for action, running in (("start", True), ("restart", True), ("stop", False)):
            name = words[0].rpartition("/")[2] if words[0].startswith("/etc/init.d/") else words[-1]
            if action in words and name in self.states:
                self.states[name] = self.states[name]._replace(running=running)
        if call == "doveadm stop":
            self.states["dovecot"] = self.states["dovecot"]._replace(running=False)
        return self.answers.get(call, (0, "", ""))

    def changing_calls(self):
        return [call for call in self.calls if call.split()[0] in ("systemctl", "doveadm", "update-rc.d") or "init.d" in call]

    def bring(self, *wanted, **options):
        return Control(self.run, timeout=0.2, **options).bring(wanted)
