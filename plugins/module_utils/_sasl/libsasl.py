# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libsasl2, the host's own, by way of ctypes: one process for any number of users, whatever the database is made of.

saslpasswd2 takes one user per process and cannot tell whether a password is right already. The library can: it checks the
wanted password as it does for smtpd, so no password is ever read back.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, shared_library
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import Standing, User

LIBRARIES = ("libsasl2.so.2", "libsasl2.so.3")
OK, FAIL, BADAUTH, NOUSER = 0, -1, -13, -20
SET_CREATE, SET_DISABLE = 1, 2
CB_LIST_END, CB_GETOPT, CB_LOG = 0, 1, 2
LOG_ERR = 1
SERVICE = b"smtp"

# The properties that libsasl2's mechanisms keep of a user: the password, and the secrets of SCRAM, OTP and SRP.
PASSWORD = b"userPassword"
PROPERTIES = (PASSWORD, b"authPassword", b"cmusaslsecretOTP", b"cmusaslsecretSRP")

# A connection remembers every user it was asked about and gets slower with each.
USERS_PER_CONNECTION = 100

_GETOPT = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_uint)
)
_LOG = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class _Callback(ctypes.Structure):
    _fields_ = (("id", ctypes.c_ulong), ("proc", ctypes.c_void_p), ("context", ctypes.c_void_p))


class _Property(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("values", ctypes.POINTER(ctypes.c_char_p)),
        ("nvalues", ctypes.c_uint),
        ("valsize", ctypes.c_uint),
    )


class NoLibrary(HostError):
    """libsasl2 is not on this host."""


class LibraryFailed(HostError):
    """libsasl2 cannot do its task."""


class LibSasl:
    """The accounts in a sasldb2 file. Raises `NoLibrary` when made where there is no libsasl2."""

    def __init__(self) -> None:
        self._library = self._load()
        self._options = {b"auxprop_plugin": b"sasldb", b"pwcheck_method": b"auxprop", b"log_level": b"1"}
        self._complaint = ""
        self._opened: tuple[str, bool] | None = None
        # libsasl2 keeps pointers to all of these.
        self._procs = (_GETOPT(self._getopt), _LOG(self._log))
        self._callbacks = (_Callback * 3)(
            _Callback(CB_GETOPT, ctypes.cast(self._procs[0], ctypes.c_void_p).value, None),
            _Callback(CB_LOG, ctypes.cast(self._procs[1], ctypes.c_void_p).value, None),
            _Callback(CB_LIST_END, None, None),
        )

    @staticmethod
    def _load() -> ctypes.CDLL:
        missing = NoLibrary(
            f"The library {LIBRARIES[0]}, which keeps SASL's passwords, is not on this host: install libsasl2-2 and libsasl2-modules-db"
            " (Debian) or cyrus-sasl-lib (Red Hat)."
        )
        library = shared_library.load(LIBRARIES, missing)
        connection, text = ctypes.c_void_p, ctypes.c_char_p
        library.sasl_server_init.argtypes = [ctypes.c_void_p, text]
        library.sasl_server_new.argtypes = [text, text, text, text, text, ctypes.c_void_p, ctypes.c_uint, ctypes.POINTER(connection)]
        library.sasl_checkpass.argtypes = [connection, text, ctypes.c_uint, text, ctypes.c_uint]
        library.sasl_user_exists.argtypes = [connection, text, text, text]
        library.sasl_setpass.argtypes = [connection, text, text, ctypes.c_uint, text, ctypes.c_uint, ctypes.c_uint]
        names = ctypes.POINTER(text)
        library.sasl_auxprop_request.argtypes = [connection, names]
        library.sasl_auxprop_getctx.argtypes = [connection]
        library.sasl_auxprop_getctx.restype = ctypes.c_void_p
        library.prop_getnames.argtypes = [ctypes.c_void_p, names, ctypes.POINTER(_Property)]
        library.sasl_dispose.argtypes = [ctypes.POINTER(connection)]
        library.sasl_dispose.restype = None
        library.sasl_done.argtypes = []
        library.sasl_done.restype = None
        library.sasl_errstring.argtypes = [ctypes.c_int, text, text]
        library.sasl_errstring.restype = text
        return library

    # libsasl2 asks for each option by name; what is not answered here it would look for in the application's own file.
    def _getopt(self, _context: t.Any, _plugin: bytes | None, option: bytes, result: t.Any, length: t.Any) -> int:
        value = self._options.get(option)
        if value is None:
            return FAIL
        result[0] = value
        if length:
            length[0] = len(value)
        return OK

    def _log(self, _context: t.Any, level: int, message: bytes | None) -> int:
        # A wrong password is of a higher level, and no complaint of ours; the highest ones show secrets.
        if level == LOG_ERR and message:
            self._complaint = _text(message)
        return OK

    def compare(self, database: str, users: t.Sequence[User]) -> list[Standing]:
        """Return the state of each of *users* in *database*; for one without password only whether it exists."""
        compared, looked_up = [user for user in users if user.wants_password], [user for user in users if not user.wants_password]
        secrets = self._secrets(database, looked_up)
        standings = {
            user.identity: self._standing(connection, user, database) for connection, user in self._connected(database, compared)
        } | {user.identity: Standing.SAME if secrets[user.identity] else Standing.ABSENT for user in looked_up}
        return [standings[user.identity] for user in users]

    def store(self, database: str, users: t.Sequence[User]) -> None:
        """Store the password of each of *users*, or remove a user that must be absent."""
        secrets = self._secrets(database, users) if os.path.exists(database) else {}
        for connection, user in self._connected(database, users, writing=True):
            # What SCRAM once made of an older password would go on opening the door. It needs none, for it can work from the
            # password, and it removes what it has only when told to keep some.
            more = bool(secrets.get(user.identity, set()) - {PASSWORD})
            self._options[b"scram_secret_generate"] = b"true" if more else b"false"
            if more or not user.present:
                self._set(connection, user, None, database)
            self._options[b"scram_secret_generate"] = b"false"
            if user.wants_password:
                self._set(connection, user, _bytes(user.password or ""), database)

    def _set(self, connection: ctypes.c_void_p, user: User, password: bytes | None, database: str) -> None:
        flags = SET_DISABLE if password is None else SET_CREATE
        rc = self._library.sasl_setpass(connection, _bytes(user.identity), password, len(password or b""), None, 0, flags)
        if rc != OK:
            raise self._failed(rc, f"{'remove' if password is None else 'set the password of'} '{user.identity}' in {database}")

    def _standing(self, connection: ctypes.c_void_p, user: User, database: str) -> Standing:
        name, password = _bytes(user.identity), _bytes(user.password or "")
        rc = self._library.sasl_checkpass(connection, name, len(name), password, len(password))
        try:
            return {OK: Standing.SAME, BADAUTH: Standing.OTHER, NOUSER: Standing.ABSENT}[rc]
        except KeyError:
            raise self._failed(rc, f"look up '{user.identity}' in {database}") from None

    def _secrets(self, database: str, users: t.Sequence[User]) -> dict[str, set[bytes]]:
        """Return the secrets that *database* keeps of each of *users*, by the names of their properties."""
        names = (ctypes.c_char_p * (len(PROPERTIES) + 1))(*PROPERTIES, None)
        found = (_Property * len(PROPERTIES))()
        secrets = {}
        for connection, user in self._connected(database, users):
            self._library.sasl_auxprop_request(connection, names)
            # It looks for the password alone, but brings all that was requested.
            rc = self._library.sasl_user_exists(connection, SERVICE, b"", _bytes(user.identity))
            if rc not in (OK, NOUSER):
                raise self._failed(rc, f"look up '{user.identity}' in {database}")
            self._library.prop_getnames(self._library.sasl_auxprop_getctx(connection), names, found)
            secrets[user.identity] = {one.name for one in found if one.name and one.values}
        return secrets

    def _connected(self, database: str, users: t.Sequence[User], *, writing: bool = False) -> t.Iterator[tuple[ctypes.c_void_p, User]]:
        """Yield each of *users* with a connection that is young enough to be quick."""
        if users:
            self._open(database, writing)
        rest = iter(users)
        while some := list(itertools.islice(rest, USERS_PER_CONNECTION)):
            connection = ctypes.c_void_p()
            # An empty realm has names split at their "@".
            rc = self._library.sasl_server_new(SERVICE, _bytes(socket.gethostname()), b"", None, None, None, 0, ctypes.byref(connection))
            if rc != OK:
                raise self._failed(rc, "open a connection to libsasl2")
            try:
                for user in some:
                    yield connection, user
            finally:
                self._library.sasl_dispose(ctypes.byref(connection))

    def _open(self, database: str, writing: bool) -> None:
        """Have libsasl2 open *database*. It keeps an LMDB open in its first state until it is told to finish."""
        if self._opened == (database, writing):
            return
        if self._opened:
            self._library.sasl_done()
        self._opened = database, writing
        self._options[b"sasldb_path"] = os.fsencode(database)
        rc = self._library.sasl_server_init(ctypes.byref(self._callbacks), b"postroom.mail")
        if rc != OK:
            raise self._failed(rc, "start libsasl2")

    def _failed(self, rc: int, what: str) -> LibraryFailed:
        said = self._library.sasl_errstring(rc, None, None) or b"no reason given"
        why = f"{_text(said)} ({rc})" + (f", {self._complaint}" if self._complaint else "")
        return LibraryFailed(
            f"libsasl2 cannot {what}: {why}; move away a file that is no database of its kind, and install its plugin for sasldb if that is"
            " missing, libsasl2-modules-db (Debian) or cyrus-sasl-lib (Red Hat)."
        )


def _bytes(text: str) -> bytes:
    return text.encode(files.ENCODING, files.ERRORS)


def _text(message: bytes) -> str:
    return message.decode(files.ENCODING, "replace").strip().rstrip(".")
