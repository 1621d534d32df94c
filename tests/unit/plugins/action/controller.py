# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller on which tasks are run by themselves, and playbooks as a whole."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import types

from ansible import constants, context
from ansible_collections.postroom.mail.plugins.action.mail_change import ActionModule as ChangeAction
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import NormalActionModule, WishAction

PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"


class Role:
    def __init__(self, name, collection="postroom.mail"):
        self._name = name
        self._role_collection = collection

    def get_name(self, include_role_fqcn=True):
        return f"{self._role_collection}.{self._name}" if include_role_fqcn and self._role_collection else self._name


class Controller:
    """Runs action plugins as a worker does, without a host: what modules would get is in `ran`."""

    def __init__(self, tmp_path, monkeypatch):
        self.place = tmp_path
        self.ran = []
        self.shown = []
        self.answer = {"changed": True}
        self.play = types.SimpleNamespace(_uuid="play 1")
        monkeypatch.setitem(vars(constants), "DEFAULT_LOCAL_TMP", str(tmp_path))
        monkeypatch.setattr(context, "CLIARGS", {"check": False})
        monkeypatch.setattr(NormalActionModule, "run", lambda plugin, tmp=None, task_vars=None: self._execute(plugin._task.args))
        monkeypatch.setattr(ChangeAction, "_execute_module", lambda plugin, module_args, task_vars: self._execute(module_args))

    def _execute(self, options):
        self.ran.append(options)
        return dict(self.answer)

    def task(self, options=None, *, role=None, around=(), action="postroom.mail.postmap", own=None, **more):
        """A task in *role*, which the roles *around* it have included, the innermost first."""
        parent = None
        for name in reversed(around):
            parent = types.SimpleNamespace(_role=name if isinstance(name, Role) else Role(name), _parent=parent)
        found = {
            "_role": Role(role) if isinstance(role, str) else role,
            "_parent": types.SimpleNamespace(_parent=parent),
            "args": options or {},
            "resolved_action": action,
            "play": self.play,
            "delegate_to": None,
            "check_mode": False,
            "async_val": 0,
            "diff": False,
            "get_ds": lambda: {"name": "x", action: {}, **(own or {})},
        }
        return types.SimpleNamespace(**{**found, **more})

    def _plugin(self, kind, task):
        plugin = kind.__new__(kind)
        shell = types.SimpleNamespace(tmpdir="")
        vars(plugin).update(
            _task=task,
            _connection=types.SimpleNamespace(_shell=shell, become=None),
            _display=types.SimpleNamespace(display=lambda line, color=None: self.shown.append(line)),
            _templar=None,
            _supports_check_mode=True,
            _supports_async=True,
        )
        return plugin

    def run(self, options=None, host="mail", **task):
        """Run a task of a module; True if it waits."""
        result = self._plugin(WishAction, self.task(options, **task)).run(task_vars={"inventory_hostname": host})
        return bool(result.get("waits"))

    def change(self, state=None, host="mail", options=None, **task):
        """Run a task of mail_change; gives what it says."""
        options = {**({"state": state} if state else {}), **(options or {})}
        plugin = self._plugin(ChangeAction, self.task(options, action="postroom.mail.mail_change", **task))
        plugin.cleanup = lambda force=False: None
        return plugin.run(task_vars={"inventory_hostname": host})

    def files(self):
        return sorted(self.place.iterdir())


STUB = """\
#!/usr/bin/python
import json, os
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({{name: {{"type": "raw"}} for name in {options}}}, supports_check_mode=True)
given = {{name: value for name, value in module.params.items() if value is not None}}
with open(os.environ["RAN"], "a") as f:
    f.write(json.dumps(["{name}", module.check_mode, given]) + "\\n")
module.exit_json(changed=True)
"""
OPTIONS = {
    "mail_change": ["state", "wishes", "services", "proof", "timeout"],
    "mail_file": ["files", "absent", "name", "other"],
}


class Playbook:
    """Runs playbooks with roles of this collection, whose plugins on the controller are the real ones, and whose modules only tell."""

    def __init__(self, tmp_path):
        self.place = tmp_path
        self.collection = tmp_path / "collections/ansible_collections/postroom/mail"
        (self.collection / "meta").mkdir(parents=True)
        (self.collection / "meta/runtime.yml").write_text('requires_ansible: ">=2.19.0"\n')
        (self.collection / "plugins/modules").mkdir(parents=True)
        for part in ("action", "plugin_utils", "module_utils", "doc_fragments"):
            (self.collection / "plugins" / part).symlink_to(PLUGINS / part)
        for name, options in OPTIONS.items():
            (self.collection / f"plugins/modules/{name}.py").write_text(STUB.format(name=name, options=options))

    def role(self, name, *tasks):
        """A role that begins a change, does *tasks*, and ends it."""
        begun, done = ({"name": state, "postroom.mail.mail_change": {"state": state}} for state in ("begun", "done"))
        path = self.collection / "roles" / name / "tasks/main.yml"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([begun, *tasks, done]))

    def run(self, *plays, hosts=("one",), arguments=()):
        """Gives what the modules got, in order: their names, whether they only checked, their options."""
        (self.place / "play.yml").write_text(json.dumps([{"gather_facts": False, **play} for play in plays]))
        local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
        (self.place / "inventory").write_text("".join(f"{host} {local}\n" for host in hosts))
        (self.place / "none.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
        ran = self.place / "ran"
        ran.write_text("")
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(self.place / "collections"),
            "ANSIBLE_HOME": str(self.place / "home"),
            "ANSIBLE_CONFIG": str(self.place / "none.cfg"),
            "RAN": str(ran),
        }
        argv = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "inventory", "play.yml", *arguments]
        done = subprocess.run(argv, cwd=self.place, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in ran.read_text().splitlines()]
