# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""saslauthd in the one change of a host: it does in the end what it does alone, and is what it was when the change does not hold."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import Change, PutBack, Work
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Saslauthd, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._sasl.setup import Setup
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import FakeServices
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.saslauthd_host import FakeHost

LDAP = {"ldap_servers": "ldap://ldap.example.org/", "ldap_password": "geheim"}
PROVIDERS = {
    "pam": Wanted("saslauthd"),
    "shadow": Wanted("saslauthd", saslauthd=Saslauthd("shadow")),
    "ldap": Wanted("saslauthd", saslauthd=Saslauthd("ldap", ldap=LDAP)),
    "sasldb": Wanted("sasldb"),
    "dovecot": Wanted("dovecot"),
}
PAIRS = [pair for pair in itertools.product(PROVIDERS, repeat=2) if pair[0] != pair[1]]


class Host(FakeHost):
    """A host of which a test makes the peculiarities before the change."""

    def __init__(self, root, monkeypatch):
        root.mkdir()
        super().__init__(root, monkeypatch)
        for directory in ("etc/postfix/sasl", "etc/systemd/system", "etc/pam.d", "var/spool/postfix/etc"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)

    def change(self, wanted, services=None, **options):
        self.calls = []

        def work():
            outcome = Setup(self.run, self.place, root=str(self.root), timeout=0.3, **options).bring(wanted)
            return {"changed": bool(outcome.actions), "actions": outcome.actions}

        change = Change(services or FakeServices(), journal=Journal(str(self.root.parent / "journal")), **options)
        return change.carry_out([], [Work("sasl_provider", work)])

    def everything(self):
        return self.tree(), self.running, self.enabled, self.members

    def kept(self):
        return [path.name for path in (self.root.parent / "journal").rglob("*")]


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path / "host", monkeypatch)


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_it_is_as_if_it_had_been_done_alone(host, tmp_path, monkeypatch, former, wanted):
    host.bring(PROVIDERS[former])
    host.change(PROVIDERS[wanted])
    found = host.everything()
    outcome = host.change(PROVIDERS[wanted])
    assert (outcome.changed, outcome.files, host.changing()) == (False, [], [])
    twin = Host(tmp_path / "twin", monkeypatch)
    twin.bring(PROVIDERS[former])
    twin.bring(PROVIDERS[wanted])
    assert found == twin.everything()
    assert host.kept() == ["lock"]


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
@pytest.mark.parametrize("step", ["apply", "prove"])
def test_all_is_as_it_was_when_the_change_does_not_hold(host, former, wanted, step):
    host.bring(PROVIDERS[former])
    before = host.everything()
    services = FakeServices(**{step: HostError("It does not serve.")})
    with pytest.raises(PutBack, match="Everything was put back"):
        host.change(PROVIDERS[wanted], services)
    assert (host.everything(), host.kept()) == (before, ["lock"])


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_check_mode_does_nothing_and_tells_the_same_files(host, former, wanted):
    host.bring(PROVIDERS[former])
    before = host.everything()
    would = host.change(PROVIDERS[wanted], check_mode=True)
    assert (host.everything(), host.changing()) == (before, [])
    assert would.changed is host.change(PROVIDERS[wanted]).changed


def test_one_that_is_to_run_otherwise_is_stopped_before_its_files_change(host):
    host.bring(PROVIDERS["pam"])
    settings = host.read("etc/default/saslauthd")
    host.change(PROVIDERS["shadow"])
    assert host.settings_at_stop == settings
    calls = [call for call in host.changing() if "saslauthd" in call]
    assert calls == ["systemctl stop -- saslauthd", "systemctl start -- saslauthd"]


def test_one_that_was_stopped_is_started_with_what_was_there(host):
    host.bring(PROVIDERS["pam"])
    settings = host.read("etc/default/saslauthd")
    seen = []
    run = host.run

    def watched(args, data=None):
        if args[0] == "systemctl" and args[-1] == "saslauthd" and args[1] in ("stop", "start"):
            seen.append((args[1], host.read("etc/default/saslauthd") == settings))
        return run(args, data)

    host.run = watched
    with pytest.raises(PutBack):
        host.change(PROVIDERS["shadow"], FakeServices(prove=HostError("It does not serve.")))
    assert seen == [("stop", True), ("start", False), ("stop", False), ("start", True)]


@pytest.mark.parametrize("after", ["systemctl stop -- saslauthd", "systemctl start -- saslauthd"])
def test_the_run_after_one_that_was_killed_starts_it(host, after):
    host.bring(PROVIDERS["pam"])
    run = host.run

    def killed(args, data=None):
        done = run(args, data)
        if " ".join(args) == after:
            raise SystemExit
        return done

    host.run = killed
    with pytest.raises(SystemExit):
        host.change(PROVIDERS["shadow"])
    host.run = run
    host.change(PROVIDERS["shadow"])
    assert (host.running, host.enabled) == (True, True)
    assert 'MECHANISMS="shadow"' in host.read("etc/default/saslauthd")
    assert host.kept() == ["lock"]
