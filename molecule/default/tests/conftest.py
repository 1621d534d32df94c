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

ALICE = ["alice", "what alice knows"]


@dataclasses.dataclass(frozen=True)
class MailHost(Peer):
    address: str

    @property
    def fqdn(self) -> str:
        return f"{self.name}.example.org"


@pytest.fixture(scope="session")
def usual():
    """Debian 13 with systemd."""
    return MailHost("usual", "198.18.2.13")


@pytest.fixture(scope="session")
def plain():
    """Debian 12 without systemd, without IPv6 and without a name that Postfix takes."""
    return MailHost("plain", "198.18.2.12")


@pytest.fixture(scope="session")
def testing():
    """Debian testing with systemd."""
    return MailHost("testing", "198.18.2.14")


@pytest.fixture(scope="session")
def everywhere(usual, plain, testing):
    """This runs when the scenario has shown check mode and idempotence."""
    return [usual, plain, testing]


@pytest.fixture(scope="session")
def mails(usual, plain):
    """Those whose further life is looked at."""
    return [usual, plain]


@pytest.fixture(scope="session")
def bares():
    """Debian 12 and 13 on which nothing is installed."""
    return [Peer("bare12"), Peer("bare13")]


@pytest.fixture(scope="session")
def client():
    """A stranger to all of them."""
    return Peer("client")


@pytest.fixture
def subject():
    return f"proof-{uuid.uuid4()}"
