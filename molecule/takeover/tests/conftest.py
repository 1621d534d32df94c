# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import uuid

import pytest

SCENARIO = pathlib.Path(__file__).parents[1]
# Molecule says it too, but pytest serves by itself.
os.environ.setdefault("MOLECULE_SCENARIO_DIRECTORY", str(SCENARIO))
sys.path.insert(0, str(SCENARIO.parent / "shared"))

from harness import Peer

LOGINS = {name: [name, f"what {name} knows"] for name in ("alice", "bob")}


@dataclasses.dataclass(frozen=True)
class Host(Peer):
    """A container in which Postfix took over from another mail server."""

    former: str
    spools: tuple[str, ...]

    @property
    def domain(self) -> str:
        return f"{self.name}.example"

    def inbox(self, outside: Peer, user: str, subject: str, wait: float = 20) -> dict:
        """Return the number of messages with *subject* that *user* finds, and the first of them."""
        # The engine resolves the names of containers everywhere, also on the resolver itself.
        return outside.ask("imap", host=self.container, login=LOGINS[user], subject=subject, wait=wait)


SPOOLS = {"exim": ("/var/spool/exim4/input",), "sendmail": ("/var/spool/mqueue", "/var/spool/mqueue-client")}
HOSTS = [Host(f"{former}{release}", former, SPOOLS[former]) for former in SPOOLS for release in (12, 13)]


@pytest.fixture(scope="session", params=HOSTS, ids=lambda host: host.name)
def host(request):
    """One mail host after the other."""
    return request.param


@pytest.fixture(scope="session")
def outside():
    """A foreign host, and the mail exchanger of elsewhere.example."""
    return Peer("outside")


@pytest.fixture
def subject():
    return f"proof-{uuid.uuid4()}"
