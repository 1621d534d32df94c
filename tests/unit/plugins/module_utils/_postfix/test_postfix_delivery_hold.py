# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold

UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000008f3098e: 00000002 00000000 00000000 0002 03 273449
0000000095c0d701: 00000002 00000000 00010000 0001 01 270115 private/lmtp
0000000095c0d702: 00000003 00000000 00000000 0001 03 270116 private/lmtp
0000000095c0d703: 00000002 00000000 00010000 0001 01 519474 /var/spool/postfix/private/dovecot-lmtp
"""
SESSION = "0000000095c0d704: 00000003 00000000 00000000 0001 03 519999 /var/spool/postfix/private/dovecot-lmtp\n"


def test_lmtp_sessions():
    assert delivery_hold.lmtp_sessions(UNIX) == 0
    assert delivery_hold.lmtp_sessions(UNIX + 2 * SESSION) == 2


@pytest.fixture
def manager(monkeypatch):
    """A process that counts, in the place of Postfix's queue manager."""
    count = "import sys, time\nwhile True:\n    print('.', flush=True)\n    time.sleep(0.01)"
    process = subprocess.Popen([sys.executable, "-c", count], stdout=subprocess.PIPE)
    monkeypatch.setattr(delivery_hold, "children", lambda parent: [Process(process.pid, "qmgr", parent)])
    yield process
    process.kill()
    process.communicate()


def state(process):
    with open(f"/proc/{process.pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def test_the_queue_manager_sleeps_while_the_block_runs(manager):
    with delivery_hold.held(1, patience=0.2):
        assert state(manager) == "T"
    assert state(manager) != "T"


def test_the_queue_manager_goes_on_when_the_block_fails(manager):
    with pytest.raises(RuntimeError), delivery_hold.held(1, patience=0.2):
        raise RuntimeError
    assert state(manager) != "T"


def test_the_queue_manager_goes_on_at_the_limit_even_if_nobody_wakes_it(manager):
    with delivery_hold.held(1, patience=0.1, limit=0.3):
        time.sleep(0.8)
        assert state(manager) != "T"


def test_the_queue_manager_goes_on_when_the_run_is_killed(manager):
    ready, told = os.pipe()
    run = os.fork()
    if not run:
        with delivery_hold.held(1, patience=0.1, limit=60):
            os.write(told, state(manager).encode())
            time.sleep(60)
        os._exit(0)
    assert os.read(ready, 1) == b"T"
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    deadline = time.monotonic() + 10
    while state(manager) == "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_waits_for_open_sessions(manager, monkeypatch):
    sessions = iter([2, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    monkeypatch.setattr(delivery_hold, "_sessions_now", lambda: next(sessions))
    with delivery_hold.held(1):
        assert next(sessions, "all polled") == "all polled"


def test_it_waits_no_longer_than_it_has_patience(manager, monkeypatch):
    monkeypatch.setattr(delivery_hold, "_sessions_now", lambda: 1)
    started = time.monotonic()
    with delivery_hold.held(1, patience=0.2):
        assert time.monotonic() - started < 2


def test_without_postfix_there_is_nothing_to_hold():
    with delivery_hold.held(None):
        pass


def test_a_queue_manager_that_nobody_will_wake_is_found_and_released(manager):
    assert not delivery_hold.is_abandoned(1)
    with delivery_hold.held(1, patience=0.1):
        assert not delivery_hold.is_abandoned(1), "its guard is there"
    # The module and the guard were killed, both.
    manager.send_signal(signal.SIGSTOP)
    while state(manager) != "T":
        time.sleep(0.01)
    assert delivery_hold.is_abandoned(1)
    assert delivery_hold.release_abandoned(1)
    assert state(manager) != "T"
    assert not delivery_hold.release_abandoned(1)
