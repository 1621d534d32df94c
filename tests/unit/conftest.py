# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from hypothesis import settings

# A busy machine is no failure. On CI the examples are the same in every run; at a desk new ones are tried each time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _rooms_of_the_tests(tmp_path_factory):
    """No test works in a directory of the host that it runs on."""
    rooms.PLACE = str(tmp_path_factory.mktemp("rooms"))
