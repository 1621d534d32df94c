# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module as Ansible calls it: its own main() and a real AnsibleModule; only the commands of the host are others."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

PACKAGE = "ansible_collections.postroom.mail.plugins.modules"


@dataclasses.dataclass(frozen=True)
class Told:
    """The remains of one call."""

    code: int
    result: dict[str, t.Any]
    printed: str
    # What went into the host's log.
    logged: str
    # The command lines, without what the programs were given on their standard input.
    commands: str
    warnings: list[str]

    @property
    def everything(self):
        return self.printed + self.logged + self.commands

    @property
    def own(self):
        """Return the module's own result; the rest is the same for all modules, and Ansible's words about a path."""
        others = {"changed", "failed", "diff", "invocation", "warnings", "uid", "gid", "owner", "group", "mode", "state", "size"}
        return {key: value for key, value in self.result.items() if key not in others}


class Stopped(Exception):
    """A module has said which options it takes."""


def introduced(name, monkeypatch):
    """Return the arguments that a module gives AnsibleModule, its argument spec first of all."""

    def stop(module, argument_spec, **more):
        raise Stopped({"argument_spec": argument_spec, **more})

    with monkeypatch.context() as patched:
        patched.setattr(basic.AnsibleModule, "__init__", stop)
        with pytest.raises(Stopped) as stopped:
            importlib.import_module(f"{PACKAGE}.{name}").main()
    return stopped.value.args[0]


class Caller:
    """Calls modules on a host whose commands *run* answers."""

    def __init__(self, monkeypatch, capsys, tmp_path):
        self._capsys = capsys
        self._tmp = tmp_path / "tmp of ansible"
        self._tmp.mkdir()
        self._run = None
        self._logged: list[str] = []
        self._commands: list[str] = []
        self._warned: list[str] = []
        # A runner takes out of the environment what no program has to know.
        monkeypatch.setattr(os, "environ", dict(os.environ))
        monkeypatch.setattr(basic.AnsibleModule, "run_command", lambda module, args, data=None, **options: self._answer(args, data))
        # Ansible shows a warning itself where its own plugins were imported, too.
        monkeypatch.setattr(basic.AnsibleModule, "warn", lambda module, warning: self._warned.append(warning))
        monkeypatch.setattr(basic.AnsibleModule, "log", lambda module, msg, log_args=None: self._logged.append(f"{msg} {log_args}"))

    def _answer(self, args, data):
        self._commands.append(" ".join(args))
        return self._run(args, data)

    def __call__(self, name, options, run, *, check_mode=False, diff=False):
        self._run = run
        self._logged.clear()
        self._commands.clear()
        self._warned.clear()
        given = {**options, "_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_remote_tmp": str(self._tmp)}
        module = importlib.import_module(f"{PACKAGE}.{name}")
        with patch_module_args(given), pytest.raises(SystemExit) as left:
            module.main()
        printed = self._capsys.readouterr().out
        return Told(left.value.code, json.loads(printed), printed, "\n".join(self._logged), "\n".join(self._commands), list(self._warned))
