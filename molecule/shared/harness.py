# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of the scenario that Molecule is running, and runs of the collection's plays against them."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import time
import types
import typing as t
import zipfile

SCENARIO = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
INVENTORY = SCENARIO / "inventory"
SHARED = pathlib.Path(__file__).parent

# Inode, time of last change of content and of attributes: what a converged run must not touch.
FILES = "find /etc/postfix /etc/dovecot /etc/aliases* /etc/ssl/private/postroom* -printf '%i %T@ %C@ %m %u %g %p\\n' | sort"


def _dialogues() -> bytes:
    """dialogues.py and what it imports, as one file that Python runs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(SHARED / "dialogues.py", "__main__.py")
        for name in ("mechanisms.py", "managesieve.py"):
            archive.write(SHARED / name, name)
    return packed.getvalue()


DIALOGUES = base64.b64encode(_dialogues()).decode()


@dataclasses.dataclass(frozen=True)
class Peer:
    """A container of the scenario."""

    name: str

    @property
    def container(self) -> str:
        return f"postroom-{SCENARIO.name}-{self.name}"

    def run(self, command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the container; the caller looks at its rc."""
        argv = ["docker", "exec", self.container, "sh", "-c", command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)

    def out(self, command: str) -> str:
        """The output of a shell command that must succeed."""
        done = self.run(command)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def ask(self, dialogue: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Have one of the dialogues of dialogues.py spoken from this container."""
        client = "/tmp/dialogues-$$"
        said = f"{dialogue} {shlex.quote(json.dumps(arguments))}"
        return json.loads(self.out(f"echo {DIALOGUES} | base64 -d >{client} && python3 {client} {said} && rm {client}"))

    def received(self, subject: str, wait: float = 0.0) -> int:
        """Return the number of messages with *subject* that the mail server of all other domains has got."""
        deadline = time.monotonic() + wait
        while True:
            count = int(self.out(f"grep -rls '^Subject: {subject}$' /var/spool/sink | wc -l"))
            if count or time.monotonic() > deadline:
                return count
            time.sleep(0.5)


class Run(t.NamedTuple):
    rc: int
    output: str

    def changed(self, host: str) -> int:
        """Return the recap of *host*."""
        recap = re.search(rf"^{host}\s+:.*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert recap, self.output[-2000:]
        return int(recap.group(1))


def command(
    name: str | pathlib.Path, limit: str, variables: dict[str, t.Any] | None = None, inventory: pathlib.Path = INVENTORY
) -> list[str]:
    """Give the command by which an administrator runs ``postroom.mail.NAME``, or a playbook of their own."""
    argv = ["ansible-playbook", "-i", str(inventory), f"postroom.mail.{name}" if isinstance(name, str) else str(name), "--limit", limit]
    return [*argv, "-e", json.dumps(variables)] if variables else argv


# Ends the change of a host, which holds the lock beside its journal, as soon as it has begun to put files in place.
KILLER = """
import glob, os, signal, sys, time
deadline = time.monotonic() + 120
while not os.path.exists("/var/lib/postroom/change/manifest.json"):
    time.sleep(0.001)
    if time.monotonic() > deadline:
        sys.exit("no change has begun")
for descriptor in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        if os.readlink(descriptor) == "/var/lib/postroom/lock":
            os.kill(int(descriptor.split("/")[2]), signal.SIGKILL)
    except OSError:
        pass
"""


def killed(hosts: t.Sequence[Peer], name: str, *, limit: str, variables: dict[str, t.Any] | None = None) -> None:
    """Run ``postroom.mail.NAME`` as `play` does, and kill it (SIGKILL) on each of *hosts* when it puts files in place."""
    with contextlib.ExitStack() as stack:
        killers = [
            stack.enter_context(subprocess.Popen(["docker", "exec", host.container, "python3", "-c", KILLER], stderr=subprocess.PIPE))
            for host in hosts
        ]
        run = play(name, limit=limit, variables=variables)
        for killer in killers:
            _out, error = killer.communicate()
            assert killer.returncode == 0, (error, run.output)
    assert run.rc != 0, run.output


def play(
    name: str | pathlib.Path,
    *arguments: str,
    limit: str,
    timeout: float = 600,
    environment: t.Mapping[str, str] = types.MappingProxyType({}),
    **more: t.Any,
) -> Run:
    """Run *name* on *limit*, with *variables* on top of the inventory's, as an administrator would without a terminal."""
    done = subprocess.run(
        [*command(name, limit, **more), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
    )  # fmt: skip
    return Run(done.returncode, done.stdout + done.stderr)


def call(target: str, module: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
    """Run the collection's *module* on *target* and give what it returned, failed or not."""
    argv = ["ansible", "-i", str(INVENTORY), target, "-m", f"postroom.mail.{module}", "-a", json.dumps(options)]
    argv += ["--check"] if check else []
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, check=False)
    answer = re.search(r"^\S+ \| (\S+) => (\{.*\})", done.stdout, re.DOTALL | re.MULTILINE)
    assert answer, done.stdout + done.stderr
    return {**json.loads(answer.group(2)), "failed": answer.group(1) == "FAILED!"}
