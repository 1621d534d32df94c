# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Task names tell in a log what happens to what, a user is "they", and docstrings have a subject (CONTRIBUTING.md, Style)."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import pytest
from _house import ROOT, files, load

PLAYS = [name for name in files() if name.parts[0] == "playbooks" and name.suffix == ".yml" and isinstance(load(ROOT / name), list)]
TASKS = [name for name in files() if name.parts[0] == "roles" and name.parts[2] in ("tasks", "handlers")]

# A new verb belongs here when a log is clearer with it. These say nothing and stay out: Do, Have, Keep, Say, See.
VERBS = {
    *(
        "Add",
        "Apply",
        "Ask",
        "Begin",
        "Build",
        "Change",
        "Check",
        "Configure",
        "Copy",
        "Create",
        "Download",
        "Fail",
        "Fetch",
        "Find",
        "Gather",
        "Hand",
    ),
    *("Install", "Log", "Look", "Make", "Plan", "Prepare", "Prove", "Remove", "Replace", "Report", "Send", "Set", "Show", "Start", "Stop"),
    *("Take", "Tell", "Test", "Update", "Warn", "Work", "Write"),
}

# In module_utils there are no words for users but messages, which the unit tests hold.
FOR_USERS = [
    name
    for name in files()
    if name.parts[0] in ("docs", "roles", "playbooks")
    or name == pathlib.Path("README.md")
    or (name.parts[0] == "plugins" and name.parts[1] != "module_utils")
]

# A docstring that begins so has no subject. "Give", "Return" and "Tell if" begin one of a function, a noun one of a class or a file.
NO_SUBJECT = re.compile(r"\s*(?:What|Whether|Who|Whom|Whose|How|Why|Where|When|Which)\b")
PYTHON = [
    name
    for name in files()
    if name.parts[0] in ("plugins", "tests", "molecule")
    and (name.suffix == ".py" or (ROOT / name).read_bytes().startswith(b"#!/usr/bin/env python"))
]


def names(listed: list[dict[str, t.Any]]) -> t.Iterator[str]:
    """Give the names of plays, blocks, tasks and handlers, at every depth."""
    for item in listed:
        if "name" in item or "hosts" not in item:
            yield item.get("name", "")
        for key in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from names(item.get(key, []))


@pytest.mark.parametrize("name", PLAYS + TASKS, ids=str)
def test_task_names_say_what_is_done_to_what(name):
    for said in names(load(ROOT / name) or []):
        words = said.split()
        assert len(words) >= 2, f"{said!r} does not name the file, table, daemon or account that it is about"
        assert words[0] in VERBS, f"{said!r} does not begin with a verb of VERBS"


def docstrings(name: pathlib.Path) -> t.Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("name", PYTHON, ids=str)
def test_a_docstring_has_a_subject(name):
    assert [said.partition("\n")[0] for said in docstrings(name) if NO_SUBJECT.match(said)] == []


@pytest.mark.parametrize("name", FOR_USERS, ids=str)
def test_a_user_is_they(name):
    assert re.findall(r"\b(?:he|his|him|himself)\b", (ROOT / name).read_text(), re.IGNORECASE) == []
