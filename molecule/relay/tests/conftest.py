# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario, and a way to change their relay policy for a while."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

SCENARIO = pathlib.Path(__file__).parents[1]
# Molecule says it too, but pytest serves by itself.
os.environ.setdefault("MOLECULE_SCENARIO_DIRECTORY", str(SCENARIO))
sys.path.insert(0, str(SCENARIO.parent / "shared"))

from harness import Peer, play

pytest_plugins = ["mail_hosts"]

ADDRESSES = {"mail12": ("198.18.3.12", "fd00:6d61:696c:3::12"), "mail13": ("198.18.3.13", "fd00:6d61:696c:3::13")}
# SMTP and a policy are two roles' matter: where AUTH is offered follows from who may relay.
TAGS = ("--tags", "relay_policy,sasl")


@pytest.fixture(scope="session")
def near():
    """A host in the subnet of the mail hosts, and in no list of theirs."""
    return Peer("near")


@pytest.fixture(scope="session")
def data():
    """The host of the databases."""
    return Peer("data")


@pytest.fixture(scope="module")
def policy():
    """Give both mail hosts the policy that the given variables describe; at the end they get the inventory's again."""

    def set_policy(*arguments, **variables):
        run = play("site", *TAGS, *arguments, limit="mail", variables=variables)
        assert run.rc == 0, run.output[-3000:]
        return run

    yield set_policy
    set_policy()
