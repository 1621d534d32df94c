# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.shared_library import load

MISSING = HostError("It is not here.")


def test_loads_the_first_that_is_there():
    assert isinstance(load(("libnone-at-all.so.7", "libc.so.6"), MISSING), ctypes.CDLL)


def test_says_what_is_missing():
    with pytest.raises(HostError, match=r"^It is not here\.$"):
        load(("libnone-at-all.so.7",), MISSING)
