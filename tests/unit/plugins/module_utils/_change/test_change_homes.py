# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in the homes of users: written as the user, who can stop the change for nobody else."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import tempfile

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change import journal, stage
from ansible_collections.postroom.mail.plugins.module_utils._change.change import PutBack
from ansible_collections.postroom.mail.plugins.module_utils._core import homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def host():
    # Nobody else can go through the directories of pytest.
    place = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
    place.chmod(0o711)
    host = ChangeHost(place)
    host.write("first", "old\n")
    yield host
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def home(host):
    """The home of a user, where root does everything as that user."""
    path = host.root / "home"
    path.mkdir()
    give(path)
    yield path
    for directory in (path, path.parent / "moved"):
        if directory.exists():
            directory.chmod(0o700)


def give(path):
    if IS_ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def in_home(host, text="theirs\n"):
    with pytest.MonkeyPatch.context() as patched, homes.acting_as("nobody"):
        # Who is not root stays who they are, and does the same.
        patched.setattr(stage, "_owner", lambda: "nobody")
        homes.update(host.path("home/.rc"), text, check_mode=False)


def test_in_a_home_the_user_writes(host, home):
    host.carry_out(lambda: in_home(host), lambda: host.update("first", "new\n"))
    st = (home / ".rc").stat()
    assert ((home / ".rc").read_text(), st.st_uid, st.st_mode & 0o777) == ("theirs\n", home.stat().st_uid, 0o600)
    assert (host.read("first"), os.geteuid() == 0, host.kept()) == ("new\n", IS_ROOT, [])


SPOILT = {
    "directory is read-only": lambda home: home.chmod(0o500),
    "home is gone": lambda home: home.rename(home.parent / "moved"),
    "file is there by now": lambda home: (home / ".rc").write_text("mine"),
    "FIFO is there by now": lambda home: os.mkfifo(home / ".rc"),
    "directory is there by now": lambda home: (home / ".rc").mkdir(),
    "link to what is root's": lambda home: (home / ".rc").symlink_to("../first"),
    "large file": lambda home: os.truncate(os.open(home / ".rc", os.O_CREAT | os.O_RDWR), 1 << 40),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_home_that_fails_stops_nobody_else(host, home, spoil):
    def gather():
        in_home(host)
        spoil(home)

    outcome = host.carry_out(gather, lambda: host.update("first", "new\n"))
    assert (host.read("first"), host.kept()) == ("new\n", [])
    assert outcome.warnings[0].startswith("The user 'nobody' was left out, and all others were served: ")
    assert (len(outcome.warnings), os.geteuid() == 0) == (1, IS_ROOT)


def test_a_home_that_fails_at_the_rename_stops_nobody_else(host, home, monkeypatch):
    rename = os.rename

    def refused(source, target):
        if target.endswith("/home/.rc"):
            raise PermissionError(13, "Permission denied", target)
        rename(source, target)

    monkeypatch.setattr(os, "rename", refused)
    outcome = host.carry_out(lambda: in_home(host), lambda: host.update("first", "new\n"))
    assert outcome.warnings == [f"The user 'nobody' was left out, and all others were served: Cannot write {home}/.rc: Permission denied."]
    assert (host.read("first"), os.listdir(home)) == ("new\n", [])


def test_what_cannot_be_kept_in_a_home_is_not_changed(host, home, monkeypatch):
    found = journal._found

    def refused(path, limit=None):
        if path.endswith("/home/.rc"):
            raise PermissionError(13, "Permission denied", path)
        return found(path, limit)

    monkeypatch.setattr(journal, "_found", refused)
    outcome = host.carry_out(lambda: in_home(host), lambda: host.update("first", "new\n"))
    assert len(outcome.warnings) == 1
    assert (host.read("first"), os.listdir(home)) == ("new\n", [])


def test_a_link_in_a_home_has_nothing_removed_that_is_roots(host, home):
    """The files that a killed run staged are taken away, and the user chooses what they lie beside."""
    host.write("first.tmp", "somebody's\n")
    (home / ".rc").symlink_to("../first")
    give(home / ".rc")
    host.carry_out(lambda: in_home(host, "old\n"))
    # Otherwise it is the user's own.
    assert host.read("first.tmp") == ("somebody's\n" if IS_ROOT else None)


def test_what_was_in_a_home_is_put_back_as_the_user(host, home):
    (home / ".rc").write_text("mine\n")
    give(home / ".rc")
    (home / ".rc").chmod(0o640)
    before = host.tree()
    host.services.fails["prove"] = HostError("It does not serve.")
    with pytest.raises(PutBack):
        host.carry_out(lambda: in_home(host), lambda: host.update("first", "new\n"))
    assert (host.tree(), host.kept(), os.geteuid() == 0) == (before, [], IS_ROOT)


def test_a_user_who_is_gone_when_a_killed_run_is_undone(host, home, monkeypatch):
    host.services.fails["prove"] = SystemExit()
    with pytest.raises(SystemExit):
        host.carry_out(lambda: in_home(host), lambda: host.update("first", "new\n"))
    shutil.rmtree(home)
    getpwnam = pwd.getpwnam
    monkeypatch.setattr(pwd, "getpwnam", lambda name: getpwnam("gone-by-now" if name == "nobody" else name))
    host.services.fails.clear()
    outcome = host.carry_out()
    # Who is not root asks for no user.
    assert outcome.warnings == [f"{home}/.rc stays as it is, because there is no user 'nobody' any more."] * IS_ROOT
    assert (host.read("first"), host.kept()) == ("old\n", [])
