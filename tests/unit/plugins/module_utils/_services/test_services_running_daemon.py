# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._services import running_daemon


@pytest.fixture
def sleeper(tmp_path):
    """A process whose program is a file of our own."""
    program = tmp_path / "sleep"
    shutil.copy(shutil.which("sleep"), program)
    process = subprocess.Popen([program, "60"])
    # The kernel names the program a moment after it has started it.
    while not pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    yield program, process.pid
    process.kill()
    process.wait()


def test_a_process_whose_program_was_replaced_is_outdated(sleeper, tmp_path):
    program, pid = sleeper
    assert running_daemon.outdated(pid) is None
    new = tmp_path / "new"
    shutil.copy(program, new)
    os.rename(new, program)
    assert running_daemon.outdated(pid) == f"it still runs the {program} from before an upgrade"


def test_where_the_program_cannot_be_seen_its_file_must_not_be_newer_than_the_process(sleeper, tmp_path):
    program, pid = sleeper
    (tmp_path / str(pid)).mkdir()
    # A root without CAP_SYS_PTRACE: everything but exe.
    for name in (f"{pid}/cmdline", f"{pid}/stat", "stat"):
        with open(f"/proc/{name}", "rb") as f:
            (tmp_path / name).write_bytes(f.read())
    assert running_daemon.outdated(pid, str(tmp_path)) is None
    words = (tmp_path / str(pid) / "stat").read_text().split()
    # As if it had been started ten seconds before.
    words[21] = str(int(words[21]) - 10 * os.sysconf("SC_CLK_TCK"))
    (tmp_path / str(pid) / "stat").write_text(" ".join(words))
    assert running_daemon.outdated(pid, str(tmp_path)) == f"it still runs the {program} from before an upgrade"


def test_nothing_is_said_of_what_cannot_be_seen(tmp_path):
    assert running_daemon.outdated(None) is None
    assert running_daemon.outdated(1, proc=str(tmp_path)) is None


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", "postfix@-.service"),
        ("1:name=systemd:/system.slice/postfix.service\n0::/x\n", "postfix.service"),
        ("0::/docker/0c3e/system.slice/dovecot.service\n", "dovecot.service"),
        # Somebody started it by hand.
        ("0::/user.slice/user-0.slice/session-3.scope\n", None),
        ("", None),
    ],
)
def test_unit_of(cgroups, unit):
    assert running_daemon.unit_of(cgroups) == unit


@pytest.mark.parametrize(
    ("planned", "state", "outdated", "actions"),
    [
        ([], "started", "old", ["restart"]),
        (["enable"], "started", "old", ["enable", "restart"]),
        (["enable", "reload"], "reloaded", "old", ["enable", "restart"]),
        (["restart"], "restarted", "old", ["restart"]),
        (["start"], "started", "old", ["start"]),
        (["stop"], "stopped", "old", ["stop"]),
        (["enable"], None, "old", ["enable"]),
        (["reload"], "reloaded", None, ["reload"]),
        ([], "started", None, []),
    ],
)
def test_actions(planned, state, outdated, actions):
    assert running_daemon.actions(planned, state, outdated) == actions


@pytest.mark.parametrize(
    ("cgroups", "command"),
    [
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", ["systemctl", "stop", "--", "postfix@-.service", "postfix.service"]),
        ("0::/system.slice/postfix.service\n", ["systemctl", "stop", "--", "postfix.service"]),
        ("0::/user.slice/user-0.slice/session-3.scope\n", ["postfix", "stop"]),
    ],
)
def test_stop_command(tmp_path, cgroups, command):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroups)
    assert running_daemon.stop_command("postfix", 7, str(tmp_path)) == command
