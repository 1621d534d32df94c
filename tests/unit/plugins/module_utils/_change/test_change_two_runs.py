# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time changes a host."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_scenario import Scenario


@pytest.fixture
def host(tmp_path):
    return Scenario(tmp_path)


def test_a_second_run_waits_for_the_first_and_starts_from_what_that_left(tmp_path):
    first, second = Scenario(tmp_path), Scenario(tmp_path)
    begun, order = threading.Event(), []

    def add(host, text):
        def work():
            begun.set()
            files.update(host.path("main.cf"), lambda before: before + text)

        return work

    held = first.journal.locked(0)
    with held:
        thread = threading.Thread(target=lambda: order.append(second.carry_out(add(second, "second\n"), patience=30)))
        thread.start()
        assert not begun.wait(0.3)
        (first.root / "main.cf").write_text("first\n")
    thread.join()
    assert (first.read("main.cf"), len(order)) == ("first\nsecond\n", 1)


def test_a_run_in_another_process_is_waited_for_only_so_long(host):
    host.carry_out()
    code = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", code, f"{host.journal.place}/lock"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(HostError, match="Another run has been changing this host for more than 0.2 s"):
            host.carry_out(lambda: pytest.fail("Nothing is gathered before."))
        other.communicate(b"")
    assert host.carry_out().changed is False
