# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def mail():
    """Debian 12, until the first test has upgraded it."""
    return Peer("mail")


@pytest.fixture(scope="session")
def client():
    """A stranger."""
    return Peer("client")


@pytest.fixture
def subject():
    return f"proof-{uuid.uuid4()}"
