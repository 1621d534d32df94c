# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else who changes files meanwhile, files that cannot be written, and homes."""

from __future__ import annotations

import fcntl
import os
import resource

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import PutBack
from ansible_collections.postroom.mail.plugins.module_utils._core import files, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import (
    ChangeHost,
    Gathered,
    put_in_place,
)

OVERTAKEN = r"^{} was changed by somebody else since the host was asked; nothing was changed: run the play again\.$"


@pytest.fixture
def host(tmp_path):
    host = ChangeHost(tmp_path)
    for name in ("first", "second", "third"):
        host.write(name, "old\n")
    return host


def update_all(host, **options):
    for name in ("first", "second", "new/file"):
        host.update(name, "new\n", **options)
    files.remove(host.path("third"))


def all_changes(host, **options):
    files.make_directory(host.path("new"))
    update_all(host, **options)


# Somebody else --------------------------------------------------------------------------------------------------------

MEDDLING = {
    "edits": lambda path: path.write_text("theirs\n"),
    "removes": lambda path: path.unlink(),
    "lays a link": lambda path: (path.unlink(), path.symlink_to("somewhere")),
}


@pytest.mark.parametrize("meddle", MEDDLING.values(), ids=MEDDLING)
@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_what_somebody_changed_since_is_not_overwritten(host, name, meddle):
    before = host.tree()

    def gather():
        all_changes(host)
        meddle(host.root / name)
        before.update(host.tree())
        if name not in host.tree():
            del before[name]

    with pytest.raises(FileBusy, match=OVERTAKEN.format(host.path(name))):
        host.carry_out(gather)
    assert (host.tree(), host.kept()) == (before, [])
    assert host.services.calls == []


def test_a_file_that_somebody_made_meanwhile_is_not_overwritten(host):
    def gather():
        host.update("first", "new\n")
        host.update("fresh", "new\n")
        host.write("fresh", "theirs\n")

    with pytest.raises(FileBusy, match=OVERTAKEN.format(host.path("fresh"))):
        host.carry_out(gather)
    assert (host.read("first"), host.read("fresh"), host.kept()) == ("old\n", "theirs\n", [])


def test_a_link_that_names_another_file_since(host):
    (host.root / "link").symlink_to("first")

    def gather():
        host.update("second", "new\n")
        host.update("link", "new\n")
        (host.root / "link").unlink()
        (host.root / "link").symlink_to("third")

    with pytest.raises(FileBusy, match=OVERTAKEN.format(host.path("link"))):
        host.carry_out(gather)
    assert [host.read(name) for name in ("first", "second", "third")] == ["old\n"] * 3


def test_who_keeps_to_the_lock_waits_until_all_is_in_place(host):
    """As postconf -e does."""
    waited = []

    def try_the_lock():
        with open(host.path("first.tmp")) as f, pytest.raises(BlockingIOError):
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        waited.append(True)

    with Gathered() as stage:
        all_changes(host)
    put_in_place(stage, between=try_the_lock)
    assert waited == [True]
    assert sorted(host.tree()) == ["first", "new", "new/file", "second"]


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_who_cares_for_no_lock_is_not_overwritten_either(host, monkeypatch, name):
    """Changed between the last look at the file and the first rename."""
    host.services.fails["prove"] = AssertionError("never")
    mtime = os.stat(host.path(name)).st_mtime_ns

    def meddle():
        (host.root / name).write_text("theirs, and longer\n")
        os.utime(host.path(name), ns=(mtime + 1, mtime + 1))

    def gather():
        all_changes(host)
        staging.effect(meddle, before_files=True)

    with pytest.raises(PutBack, match="changed by somebody else while the host was being changed; run the play again. Everything was"):
        host.carry_out(gather)
    assert sorted(host.tree()) == ["first", "second", "third"]
    assert {other: host.read(other) for other in host.tree()} == {
        **dict.fromkeys(("first", "second", "third"), "old\n"),
        name: "theirs, and longer\n",
    }


def test_who_holds_the_lock_too_long(host):
    with open(host.path("second.tmp"), "w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(FileBusy, match="being edited by another program"):
            host.carry_out(lambda: all_changes(host, lock_timeout=0.1))
        assert sorted(host.tree()) == ["first", "second", "second.tmp", "third"]
    assert (host.read("first"), host.kept()) == ("old\n", [])


# What cannot be written -----------------------------------------------------------------------------------------------


def test_a_directory_that_is_missing_for_the_last_file(host):
    before = host.stamps()

    def gather():
        files.make_directory(host.path("made/below"), parents=True)
        host.update("first", "new\n")
        host.update("made/below/file", "new\n")
        host.update("missing/file", "new\n")

    with pytest.raises(HostError, match=r"^Cannot write .*/missing/file\.tmp: No such file or directory; .* left as it is\.$"):
        host.carry_out(gather)
    assert (host.stamps(), host.kept(), host.services.calls) == (before, [], [])


def test_a_directory_that_cannot_be_made(host):
    before = host.stamps()

    def gather():
        files.make_directory(host.path("made"))
        files.make_directory(host.path("first/below"))
        host.update("second", "new\n")

    with pytest.raises(HostError, match=r"^Cannot make the directory .*/first/below: Not a directory\.$"):
        host.carry_out(gather)
    assert (host.stamps(), host.kept()) == (before, [])


def test_a_directory_that_is_made_and_cannot_be_given_away(host, monkeypatch):
    def refused(path, *ids):
        raise PermissionError(1, "Operation not permitted", path)

    def gather():
        files.make_directory(host.path("made"), uid=os.getuid() + 1)
        host.update("second", "new\n")
        monkeypatch.setattr(os, "chown", refused)

    before = host.tree()
    with pytest.raises(HostError, match="Operation not permitted"):
        host.carry_out(gather)
    assert (host.tree(), host.kept()) == (before, [])


def limited(size):
    """For the process that writes, a limit to the size of files is a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    return limits


def test_a_disk_that_is_full_at_the_second_file(host):
    before = host.stamps()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def gather():
        files.make_directory(host.path("made"))
        host.update("first", "new\n")
        host.update("second", "new\n" * 10000)
        limited(20000)

    try:
        with pytest.raises(HostError, match=f"^Cannot write {host.path('second')}: File too large; nothing was changed.$"):
            host.carry_out(gather)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (host.stamps(), host.kept(), host.services.calls) == (before, [], [])


def test_more_files_than_a_process_may_have_open(host):
    """Each lock is an open file, and ten thousand users may have a script each."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    try:
        host.carry_out(lambda: [host.update(f"user{number}", "x") for number in range(200)])
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (64, limits[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(host.tree()) == 203


def test_too_many_files_are_refused_before_anything_is_changed(host):
    before = host.stamps()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def gather():
        for number in range(200):
            host.update(f"user{number}", "x")

    pid = os.fork()
    if pid == 0:
        # Nobody gets a limit back that was the highest.
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            host.carry_out(gather)
        except HostError as e:
            code = 0 if "Too many open files" in str(e) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits
    assert (host.stamps(), host.kept()) == (before, [])


def test_a_text_that_is_written_already_is_renamed(host):
    host.write("room/first", "new\n", 0o600)
    with Gathered() as stage:
        files.update(host.path("first"), lambda _before: "new\n", written=host.path("room/first"))
    put_in_place(stage)
    assert (host.read("first"), host.mode("first"), os.listdir(host.root / "room")) == ("new\n", 0o644, [])
