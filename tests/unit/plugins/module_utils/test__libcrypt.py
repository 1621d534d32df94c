# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._libcrypt import LibCrypt


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
