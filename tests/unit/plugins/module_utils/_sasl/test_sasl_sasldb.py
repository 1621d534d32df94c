# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import json
import os
import pathlib
import pwd
import socket
import stat

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl import libsasl, sasldb
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import User
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.sasldb_library import FakeLibrary


class ForgetfulLibrary(FakeLibrary):
    def store(self, database, users):
        super().store(database, users[1:])


def no_library():
    raise libsasl.NoLibrary("There is no libsasl2: install it.")


class Case:
    """A host with one database, with and without a way to list it."""

    def __init__(self, folder):
        self.database = folder / "sasldb2"
        self.programs = {"sasldblistusers2"}
        self.library = FakeLibrary()
        self.make = lambda: self.library
        self.warnings = []

    def run(self, args, data=None):
        assert data is None
        if args[0] not in self.programs:
            return 127, "", f"{args[0]}: No such file"
        assert args[:2] == ["sasldblistusers2", "-f"]
        return 0, "".join(f"{identity}: userPassword\n" for identity in json.loads(pathlib.Path(args[2]).read_text())), ""

    def apply(self, users, *, check_mode=False, **options):
        host = sasldb.Sasldb(self.run, check_mode=check_mode, library=self.make)
        self.warnings = host.warnings
        return host.apply(sasldb.Request(users, str(self.database), **options))

    @property
    def users(self):
        return json.loads(self.database.read_text())

    @property
    def inode(self):
        st = self.database.stat()
        return st.st_ino, st.st_mtime_ns


@pytest.fixture
def case(tmp_path, monkeypatch):
    scratch = tmp_path / "memory"
    scratch.mkdir()
    monkeypatch.setattr(rooms, "PLACE", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr(sasldb, "READERS", "no such group here")
    folder = tmp_path / "etc"
    folder.mkdir()
    yield Case(folder)
    assert list(scratch.iterdir()) == []
    assert list(folder.glob("*.tmp")) == []


ALICE, BOB = User("alice", "r", "one"), User("bob", "r", "two")


def test_check_run_check_run(case):
    assert case.apply([ALICE, BOB], check_mode=True).changed
    assert not case.database.exists()
    done = case.apply([ALICE, BOB])
    assert len(done.plan.create) == 2
    assert case.users == {"alice@r": "one", "bob@r": "two"}
    inode = case.inode
    assert not case.apply([ALICE, BOB], check_mode=True).changed
    assert not case.apply([ALICE, BOB]).changed
    assert case.inode == inode


def test_only_what_differs_is_stored(case):
    case.apply([ALICE, BOB])
    case.library.stored.clear()
    done = case.apply([User("alice", "r"), User("bob", "r", "three")])
    assert (len(done.plan.create), len(done.plan.change), len(done.plan.remove)) == (0, 1, 0)
    assert case.library.stored == ["bob@r"]
    assert case.users == {"alice@r": "one", "bob@r": "three"}


def test_exclusive_removes_who_is_not_named(case):
    case.apply([ALICE, BOB])
    assert [user.identity for user in case.apply([ALICE], exclusive=True, check_mode=True).plan.remove] == ["bob@r"]
    assert not case.apply([ALICE]).changed
    assert case.apply([ALICE], exclusive=True).changed
    assert case.users == {"alice@r": "one"}
    assert not case.apply([ALICE], exclusive=True).changed


def test_nobody_to_keep_makes_no_database(case):
    case.make = no_library
    assert not case.apply([User("alice", "r", present=False)], exclusive=True).changed
    assert not case.database.exists()


def test_what_somebody_else_wrote_meanwhile_stays(case):
    case.apply([ALICE])
    case.library.during = lambda: case.database.write_text(json.dumps({"alice@r": "one", "carol@r": "x", "bob@r": "y"}))
    done = case.apply([ALICE, BOB])
    assert case.users == {"alice@r": "one", "carol@r": "x", "bob@r": "two"}
    assert (len(done.plan.create), len(done.plan.change)) == (0, 1)


def test_a_database_that_does_not_hold_what_it_was_given_never_goes_live(case):
    case.apply([User("carol", "r", "x")])
    inode = case.inode
    case.make = ForgetfulLibrary
    with pytest.raises(libsasl.LibraryFailed, match=r"did not take what it was given for alice@r; .* was left as it is"):
        case.apply([ALICE, BOB])
    assert case.inode == inode


def test_a_full_disk_leaves_the_database(case):
    case.apply([ALICE])
    inode = case.inode

    def full():
        raise OSError(28, "No space left on device")

    case.library.during = full
    with pytest.raises(HostError, match=r"Cannot work on a copy of .*: No space left on device; it was left as it is\."):
        case.apply([BOB])
    assert case.inode == inode


def test_copies_are_kept_in_step_and_healed(case):
    copy = case.database.parent / "copy"
    assert case.apply([ALICE], copies=[str(copy)], check_mode=True).copies == [str(copy)]
    assert not copy.exists()
    assert case.apply([ALICE], copies=[str(copy)]).copies == [str(copy)]
    assert copy.read_bytes() == case.database.read_bytes()
    assert not case.apply([ALICE], copies=[str(copy)]).changed
    for spoil in (copy.unlink, lambda: copy.write_bytes(b"\xff\0"), lambda: copy.chmod(0o644)):
        spoil()
        assert case.apply([ALICE], copies=[str(copy)], check_mode=True).changed
        assert case.apply([ALICE], copies=[str(copy)]).copies == [str(copy)]
        assert copy.read_bytes() == case.database.read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == stat.S_IMODE(case.database.stat().st_mode)
        assert not case.apply([ALICE], copies=[str(copy)]).changed


def test_a_copy_makes_the_directory_that_postfix_would_make(case):
    """Below one that is there; Debian 13's Postfix makes etc in its chroot at its first start."""
    copy = case.database.parent / "etc" / "copy"
    assert case.apply([ALICE], copies=[str(copy)]).copies == [str(copy)]
    assert (mode(copy.parent), copy.read_bytes()) == (0o755, case.database.read_bytes())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_database_is_for_its_readers_only(case, monkeypatch):
    case.apply([ALICE])
    assert mode(case.database) == 0o600
    case.database.unlink()
    monkeypatch.setattr(sasldb, "READERS", grp.getgrgid(os.getgid()).gr_name)
    case.apply([ALICE])
    assert (mode(case.database), case.database.stat().st_gid) == (0o640, os.getgid())


def test_a_database_that_is_there_loses_what_more_than_its_readers_may(case):
    case.apply([ALICE])
    case.database.chmod(0o666)
    assert case.apply([ALICE], check_mode=True).attributes_changed
    assert mode(case.database) == 0o666
    assert case.apply([ALICE]).changed
    assert mode(case.database) == 0o640
    assert not case.apply([ALICE]).changed
    me = pwd.getpwuid(os.getuid()).pw_name
    assert case.apply([ALICE], owner=me, group=str(os.getgid()), mode=0o660).changed
    assert not case.apply([ALICE, BOB], mode=0o660).attributes_changed
    assert mode(case.database) == 0o660


@pytest.mark.parametrize(
    ("database", "copies", "words"),
    [
        ("sasldb2", [], "'sasldb2' cannot be the place of a SASL database: give an absolute path."),
        (None, ["copy"], "'copy' cannot be the place"),
        ("/no/such/sasldb2", [], "There is no directory /no/such on this host for /no/such/sasldb2 to be in"),
        (None, ["/no/such/copy"], "There is no directory /no/such on this host for /no/such/copy to be in"),
    ],
)
def test_places_where_nothing_can_be_are_refused(case, database, copies, words):
    case.database = pathlib.Path(database) if database else case.database
    with pytest.raises(BadInput) as caught:
        case.apply([ALICE], copies=copies)
    assert words in str(caught.value)


def test_a_database_is_no_copy_of_itself(case):
    with pytest.raises(BadInput, match="cannot be a copy of itself"):
        case.apply([ALICE], copies=[str(case.database)])


def test_check_mode_needs_neither_directories_nor_library(case):
    case.make = no_library
    case.database = pathlib.Path("/no/such/sasldb2")
    assert len(case.apply([ALICE], copies=["/no/such/copy"], check_mode=True).plan.create) == 1
    assert case.warnings == []


def test_check_mode_says_when_it_cannot_compare(case):
    case.apply([ALICE])
    case.make = no_library
    todo = case.apply([ALICE, User("bob", "r")], check_mode=True).plan
    assert [user.identity for user in todo.change] == ["alice@r"]
    assert "cannot be compared" in case.warnings[0]
    with pytest.raises(libsasl.NoLibrary):
        case.apply([ALICE])


def test_exclusive_names_the_package_of_the_program_that_lists(case):
    case.apply([ALICE])
    case.programs.clear()
    with pytest.raises(sasldb.NoListing, match="install sasl2-bin"):
        case.apply([ALICE], exclusive=True)
    assert case.apply([ALICE], exclusive=True, check_mode=True).changed
    assert "install sasl2-bin" in case.warnings[0]


def test_a_listing_that_fails_is_told(case):
    case.apply([ALICE])
    case.run = lambda _args: (0, "", "listusers failed\n")
    with pytest.raises(libsasl.LibraryFailed, match=r"cannot list .*: listusers failed\."):
        case.apply([ALICE], exclusive=True)


@pytest.mark.parametrize(
    ("answer", "realm"),
    [((0, "\nmail.example.org\n", ""), "mail.example.org"), ((0, "example.org\nmail.example.org\n", ""), "example.org")],
)
def test_the_realm_is_the_one_that_smtpd_looks_up(answer, realm):
    assert sasldb.default_realm(lambda _args: answer) == realm


def test_without_postfix_the_realm_is_the_host():
    assert sasldb.default_realm(lambda _args: (127, "", "")) == socket.getfqdn()


@pytest.mark.parametrize(
    ("answer", "said"), [((1, "r\n", "fatal: missing '='\n"), "missing '='.*; give 'realm'"), ((0, "\n", ""), "no answer; give 'realm'")]
)
def test_a_postfix_that_cannot_tell_is_no_reason_to_guess(answer, said):
    with pytest.raises(HostError, match=said):
        sasldb.default_realm(lambda _args: answer)
