# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a saslauthd, below a directory."""

from __future__ import annotations

import grp
import os
import types

from ansible_collections.postroom.mail.plugins.module_utils._sasl import setup as sasl_setup
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Place
from ansible_collections.postroom.mail.plugins.module_utils._sasl.setup import Setup
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.host_tree import HostTree

SETTINGS = "etc/default/saslauthd"
PACKAGED = '# The package\'s own.\nMECHANISMS="pam"\nOPTIONS="-c -m /var/run/saslauthd"\n'


class FakeHost(HostTree):
    """A host below a directory, with a saslauthd that systemd starts and stops, and a group sasl."""

    def __init__(self, root, monkeypatch):
        super().__init__(root)
        self.monkeypatch = monkeypatch
        self.place = Place(chrooted=True)
        self.calls = []
        self.running = self.enabled = False
        self.members = []
        self.settings_at_stop = None
        self.owners = {}
        monkeypatch.setattr(services, "manager", lambda root="/": "systemd")
        monkeypatch.setattr(grp, "getgrnam", lambda name: types.SimpleNamespace(gr_gid=45, gr_mem=self.members))
        monkeypatch.setattr(os, "chown", lambda path, uid, gid: self.owners.update({str(path): (uid, gid)}))
        of_directory = sasl_setup._attributes
        monkeypatch.setattr(sasl_setup, "_attributes", lambda path: self._owned(path, of_directory(path)))
        monkeypatch.setattr(Setup, "_ask", lambda setup: None)
        self.write(SETTINGS, PACKAGED)
        self.write("usr/sbin/saslauthd", mode=0o755)
        self.write("usr/lib/systemd/system/saslauthd.service")

    def _owned(self, path, found):
        # Only root can give a directory away.
        return found and (found[0], *self.owners.get(path, found[1:]))

    def run(self, args, data=None):
        self.calls.append(" ".join(args))
        if args[:2] == ["systemctl", "show"]:
            active = "ActiveState=active\nSubState=running" if self.running else "ActiveState=inactive\nSubState=dead"
            return 0, f"LoadState=loaded\n{active}\nUnitFileState={'enabled' if self.enabled else 'disabled'}\n", ""
        if args[0] == "saslauthd":
            return 0, "", "authentication mechanisms: pam shadow ldap rimap\n"
        if args[0] == "systemctl" and args[-1] == "saslauthd":
            if args[1] in ("start", "restart"):
                self.running = True
                if self.place.chrooted:
                    self.write(f"{self.place.socket_directory.lstrip('/')}/mux")
            if args[1] == "stop":
                self.running = False
                self.settings_at_stop = self.read(SETTINGS)
            if args[1] in ("enable", "disable"):
                self.enabled = args[1] == "enable"
        if args[0] == "usermod":
            self.members = [args[-1]]
        if args[0] == "gpasswd":
            self.members = []
        return 0, "", ""

    def bring(self, wanted, **options):
        self.calls = []
        return Setup(self.run, self.place, root=str(self.root), timeout=0.3, **options).bring(wanted)

    def changing(self):
        ordinary = ("systemctl show", "saslauthd -v", "postconf", "systemctl reset-failed")
        return [call for call in self.calls if not call.startswith(ordinary)]

    def tree(self):
        """Every file with its content, and every directory."""
        return {str(path.relative_to(self.root)): path.read_text() if path.is_file() else None for path in sorted(self.root.rglob("*"))}
