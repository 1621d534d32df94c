# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.homes import Visits, acting_as, read_text


class Ids:
    """The ids of a process of root, and what is done to them."""

    def __init__(self, monkeypatch, euid=0):
        self.now = {"uid": euid, "gid": 0, "groups": [0, 5]}
        self.order = []
        account = types.SimpleNamespace(pw_name="alice", pw_uid=1000, pw_gid=1001, pw_dir="/home/alice")
        monkeypatch.setattr(pwd, "getpwnam", {"alice": account}.__getitem__)
        monkeypatch.setattr(os, "geteuid", lambda: self.now["uid"])
        monkeypatch.setattr(os, "getgroups", lambda: self.now["groups"])
        monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, {"alice": 44}[name]])
        for name, call in (("uid", "seteuid"), ("gid", "setegid"), ("groups", "setgroups")):
            monkeypatch.setattr(os, call, lambda value, name=name: self._set(name, value))

    def _set(self, name, value):
        # Who is not root any more may not change the others.
        if name != "uid" and self.now["uid"] != 0:
            raise PermissionError
        self.order.append(name)
        self.now[name] = value


def test_root_becomes_the_owner_for_a_while(monkeypatch):
    ids = Ids(monkeypatch)
    with acting_as("alice"):
        assert ids.now == {"uid": 1000, "gid": 1001, "groups": [1001, 44]}
    assert ids.now == {"uid": 0, "gid": 0, "groups": [0, 5]}
    assert ids.order == ["groups", "gid", "uid", "uid", "gid", "groups"]


def test_root_is_root_again_when_it_fails(monkeypatch):
    ids = Ids(monkeypatch)
    with pytest.raises(ValueError, match="odd"), acting_as("alice"):
        raise ValueError("odd")
    assert ids.now == {"uid": 0, "gid": 0, "groups": [0, 5]}


@pytest.mark.parametrize(("owner", "euid"), [(None, 0), ("alice", 1000), ("nobody-there", 1000)])
def test_nobody_becomes_somebody_else_needlessly(monkeypatch, owner, euid):
    ids = Ids(monkeypatch, euid)
    with acting_as(owner):
        assert ids.now["uid"] == euid
    assert ids.order == []


def test_an_owner_who_is_not_there(monkeypatch):
    ids = Ids(monkeypatch)
    with pytest.raises(KeyError), acting_as("bob"):
        pytest.fail("There is no bob.")
    assert ids.order == []


def test_a_file_of_another_user_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(os, "fstat", lambda fd: os.stat_result((0o100644, 0, 0, 1, 12345, 0, 1, 0, 0, 0)))
    with pytest.raises(HostError, match="file belongs to somebody else, or has a second name"):
        read_text(str(tmp_path / "file"))


def test_a_visit_without_an_owner_raises(tmp_path):
    warnings = []
    with pytest.raises(HostError, match="odd"), Visits(warnings).to(None):
        raise HostError("odd")
    assert warnings == []


def test_a_file_is_read_through_links(tmp_path):
    (tmp_path / "file").write_bytes(b"a\r\n\xe4")
    (tmp_path / "link").symlink_to("file")
    assert read_text(str(tmp_path / "file")) == read_text(str(tmp_path / "link")) == "a\r\n\udce4"


@pytest.mark.parametrize("target", ["absent", "dangling"])
def test_a_file_that_is_not_there(tmp_path, target):
    (tmp_path / "dangling").symlink_to("nowhere")
    assert read_text(str(tmp_path / target)) is None


@pytest.mark.parametrize("name", ["directory", "pipe", "link"])
def test_what_is_no_file_is_not_read(tmp_path, name):
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    path = str(tmp_path / name)
    with pytest.raises(HostError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path} is no file."


def test_a_link_that_leads_to_itself(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(HostError, match=r"/loop cannot be read \(Too many levels of symbolic links\)\.$"):
        read_text(str(tmp_path / "loop"))
