# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change with everything in it that a change can have, and a way to fail or to die in each of its steps."""

from __future__ import annotations

import os
import pathlib

from ansible_collections.postroom.mail.plugins.module_utils._core import files, rooms, staging
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost

KILLED = 9
# What a change asks of the kernel, step by step.
STEPS = ("rename", "unlink", "mkdir", "rmdir", "symlink", "chmod", "chown", "fchmod", "fchown", "utime", "fsync")


class Scenario(ChangeHost):
    """A host with a table, some files and a group of users; it is as wanted when all is done."""

    def __init__(self, directory):
        super().__init__(directory)
        if not (self.root / "main.cf").exists():
            self._furnish()
        self.state = directory / "state"
        self.order = []
        self.step = self._noted
        self.services.on = {name: self._stepping(name) for name in ("apply", "prove", "withdraw", "apply_former")}

    def _noted(self, name):
        self.order.append(name)

    def _stepping(self, name):
        return lambda: self.step(name)

    def _furnish(self):
        self.write("main.cf", "former\n", 0o640)
        self.write("table", "a b\n")
        self.write("table.db", "compiled a b\n", 0o600)
        self.write("mode.cf", "as it is\n", 0o644)
        self.write("useless.cf", "useless\n")
        self.write("right.cf", "right\n")
        self.write("sub/real", "former\n")
        (self.root / "link").symlink_to("sub/real")
        (self.root / "useless link").symlink_to("nowhere")
        os.mkfifo(self.root / "useless fifo")
        (self.root / "sub").chmod(0o750)
        (self.root.parent / "state").mkdir()
        for number, path in enumerate(sorted(self.root.rglob("*"))):
            os.utime(path, ns=(number, number), follow_symlinks=False)

    # What is wanted -------------------------------------------------------------------------------------------------------

    def works(self):
        return [self._table, self._files, self._member]

    def _table(self):
        rooms.clear_up(str(self.root))
        with staging.until_in_place() as stack:
            change = self.update("table", "c d\n")
            if change.content_changed or not files.exists(self.path("table.db")):
                room = stack.enter_context(rooms.room("table", str(self.root)))
                compiled = pathlib.Path(room, "table.db")
                compiled.write_text("compiled c d\n")
                compiled.chmod(0o600)
                files.make(self.path("table.db"), lambda: os.rename(compiled, self.path("table.db")))
        return {"changed": change.changed}

    def _files(self):
        if not files.is_directory(self.path("new/below")):
            files.make_directory(self.path("new/below"), mode=0o711, parents=True)
        files.make_directory(self.path("sub"), mode=0o755)
        changes = [
            self.update("main.cf", "wanted\n", backup=True),
            self.update("new/below/fresh", "wanted\n", mode=0o600),
            self.update("mode.cf", "as it is\n", mode=0o600),
            self.update("right.cf", "right\n"),
            self.update("link", "wanted\n"),
        ]
        gone = [name for name in ("useless.cf", "useless link", "useless fifo") if os.path.lexists(self.path(name))]
        for name in gone:
            files.remove(self.path(name))
        return {"changed": bool(gone) or any(change.changed for change in changes)}

    def _member(self):
        """A user becomes the member of a group, for which a daemon has to be stopped."""
        member, stopped = self.state / "member", self.state / "stopped"
        if not member.exists():
            staging.effect(lambda: self._set(stopped, "stop"), lambda: self._unset(stopped, "start again"), before_files=True)
            staging.effect(lambda: self._set(member, "add"), lambda: self._unset(member, "remove"))
        if stopped.exists() or not member.exists():
            staging.effect(lambda: self._unset(stopped, "start"), lambda: self._set(stopped, "stop again"))
        return {"changed": not member.exists()}

    def _set(self, path, name):
        self.step(name)
        path.write_text("")

    def _unset(self, path, name):
        self.step(name)
        path.unlink(missing_ok=True)

    def tree(self):
        # Only root's rooms are locked, and known again by the next run.
        return {name: what for name, what in super().tree().items() if os.geteuid() == 0 or "postroom-table" not in name}

    def everything(self):
        """The tree, and the state beside it."""
        return {**self.tree(), "state": sorted(os.listdir(self.state))}


def fixed_backups(monkeypatch):
    """Two runs within a second, and two runs that are compared, call their backups the same."""
    monkeypatch.setattr(files, "backup_name", lambda path: f"{path}.backup~")


class Steps:
    """Counts the steps of a process; *at* one of them something happens."""

    def __init__(self, host, at, happens):
        self.number = 0
        self.at = at
        self.happens = happens
        self.host = host
        self.names = []

    def __enter__(self):
        self._real = {name: getattr(os, name) for name in STEPS}
        for name, real in self._real.items():
            setattr(os, name, self._counted(name, real))
        self.host.step = self.comes
        return self

    def __exit__(self, *error):
        for name, real in self._real.items():
            setattr(os, name, real)

    def comes(self, name):
        self.number += 1
        self.names.append(name)
        if self.number == self.at:
            self.happens(name)

    def _counted(self, name, real):
        def counted(*arguments, **options):
            self.comes(name)
            # No disk is asked here.
            return None if name == "fsync" else real(*arguments, **options)

        return counted


def killed_at(host, number, run):
    """Do *run* in a process of its own, which dies before its step *number*; False: it came to its end."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with Steps(host, number, lambda name: os._exit(KILLED)):
                run()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED
