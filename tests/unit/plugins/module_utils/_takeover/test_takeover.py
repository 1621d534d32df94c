# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import listeners
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State
from ansible_collections.postroom.mail.plugins.module_utils._takeover import takeover as _takeover
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.former_host import ASIDE, INPUT, STATUS, Host


@pytest.fixture
def host(tmp_path, monkeypatch):
    (tmp_path / "var/spool").mkdir(parents=True)
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def former(tmp_path, monkeypatch):
    """A host from whose Exim Postfix has taken over."""
    host = Host(tmp_path, monkeypatch, installed=False)
    (tmp_path / ASIDE).mkdir(parents=True)
    return host


def test_tells_what_is_there(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    host.queue("1a-b-d", "a@x.test", "b@x.test", option="-frozen 1\n")
    host.write(f"{INPUT}/1a-b-e-D", "a mail that is just being received has no -H file")
    host.write("etc/aliases", "a: b\n")
    host.pids = {7}
    (told,) = host.takeover().told
    assert (told["name"], told["queue"], told["held"], told["running"], told["listens"]) == ("exim", 1, 1, True, True)
    assert told["packages"] == ["exim4-daemon-light", "exim4-base"]
    assert told["services"] == {"exim4": {"running": True, "enabled": True}}
    assert told["spool"] == [f"/{INPUT}"]
    assert told["aliases"] == [str(host.root / "etc/aliases")]


def test_runs_nothing_where_there_is_nothing(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch, installed=False)
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    assert host.takeover().told == []
    assert host.calls == []


def test_a_queue_that_nobody_knows_cannot_be_told(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "opensmtpd"))
    assert host.takeover().told[0]["queue"] == 0
    host.write("var/spool/smtpd/queue/a1", "x")
    assert host.takeover().told[0]["queue"] is None


def test_a_link_is_no_second_alias_file(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "sendmail-bin"))
    host.write("etc/aliases", "a: b\n")
    (tmp_path / "etc/mail").mkdir()
    (tmp_path / "etc/mail/aliases").symlink_to("../aliases")
    assert host.takeover().told[0]["aliases"] == [str(tmp_path / "etc/aliases")]
    (tmp_path / "etc/mail/aliases").unlink()
    host.write("etc/mail/aliases", "c: d\n")
    assert host.takeover().told[0]["aliases"] == [str(tmp_path / "etc/mail/aliases"), str(tmp_path / "etc/aliases")]


def test_stop(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    host.pids = {7}
    result = host.takeover().stop()
    assert result["changed"]
    assert result["actions"] == ["disable exim4", "stop exim4", "end the processes of exim", "mark the queue of exim"]
    assert host.units["exim4"] == State(True, False, False)
    assert [(host.root / path).stat().st_mode & 0o777 for path in (ASIDE, os.path.dirname(ASIDE))] == [0o700, 0o700]
    assert [(mail["id"], mail["sender"], mail["recipients"]) for mail in result["mails"]] == [("1a-b-c", "a@x.test", ["b@x.test"])]
    again = host.takeover().stop()
    assert (again["changed"], again["actions"]) == (False, [])


def test_stop_in_check_mode_says_the_same_and_does_nothing(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    result = host.takeover(check_mode=True).stop()
    assert result["actions"] == ["disable exim4", "stop exim4", "mark the queue of exim"]
    assert host.units["exim4"] == State(True, True, True)
    assert not (host.root / ASIDE).exists()


def test_a_service_whose_script_ends_nothing(host, monkeypatch):
    def run(args, data=None):
        host.calls.append(" ".join(args))
        return 0, "", ""

    def states(run, names, queue=None):
        return {name: State(True, bool(host.pids), False) if name == "exim4" else State() for name in names}

    host.pids = {7}
    monkeypatch.setattr(services, "states", states)
    takeover = host.takeover()
    takeover.run = run
    assert takeover.stop()["actions"][:2] == ["stop exim4", "end the processes of exim"]
    assert "systemctl stop -- exim4" in host.calls
    assert host.calls[-1] == "kill 7 SIGTERM"


def test_what_does_not_hear_is_killed(host):
    host.pids, host.stubborn = {7}, True
    host.takeover().stop()
    assert host.calls[-2:] == ["kill 7 SIGTERM", "kill 7 SIGKILL"]


def test_what_does_not_end_at_all_is_an_error(host, monkeypatch):
    host.pids = {7}
    monkeypatch.setattr(_takeover.os, "kill", lambda pid, number: None)
    with pytest.raises(_takeover.StillThere, match=r"exim did not end within 0\.2 s"):
        host.takeover().stop()


def test_a_port_that_stays_taken_is_an_error(host, monkeypatch):
    monkeypatch.setattr(listeners, "listeners", lambda: [{"address": "", "port": 25, "process": None}])
    with pytest.raises(_takeover.StillThere, match="The program on port 25"):
        host.takeover().stop()


def test_start_links_go_too(host, monkeypatch):
    monkeypatch.setattr(services, "has_start_link", lambda name: name == "exim4")
    assert "disable exim4 in /etc/rc?.d" in host.takeover().stop()["actions"]
    assert "update-rc.d exim4 disable" in host.calls


def test_aliases_that_lie_elsewhere_alone_are_linked(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "sendmail-bin"))
    host.write("etc/mail/aliases", "a: b\n")
    host.takeover().stop()
    assert (tmp_path / "etc/aliases").read_text() == "a: b\n"
    assert (tmp_path / "etc/aliases").is_symlink()


def test_warns_of_aliases_that_only_exim_understands(host):
    host.write("etc/aliases", "nobody: :blackhole:\n")
    takeover = host.takeover()
    takeover.stop()
    assert len(takeover.warnings) == 1
    assert "nobody: :blackhole:" in takeover.warnings[0]


def test_restore_starts_what_ran(host):
    before = host.takeover().told
    host.takeover().stop()
    assert host.takeover().restore(before)["actions"] == ["enable exim4", "start exim4"]
    assert host.units["exim4"] == State(True, True, True)
    assert host.takeover().restore([{"services": {"gone": {"running": True, "enabled": True}}}])["actions"] == []


@pytest.mark.parametrize(
    "told", [{"name": "exim"}, {"name": "exim", "services": ["exim4"]}, {"name": "exim", "services": {"exim4": {"running": True}}}]
)
def test_servers_that_say_nothing_of_their_services_cannot_be_restored(host, told):
    with pytest.raises(BadInput, match="The server 'exim' does not say which of its services ran; give servers as mail_info told them"):
        host.takeover().restore([told])
    assert host.units["exim4"] == State(True, True, True)
