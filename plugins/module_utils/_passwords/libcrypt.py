# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own crypt(3): Python has no crypt module any more, and the host decides which hashes it accepts."""

from __future__ import annotations

import concurrent.futures
import ctypes
import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, shared_library
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError

CRYPT_DATA = 32768  # sizeof(struct crypt_data), part of libxcrypt's binary interface
GENSALT_OUTPUT = 192  # CRYPT_GENSALT_OUTPUT_SIZE


class Crypt(t.Protocol):
    """The host's crypt(3)."""

    def verify(self, pairs: list[tuple[str, str]]) -> list[bool]: ...

    def hash(self, password: str) -> str: ...


class LibCrypt:
    """crypt(3) of libxcrypt by way of ctypes: Python itself has no crypt module any more."""

    def __init__(self) -> None:
        self._loaded: ctypes.CDLL | None = None

    @property
    def _library(self) -> ctypes.CDLL:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @staticmethod
    def _load() -> ctypes.CDLL:
        missing = HostError("The library libcrypt.so.1, which hashes passwords, is not on this host: install libcrypt1 or libxcrypt.")
        library = shared_library.load(("libcrypt.so.1", "libcrypt.so.2"), missing)
        library.crypt_rn.restype = ctypes.c_char_p
        library.crypt_rn.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
        # The form that is given its room, because several threads make salts at a time.
        library.crypt_gensalt_rn.restype = ctypes.c_char_p
        library.crypt_gensalt_rn.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        return library

    def verify(self, pairs: list[tuple[str, str]]) -> list[bool]:
        """Return whether each stored text (the second field of /etc/shadow) is the hash of its password; an empty or locked one never is.

        A good hash is slow on purpose, some 30 ms, so each processor computes one at a time.
        """
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda pair: self.matches(*pair), pairs))

    def matches(self, password: str, stored: str) -> bool:
        """Return whether *stored* is the hash of *password*."""
        if not stored or stored[0] in "!*x":
            return False
        return self._crypt(password, stored.encode()) == stored.encode()

    def hash(self, password: str, prefix: str | None = None, cost: int = 0) -> str:
        """Return a new hash, by the method of *prefix* (``$6$`` ...) or the library's preferred one; 0 is its usual *cost*."""
        room = ctypes.create_string_buffer(GENSALT_OUTPUT)
        setting = self._library.crypt_gensalt_rn(prefix.encode() if prefix else None, cost, None, 0, room, GENSALT_OUTPUT)
        hashed = self._crypt(password, setting) if setting else None
        if not hashed:
            raise HostError(f"libcrypt cannot hash a password{f' by the method {prefix}' if prefix else ''} on this host.")
        return hashed.decode()

    def _crypt(self, password: str, setting: bytes) -> bytes | None:
        room = ctypes.create_string_buffer(CRYPT_DATA)
        answer: bytes | None = self._library.crypt_rn(password.encode(files.ENCODING, files.ERRORS), setting, room, CRYPT_DATA)
        return answer
