# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With real processes, whose names are what counts."""

from __future__ import annotations

import os
import pathlib
import subprocess
import threading

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._services import former_auth


@pytest.fixture
def child(tmp_path):
    """Starts a child of ours under a name, which is reaped when it ends."""
    started = []

    def start(name="auth", seconds="60"):
        path = tmp_path / name
        path.unlink(missing_ok=True)
        path.symlink_to("/bin/sleep")
        process = subprocess.Popen([str(path), seconds])
        threading.Thread(target=process.wait, daemon=True).start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(former_auth, "_GRACE_SECONDS", 0.2)


def known(process):
    """The name of a process is that of its program once the kernel has begun it."""
    while pathlib.Path(f"/proc/{process.pid}/comm").read_text() not in ("auth\n", "log\n"):
        pass
    return process.pid


def test_those_of_this_dovecot(child):
    auth, log = known(child()), known(child("log"))
    assert auth in former_auth.of(os.getpid())
    assert log not in former_auth.of(os.getpid())
    assert former_auth.of(auth) == []
    assert former_auth.of(None) == []


def test_what_stays_beside_the_new_ones_is_ended(child):
    old, new = child(), child()
    known(old), known(new)
    former_auth.end([old.pid], os.getpid())
    assert old.wait(10) == -15
    assert new.poll() is None


def test_who_goes_by_itself_is_not_killed(child, monkeypatch):
    monkeypatch.setattr(former_auth, "_GRACE_SECONDS", 5)
    old = child(seconds="0.3")
    former_auth.end([known(old)], os.getpid())
    assert old.wait(10) == 0


@pytest.mark.parametrize(("name", "master"), [("log", os.getpid()), ("auth", 1), ("auth", None)])
def test_a_number_that_is_somebody_elses_by_now(child, name, master):
    other = child(name)
    former_auth.end([known(other)], master)
    assert other.poll() is None


def test_nobody_is_left(monkeypatch):
    monkeypatch.setattr(former_auth.os, "kill", lambda pid, number: 1 / 0)
    former_auth.end([], 1)


def test_one_that_is_gone_between_two_looks(child, monkeypatch):
    old = child()
    known(old)

    def kill(pid, number):
        raise ProcessLookupError

    monkeypatch.setattr(former_auth.os, "kill", kill)
    former_auth.end([old.pid], os.getpid())
    assert old.poll() is None
