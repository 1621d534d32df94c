# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a sendmail whose files lie in a directory."""

from __future__ import annotations

import os
import re

from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_auth, sendmail_daemon
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_auth import Auth, Paths
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_daemon import NotServing
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_mc import Wanted

OWN = "OPTION LogLevel=9\n"
WANTED = Wanted(certificate="/etc/ssl/certs/mail.pem", private_key="/etc/ssl/private/mail.key")


class FakeHost:
    """A sendmail whose m4 knows mechanisms, and lines that begin with OPTION; a sendmail.mc with BROKEN it does not take."""

    def __init__(self, directory, monkeypatch):
        self.paths = Paths(str(directory / "sendmail.mc"), str(directory / "sendmail.cf"))
        self.missing = ()
        self.behind = False
        self.pid = 42
        self.read = []
        self.refuses = ""
        self.write(OWN)
        self.make()
        monkeypatch.setattr(sendmail_daemon, "daemon", lambda files: self.pid)
        monkeypatch.setattr(sendmail_daemon, "is_behind", lambda pid, paths: self.behind)
        monkeypatch.setattr(sendmail_daemon, "read_again", lambda pid, cf, timeout: self.read.append(self.cf()))
        monkeypatch.setattr(sendmail_daemon, "prove", self.prove)
        monkeypatch.setattr(sendmail_auth, "Control", lambda *arguments: self)

    def bring(self, services):
        """Return the work of Control for a service that is to be started."""
        self.read.append(self.cf())
        return {"actions": [f"start {service.name}" for service in services]}

    def prove(self, host, timeout):
        if self.refuses:
            raise NotServing(self.refuses)

    def write(self, mc):
        with open(self.paths.mc, "w") as f:
            f.write(mc)

    def mc(self):
        with open(self.paths.mc) as f:
            return f.read()

    def cf(self):
        with open(self.paths.cf) as f:
            return f.read()

    def make(self, more=""):
        with open(self.paths.cf, "w") as f:
            f.write(self.build(self.mc()) + more)

    @staticmethod
    def build(mc):
        options = re.findall(r"^OPTION (.*)$|^define\(`confAUTH_MECHANISMS', `(.*)'\)dnl$", mc, re.MULTILINE)
        return "".join(f"O {option}\n" if option else f"O AuthMechanisms={names}\n" for option, names in options)

    def run(self, args, data=None):
        if args[0] in self.missing:
            return 127, "", f"{args[0]}: No such file or directory"
        if args[0] == "m4":
            if "BROKEN" in data:
                return 1, "", "m4:stdin:7: ERROR: end of file in string\n"
            return 0, f"##### built somewhere, {len(self.read)}\n{self.build(data)}", ""
        with open(args[2]) as f:
            return (
                (70, "", f"{args[2]}: line 3: unknown option name Nonsense\n") if "Nonsense" in f.read() else (0, "ADDRESS TEST MODE\n", "")
            )

    def auth(self, wanted=WANTED, check_mode=False, **more):
        return Auth(self.run, self.paths, check_mode).bring(wanted, **more)

    def inodes(self):
        return [os.stat(path).st_ino for path in self.paths[:2]]
