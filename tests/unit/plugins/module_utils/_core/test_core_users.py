# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import users
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError


def make(options):
    if not options:
        raise BadInput("Somebody has no name.")
    if options == "broken":
        raise HostError("The host is broken.")
    return options.lower()


def test_users_are_made_in_their_order():
    assert users.all_from(["Bob", "Alice"], make, str, BadInput) == ["bob", "alice"]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(BadInput) as told:
        users.all_from(["", "alice", "Alice", ""], make, str, BadInput)
    assert str(told.value) == "Somebody has no name. Somebody has no name. The user 'alice' is given twice; join the two."


def test_what_is_wrong_with_the_host_is_told_by_itself():
    with pytest.raises(HostError, match="The host is broken"):
        users.all_from(["", "broken"], make, str, BadInput)


def test_how_often_is_told():
    assert users.repeated(["a", "b", "a", "a"]) == ["The user 'a' is given 3 times; join them."]
