# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argon2 of libsodium, the library that Dovecot itself uses for it."""

from __future__ import annotations

import ctypes
import threading

from ansible_collections.postroom.mail.plugins.module_utils._core import files, shared_library
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

STRBYTES = 128  # crypto_pwhash_STRBYTES
ALG_ARGON2ID13 = 2
# Dovecot's defaults.
OPSLIMIT = 3
MEMLIMIT = 64 * 1024 * 1024

# Each hash needs MEMLIMIT of memory; a machine with many processors must not be asked for many times that.
AT_A_TIME = 4


class LibSodium:
    """Makes and verifies Argon2 hashes in libsodium's text form."""

    def __init__(self) -> None:
        self._loaded: ctypes.CDLL | None = None
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_A_TIME)

    @property
    def _library(self) -> ctypes.CDLL:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    @staticmethod
    def _load() -> ctypes.CDLL:
        missing = HostError("The library libsodium, which makes and checks ARGON2ID hashes, is not on this host: choose another scheme.")
        library = shared_library.load(("libsodium.so.23", "libsodium.so.26"), missing)
        if library.sodium_init() < 0:
            raise HostError("The library libsodium cannot be initialised on this host: choose another scheme than ARGON2ID.")
        size = ctypes.c_ulonglong
        library.crypto_pwhash_str_alg.argtypes = [ctypes.c_char_p, ctypes.c_char_p, size, size, ctypes.c_size_t, ctypes.c_int]
        library.crypto_pwhash_str_verify.argtypes = [ctypes.c_char_p, ctypes.c_char_p, size]
        return library

    def hash(self, password: str) -> str:
        """Return a new ARGON2ID hash."""
        data, answer = password.encode(files.ENCODING, files.ERRORS), ctypes.create_string_buffer(STRBYTES)
        library = self._library
        with self._room:
            rc = library.crypto_pwhash_str_alg(answer, data, len(data), OPSLIMIT, MEMLIMIT, ALG_ARGON2ID13)
        if rc:
            raise HostError(f"libsodium cannot get the {MEMLIMIT // 1024**2} MB of memory that an ARGON2ID hash needs on this host.")
        return answer.value.decode()

    def matches(self, password: str, stored: str) -> bool:
        """Return whether *stored* is the hash of *password*."""
        data, hashed = password.encode(files.ENCODING, files.ERRORS), stored.encode(files.ENCODING, files.ERRORS)
        if len(hashed) >= STRBYTES:
            return False
        library = self._library
        with self._room:
            return bool(library.crypto_pwhash_str_verify(hashed, data, len(data)) == 0)
