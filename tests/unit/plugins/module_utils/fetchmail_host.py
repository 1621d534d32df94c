# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with fetchmail, below a directory."""

from __future__ import annotations

import grp
import os
import pwd
import types

from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.config import Fetchmail, Request
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.host_tree import HostTree

SYSTEM = "etc/fetchmailrc"
SWITCH = "etc/default/fetchmail"
DAEMON = "etc/systemd/system/fetchmail.service"
UNIT = "etc/systemd/system/postroom-fetchmail@.service"
WANTS = "etc/systemd/system/multi-user.target.wants"
PACKAGED = "# The package's own.\nSTART_DAEMON=no\n"
FOREIGN = 'poll "elsewhere.example" user "x" password "theirs"\n'
ROOT_WARNING = "fetchmail: WARNING: Running as root is discouraged.\n"
SECRET = 's3cret"\\'

SHARED = {"poll": "pop.example", "proto": "pop3", "user": "al", "password": SECRET, "is": ["alice"], "ssl": True, "sslcertck": True}
ALICE = {**SHARED, "user": "al2", "owner": "alice"}
BOB = {**SHARED, "user": "bo", "is": ["bob"], "owner": "bob"}
SETTINGS = {"daemon": 300, "syslog": True}


def service(name, state, enabled=True):
    return {"name": name, "state": state, "enabled": enabled}


class FakeHost(HostTree):
    """A host below a directory, with fetchmail, systemd, and users who all have the ids of who runs the tests."""

    def __init__(self, root, monkeypatch):
        super().__init__(root)
        self.users = ["root", "alice", "bob", "fetchmail"]
        self.units = {}
        self.calls = []
        self.read_by_fetchmail = []
        self.tree_when_asked = None
        self.seen_at_stop = None
        self.answer = (0, "This is fetchmail\n", ROOT_WARNING)
        self.warnings = []
        of_host, gid = services.manager, os.getgid()
        monkeypatch.setattr(pwd, "getpwnam", self._getpwnam)
        monkeypatch.setattr(grp, "getgrnam", lambda name: types.SimpleNamespace(gr_gid=gid))
        monkeypatch.setattr(services, "manager", lambda path="/": of_host(str(root)))
        monkeypatch.setattr(services, "states", lambda run, names, queue=None: {name: self.state(name) for name in names})
        for directory in ("run/systemd/system", "home/alice", "home/bob", WANTS):
            (root / directory).mkdir(parents=True)
        self.write(SWITCH, PACKAGED)

    def _getpwnam(self, name):
        if name not in self.users:
            raise KeyError(name)
        return types.SimpleNamespace(pw_name=name, pw_uid=os.getuid(), pw_gid=os.getgid(), pw_dir=f"/home/{name}")

    def state(self, name):
        # The unit of a user is an instance of the template.
        return self.units.get(name, services.State(installed="@" not in name or self.read(UNIT) is not None))

    def run(self, args, data=None):
        self.calls.append(" ".join(args))
        if args[0] == "fetchmail":
            self.read_by_fetchmail.append(data)
            self.tree_when_asked = self.tree()
            return self.answer
        for action, effect in {"stop": {"running": False}, "enable": {"enabled": True}, "disable": {"enabled": False}}.items():
            if action in args:
                name = next(word for word in reversed(args) if "fetchmail" in word).rpartition("/")[2]
                if action == "stop" and name == "fetchmail":
                    # What the init script of Debian looks at before it stops anything.
                    self.seen_at_stop = (self.read(SYSTEM), self.read(SWITCH))
                self.set(name, self.state(name)._replace(**effect))
        return 0, "", ""

    def set(self, name, state):
        self.units[name] = state
        link = self.root / WANTS / f"{name}.service"
        if "@" in name:
            link.unlink(missing_ok=True)
            if state.enabled:
                link.symlink_to("/" + UNIT)

    def bring(self, *accounts, settings=None, replace=False, check_mode=False):
        self.calls, self.read_by_fetchmail = [], []
        host = Fetchmail(self.run, check_mode=check_mode, root=str(self.root))
        self.warnings = host.warnings
        return host.bring(Request(accounts, SETTINGS if settings is None else settings, replace))

    def handle(self, outcome):
        """Do what mail_service does when it is told of the services."""
        for wanted in outcome.services:
            self.set(wanted["name"], services.State(True, True, wanted["enabled"]))

    def converge(self, *accounts, **options):
        outcome = self.bring(*accounts, **options)
        self.handle(outcome)
        return outcome

    def paths(self, outcome):
        return [path.removeprefix(str(self.root)) for path in outcome.paths]

    def tree(self):
        """Every file and link with its content, its mode and its inode, and every directory."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            st = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() and st.st_size < 1 << 20 else None
            found[str(path.relative_to(self.root))] = (content, st.st_mode, st.st_ino)
        return found
