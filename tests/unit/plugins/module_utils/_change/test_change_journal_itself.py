# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal when it is whole, when it is not, and for one run at a time."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import (
    MANIFEST,
    Damaged,
    Journal,
    Touch,
    digest,
)
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy, locked
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


# The journal itself ---------------------------------------------------------------------------------------------------


def test_nothing_is_readable_for_others(host, journal):
    mask = os.umask(0)
    try:
        shutil.rmtree(journal.place)
        with journal.locked(0):
            journal.keep([touch(host, "file")])
    finally:
        os.umask(mask)
    place = pathlib.Path(journal.place)
    found = {str(path.relative_to(place)): path.stat().st_mode & 0o777 for path in (place, *place.rglob("*"))}
    assert found == {".": 0o700, "change": 0o700, "lock": 0o600, f"change/{MANIFEST}": 0o600, "change/0": 0o600}


def test_nothing_is_left_when_it_is_forgotten(host, journal):
    assert not journal.is_left()
    journal.keep([touch(host, "file")])
    assert journal.is_left()
    journal.forget()
    assert (host.kept(), journal.is_left()) == ([], False)
    journal.forget()


def test_what_cannot_be_forgotten_is_told(host, journal, monkeypatch):
    journal.keep([touch(host, "file")])
    real = os.unlink

    def refused(path, **options):
        if str(path).endswith(MANIFEST):
            raise OSError(30, "Read-only file system", path)
        real(path, **options)

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(HostError, match=r"^Cannot take .*/change away: Read-only file system. Take it away by hand, or the next run may"):
        journal.forget()


def test_what_is_kept_is_on_the_disk_before_it_counts(host, journal, monkeypatch):
    """A machine may lose its power at any moment."""
    done = []
    fsync, rename, unlink = os.fsync, os.rename, os.unlink

    def name(path):
        return os.path.relpath(path, journal.place)

    def watched(do, said):
        def call(*arguments, **options):
            done.append(said(*arguments))
            return do(*arguments, **options)

        return call

    def synced(fd):
        st = os.fstat(fd)
        return f"fsync {name(os.readlink(f'/proc/self/fd/{fd}'))}{' empty' * (stat.S_ISREG(st.st_mode) and not st.st_size)}"

    monkeypatch.setattr(os, "fsync", watched(fsync, synced))
    monkeypatch.setattr(os, "rename", watched(rename, lambda source, target: f"rename {name(target)}"))
    monkeypatch.setattr(os, "unlink", watched(unlink, lambda path, *more: f"unlink {name(str(path))}"))
    journal.keep([touch(host, "file")])
    manifest = f"change/{MANIFEST}"
    assert done == ["fsync change/0", f"fsync {manifest}.new", f"rename {manifest}", "fsync change", "fsync ."]
    done.clear()
    journal.forget()
    # Before anything that it names.
    assert done[:2] == [f"unlink {manifest}", "fsync change"]


@pytest.mark.parametrize("size", [0, 3000])
def test_a_journal_that_cannot_be_written_leaves_nothing(host, journal, size):
    host.write("large", "x" * 10000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(HostError, match=r"^Cannot keep in .*/change what would be changed: File too large; nothing was changed\.$"):
            journal.keep([touch(host, "file"), touch(host, "large")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (host.kept(), journal.is_left()) == ([], False)


def test_a_manifest_that_cannot_be_written_leaves_nothing(host, journal):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(HostError, match="File too large; nothing was changed"):
            journal.keep([touch(host, "file")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert host.kept() == []


def test_what_is_not_as_the_change_saw_it_is_not_kept(host, journal):
    with pytest.raises(FileBusy, match="changed by somebody else since the host was asked"):
        journal.keep([touch(host, "file", before=NEW)])
    assert host.kept() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: "[]",
        lambda text: "\0" * len(text),
        lambda text: json.dumps({**json.loads(text), "files": [{"unknown": 1}]}),
        lambda text: json.dumps({"files": []}),
        lambda text: json.dumps({**json.loads(text), "parents": 5}),
    ],
)
def test_a_damaged_manifest_says_what_to_do(host, journal, damage):
    journal.keep([touch(host, "file")])
    manifest = pathlib.Path(journal.directory, MANIFEST)
    manifest.write_text(damage(manifest.read_text()))
    host.write("file", "new")
    with pytest.raises(Damaged) as caught:
        journal.put_back()
    assert str(caught.value).startswith(f"The journal of a change that was not finished, {manifest}, cannot be read (")
    assert str(caught.value).endswith(
        "What was there before lies beside it: put back by hand what you need of that, take"
        f" {journal.directory} away, and run the play again."
    )
    assert pathlib.Path(journal.directory, "0").read_text() == "old"
    assert host.read("file") == "new"


def test_a_copy_that_is_lost_is_told_and_the_rest_is_put_back(host, journal):
    host.write("other", "x")
    journal.keep([touch(host, "file"), touch(host, "other")])
    host.write("file", "new")
    host.write("other", "new")
    os.unlink(f"{journal.directory}/0")
    told = journal.put_back()
    assert (told.failed, told.stays) == ([f"{host.path('file')} could not be put back: No such file or directory."], [])
    assert (host.read("file"), host.read("other")) == ("new", "x")


def test_a_disk_that_is_full_when_it_is_put_back(host, journal):
    host.write("other", "x" * 10000)
    journal.keep([touch(host, "file"), touch(host, "other")])
    host.write("file", "new")
    host.write("other", "new")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        told = journal.put_back()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.failed == [f"{host.path('other')} could not be put back: File too large."]
    assert (host.read("file"), host.read("other"), sorted(os.listdir(host.root))) == ("old", "new", ["file", "other"])
    assert put_back(journal) == []
    assert host.read("other") == "x" * 10000


def test_a_staged_copy_that_a_killed_run_left_goes(host, journal):
    journal.keep([touch(host, "file"), touch(host, "fresh")])
    host.write("file.tmp", "new", 0o600)
    host.write("fresh.tmp", "new", 0o600)
    assert put_back(journal) == []
    assert sorted(host.tree()) == ["file"]


def test_who_edits_a_file_just_then_is_waited_for(host, journal, monkeypatch):
    """postconf -e writes to the same name, and would rename what it has not written."""
    journal.keep([touch(host, "file")])
    host.write("file", "new")
    held = threading.Event()

    def edit():
        with locked(host.path("file"), 1) as f:
            held.set()
            time.sleep(0.3)
            assert f.read() == b""

    editor = threading.Thread(target=edit)
    editor.start()
    held.wait()
    assert put_back(journal) == []
    editor.join()
    assert (host.read("file"), os.listdir(host.root)) == ("old", ["file"])


# Two runs at once -----------------------------------------------------------------------------------------------------


def test_a_second_run_waits_and_then_gives_up(journal):
    message = r"^Another run has been changing this host for more than 0.2 s; try again when it has finished\.$"
    with journal.locked(0), pytest.raises(FileBusy, match=message), Journal(journal.place).locked(0.2):
        pytest.fail("It is locked.")


def test_the_lock_goes_with_the_run_that_held_it(tmp_path):
    journal = Journal(str(tmp_path / "j"))
    with journal.locked(0):
        pass
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import fcntl,time; f=open({journal.place + '/lock'!r}); fcntl.flock(f,2); print(flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    with pytest.raises(FileBusy), journal.locked(0):
        pytest.fail("It is locked.")
    holder.kill()
    holder.communicate()
    with journal.locked(0):
        pass


def test_a_place_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    message = r"^Cannot keep a journal in .*/file/j: Not a directory; nothing was changed\.$"
    with pytest.raises(HostError, match=message), Journal(str(tmp_path / "file/j")).locked(0):
        pytest.fail("There is no such place.")
