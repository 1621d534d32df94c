# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Crashes and other writers between the judgement of a file and its rename."""

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError


class Refused(Exception):
    pass


def test_what_is_rendered_anew_under_the_lock_is_judged_anew(tmp_path):
    path = tmp_path / "main.cf"
    path.write_text("a = 1\n")
    judged = []

    def validate(text):
        judged.append(text)
        if "theirs" in text:
            raise Refused
        # Somebody else writes after the judgement and before the lock.
        path.write_text("theirs = 1\n")

    with pytest.raises(Refused):
        files.update(str(path), lambda before: f"{before}b = 2\n", validate=validate)
    assert judged == ["a = 1\nb = 2\n", "theirs = 1\nb = 2\n"]
    assert path.read_text() == "theirs = 1\n"


def test_the_text_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    path = tmp_path / "main.cf"
    path.write_text("a = 1\n")
    done = []
    fsync, rename = os.fsync, os.rename

    def synced(fd):
        done.append((f"fsync {os.path.basename(os.readlink(f'/proc/self/fd/{fd}'))}", os.fstat(fd).st_size if os.path.exists(path) else 0))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", lambda source, target: (done.append(("rename", 0)), rename(source, target)))
    files.update(str(path), lambda before: "a = 22\n")
    assert done[:2] == [("fsync main.cf.tmp", len("a = 22\n")), ("rename", 0)]
    assert done[2][0] == f"fsync {tmp_path.name}"


def test_a_planted_link_is_not_followed(tmp_path):
    path, victim = tmp_path / "main.cf", tmp_path / "victim"
    path.write_text("a = 1\n")
    victim.write_text("theirs\n")
    (tmp_path / "main.cf.tmp").symlink_to(victim)
    with pytest.raises(HostError, match="Cannot write .*main.cf.tmp: Too many levels of symbolic links"):
        files.update(str(path), lambda before: "a = 2\n")
    assert (victim.read_text(), path.read_text()) == ("theirs\n", "a = 1\n")
