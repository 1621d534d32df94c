# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.foreign_files import Folder, NotRead, head, opened, read


@pytest.fixture
def place(tmp_path):
    """A directory with everything in it that its owner can lay there."""
    (tmp_path / "file").write_bytes(b"a\xe4")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "large", "wb") as f:
        f.truncate(300 << 30)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "socket"))
    return tmp_path


def test_a_file(place):
    with opened(str(place)) as folder:
        assert folder.read("file") == b"a\xe4"
        assert folder.read("absent") is None
        assert folder.read("nowhere/file") is None
        assert folder.read("../" + place.name + "/file") == b"a\xe4"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("link", "is a link"),
        ("dangling", "is a link"),
        ("directory", "is no file"),
        ("pipe", "is no file"),
        ("socket", "is no file"),
        ("large", "is larger than 134217728 bytes"),
    ],
)
def test_what_is_no_file_is_neither_read_nor_waited_for(place, name, why):
    with opened(str(place)) as folder, pytest.raises(NotRead) as caught:
        folder.read(name)
    assert str(caught.value) == f"its file {name} {why}"


@pytest.mark.parametrize(
    ("name", "begin"),
    [("file", b"a"), ("link", b"a"), ("large", b"\0"), ("pipe", b""), ("socket", b""), ("directory", b""), ("absent", b"")],
)
def test_how_a_file_begins(place, name, begin):
    assert head(str(place / name), 1) == begin


def test_a_file_that_says_less_than_it_gives(tmp_path):
    # Files of /proc have no size, and content.
    with pytest.raises(NotRead, match="is larger than 10 bytes"):
        read("/proc/self/status", lambda st: True, limit=10)
    assert b"Name:" in (read("/proc/self/status", lambda st: True, limit=1 << 20) or b"")


@pytest.mark.parametrize(
    ("uid", "gid", "second_name", "belongs"),
    [
        ("own", "other", True, True),
        ("other", "own", False, True),
        ("other", "own", True, False),
        ("other", "other", True, False),
    ],
)
def test_whose_file_it_is(tmp_path, uid, gid, second_name, belongs):
    (tmp_path / "file").write_text("x")
    if second_name:
        os.link(tmp_path / "file", tmp_path / "second")
    st = (tmp_path / "file").stat()
    place = types.SimpleNamespace(st_uid=st.st_uid + (uid == "other"), st_gid=st.st_gid + (gid == "other"))
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if belongs:
            assert Folder(str(tmp_path), fd, place).read("file") == b"x"
        else:
            with pytest.raises(NotRead, match="belongs to somebody else, or has a second name"):
                Folder(str(tmp_path), fd, place).read("file")
    finally:
        os.close(fd)


def test_links_on_the_way_and_below_are_not_followed(tmp_path):
    (tmp_path / "spool").mkdir(mode=0o777)
    os.chmod(tmp_path / "spool", 0o777)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").write_text("x")
    (tmp_path / "spool/queue").symlink_to("../secret")
    with pytest.raises(OSError, match="Not a directory"), opened(str(tmp_path / "spool/queue")):
        pytest.fail("Somebody else could have laid that link.")
    with opened(str(tmp_path / "spool")) as folder:
        assert [each.path for each in folder.walk()] == [str(tmp_path / "spool")]
        assert folder.read("queue/file") is None


def test_directories_below_are_walked_not_for_ever(tmp_path):
    os.makedirs(tmp_path / "/".join("abcdefgh"))
    with opened(str(tmp_path)) as folder:
        assert [each.path[-1] for each in folder.walk()][1:] == list("abcd")


def test_a_file_is_moved_from_the_directory_that_was_opened(tmp_path):
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue/file").write_text("x")
    with opened(str(tmp_path / "queue")) as folder:
        (tmp_path / "queue").rename(tmp_path / "elsewhere")
        folder.move("file", str(tmp_path / "file"))
        with pytest.raises(FileNotFoundError):
            folder.move("nowhere/file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "x"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_file_is_moved_to_another_file_system(tmp_path, monkeypatch):
    def rename(source, target, **options):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", rename)
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue/file").write_text("x")
    with opened(str(tmp_path / "queue")) as folder:
        folder.move("file", str(tmp_path / "file"))
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o777) == ("x", 0o600)
    assert os.listdir(tmp_path / "queue") == []
