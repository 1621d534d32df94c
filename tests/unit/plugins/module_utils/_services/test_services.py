# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._services import services

SHOW = """\
Id=dovecot.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled

Id=saslauthd.service
LoadState=loaded
ActiveState=active
SubState=exited
UnitFileState=disabled

Id=nosuch.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
"""


def test_parse_systemctl_show():
    blocks = services.parse_systemctl_show(SHOW)
    assert [block["Id"] for block in blocks] == ["dovecot.service", "saslauthd.service", "nosuch.service"]
    assert blocks[2]["UnitFileState"] == ""


@pytest.fixture
def systemd(monkeypatch):
    monkeypatch.setattr(services, "manager", lambda: "systemd")
    monkeypatch.setattr(services, "master", lambda name, queue_directory=None: None)
    calls = []

    def run(args, data=None):
        calls.append(args)
        return 0, SHOW, ""

    return run, calls


def test_states_under_systemd_with_one_call(systemd):
    run, calls = systemd
    states = services.states(run, ["dovecot", "saslauthd", "nosuch"])
    assert states["saslauthd"] == (True, False, False)
    assert states["nosuch"] == (False, False, False)
    assert len(calls) == 1
    assert calls[0][-3:] == ["dovecot.service", "saslauthd.service", "nosuch.service"]


def test_the_process_decides_whether_a_daemon_runs(systemd, monkeypatch):
    run, _calls = systemd
    assert services.states(run, ["dovecot", "saslauthd", "nosuch"])["dovecot"] == (True, False, True)
    monkeypatch.setattr(services, "master", lambda name, queue_directory=None: 38)
    assert services.states(run, ["dovecot", "saslauthd", "nosuch"])["dovecot"] == (True, True, True)


def test_states_of_nothing(systemd):
    run, calls = systemd
    assert services.states(run, []) == {}
    assert calls == []


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        pytest.param(Process(7, "master", 1), 7, id="alive"),
        pytest.param(Process(7, "bash", 1), None, id="its number went to another"),
        pytest.param(None, None, id="gone"),
    ],
)
def test_master(monkeypatch, tmp_path, process, expected):
    (tmp_path / "pid").mkdir()
    (tmp_path / "pid" / "master.pid").write_text("      7\n")
    monkeypatch.setattr(services, "process", lambda pid: process)
    assert services.master("postfix", str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(["run/systemd/system/"], "systemd", id="systemd"),
        pytest.param(["etc/init.d/postfix*"], "sysvinit", id="init scripts"),
        pytest.param(["etc/init.d/README"], "none", id="only a readme"),
        pytest.param([], "none", id="nothing"),
    ],
)
def test_manager(tmp_path, files, expected):
    for name in files:
        path = tmp_path / name.rstrip("/*")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.touch(0o755 if name.endswith("*") else 0o644)
    assert services.manager(str(tmp_path)) == expected
