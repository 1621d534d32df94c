# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import pathlib

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import homes, managed
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.fetchmail_host import ALICE, BOB, SHARED, FakeHost


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def laid_in_the_home(path):
    """Return the things that a user can lay in the place of their own run control file, each with its message."""
    return {
        "of their own": (lambda: path.write_text("# mine\n"), "was written by somebody else, and would be lost: carry"),
        "a pipe": (lambda: os.mkfifo(path), "is no file."),
        "a directory": (path.mkdir, "is no file."),
        "a link to nothing readable": (lambda: path.symlink_to("/proc/kmsg/x"), "cannot be read (Not a directory)."),
        "endless": (lambda: (path.touch(), os.truncate(path, 300 << 30)), "is larger than 1048576 bytes."),
        "an endless one of the kernel's": (lambda: path.symlink_to("/dev/zero"), "is no file."),
        "a directory where it is staged": ((path.parent / ".fetchmailrc.tmp").mkdir, "Is a directory"),
        "a pipe where it is staged": (lambda: os.mkfifo(path.parent / ".fetchmailrc.tmp"), "it is no file"),
    }


@pytest.mark.parametrize("what", laid_in_the_home(pathlib.Path("/x")))
def test_one_home_stops_nobody_else(host, what):
    lay, said = laid_in_the_home(host.root / "home/alice/.fetchmailrc")[what]
    lay()
    if "staged" not in what:
        assert host.bring(ALICE, BOB, SHARED, check_mode=True).skipped_users == ["alice"]
    outcome = host.converge(ALICE, BOB, SHARED)
    assert outcome.skipped_users == ["alice"]
    (warning,) = host.warnings
    assert warning.startswith("The user 'alice' was left out, and all others were served: ")
    assert "home/alice/.fetchmailrc" in warning
    assert said in warning
    assert [wanted["name"] for wanted in outcome.services] == ["postroom-fetchmail@bob", "fetchmail"]
    assert managed.is_managed(host.read("home/bob/.fetchmailrc"))
    again = host.converge(ALICE, BOB, SHARED)
    assert (again.changed, again.skipped_users) == (False, ["alice"])


def test_a_lock_in_a_home_is_waited_for_not_long(host, monkeypatch):
    monkeypatch.setattr(homes, "PATIENCE", 0.1)
    with open(host.root / "home/alice/.fetchmailrc.tmp", "w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert host.converge(ALICE, BOB).skipped_users == ["alice"]
    assert "is being edited by another program" in host.warnings[0]
    assert host.converge(ALICE, BOB).skipped_users == []


def test_a_former_owner_whose_home_cannot_be_written_stops_nobody(host, monkeypatch):
    host.converge(ALICE, BOB)
    unlink = os.unlink

    def refused(path, *rest, **more):
        if "home/alice" in str(path):
            raise PermissionError(13, "Permission denied", path)
        unlink(path, *rest, **more)

    monkeypatch.setattr(os, "unlink", refused)
    outcome = host.bring({**BOB, "keep": True})
    assert outcome.skipped_users == ["alice"]
    assert host.warnings[0].endswith("home/alice/.fetchmailrc: Permission denied.")
    assert host.state("postroom-fetchmail@alice") == (True, False, False)
    assert [wanted["name"] for wanted in outcome.services] == ["postroom-fetchmail@bob"]
