# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a former mail server, below a directory."""

from __future__ import annotations

import os
import signal

from ansible_collections.postroom.mail.plugins.module_utils._core import listeners
from ansible_collections.postroom.mail.plugins.module_utils._services import control as services_control
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State
from ansible_collections.postroom.mail.plugins.module_utils._takeover import facts as takeover_facts
from ansible_collections.postroom.mail.plugins.module_utils._takeover import takeover as _takeover

STATUS = "Package: exim4-daemon-light\nStatus: install ok installed\nVersion: 4\nProvides: mail-transport-agent\n\n"
STATUS += "Package: exim4-base\nStatus: install ok installed\nVersion: 4\n"
INPUT = "var/spool/exim4/input"
ASIDE = "var/spool/handed-over-to-postfix/exim"


def exim_mail(sender, *recipients, option="", body="hello\n", header="Subject: a\n"):
    envelope = f"x-H\nroot 0 0\n<{sender}>\n1 0\n{option}XX\n{len(recipients)}\n" + "".join(f"{r}\n" for r in recipients)
    return f"{envelope}\n{len(header):03}  {header}", f"x-D\n{body}"


class Host:
    """A host of files below a folder, with an Exim as its table says, and a Postfix that takes what it is given."""

    def __init__(self, root, monkeypatch, installed=True):
        self.root = root
        self.calls = []
        self.given = []
        self.refused = {}
        self.pids = set()
        self.stubborn = False
        self.units = {"exim4": State(True, True, True)} if installed else {}
        self.write("var/lib/dpkg/status", STATUS if installed else STATUS.replace("install ok installed", "deinstall ok config-files"))
        monkeypatch.setattr(services, "manager", lambda: "systemd")
        monkeypatch.setattr(services, "has_start_link", lambda name: False)
        monkeypatch.setattr(services, "states", lambda run, names, queue=None: {name: self.units.get(name, State()) for name in names})
        monkeypatch.setattr(services_control._services, "master", lambda name, queue=None: None)
        monkeypatch.setattr(takeover_facts, "processes", lambda server: sorted(self.pids))
        monkeypatch.setattr(listeners, "listeners", lambda: [{"address": "", "port": 25, "process": "exim4"}] if self.pids else [])
        monkeypatch.setattr(_takeover.os, "kill", self.kill)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def queue(self, name, *mail, **parts):
        control, data = exim_mail(*mail, **parts)
        self.write(f"{INPUT}/{name}-H", control)
        self.write(f"{INPUT}/{name}-D", data)

    def kill(self, pid, number):
        self.calls.append(f"kill {pid} {signal.Signals(number).name}")
        if not self.stubborn or number == signal.SIGKILL:
            self.pids.discard(pid)

    def run(self, args, data=None):
        self.calls.append(" ".join(args))
        if args[0] == "systemctl" and args[1] in ("stop", "start"):
            self.units[args[-1]] = self.units[args[-1]]._replace(running=args[1] == "start")
        if args[0] == "systemctl" and args[1] in ("disable", "enable"):
            self.units[args[-1]] = self.units[args[-1]]._replace(enabled=args[1] == "enable")
        if args == ["postconf", "-hx", "sendmail_path"]:
            return 0, "/usr/sbin/sendmail\n", ""
        if args[0] == "/usr/sbin/sendmail":
            recipients = args[args.index("--") + 1 :]
            if recipients[0] in self.refused:
                return self.refused[recipients[0]]
            self.given.append((args[args.index("-f") + 1], *recipients, data))
        return 0, "", ""

    def takeover(self, **options):
        return _takeover.Takeover(self.run, root=str(self.root), timeout=0.2, **options)

    def files(self, path):
        return sorted(os.path.relpath(os.path.join(d, f), self.root / path) for d, _s, names in os.walk(self.root / path) for f in names)
