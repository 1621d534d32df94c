# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.merged_services import FilterModule

merged_services = FilterModule().filters()["merged_services"]
KEY = {"name": "submission", "type": "inet"}
SUBMISSION = {**KEY, "command": "smtpd", "overrides": {"a": "1", "b": "2"}}
OTHER = {"name": "filter", "type": "unix", "command": "pipe"}


@pytest.mark.parametrize(
    ("more", "merged"),
    [
        ([], [SUBMISSION]),
        ([OTHER], [SUBMISSION, OTHER]),
        ([{**KEY, "chroot": True}], [{**SUBMISSION, "chroot": True}]),
        ([{**KEY, "overrides": {"b": "3", "c": None}}], [{**SUBMISSION, "overrides": {"a": "1", "b": "3", "c": None}}]),
        ([{**KEY, "overrides": None}], [SUBMISSION]),
        (
            [{**KEY, "exclusive_overrides": True, "overrides": {"c": "4"}}],
            [{**SUBMISSION, "exclusive_overrides": True, "overrides": {"c": "4"}}],
        ),
        ([{**KEY, "state": "absent"}], [{**SUBMISSION, "state": "absent"}]),
        ([{**OTHER, "name": "submission"}], [SUBMISSION, {**OTHER, "name": "submission"}]),
        # The module refuses it.
        ([{**KEY, "chroot": True}, {**KEY, "chroot": False}], [{**SUBMISSION, "chroot": True}, {**KEY, "chroot": False}]),
    ],
)
def test_what_is_said_beside_is_added_and_wins(more, merged):
    services = [dict(SUBMISSION)]
    assert merged_services(services, more) == merged
    assert services == [SUBMISSION]


@pytest.mark.parametrize("arguments", [("submission", []), ([SUBMISSION], [KEY["name"]]), ([SUBMISSION], KEY)])
def test_what_is_no_list_of_services(arguments):
    with pytest.raises(AnsibleFilterError, match="must be a list of dictionaries"):
        merged_services(*arguments)
