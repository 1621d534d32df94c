# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage reads back what it gathered, and touches nothing until that is put in place."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, RejectedByDaemon
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost, Gathered, put_in_place


@pytest.fixture
def host(tmp_path):
    host = ChangeHost(tmp_path)
    host.write("main.cf", "a = 1\n", 0o640)
    host.write("master.cf", "smtp inet\n")
    return host


def test_what_is_gathered_is_read_back_and_not_written(host):
    before = host.stamps()
    with Gathered() as stage:
        change = host.update("main.cf", "a = 2\n")
        host.update("new.cf", "n\n")
        files.remove(host.path("master.cf"))
        assert files.read_text(host.path("main.cf")) == "a = 2\n"
        assert files.read_text(host.path("new.cf")) == "n\n"
        assert files.read_text(host.path("master.cf")) is None
        assert [files.exists(host.path(name)) for name in ("main.cf", "new.cf", "master.cf", "other")] == [True, True, False, False]
        assert stage.texts() == {host.path("main.cf"): "a = 2\n", host.path("new.cf"): "n\n"}
    assert (change.before, change.after, change.changed) == ("a = 1\n", "a = 2\n", True)
    assert files.read_text(host.path("main.cf")) == "a = 1\n"
    assert host.stamps() == before


def test_it_is_put_in_place_with_the_mode_that_was_there(host):
    with Gathered() as stage:
        host.update("main.cf", "a = 2\n")
        host.update("new.cf", "n\n")
        host.update("secret.cf", "s\n", mode=0o600)
        files.remove(host.path("master.cf"))
    put_in_place(stage)
    assert {name: host.read(name) for name in os.listdir(host.root)} == {"main.cf": "a = 2\n", "new.cf": "n\n", "secret.cf": "s\n"}
    assert [host.mode(name) for name in ("main.cf", "new.cf", "secret.cf")] == [0o640, 0o644, 0o600]


def test_two_updates_of_one_path_are_one(host):
    rendered = []

    def add(text):
        def render(before):
            rendered.append(before)
            return before + text

        return render

    with Gathered() as stage:
        first = files.update(host.path("main.cf"), add("b\n"))
        second = files.update(host.path("main.cf"), add("c\n"))
    assert rendered == ["a = 1\n", "a = 1\nb\n"]
    assert (first.before, second.before, second.after) == ("a = 1\n", "a = 1\nb\n", "a = 1\nb\nc\n")
    put_in_place(stage)
    assert host.read("main.cf") == "a = 1\nb\nc\n"


def test_what_ends_as_it_was_touches_nothing(host):
    before = host.stamps()
    with Gathered() as stage:
        host.update("main.cf", "a = 2\n")
        host.update("main.cf", "a = 1\n")
        host.update("new.cf", "n\n")
        files.remove(host.path("new.cf"))
        files.remove(host.path("never-there"))
    assert stage.is_empty
    put_in_place(stage)
    assert host.stamps() == before


@pytest.mark.parametrize("mode", [None, 0o640])
def test_attributes_that_are_right_already_are_not_set_again(host, mode):
    before = host.stamps()
    with Gathered() as stage:
        host.update("main.cf", "a = 2\n", mode=mode)
        host.update("main.cf", "a = 1\n", mode=mode)
        files.set_attributes(host.path("master.cf"), os.getuid(), os.getgid(), 0o644)
        files.make_directory(host.path("."), uid=os.getuid(), mode=host.root.stat().st_mode & 0o777)
        # As in places that the rest of the change keeps from being empty.
        host.update("other", "x")
    put_in_place(stage)
    assert {name: stamp for name, stamp in host.stamps().items() if name != "other"} == before


def test_a_mode_that_is_wrong_is_a_change_of_its_own(host):
    inode = (host.root / "main.cf").stat().st_ino
    with Gathered() as stage:
        change = host.update("main.cf", "a = 1\n", mode=0o600)
        again = host.update("main.cf", "a = 1\n", mode=0o600)
    assert (change.changed, change.content_changed, again.changed) == (True, False, False)
    put_in_place(stage)
    assert (host.mode("main.cf"), (host.root / "main.cf").stat().st_ino) == (0o600, inode)


@pytest.mark.parametrize("modes", [(0o600, None), (None, 0o600), (0o666, 0o600)])
@pytest.mark.parametrize("texts", [("b\n", "c\n"), ("b\n", "b\n"), ("a = 1\n", "b\n"), ("a = 1\n", "a = 1\n")])
def test_a_mode_that_was_wanted_once_stays_wanted(host, modes, texts):
    with Gathered() as stage:
        for mode, text in zip(modes, texts):
            host.update("main.cf", text, mode=mode)
    put_in_place(stage)
    assert (host.mode("main.cf"), host.read("main.cf")) == (0o600, texts[-1])


@pytest.mark.parametrize("order", [1, -1])
def test_attributes_and_a_text_of_one_file_come_together(host, order):
    steps = [lambda: files.set_attributes(host.path("main.cf"), -1, -1, 0o604), lambda: host.update("main.cf", "b\n")]
    with Gathered() as stage:
        for step in steps[::order]:
            step()
    put_in_place(stage)
    assert (host.mode("main.cf"), host.read("main.cf")) == (0o604, "b\n")


def test_a_new_file_has_attributes_too_that_differ(host):
    with Gathered() as stage:
        host.update("new.cf", "n\n")
        assert not host.update("new.cf", "n\n", mode=0o644).changed
        assert host.update("new.cf", "n\n", mode=0o600).attributes_changed
    put_in_place(stage)
    assert host.mode("new.cf") == 0o600


def test_what_is_refused_is_not_gathered(host):
    def refuse(text):
        raise RejectedByDaemon("no")

    with Gathered() as stage:
        host.update("main.cf", "b\n")
        with pytest.raises(RejectedByDaemon):
            host.update("main.cf", "c\n", validate=refuse)
        with pytest.raises(BadInput):
            files.update(host.path("main.cf"), str, attributes=files.Attributes(owner="no-such-user"))
        assert files.read_text(host.path("main.cf")) == "b\n"
    assert list(stage.entries) == [host.path("main.cf")]


def test_what_is_made_of_others_comes_after_them_and_before_removals(host):
    order = []
    with Gathered() as stage:
        files.remove(host.path("master.cf"))
        files.make(host.path("x.db"), lambda: order.append([host.read("x"), host.read("master.cf")]) or host.write("x.db", "compiled"))
        assert files.exists(host.path("x.db"))
        host.update("x", "text")
    put_in_place(stage)
    assert order == [["text", "smtp inet\n"]]
    assert (host.read("x.db"), host.read("master.cf")) == ("compiled", None)


def test_removed_and_written_again(host):
    with Gathered() as stage:
        files.remove(host.path("main.cf"))
        assert host.update("main.cf", "new\n").before is None
        files.remove(host.path("master.cf"))
        host.update("master.cf", "smtp inet\n")
    put_in_place(stage)
    assert host.read("main.cf") == "new\n"
    assert list(stage.entries) == [host.path("main.cf")]


# Directories ---------------------------------------------------------------------------------------------------------


def test_directories_are_made_before_the_files_in_them(host):
    with Gathered() as stage:
        files.make_directory(host.path("a/b"), mode=0o750, parents=True)
        assert files.is_directory(host.path("a"))
        assert files.is_directory(host.path("a/b"))
        assert files.exists(host.path("a/b"))
        host.update("a/b/file", "x")
        # Which is there by then, and keeps what was said of it.
        files.make_directory(host.path("a/b/c"), parents=True)
        assert not (host.root / "a").exists()
    put_in_place(stage)
    assert (host.read("a/b/file"), host.mode("a"), host.mode("a/b"), host.mode("a/b/c")) == ("x", 0o755, 0o750, 0o755)


@pytest.mark.parametrize("gathered", [True, False])
def test_a_file_in_the_place_of_a_directory_stays_as_it_is(host, gathered):
    before = host.stamps()

    def make():
        with Gathered() if gathered else contextlib.nullcontext() as stage:
            files.make_directory(host.path("main.cf"))
        if stage:
            put_in_place(stage)

    with pytest.raises(HostError, match=r"^Cannot make the directory .*main\.cf: File exists\.$"):
        make()
    assert host.stamps() == before


# Links and what is no file --------------------------------------------------------------------------------------------


def test_a_link_stays_a_link(host):
    (host.root / "elsewhere").mkdir()
    host.write("elsewhere/real.cf", "r\n", 0o604)
    (host.root / "link.cf").symlink_to("elsewhere/real.cf")
    with Gathered() as stage:
        host.update("link.cf", "s\n")
        assert files.read_text(host.path("elsewhere/real.cf")) == "s\n"
        host.update("elsewhere/real.cf", "t\n")
    put_in_place(stage)
    assert os.readlink(host.root / "link.cf") == "elsewhere/real.cf"
    assert (host.read("elsewhere/real.cf"), host.mode("elsewhere/real.cf")) == ("t\n", 0o604)
    assert sorted(os.listdir(host.root)) == ["elsewhere", "link.cf", "main.cf", "master.cf"]
    assert os.listdir(host.root / "elsewhere") == ["real.cf"]


@pytest.mark.parametrize("target", ["main.cf", "nowhere"])
def test_a_link_goes_and_what_it_names_stays(host, target):
    (host.root / "link").symlink_to(target)
    with Gathered() as stage:
        files.remove(host.path("link"))
        files.remove(host.path("link"))
        assert files.read_text(host.path("link")) is None
        assert not files.exists(host.path("link"))
        assert files.read_text(host.path("main.cf")) == "a = 1\n"
    put_in_place(stage)
    assert sorted(os.listdir(host.root)) == ["main.cf", "master.cf"]


def test_a_file_takes_the_place_of_a_link_that_goes(host):
    (host.root / "link").symlink_to("main.cf")
    with Gathered() as stage:
        files.remove(host.path("link"))
        host.update("link", "own\n")
        host.update("main.cf", "b\n")
        assert files.read_text(host.path("link")) == "own\n"
    put_in_place(stage)
    assert not (host.root / "link").is_symlink()
    assert (host.read("link"), host.mode("link"), host.read("main.cf")) == ("own\n", 0o644, "b\n")


def test_a_link_that_is_gone_through_before_a_file_takes_its_place(host):
    (host.root / "link").symlink_to("main.cf")
    with Gathered() as stage:
        host.update("link", "through\n", lock_timeout=1)
        files.remove(host.path("link"))
        host.update("link", "own\n", lock_timeout=0)
    put_in_place(stage)
    assert not (host.root / "link").is_symlink()
    assert (host.read("link"), host.read("main.cf")) == ("own\n", "through\n")
    assert sorted(os.listdir(host.root)) == ["link", "main.cf", "master.cf"]


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_what_could_not_be_put_back_goes_last_of_all(host, kind):
    path = host.path("special")
    if kind == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
    with Gathered() as stage:
        files.remove(path)
        assert not files.exists(path)
    placing = put_in_place(stage, between=lambda: os.stat(path))
    assert placing.touches() == []
    assert not os.path.lexists(path)


def test_a_directory_is_not_removed(host):
    (host.root / "d").mkdir()
    with Gathered() as stage, pytest.raises(HostError, match=r"^Cannot remove .*/d: it is a directory\.$"):
        files.remove(host.path("d"))
    assert stage.is_empty


# Backups --------------------------------------------------------------------------------------------------------------


def test_a_backup_holds_what_was_live(host):
    with Gathered() as stage:
        told = host.update("main.cf", "b\n", backup=True).backup_file
        host.update("main.cf", "c\n")
    assert not os.path.exists(told)
    put_in_place(stage)
    with open(told) as f:
        assert f.read() == "a = 1\n"
    assert os.stat(told).st_mode & 0o777 == 0o640


def test_no_backup_of_nothing_and_none_in_check_mode(host):
    with Gathered():
        assert host.update("new", "x", backup=True).backup_file is None
        assert host.update("main.cf", "b\n", backup=True, check_mode=True).backup_file is None
