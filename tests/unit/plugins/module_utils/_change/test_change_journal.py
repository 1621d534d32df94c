# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal keeps what was there before, and puts it back as it was."""

from __future__ import annotations

import os
import shutil
import socket
import stat

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import (
    NOTHING,
    SAME,
    UNKNOWN,
    Touch,
    digest,
)
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost

NEW = digest(b"new")


@pytest.fixture
def host(tmp_path):
    host = ChangeHost(tmp_path)
    host.write("file", "old")
    (host.root / "file").chmod(0o604)
    os.utime(host.root / "file", ns=(1_000_000_001, 1_000_000_007))
    os.mkdir(host.journal.place, 0o700)
    return host


@pytest.fixture
def journal(host):
    return host.journal


def touch(host, name, after=NEW, **more):
    return Touch(host.path(name), after=after, **more)


def put_back(journal, **options):
    told = journal.put_back(**options)
    return [*told.stays, *told.failed]


def test_content_mode_and_time_come_back(host, journal):
    before = host.tree()
    journal.keep([touch(host, "file")])
    host.write("file", "new", 0o640)
    assert put_back(journal) == []
    assert host.tree() == before
    assert (host.root / "file").stat().st_mtime_ns == 1_000_000_007
    assert sorted(os.listdir(host.root)) == ["file"]


@pytest.mark.parametrize("content", ["old", "new"])
def test_the_owner_comes_back(host, journal, content):
    # Somebody else can only be given a group of theirs.
    owner = (12, 34) if os.geteuid() == 0 else (-1, [os.getegid(), *os.getgroups()][-1])
    os.chown(host.root / "file", *owner)
    (host.root / "file").chmod(0o4750)
    before = host.tree()
    journal.keep([touch(host, "file")])
    (host.root / "file").write_text(content)
    os.chown(host.root / "file", os.geteuid(), os.getegid())
    assert put_back(journal) == []
    assert host.tree() == before


@pytest.mark.parametrize("content", [b"", b"\0\xff\xfe\r\n" * 1_000_000], ids=["empty", "large and binary"])
def test_any_content_comes_back(host, journal, content):
    (host.root / "file").write_bytes(content)
    journal.keep([touch(host, "file")])
    (host.root / "file").write_bytes(b"new")
    assert put_back(journal) == []
    assert (host.root / "file").read_bytes() == content


def test_what_was_not_there_goes(host, journal):
    journal.keep([touch(host, "fresh"), touch(host, "compiled", UNKNOWN), touch(host, "d/below")], made=[host.path("d")])
    for name in ("fresh", "compiled", "d/below"):
        host.write(name, "new")
    assert put_back(journal) == []
    assert sorted(host.tree()) == ["file"]


def test_what_was_taken_away_comes_back(host, journal):
    before = host.tree()
    journal.keep([touch(host, "file", NOTHING)])
    (host.root / "file").unlink()
    assert put_back(journal) == []
    assert host.tree() == before


def test_what_was_not_changed_is_not_touched(host, journal):
    host.write("other", "x")
    before = host.stamps()
    journal.keep([touch(host, "file"), touch(host, "other", SAME), touch(host, "fresh"), touch(host, "no/directory")])
    assert put_back(journal) == []
    assert host.stamps() == before


def test_a_mode_alone_comes_back_without_a_new_file(host, journal):
    inode = (host.root / "file").stat().st_ino
    journal.keep([touch(host, "file", SAME)])
    (host.root / "file").chmod(0o600)
    assert put_back(journal) == []
    assert (host.mode("file"), (host.root / "file").stat().st_ino) == (0o604, inode)


def test_the_time_of_a_file_that_was_written_as_it_was_comes_back(host, journal):
    """Postfix compares those of a table and its compiled form."""
    journal.keep([touch(host, "file", UNKNOWN)])
    host.write("file", "old", 0o604)
    assert put_back(journal) == []
    assert (host.root / "file").stat().st_mtime_ns == 1_000_000_007


@pytest.mark.parametrize("after", [NEW, NOTHING, SAME])
def test_what_somebody_changed_since_stays_and_is_told(host, journal, after):
    host.write("other", "x")
    journal.keep([touch(host, "other"), touch(host, "file", after), touch(host, "fresh")])
    for name in ("other", "fresh"):
        host.write(name, "new")
    host.write("file", "theirs")
    host.write("fresh", "theirs too")
    told = journal.put_back()
    assert told.failed == []
    assert told.stays == [f"{host.path(name)} stays as it is, because somebody else has changed it since." for name in ("fresh", "file")]
    assert [host.read(name) for name in ("other", "file", "fresh")] == ["x", "theirs", "theirs too"]


def test_what_somebody_took_away_since_comes_back(host, journal):
    journal.keep([touch(host, "file")])
    (host.root / "file").unlink()
    assert put_back(journal) == []
    assert host.read("file") == "old"


def test_what_is_made_of_others_is_put_back_whatever_it_is(host, journal):
    journal.keep([touch(host, "file", UNKNOWN)])
    host.write("file", "whatever")
    assert put_back(journal) == []
    assert host.read("file") == "old"


def test_only_what_was_touched_is_put_back(host, journal):
    host.write("other", "x")
    journal.keep([touch(host, "file"), touch(host, "other")])
    host.write("file", "new")
    host.write("other", "theirs")
    assert put_back(journal, touched={host.path("file")}) == []
    assert (host.read("file"), host.read("other")) == ("old", "theirs")


# Links, and what is no file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["file", "nowhere", "/dev/null", "\udcff\udcfe"])
@pytest.mark.parametrize("becomes", ["new", None])
def test_a_link_comes_back(host, journal, target, becomes):
    (host.root / "link").symlink_to(target)
    before = host.tree()
    journal.keep([touch(host, "link", NOTHING if becomes is None else NEW)])
    (host.root / "link").unlink()
    if becomes:
        host.write("link", becomes)
    assert put_back(journal) == []
    assert host.tree() == before


def test_a_link_that_is_still_there_is_not_touched(host, journal):
    (host.root / "link").symlink_to("file")
    before = host.stamps()
    journal.keep([touch(host, "link", NOTHING)])
    assert put_back(journal) == []
    assert host.stamps() == before


def test_a_link_that_somebody_laid_since_stays(host, journal):
    journal.keep([touch(host, "file")])
    (host.root / "file").unlink()
    (host.root / "file").symlink_to("/etc/passwd")
    assert put_back(journal) == [f"{host.path('file')} stays as it is, because somebody else has changed it since."]
    assert os.readlink(host.root / "file") == "/etc/passwd"


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_socket], ids=["FIFO", "directory", "socket"])
def test_what_could_not_be_put_back_is_refused(host, journal, make):
    make(host.root / "special")
    with pytest.raises(HostError, match=r"special is neither a file nor a link, and could not be put back: take it away; nothing was ch"):
        journal.keep([touch(host, "file"), touch(host, "special", UNKNOWN)])
    assert (host.kept(), journal.is_left()) == ([], False)
    assert stat.S_IFMT((host.root / "special").stat().st_mode) != stat.S_IFREG


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_socket], ids=["FIFO", "directory", "socket"])
def test_what_is_no_file_by_now_is_not_waited_for(host, journal, make):
    journal.keep([touch(host, "file")])
    (host.root / "file").unlink()
    make(host.root / "file")
    assert put_back(journal) == [f"{host.path('file')} stays as it is, because somebody else has changed it since."]


# Directories ----------------------------------------------------------------------------------------------------------


def test_the_mode_of_a_directory_comes_back(host, journal):
    (host.root / "d").mkdir(0o750)
    journal.keep([touch(host, "d/file")], changed=[host.path("d")])
    (host.root / "d").chmod(0o711)
    host.write("d/file", "new")
    assert put_back(journal) == []
    assert (host.mode("d"), os.listdir(host.root / "d")) == (0o750, [])


def test_a_directory_that_went_comes_back_with_what_was_in_it(host, journal):
    host.write("d/file", "old")
    (host.root / "d").chmod(0o711)
    before = host.tree()
    journal.keep([touch(host, "d/file", NOTHING)])
    shutil.rmtree(host.root / "d")
    assert put_back(journal) == []
    assert host.tree() == before


def test_a_directory_in_which_somebody_put_something_stays(host, journal):
    journal.keep([], made=[host.path("d"), host.path("d/below")])
    host.write("d/below/theirs", "x")
    assert put_back(journal) == []
    assert host.read("d/below/theirs") == "x"
