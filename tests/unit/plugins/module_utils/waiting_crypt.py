# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A libcrypt that shows how many passwords are checked at a time."""

from __future__ import annotations

import os
import threading

from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt


def crypt_of_three(monkeypatch):
    """Return the library of a host with three processors, of which no check ends before three have begun."""
    barrier = threading.Barrier(3)

    class Waiting(LibCrypt):
        def matches(self, password, stored):
            barrier.wait(60)
            return super().matches(password, stored)

    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    return Waiting()
