# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host below a directory that is changed as a whole, with daemons that do what a test says."""

from __future__ import annotations

import contextlib
import os
import stat

from ansible_collections.postroom.mail.plugins.module_utils._change.change import Change, Work
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._change.placing import Placing
from ansible_collections.postroom.mail.plugins.module_utils._change.stage import Stage
from ansible_collections.postroom.mail.plugins.module_utils._core import files, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.host_tree import HostTree

NOTHING_DONE = {"changed": False, "actions": [], "reasons": []}


class FakeServices:
    """Daemons that note what is asked of them; *fails* names the call that goes wrong, and how."""

    def __init__(self, **fails):
        self.calls = []
        self.warnings = []
        self.fails = fails
        self.told = dict(NOTHING_DONE)
        # What is done in passing, as by a daemon that looks at its files.
        self.on = {}

    def _called(self, name, said=""):
        self.calls.append(name + said)
        self.on.get(name, lambda: None)()
        if name in self.fails:
            raise self.fails[name]

    def apply(self, results, *, changed):
        self._called("apply")
        return dict(self.told)

    def withdraw(self):
        self._called("withdraw")

    def apply_former(self, *, after_kill=False):
        self._called("apply_former", " after a kill" if after_kill else "")

    def prove(self):
        self._called("prove")


class ChangeHost(HostTree):
    def __init__(self, directory):
        super().__init__(directory / "host")
        self.root.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(str(directory / "journal"))
        self.services = FakeServices()
        self.change = None

    def path(self, name):
        return str(self.root / name)

    def update(self, name, text, mode=None, **options):
        return files.update(self.path(name), lambda _before: text, attributes=files.Attributes(mode=mode), **options)

    def carry_out(self, *works, first=(), **options):
        """Carry out *works*, which are functions; each has changed something unless it tells otherwise."""
        self.change = Change(self.services, journal=self.journal, **{"patience": 0.2, **options})

        def work(do):
            def changed():
                told = do()
                return told if isinstance(told, dict) else {"changed": True}

            return Work("mail_file", changed)

        try:
            return self.change.carry_out([Work("mail_user", do) for do in first], list(map(work, works)))
        finally:
            assert staging.current() is None

    def tree(self):
        """Return everything at every path: its kind, its content, its mode and its owner."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            st = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(self.root))] = (stat.S_IFMT(st.st_mode), content, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid)
        return found

    def stamps(self):
        """By which it shows that a path was touched, even in vain."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            st = path.lstat()
            found[str(path.relative_to(self.root))] = (st.st_ino, st.st_mtime_ns, st.st_ctime_ns)
        return found

    def kept(self):
        """Everything in the place of the journal but its lock."""
        place = self.root.parent / "journal"
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.name != "lock")


class Gathered:
    """A block of which all changes are gathered, and then put in place, or left."""

    def __init__(self):
        self.stage = Stage()

    def __enter__(self):
        self._block = staging.gathered_in(self.stage)
        self._block.__enter__()
        return self.stage

    def __exit__(self, *error):
        self._block.__exit__(*error)
        self.stage.settle()


def put_in_place(stage, between=lambda: None):
    """Do what `Change` does with files, without a journal; *between* everything was prepared and the first rename."""
    placing = Placing(stage)
    with contextlib.ExitStack() as locks:
        placing.prepare(locks)
        between()
        placing.settle_directories()
        for entry in placing.in_order():
            placing.place(entry)
    placing.finish()
    return placing


def failing(message="It does not work."):
    def fail():
        raise HostError(message)

    return fail
