# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.pending import FilterModule

LIVE = {"parameters": {"biff": "no"}, "services": {"smtp/inet": {"overrides": {}}}}


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"biff": False, "relayhost": ""}, {"relayhost": ""}),
        ([{"name": "smtp", "type": "inet"}, {"name": "relay", "type": "unix"}], [{"name": "relay", "type": "unix"}]),
        ({}, {}),
        ([], []),
    ],
)
def test_tells_by_what_it_is_given(wanted, left):
    assert FilterModule().filters()["pending"](wanted, LIVE) == left
