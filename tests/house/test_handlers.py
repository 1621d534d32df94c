# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task changes is known to the handler that applies it: in check mode nothing else could tell a reload from a restart."""

from __future__ import annotations

import typing as t

import pytest
from _house import ROOT, files, load

HANDLER = "Apply the configuration of Postfix"


def tasks(listed: t.Iterable[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    """Give every task, and those in blocks."""
    for task in listed:
        yield task
        yield from tasks(task.get("block", []))


def notifying() -> t.Iterator[t.Any]:
    for name in files():
        if name.parts[0] == "roles" and name.parts[2:3] == ("tasks",):
            for task in tasks(load(ROOT / name) or []):
                if HANDLER in str(task.get("notify")):
                    yield pytest.param(task, id=f"{name.parts[1]}: {task['name']}")


@pytest.mark.parametrize("task", list(notifying()))
def test_the_handler_knows_what_the_task_found(task):
    handler = next(handler for handler in load(ROOT / "roles/host/handlers/main.yml") if handler["name"] == HANDLER)
    known = " ".join(handler["vars"]["host_postfix_changes"])
    if any(name.endswith("debug") for name in task):
        # It tells what the host has said, which is known by itself.
        assert "host_info.services.postfix" in known
    else:
        assert f"{task['register']} |" in known
