# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed, wherever that is, leaves nothing that the next one does not put right."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_scenario import Scenario, fixed_backups, killed_at

# More than there are steps in one process.
MANY = 1000


@pytest.fixture(autouse=True)
def _backups(monkeypatch):
    fixed_backups(monkeypatch)


@pytest.fixture
def ends(tmp_path):
    """Return the files before a change, and after it."""
    host = Scenario(tmp_path / "twin")
    before = host.everything()
    host.carry_out(*host.works())
    return before, host.everything()


def change(host):
    host.carry_out(*host.works())


def fail(host):
    host.services.fails["prove"] = HostError("It does not serve.")
    with contextlib.suppress(HostError):
        change(host)


def nothing(host):
    """A run whose inventory wants nothing any more, but undoes what was left."""
    host.carry_out()


def places(tmp_path):
    for number in itertools.count(1):
        assert number < MANY
        yield number, Scenario(tmp_path / f"killed at {number}")


def is_whole(host, ends):
    """No file is half written, whatever else is there."""
    before, after = ends
    for name, what in host.tree().items():
        if ".tmp" not in name and ".postroom-" not in name:
            assert what[:2] in ([ends_[name][:2] for ends_ in (before, after) if name in ends_]), name


@pytest.mark.parametrize("run", [change, fail])
def test_the_next_run_converges_wherever_the_one_before_was_killed(tmp_path, ends, run):
    recovered = 0
    for number, host in places(tmp_path):
        if not killed_at(host, number, lambda host=host: run(host)):
            break
        is_whole(host, ends)
        left = host.journal.is_left()
        host.services.fails.clear()
        outcome = host.carry_out(*host.works())
        assert (host.everything(), host.kept()) == (ends[1], []), number
        assert (bool(outcome.recovered), outcome.warnings) == (left, []), number
        recovered += left
    assert number > 60
    assert recovered > 30


@pytest.mark.parametrize("run", [change, fail])
def test_the_next_run_undoes_it_when_nothing_is_wanted_any_more(tmp_path, ends, run):
    before, after = ends
    for number, host in places(tmp_path):
        if not killed_at(host, number, lambda host=host: run(host)):
            break
        host.services.fails.clear()
        left = host.journal.is_left()
        nothing(host)
        # What was done beside files, nobody knows any more.
        found = {**host.everything(), "state": before["state"]}
        rooms = [name for name in found if ".postroom-table" in name]
        if not left and rooms:
            # It was killed while it was gathered. What makes a table takes that away.
            found = {name: what for name, what in found.items() if name not in rooms}
        fifo = {name: found[name] for name in ("useless fifo",) if name in found}
        assert found in ([before] if left else [before, {**after, **fifo, "state": before["state"]}]), number
        assert host.kept() == [], number


@pytest.mark.parametrize("then", [change, nothing])
def test_a_run_that_is_killed_while_it_undoes_one_that_was_killed(tmp_path, ends, then):
    for number, host in places(tmp_path):
        host.services.fails["prove"] = SystemExit()
        with pytest.raises(SystemExit):
            change(host)
        host.services.fails.clear()
        if not killed_at(host, number, lambda host=host: then(host)):
            break
        is_whole(host, ends)
        then(host)
        found, wanted = host.everything(), ends[1] if then is change else ends[0]
        assert {**found, "state": wanted["state"]} == wanted, number
        assert host.kept() == [], number
    assert number > 20


def test_a_run_that_is_killed_again_and_again(tmp_path, ends):
    """One step further each time."""
    host = Scenario(tmp_path / "host")
    for number in range(1, MANY):
        if not killed_at(host, number, lambda: change(host)):
            break
        is_whole(host, ends)
    assert (host.everything(), host.kept()) == (ends[1], [])
    assert number > 60
