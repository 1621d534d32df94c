# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.modules.called import Caller
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import CASES


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    return Caller(monkeypatch, capsys, tmp_path)


@pytest.fixture
def case(name, tmp_path, monkeypatch):
    """The host and the calls of the module called *name*, with which `of` parametrizes a test."""
    return CASES[name](tmp_path, monkeypatch)
