# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that only looks over a change, before the former mail server is stopped, looks over the change that follows."""

from __future__ import annotations

import typing as t

import pytest
from _house import roles, tasks

REHEARSALS = [(role, task) for role in roles() for task in tasks(role) if task.get("check_mode") is True]


def call(task: dict[str, t.Any]) -> dict[str, t.Any]:
    return {action: options for action, options in task.items() if action.startswith("postroom.mail.")}


def test_there_are_rehearsals():
    assert REHEARSALS


@pytest.mark.parametrize(("role", "task"), REHEARSALS, ids=lambda value: value if isinstance(value, str) else value["name"])
def test_is_called_as_the_task_that_it_stands_for(role, task):
    assert call(task) in [call(other) for other in tasks(role) if "check_mode" not in other]
