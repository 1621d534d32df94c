# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario, and the mail that goes on while something happens to them."""

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

pytest_plugins = ["mail_hosts"]


@pytest.fixture(scope="module")
def mail_goes_on(mails, outside):
    """Mail to each host during the tests of a file, by the names of the hosts. In the end nothing that was accepted is lost."""
    from mail_hosts import ALICE, address
    from steady import Steady

    subject = f"steady-{uuid.uuid4()}"
    flows = {
        mail.name: Steady(outside, host=address(mail), subject=subject, recipient=f"{ALICE[0]}@{mail.domain}", login=ALICE, seconds=1800.0)
        for mail in mails
    }
    yield flows
    for mail in mails:
        mail.out("postqueue -f")
    ends = {name: (len(flow.accepted), flow.end(), flow.refused[-3:]) for name, flow in flows.items()}
    assert all(accepted for accepted, _lost, _refused in ends.values()), ends
    assert [lost for _accepted, lost, _refused in ends.values()] == [set()] * len(mails), ends


@pytest.fixture(scope="session")
def saved(mails):
    """Two changes that the roles want of each host, saved there, so that they can be carried out again and again; the first is in force."""
    from saved_changes import save

    return save(mails)
