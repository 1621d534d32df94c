# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.waiting_crypt import crypt_of_three


def test_the_hosts_own_crypt_knows_its_hashes():
    crypt = LibCrypt()
    stored = crypt.hash("pässwörd: x")
    assert stored.startswith("$")
    other = crypt.hash("y" * 511)
    pairs = [("pässwörd: x", stored), ("pässwörd: y", stored), ("y" * 511, other), ("y" * 510, other)]
    assert crypt.verify(pairs * 5) == [True, False, True, False] * 5
    assert crypt.hash("pässwörd: x") != stored


@pytest.mark.parametrize("stored", ["", "!", "*", "!!", "x", "!*", "garbage", "$y$garbage"])
def test_no_password_matches_what_is_no_hash(stored):
    assert LibCrypt().verify([("x", stored)]) == [False]


@pytest.mark.parametrize(
    ("prefix", "cost", "begin"), [("$6$", 0, "$6$"), ("$5$", 0, "$5$"), ("$2y$", 4, "$2y$04$"), ("$2y$", 10, "$2y$10$")]
)
def test_a_method_and_what_it_may_cost(prefix, cost, begin):
    crypt = LibCrypt()
    stored = crypt.hash("x", prefix, cost)
    assert stored.startswith(begin)
    assert crypt.matches("x", stored)
    assert not crypt.matches("y", stored)


def test_a_method_that_the_library_does_not_know():
    with pytest.raises(HostError, match=r"libcrypt cannot hash a password by the method \$zz\$ on this host\."):
        LibCrypt().hash("x", "$zz$")


def test_each_processor_checks_a_password_of_its_own(monkeypatch):
    """Three at a time pass the barrier; and a call by CDLL leaves the interpreter to the other threads, by PyDLL it would not."""
    crypt = crypt_of_three(monkeypatch)
    assert crypt.verify([("x", crypt.hash("x", "$5$"))] * 6) == [True] * 6
    assert not isinstance(crypt._library, ctypes.PyDLL)
