# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._passwords import libsodium


class Function:
    """A function of a C library."""

    def __init__(self, work):
        self._work = work

    def __call__(self, *args):
        return self._work(*args)


class FakeLibrary:
    """A libsodium without its cost; it need not be on the machine where the tests run."""

    def __init__(self, initialised=0, made=0):
        def make(room, data, size, operations, memory, algorithm):
            room.value = b"$argon2id$%d,%d,%d$" % (memory // 1024, operations, algorithm) + data[:size]
            return made

        self.sodium_init = Function(lambda: initialised)
        self.crypto_pwhash_str_alg = Function(make)
        self.crypto_pwhash_str_verify = Function(lambda stored, data, size: 0 if stored.endswith(b"$" + data) and size == len(data) else -1)


def test_makes_and_checks_what_dovecot_makes_and_checks(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeLibrary())
    sodium = libsodium.LibSodium()
    stored = sodium.hash("pä")
    assert stored == "$argon2id$65536,3,2$pä"
    assert sodium.matches("pä", stored)
    assert not sodium.matches("p", stored)
    assert not sodium.matches("p", "$" + "p" * 128)


def no_library(name):
    raise OSError(name)


@pytest.mark.parametrize(
    ("library", "says"),
    [
        (no_library, "The library libsodium, which makes and checks ARGON2ID hashes, is not on this host"),
        (lambda name: FakeLibrary(initialised=-1), "cannot be initialised"),
        (lambda name: FakeLibrary(made=-1), "cannot get the 64 MB of memory"),
    ],
)
def test_what_can_be_wrong_with_the_library(monkeypatch, library, says):
    monkeypatch.setattr(ctypes, "CDLL", library)
    with pytest.raises(HostError, match=says):
        libsodium.LibSodium().hash("x")
