# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fetchmail in the one change of a host: it does in the end what it does alone, and is what it was when the change does not hold."""

from __future__ import annotations

import itertools
import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import Change, PutBack, Work
from ansible_collections.postroom.mail.plugins.module_utils._change.daemons import Daemons
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.config import Fetchmail, Request
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.fetchmail_host import ALICE, BOB, SETTINGS, SHARED, UNIT, FakeHost

WANTED = {
    "nobody": [],
    "the host": [SHARED],
    "alice": [ALICE],
    "bob": [BOB],
    "alice otherwise": [{**ALICE, "user": "other"}],
    "all": [SHARED, ALICE, BOB],
}
PAIRS = [pair for pair in itertools.product(WANTED, repeat=2) if pair[0] != pair[1]]


class Host(FakeHost):
    def __init__(self, root, monkeypatch):
        root.mkdir()
        super().__init__(root, monkeypatch)
        monkeypatch.setattr(Control, "_do", lambda control, action, name: self.do(action, name))
        monkeypatch.setattr(services, "master", lambda name, queue_directory=None: None)
        # The daemons of mail are not what this is about, and are not there.
        self.done = []

    def state(self, name):
        if name in services.MASTERS:
            return services.State()
        state = super().state(name)
        # systemd knows no unit whose file is gone, and disables none, but lets it run on.
        is_there = "@" not in name or self.read(UNIT) is not None
        return state if is_there else services.State(False, state.running, False)

    def do(self, action, name):
        self.done.append(f"{action} {name}")
        effects = {"enable": {"enabled": True}, "disable": {"enabled": False}, "stop": {"running": False}}
        self.set(name, self.state(name)._replace(**effects.get(action, {"running": True})))

    def alone(self, wanted):
        outcome = self.converge(*WANTED[wanted])
        for name, state in self.units.items():
            self.units[name] = state._replace(running=state.enabled)
        return outcome

    def change(self, wanted, wrong="", check_mode=False):
        self.done.clear()
        self.calls = []
        daemons = Daemons(self.run, [], {}, lambda: wrong, timeout=1, check_mode=check_mode)

        def work():
            outcome = Fetchmail(self.run, check_mode=check_mode, root=str(self.root)).bring(Request(WANTED[wanted], SETTINGS))
            return {"changed": outcome.changed, "services": outcome.services}

        change = Change(daemons, journal=Journal(str(self.root.parent / "journal")), check_mode=check_mode)
        return change.carry_out([], [Work("fetchmail_config", work)])

    def everything(self):
        tree = {name: what[:2] for name, what in self.tree().items()}
        return tree, {name: state for name, state in self.units.items() if state != services.State() and (state.running or state.enabled)}

    def kept(self):
        return [path.name for path in (self.root.parent / "journal").rglob("*")]


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path / "host", monkeypatch)


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_it_is_as_if_it_had_been_done_alone(host, tmp_path, monkeypatch, former, wanted):
    host.alone(former)
    host.change(wanted)
    found = host.everything()
    again = host.change(wanted)
    assert (again.changed, again.files, host.done) == (False, [], [])
    twin = Host(tmp_path / "twin", monkeypatch)
    twin.alone(former)
    twin.alone(wanted)
    assert found == twin.everything()
    assert host.kept() == ["lock"]


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_all_is_as_it_was_when_the_change_does_not_hold(host, former, wanted):
    host.alone(former)
    before = host.everything()
    with pytest.raises(PutBack, match="Everything was put back"):
        host.change(wanted, wrong="It does not serve.")
    assert (host.everything(), host.kept()) == (before, ["lock"])


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_check_mode_does_nothing(host, former, wanted):
    host.alone(former)
    before = host.everything()
    assert host.change(wanted, check_mode=True).changed
    assert (host.everything(), host.done) == (before, [])


def test_who_is_not_wanted_any_more_is_stopped_before_their_file_goes(host, monkeypatch):
    host.alone("alice")
    seen, do = [], host.do

    def watched(action, name):
        seen.append((action, os.path.exists(host.root / "home/alice/.fetchmailrc")))
        do(action, name)

    monkeypatch.setattr(host, "do", watched)
    host.change("nobody")
    assert seen == [("disable", True), ("stop", True)]
