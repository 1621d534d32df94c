# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container that is measured, more of its kind, and Ansible pointed at them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]

# No single step may take longer; one that does is stuck, not slow.
LIMIT = 300

RECAP = re.compile(r"changed=(?P<changed>\d+)\s+unreachable=(?P<unreachable>\d+)\s+failed=(?P<failed>\d+)")

# Exactly what the README tells users to turn on; the same for the floor and for everything measured against it.
CONFIG = """\
[defaults]
interpreter_python = /usr/bin/python3
retry_files_enabled = false
nocows = true
[connection]
pipelining = true
"""


class Stopped(Exception):
    """The benchmark cannot go on: the message says which step failed, and its output."""


class Host:
    """One systemd container with a mail host's packages at hand, and the inventory that names it.

    `used` is the processor time of the last command on the controller, with all processes of Ansible.
    """

    def __init__(self, image: str, variables: dict[str, t.Any]) -> None:
        self.name = f"postroom-bench-{os.getpid()}"
        self.used = 0.0
        # The other containers, by name.
        self.others: list[str] = []
        self._image, self._variables = image, {"ansible_connection": "community.docker.docker", **variables}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postroom-bench-"))
        (self.folder / "ansible.cfg").write_text(CONFIG)
        self._inventory = self.inventory([self.name])
        self._start(self.name)

    def another(self) -> str:
        """Start one more container, on which nothing is installed, and give its name."""
        name = f"{self.name}-{len(self.others) + 1}"
        self.others.append(name)
        self._start(name)
        return name

    def inventory(self, hosts: t.Sequence[str], variables: dict[str, t.Any] | None = None) -> pathlib.Path:
        """Write an inventory of *hosts*, with *variables* beside the usual ones, and give its path."""
        # As a file of variables in JSON, which Ansible reads fastest.
        folder = self.folder / f"inventory-{len(list(self.folder.iterdir()))}"
        (folder / "group_vars").mkdir(parents=True)
        (folder / "group_vars/mail.json").write_text(json.dumps({**self._variables, **(variables or {})}))
        (folder / "hosts.json").write_text(json.dumps({"mail": {"hosts": dict.fromkeys(hosts)}}))
        return folder / "hosts.json"

    def _start(self, name: str) -> None:
        unified = pathlib.Path("/sys/fs/cgroup/unified")
        cgroup = unified if unified.is_dir() else unified.parent
        command = ["docker", "run", "--detach", "--name", name, "--hostname", "mail.example.org"]
        command += ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        command += ["--volume", f"{cgroup}:/sys/fs/cgroup:rw", "--tmpfs", "/run", "--tmpfs", "/tmp", "--stop-signal", "SIGRTMIN+3"]
        self._command([*command, self._image, "/sbin/init"])
        for _attempt in range(60):
            with contextlib.suppress(Stopped):
                self._command(["docker", "exec", name, "sh", "-c", "systemctl is-system-running --wait || test $? -eq 1"])
                return
            time.sleep(0.5)
        raise Stopped(f"systemd does not come up in a container of {self._image}.")

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name, *self.others], check=False, capture_output=True, timeout=LIMIT)
        shutil.rmtree(self.folder)

    def shell(self, script: str) -> str:
        """Run *script* in the container, without Ansible."""
        return self._command(["docker", "exec", self.name, "sh", "-c", script])

    def do(self, script: str) -> None:
        """Run *script* like `shell`, for what it does and not for what it says."""
        self.shell(script)

    def install(self, *packages: str) -> None:
        self.shell(f"DEBIAN_FRONTEND=noninteractive apt-get install -y {' '.join(packages)}")

    def ping(self) -> None:
        self._command(["ansible", "-m", "ansible.builtin.ping", "all"])

    def play(self, play: str | list[dict[str, t.Any]], *, changed: bool | None = False, inventory: pathlib.Path | None = None) -> None:
        """Run a playbook by name, or a play's tasks or roles; *changed* says what the recap must show of each host, None anything."""
        if not isinstance(play, str):
            path = self.folder / "play.json"
            path.write_text(json.dumps([{"hosts": "mail", "gather_facts": False, **part} for part in play]))
            play = str(path)
        output = self._command(["ansible-playbook", play], inventory)
        recaps = list(RECAP.finditer(output))
        if not recaps or any(recap["unreachable"] + recap["failed"] != "00" for recap in recaps):
            raise Stopped(f"{play}: no good recap:\n{output}")
        for recap in recaps:
            if changed is not None and changed != (recap["changed"] != "0"):
                raise Stopped(f"{play}: changed={recap['changed']} where {'a change' if changed else 'none'} was due:\n{output}")

    def _command(self, command: list[str], inventory: pathlib.Path | None = None) -> str:
        before = _processor_time()
        environ = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_INVENTORY": str(inventory or self._inventory),
            "ANSIBLE_FORKS": "8",
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environ, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT
        )
        self.used = _processor_time() - before
        if done.returncode != 0:
            raise Stopped(f"{' '.join(command)}: rc {done.returncode}:\n{done.stdout}")
        return done.stdout


def _processor_time() -> float:
    """Of all commands so far, and of the processes that they have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
