# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._sasl import libsasl
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import Standing, User

REMOVE, SET = libsasl.SET_DISABLE, libsasl.SET_CREATE


class Function:
    """A C function as ctypes makes it: something to call that takes a signature."""

    def __init__(self, call):
        self.call = call

    def __call__(self, *args):
        return self.call(*args)


class FakeC:
    """libsasl2's C interface over a dictionary, with SCRAM's own secrets in another and what the host remembers of the calls."""

    def __init__(self, users=(), scram=()):
        self.users = dict(users)
        self.scram = dict(scram)
        self.connections = self.starts = 0
        self.calls = []
        self.callbacks = None
        self.asked = None
        for name in dir(self):
            if name.startswith(("sasl_", "prop_")):
                setattr(self, name, Function(getattr(self, name)))

    def option(self, name):
        getopt = ctypes.cast(self.callbacks._obj[0].proc, libsasl._GETOPT)
        value, length = ctypes.c_char_p(), ctypes.c_uint()
        rc = getopt(None, None, name, ctypes.pointer(value), ctypes.pointer(length))
        return value.value if rc == libsasl.OK else None

    def complain(self, level, message):
        ctypes.cast(self.callbacks._obj[1].proc, libsasl._LOG)(None, level, message)

    def sasl_server_init(self, callbacks, _name):
        self.callbacks = callbacks
        self.starts += 1
        return libsasl.OK

    def sasl_done(self):
        self.callbacks = None

    def sasl_server_new(self, _service, _host, realm, *_rest):
        assert realm == b""
        self.connections += 1
        return libsasl.OK

    def sasl_dispose(self, _connection):
        self.connections -= 1

    def sasl_checkpass(self, _connection, name, length, password, password_length):
        assert (length, password_length) == (len(name), len(password))
        if name.startswith(b"broken"):
            self.complain(1, b"unable to open Berkeley db.")
            self.complain(2, b"not for us")
            return libsasl.FAIL
        if name not in self.users:
            return libsasl.NOUSER
        return libsasl.OK if self.users[name] == password else libsasl.BADAUTH

    def sasl_user_exists(self, _connection, _service, _realm, name):
        self.asked = name
        return libsasl.FAIL if name.startswith(b"broken") else libsasl.OK if name in self.users else libsasl.NOUSER

    def sasl_auxprop_request(self, _connection, _names):
        return libsasl.OK

    def sasl_auxprop_getctx(self, _connection):
        return 1

    def prop_getnames(self, _context, names, found):
        value = (ctypes.c_char_p * 1)(b"x")
        for n, name in enumerate(libsasl.PROPERTIES):
            there = self.asked in {b"userPassword": self.users, b"authPassword": self.scram}.get(name, ())
            found[n] = libsasl._Property(names[n], value if there else None, 1, 1)
        return 0

    def sasl_setpass(self, _connection, name, password, length, _old, _old_length, flags):
        assert length == len(password or b"")
        self.calls.append((name, password, flags))
        if name.startswith(b"broken"):
            return libsasl.FAIL
        if flags == REMOVE:
            self.users.pop(name, None)
            if self.option(b"scram_secret_generate") == b"true":
                self.scram.pop(name, None)
        else:
            assert self.option(b"scram_secret_generate") == b"false"
            self.users[name] = password
        return libsasl.OK

    def sasl_errstring(self, _rc, _languages, _out):
        return b"generic failure"


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    database = tmp_path / "sasldb2"
    database.touch()

    def load(**there):
        fake = FakeC(**there)
        monkeypatch.setattr(libsasl.ctypes, "CDLL", lambda _name: fake)
        return fake, libsasl.LibSasl(), str(database)

    return load


def test_each_user_stands_as_the_library_says(loaded):
    fake, library, database = loaded(users={b"alice@r": b"one", b"bob@r": b"two", b"frank@r": b"x"}, scram={b"dave@r": b"x"})
    users = [
        (User("alice", "r", "one"), Standing.SAME),
        (User("carol", "r"), Standing.ABSENT),
        (User("bob", "r", "three"), Standing.OTHER),
        (User("frank", "r"), Standing.SAME),
        (User("erin", "r", "one"), Standing.ABSENT),
        (User("dave", "r", "ignored", present=False), Standing.SAME),
    ]
    assert library.compare(database, [user for user, _standing in users]) == [standing for _user, standing in users]
    assert fake.option(b"sasldb_path").decode() == database
    assert fake.option(b"auxprop_plugin") == b"sasldb"
    assert fake.option(b"something_else") is None
    assert fake.connections == 0


def test_no_connection_is_asked_about_many_users(loaded):
    fake, library, database = loaded()
    disposed = []
    fake.sasl_dispose = Function(lambda _connection: disposed.append(1))
    library.compare(database, [User(f"user{n}", "r", "x") for n in range(libsasl.USERS_PER_CONNECTION * 2 + 1)])
    assert len(disposed) == 3


def test_a_password_is_set_and_a_user_removed(loaded):
    fake, library, database = loaded(users={b"bob@r": b"two"})
    library.store(database, [User("älice", "r", "pässwörd"), User("bob", "r", "ignored", present=False)])
    assert fake.users == {"älice@r".encode(): "pässwörd".encode()}
    assert [flags for _name, _password, flags in fake.calls] == [SET, REMOVE]


def test_what_scram_keeps_of_an_older_password_goes_with_it(loaded):
    fake, library, database = loaded(users={b"alice@r": b"one"}, scram={b"alice@r": b"x", b"bob@r": b"y", b"carol@r": b"z"})
    library.store(database, [User("alice", "r", "two"), User("bob", "r", present=False)])
    assert fake.users == {b"alice@r": b"two"}
    assert set(fake.scram) == {b"carol@r"}


def test_the_library_starts_anew_for_another_database_and_for_writing(loaded, tmp_path):
    fake, library, database = loaded()
    alice = [User("alice", "r", "x")]
    library.compare(database, alice)
    library.compare(database, alice)
    assert fake.starts == 1
    library.store(database, alice)
    assert fake.starts == 2
    library.compare(str(tmp_path / "other"), alice)
    assert fake.starts == 3
    assert fake.option(b"sasldb_path").decode() == str(tmp_path / "other")
    library.compare(database, [])
    assert fake.starts == 3


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (User("broken", "r", "s3cret"), "look up 'broken@r' in .*: generic failure \\(-1\\), unable to open Berkeley db; move away"),
        (User("broken", "r"), "look up 'broken@r' in .*: generic failure \\(-1\\); move away"),
    ],
)
def test_a_lookup_that_fails_is_one_sentence(loaded, user, words):
    _fake, library, database = loaded()
    with pytest.raises(libsasl.LibraryFailed, match=f"^libsasl2 cannot {words}") as caught:
        library.compare(database, [user])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("user", "what"), [(User("broken", "r", "s3cret"), "set the password of"), (User("broken", "r", present=False), "remove")]
)
def test_a_user_that_cannot_be_written_is_named(loaded, tmp_path, user, what):
    _fake, library, _database = loaded()
    with pytest.raises(libsasl.LibraryFailed, match=f"^libsasl2 cannot {what} 'broken@r' in ") as caught:
        library.store(str(tmp_path / "new"), [user])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "what"), [("sasl_server_init", "start libsasl2"), ("sasl_server_new", "open a connection to libsasl2")]
)
def test_a_library_that_does_not_start_says_so(loaded, function, what):
    fake, library, database = loaded()
    setattr(fake, function, Function(lambda *_args: libsasl.FAIL))
    with pytest.raises(libsasl.LibraryFailed, match=f"^libsasl2 cannot {what}: "):
        library.compare(database, [User("alice", "r", "x")])


def test_no_libsasl2_is_one_sentence(monkeypatch):
    def missing(_name):
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(libsasl.ctypes, "CDLL", missing)
    with pytest.raises(libsasl.NoLibrary, match=r"^The library libsasl2\.so\.2, .*: install libsasl2-2 .*\.$"):
        libsasl.LibSasl()
