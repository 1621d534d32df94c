# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

# A run that has a secret in a room, and does not end.
RUN = """\
import os, sys, time
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
os.geteuid = lambda: 0
rooms.PLACE = sys.argv[1]
with rooms.room("test", sys.argv[2] or None) as directory:
    with open(os.path.join(directory, "copy"), "w") as f:
        f.write("s3cret")
    print(directory, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "PLACE", str(tmp_path / "place"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path / "place"


@pytest.fixture
def another_run(place):
    running = []

    def start(beside=""):
        run = subprocess.Popen([sys.executable, "-c", RUN, str(place), beside], stdout=subprocess.PIPE, text=True)
        running.append(run)
        return run, run.stdout.readline().strip()

    yield start
    for run in running:
        run.kill()
        run.wait()
        run.stdout.close()


@pytest.mark.parametrize("fails", [True, False])
def test_a_room_is_private_and_gone_afterwards(place, fails):
    try:
        with rooms.room("test") as directory:
            assert os.path.dirname(directory) == str(place)
            assert [os.stat(path).st_mode & 0o777 for path in (place, directory)] == [0o711, 0o700]
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert os.listdir(place) == []


def test_two_rooms_at_once(place):
    with rooms.room("test") as first, rooms.room("test") as second:
        assert first != second
        assert os.path.isdir(first)


@pytest.mark.parametrize("beside", [True, False])
def test_what_a_killed_run_left_goes_with_the_next_and_what_a_living_one_uses_stays(place, tmp_path, another_run, beside):
    where = str(tmp_path / "etc") if beside else ""
    if beside:
        os.makedirs(tmp_path / "etc/somebody-elses")
    dead, left = another_run(where)
    _living, used = another_run(where)
    assert os.path.dirname(left) == (where or str(place))
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    assert os.path.exists(os.path.join(left, "copy"))
    with rooms.room("other", where or None):
        assert not os.path.exists(left)
        assert os.path.exists(os.path.join(used, "copy"))
    if beside:
        assert set(os.listdir(tmp_path / "etc")) == {"somebody-elses", os.path.basename(used)}


def test_what_a_killed_run_left_beside_a_file_goes_without_a_new_room(place, tmp_path, another_run):
    etc = tmp_path / "etc"
    (etc / "somebody-elses").mkdir(parents=True)
    rooms.clear_up(str(etc))
    # Without one that was left nothing is made.
    assert not place.exists()
    dead, _left = another_run(str(etc))
    _living, used = another_run(str(etc))
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    rooms.clear_up(str(etc))
    assert set(os.listdir(etc)) == {"somebody-elses", os.path.basename(used)}
    rooms.clear_up(str(tmp_path / "not there"))


def test_who_is_not_root_has_a_room_too(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with rooms.room("test") as directory:
        assert (os.path.dirname(directory), os.stat(directory).st_mode & 0o777) == (str(tmp_path), 0o700)
    assert os.listdir(tmp_path) == []


def test_a_place_that_leads_elsewhere_is_not_used(place, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match=r"^Cannot make a directory to work in, .*; nothing was changed\.$"), rooms.room("test"):
        pytest.fail("The link leads to a directory of somebody else.")
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_room_that_was_made_too_deep_stops_nothing(place):
    try:
        with rooms.room("test") as directory:
            here = os.open(directory, os.O_RDONLY)
            for _level in range(sys.getrecursionlimit() + 100):
                os.mkdir("d", dir_fd=here)
                below = os.open("d", os.O_RDONLY, dir_fd=here)
                os.close(here)
                here = below
            os.close(here)
        with rooms.room("test") as directory:
            assert os.path.isdir(directory)
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)
