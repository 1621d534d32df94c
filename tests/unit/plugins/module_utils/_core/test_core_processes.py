# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import processes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("12 (master) S 1 12 12 0", (12, "master", 1), id="sleeping"),
        pytest.param("13 (a) b) (c) R 12 13", (13, "a) b) (c", 12), id="parentheses in the name"),
        pytest.param("14 (dovecot) Z 1 14", None, id="zombie"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_parse_stat(text, expected):
    assert processes.parse_stat(text) == expected


def test_process_and_children():
    me = processes.process(os.getpid())
    assert me is not None
    assert me.parent == os.getppid()
    assert me in processes.children(os.getppid())
    assert processes.process(2**22 + 1) is None
    assert processes.children(None) == []
