# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container that is measured, and Ansible pointed at it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
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
    """One systemd container with a mail host's packages at hand, and the inventory that names it."""

    def __init__(self, image: str, variables: dict[str, t.Any]) -> None:
        self.name = f"postroom-bench-{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postroom-bench-"))
        inventory = {"mail": {"hosts": {self.name: None}, "vars": {"ansible_connection": "community.docker.docker", **variables}}}
        (self.folder / "inventory.json").write_text(json.dumps(inventory))
        (self.folder / "ansible.cfg").write_text(CONFIG)
        unified = pathlib.Path("/sys/fs/cgroup/unified")
        cgroup = unified if unified.is_dir() else unified.parent
        command = ["docker", "run", "--detach", "--name", self.name, "--hostname", "mail.example.org"]
        command += ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        command += ["--volume", f"{cgroup}:/sys/fs/cgroup:rw", "--tmpfs", "/run", "--tmpfs", "/tmp", "--stop-signal", "SIGRTMIN+3"]
        self._command([*command, image, "/sbin/init"])
        for _attempt in range(60):
            with contextlib.suppress(Stopped):
                self.shell("systemctl is-system-running --wait || test $? -eq 1")
                return
            time.sleep(0.5)
        raise Stopped(f"systemd does not come up in a container of {image}.")

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], check=False, capture_output=True, timeout=LIMIT)
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

    def play(self, play: str | list[dict[str, t.Any]], *, changed: bool | None = False) -> None:
        """Run a playbook by name, or a play's tasks or roles; *changed* says what the recap must show, None anything."""
        if not isinstance(play, str):
            path = self.folder / "play.json"
            path.write_text(json.dumps([{"hosts": "mail", "gather_facts": False, **part} for part in play]))
            play = str(path)
        output = self._command(["ansible-playbook", play])
        recap = RECAP.search(output)
        if recap is None or recap["unreachable"] + recap["failed"] != "00":
            raise Stopped(f"{play}: no good recap:\n{output}")
        if changed is not None and changed != (recap["changed"] != "0"):
            raise Stopped(f"{play}: changed={recap['changed']} where {'a change' if changed else 'none'} was due:\n{output}")

    def _command(self, command: list[str]) -> str:
        environ = {
            **os.environ,
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_INVENTORY": str(self.folder / "inventory.json"),
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environ, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT
        )
        if done.returncode != 0:
            raise Stopped(f"{' '.join(command)}: rc {done.returncode}:\n{done.stdout}")
        return done.stdout
