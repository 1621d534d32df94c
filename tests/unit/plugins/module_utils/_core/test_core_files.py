# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import resource
import shutil
import stat
import tempfile
import threading

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy


@pytest.fixture
def path(tmp_path):
    p = tmp_path / "main.cf"
    p.write_text("a = 1\n")
    p.chmod(0o640)
    return p


def identity(path):
    st = os.stat(path)
    return st.st_ino, st.st_mtime_ns


def test_equal_content_keeps_inode_and_mtime(path):
    before = identity(path)
    change = files.update(str(path), lambda text: text)
    assert not change.changed
    assert identity(path) == before
    assert os.listdir(path.parent) == ["main.cf"]


def test_change_keeps_mode_and_leaves_no_staged_file(path):
    change = files.update(str(path), lambda text: text + "b = 2\n")
    assert change.changed
    assert path.read_text() == "a = 1\nb = 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == ["main.cf"]


def test_check_mode_writes_nothing_and_tells_the_same(path):
    before = identity(path)
    change = files.update(str(path), lambda text: "b = 2\n", check_mode=True)
    assert (change.changed, change.before, change.after) == (True, "a = 1\n", "b = 2\n")
    assert identity(path) == before


def test_a_text_that_is_written_already_is_renamed(path, tmp_path):
    folder = tmp_path / "staged"
    folder.mkdir()
    written = folder / "main.cf"
    written.write_text("b = 2\n")
    written.chmod(0o600)
    inode = written.stat().st_ino
    assert files.update(str(path), lambda text: "b = 2\n", written=str(written)).content_changed
    assert (path.read_text(), path.stat().st_ino, stat.S_IMODE(path.stat().st_mode)) == ("b = 2\n", inode, 0o640)
    assert sorted(os.listdir(tmp_path)) == ["main.cf", "staged"]
    assert os.listdir(folder) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_rejected_candidate_leaves_the_live_file(path, check_mode):
    def refuse(text):
        raise RejectedByDaemon(f"no: {text}")

    before = identity(path)
    with pytest.raises(RejectedByDaemon):
        files.update(str(path), lambda text: "b = 2\n", validate=refuse, check_mode=check_mode)
    assert identity(path) == before
    assert os.listdir(path.parent) == ["main.cf"]


def test_symbolic_link_stays_a_link(path, tmp_path):
    link = tmp_path / "link.cf"
    link.symlink_to(path)
    files.update(str(link), lambda text: "b = 2\n")
    assert link.is_symlink()
    assert path.read_text() == "b = 2\n"
    assert sorted(os.listdir(tmp_path)) == ["link.cf", "main.cf"]


class Spy:
    """Somebody who looks at what is staged whenever the module asks the kernel for something about files."""

    def __init__(self, monkeypatch, *places):
        self.places = places
        self.seen = set()
        for name in ("fsync", "fchown", "rename", "stat", "lstat", "fstat"):
            monkeypatch.setattr(os, name, self._spied(getattr(os, name)))

    def _spied(self, call):
        def spied(*arguments, **options):
            for path in self.places:
                with contextlib.suppress(FileNotFoundError), open(path) as f:
                    self.seen.add((path.name, f.read(), os.stat_result(call_fstat(f.fileno())).st_mode & 0o777))
            return call(*arguments, **options)

        return spied


call_fstat = os.fstat


def test_behind_a_link_nothing_is_readable_before_it_is_in_place(tmp_path, monkeypatch):
    elsewhere = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        target, link = elsewhere / "rc", tmp_path / "rc"
        target.write_text("old")
        target.chmod(0o640)
        link.symlink_to(target)
        spy = Spy(monkeypatch, elsewhere / "rc.tmp", tmp_path / "rc.tmp")
        files.update(str(link), lambda text: "s3cret")
        monkeypatch.undo()
        assert (target.read_text(), target.stat().st_mode & 0o777, link.is_symlink()) == ("s3cret", 0o640, True)
        assert os.listdir(elsewhere) == os.listdir(tmp_path) == ["rc"]
        # Between its owner and its mode it is complete, and still nobody else's.
        assert {mode for _name, text, mode in spy.seen if text} <= {0o600, 0o640}
        assert ("rc.tmp", "s3cret", 0o600) in spy.seen
    finally:
        shutil.rmtree(elsewhere)


@pytest.mark.parametrize("link", [True, False])
def test_a_staged_file_that_somebody_has_open_is_not_used(path, tmp_path, link):
    staged = tmp_path / "main.cf.tmp"
    staged.write_text("")
    staged.chmod(0o644)
    given = tmp_path / "link.cf"
    given.symlink_to(path)
    with open(staged) as reader:
        files.update(str(given if link else path), lambda text: "s3cret")
        assert reader.read() == ""
    assert path.read_text() == "s3cret"
    assert sorted(os.listdir(tmp_path)) == ["link.cf", "main.cf"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/null", path)])
def test_what_is_no_file_in_the_place_of_the_staged_one(path, make):
    make(f"{path}.tmp")
    with pytest.raises(HostError, match=r"^Cannot write .*main\.cf\.tmp: .*; .*main\.cf was left as it is\.$"):
        files.update(str(path), lambda text: "b = 2\n")
    assert path.read_text() == "a = 1\n"


def test_what_a_killed_run_staged_goes_with_the_next_one(path):
    staged = path.parent / "main.cf.tmp"
    staged.write_text("s3cret")
    files.update(str(path), lambda text: text, check_mode=True)
    assert staged.exists()
    with open(staged) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        files.update(str(path), lambda text: text)
        assert staged.exists()
    files.update(str(path), lambda text: text)
    assert not staged.exists()


def test_new_file_gets_the_wanted_mode(tmp_path):
    new = tmp_path / "secret.cf"
    change = files.update(str(new), lambda text: "x\n", attributes=files.Attributes(mode=0o600))
    assert change.before is None
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_wrong_mode_alone_is_a_change_and_keeps_the_inode(path):
    inode = path.stat().st_ino
    change = files.update(str(path), lambda text: text, attributes=files.Attributes(mode=0o600))
    assert change.changed
    assert not change.content_changed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_ino == inode


def test_any_byte_survives(path):
    path.write_bytes(b"a = \xff\xfe\r\n")
    files.update(str(path), lambda text: text + "b\n")
    assert path.read_bytes() == b"a = \xff\xfe\r\nb\n"


def test_unknown_owner_is_named(path):
    with pytest.raises(BadInput, match="no user 'no-such-user'"):
        files.update(str(path), lambda text: text, attributes=files.Attributes(owner="no-such-user"))


def test_missing_directory_is_one_sentence(tmp_path):
    with pytest.raises(HostError, match="No such file or directory; .* was left as it is"):
        files.update(str(tmp_path / "no" / "main.cf"), lambda text: "x\n")


def test_held_lock_times_out_with_the_way_out(path):
    with open(f"{path}.tmp", "w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(FileBusy, match="being edited by another program"):
            files.update(str(path), lambda text: "b = 2\n", lock_timeout=0.2)
    assert path.read_text() == "a = 1\n"


def test_concurrent_writers_lose_nothing(path):
    def add(n):
        files.update(str(path), lambda text: f"{text}k{n} = {n}\n")

    threads = [threading.Thread(target=add, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_text().splitlines()) == sorted(["a = 1"] + [f"k{n} = {n}" for n in range(20)])


def test_backup_keeps_the_former_text(path):
    change = files.update(str(path), lambda text: "b = 2\n", backup=True)
    assert change.backup_file
    with open(change.backup_file) as f:
        assert f.read() == "a = 1\n"
    assert stat.S_IMODE(os.stat(change.backup_file).st_mode) == 0o640


@pytest.mark.parametrize(("wanted", "copied"), [(0o600, 0o600), (0o604, 0o600), (0o644, 0o640), (None, 0o640)])
def test_a_backup_is_for_nobody_who_may_not_read_the_file_any_more(path, monkeypatch, wanted, copied):
    owners = []
    monkeypatch.setattr(os, "fchown", lambda _fd, *ids: owners.append(ids))
    change = files.update(str(path), lambda text: "b = 2\n", backup=True, attributes=files.Attributes("0", "12", wanted))
    assert stat.S_IMODE(os.stat(change.backup_file).st_mode) == copied
    assert owners == [(0, 12)] * 2


def test_secret_diff_shows_no_content():
    change = files.Change("/etc/x", "password = old", "password = new")
    assert "old" not in str(files.diff(change, secret=True))
    assert "new" not in str(files.diff(change, secret=True))


def test_secret_diff_shows_no_content_where_only_the_mode_is_another():
    change = files.Change("/etc/x", "old\n", "old\n", attributes_changed=True)
    assert files.diff(change, secret=True) == {"before_header": "/etc/x", "after_header": "/etc/x", "before": "", "after": ""}


def test_a_full_disk_is_one_sentence_and_leaves_the_file(path):
    before = identity(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # For the process that writes, a limit to the size of files is a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        with pytest.raises(HostError, match=f"Cannot write {path}: File too large; it was left as it is"):
            files.update(str(path), lambda text: text + "b = 2\n" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert identity(path) == before
    assert os.listdir(path.parent) == ["main.cf"]


@pytest.mark.parametrize(("given", "number"), [(None, None), ("0640", 0o640), ("02755", 0o2755)])
def test_a_mode_is_octal(given, number):
    assert files.mode_from(given, "/etc/x") == number


@pytest.mark.parametrize("given", ["416", "640", "u=rw", "0999", ""])
def test_modes_that_may_mean_something_else_are_refused(given):
    with pytest.raises(BadInput, match=f"^The mode {given} of /etc/x is not understood: .* leading zero"):
        files.mode_from(given, "/etc/x")
