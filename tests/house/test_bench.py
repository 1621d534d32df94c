# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's own command line."""

from __future__ import annotations

import subprocess
import sys

from _house import ROOT


def test_a_group_that_there_is_not_is_one_sentence_before_anything_is_started():
    asked = subprocess.run(
        [sys.executable, ROOT / "tests/bench/run", "--only", "15", "--only", "unknown"], capture_output=True, text=True, check=False
    )
    assert (asked.returncode, asked.stdout) == (2, "")
    known = "host, 1e5, 1e6, 15, 300, sasl, delivery, logins, first, fleet, scale"
    assert asked.stderr == f"There is no group 'unknown' to measure; --only takes {known}.\n"
