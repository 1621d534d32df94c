# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario, and how one of them is made to talk to another."""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import shlex
import subprocess
import typing as t
import uuid

import pytest

SHARED = pathlib.Path(__file__).parents[2] / "shared"
ALICE = ["alice", 'correct horse %n "battery"']
BOB = ["bob", "bob's own $ecret"]


@dataclasses.dataclass(frozen=True)
class Peer:
    """A container of the scenario."""

    name: str

    def run(self, command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the container; the caller looks at its rc."""
        argv = ["docker", "exec", f"postroom-host-{self.name}", "sh", "-c", command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)

    def out(self, command: str) -> str:
        """The output of a shell command that must succeed."""
        done = self.run(command)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def ask(self, dialogue: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Have one of the dialogues of molecule/shared/dialogues.py spoken from this container."""
        code = base64.b64encode((SHARED / "dialogues.py").read_bytes()).decode()
        command = f"echo {code} | base64 -d | python3 - {dialogue} {shlex.quote(json.dumps(arguments))}"
        return json.loads(self.out(command))


@dataclasses.dataclass(frozen=True)
class MailHost(Peer):
    """A container that the collection made a mail host."""

    domain: str

    @property
    def fqdn(self) -> str:
        return f"mail.{self.domain}"


@pytest.fixture(scope="session", params=["mail12", "mail13"])
def mail(request):
    return MailHost(request.param, f"{request.param}.example")


@pytest.fixture(scope="session")
def outside():
    """A foreign host: no mail host trusts it. It is the MX of every other domain, too."""
    return Peer("outside")


@pytest.fixture(scope="session")
def inside():
    """A host in mail_networks."""
    return Peer("inside")


@pytest.fixture
def subject():
    return f"proof-{uuid.uuid4()}"
