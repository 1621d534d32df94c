# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with Dovecot's Sieve and procmail, below a directory."""

from __future__ import annotations

import grp
import os
import pathlib
import pwd
import re
import shutil
import types

from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._filter import plan as filter_plan
from ansible_collections.postroom.mail.plugins.module_utils._filter import trial
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_filter import Filters
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.host_tree import HostTree

KEPT = "\nPerformed actions:\n\n  (none)\n\nImplicit keep:\n\n * store message in folder: INBOX\n\n"
FILED = "\nPerformed actions:\n\n * store message in folder: Junk\n\nImplicit keep:\n\n  (none)\n\n"


class FakeHost(HostTree):
    """Users all have the ids of who runs the tests; procmail writes its log and what `delivered` says."""

    def __init__(self, directory, monkeypatch):
        super().__init__(directory / "root")
        self.place = directory / "place"
        self.users = ["root", "nobody", "vmail", "alice", "bob"]
        self.programs = ["sievec", "sieve-test", "procmail"]
        self.calls = []
        self.seen = []
        self.compiled_where = []
        self.delivered = {"mail/new/1.host": "x"}
        self.procmail_says = []
        self.does_not_compile = None
        self.sieve_test = (0, KEPT, "sieve-test: Info: final result: success\n")
        self.warnings = []
        gid = os.getgid()
        monkeypatch.setattr(pwd, "getpwnam", self._getpwnam)
        monkeypatch.setattr(pwd, "getpwall", lambda: [self._account(name, 1000 if name in ("alice", "bob") else 8) for name in self.users])
        monkeypatch.setattr(grp, "getgrnam", lambda name: types.SimpleNamespace(gr_gid=gid))
        monkeypatch.setattr(shutil, "which", self._which)
        monkeypatch.setattr(rooms, "PLACE", str(self.place))
        monkeypatch.setattr("tempfile.tempdir", str(self.place))
        for path in (self.place, self.root / "home/alice", self.root / "home/bob", self.root / "usr/bin", self.root / "etc/dovecot"):
            path.mkdir(parents=True)
        self.write("usr/bin/sievec", "")
        os.utime(self.root / "usr/bin/sievec", (1, 1))

    def _account(self, name, uid):
        return types.SimpleNamespace(pw_name=name, pw_uid=uid, pw_gid=os.getgid(), pw_dir=f"/home/{name}")

    def _getpwnam(self, name):
        if name not in self.users:
            raise KeyError(name)
        return self._account(name, os.getuid())

    def _which(self, name, path=None):
        # On this host it is older than whatever it compiled.
        return f"/usr/bin/{name}" if name in self.programs and name != "sievec" else None

    def run(self, args, data=None):
        self.calls.append(" ".join(args).replace(str(self.root), "").replace(str(self.place), "PLACE"))
        self.calls[-1] = re.sub(r"PLACE/[\w-]+\.\w+/", "ROOM/", self.calls[-1])
        program = next((word for word in args if word in ("sievec", "sieve-test", "procmail")), None)
        if program and program not in self.programs:
            return 127, "", ""
        if program == "sievec":
            return self._sievec(*args[1:])
        if program == "sieve-test":
            self.seen = [pathlib.Path(word).read_text() for word in args if word.startswith(str(self.place))]
            self.seen_modes = (os.stat(os.path.dirname(args[-1])).st_mode & 0o777, os.stat(args[-1]).st_mode & 0o777)
            return self.sieve_test
        if program == "procmail":
            self._procmail(pathlib.Path(args[-1]), data)
        return 0, "", ""

    def _sievec(self, path, into=None):
        if self.does_not_compile and self.does_not_compile in pathlib.Path(path).read_text():
            return 89, "", "0: line 6: error: this is odd.\n0: error: validation failed.\n"
        made = pathlib.Path(into or path.removesuffix(".sieve") + ".svbin")
        made.write_text("compiled")
        made.chmod(0o644)
        self.compiled_where.append((made.parent.stat().st_mode & 0o777, str(made)))
        return 0, "", ""

    def _procmail(self, rc_file, message):
        text = rc_file.read_text()
        logged = [line for found in re.findall(r'LOG="([^"]*)\n"', text) for line in (found, *self.procmail_says)]
        (rc_file.parent / "log").write_text("".join(f"{line}\n" for line in logged))
        if "postroom end" not in text:
            self.seen = [text, message]
            for name, content in self.delivered.items():
                (rc_file.parent / name).parent.mkdir(parents=True, exist_ok=True)
                (rc_file.parent / name).write_text(content)

    def bring(self, *, check_mode=False, samples=(), virtual_account="vmail", replace=False, mail_location="maildir:~/Maildir", **wanted):
        self.calls, self.seen = [], []
        host = Filters(self.run, check_mode=check_mode, virtual_account=virtual_account, replace=replace, root=str(self.root))
        self.warnings = host.warnings
        wanted = {"engine": "sieve", "rules": [], "rules_after": [], "users": [], **wanted}
        plan = filter_plan.checked(*filter_plan.plan(**wanted, domain="example.org", mail_location=mail_location))
        outcome = host.bring(plan, trial.samples_from(samples))
        assert list(self.place.iterdir()) == []
        return outcome

    def paths(self, outcome):
        return [path.removeprefix(str(self.root)) for path in outcome.paths]

    def tree(self):
        """Every file with its content, its mode, its inode and its time."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            st = path.lstat()
            content = path.read_text() if path.is_file() else None
            found[str(path.relative_to(self.root))] = (content, st.st_mode, st.st_ino, path.is_file() and st.st_mtime_ns)
        return found
