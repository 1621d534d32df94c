# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario, and a way to give the mail hosts other accounts for a while."""

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


@pytest.fixture(scope="module", params=[0, 1], ids=["mail12", "mail13"])
def mail(request, mails):
    """One mail host after the other in each module: for a longer time pytest would take the modules once for each, and what they set up."""
    return mails[request.param]


@pytest.fixture(scope="session")
def data():
    """The host of the databases, and of the second IMAP server."""
    return Peer("data")


@pytest.fixture(scope="module")
def site():
    """Make both mail hosts what the given variables say on top of the inventory; at the end they are the inventory's again."""

    def make(*arguments, **variables):
        run = play("site", *arguments, limit="mail", variables=variables)
        assert run.rc == 0, run.output[-3000:]
        return run

    yield make
    make()
