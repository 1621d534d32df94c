# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.user_problems import FilterModule

user_problems = FilterModule().filters()["user_problems"]


@pytest.mark.parametrize("users", [[], [{"name": "alice"}, {"name": "bob", "password": "12345678"}, {"name": "carol", "state": "absent"}]])
def test_users_as_they_should_be(users):
    assert user_problems(users) == []


@pytest.mark.parametrize(
    ("users", "problem"),
    [
        ([{"name": "alice"}, {"name": "alice"}], "mail_users: The user 'alice' is given twice; join the two."),
        *(
            (
                [{"name": "alice", "password": password}],
                f"mail_users: The password of user 'alice' is {kind} to YAML, "
                "which reads it otherwise than it is written; put it in quotes.",
            )
            for password, kind in ((42798, "a number"), (True, "a truth value"), (12.5, "a number"), ({"a": "b"}, "a dictionary"))
        ),
        ([{"name": "root"}], "mail_users: 'root' is the administrator, not a mail user: give root's mail to another user with an alias."),
        (
            [{"name": "alice", "password": ""}],
            "mail_users: The password of user 'alice' is empty; leave the option out for an account without password.",
        ),
    ],
)
def test_users_that_no_host_can_have(users, problem):
    assert user_problems(users) == [problem]
