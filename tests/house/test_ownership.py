# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two roles never write the same thing, and docs/ownership.md says which role writes what."""

from __future__ import annotations

import dataclasses
import re

import pytest
from _house import roles, tasks
from _ownership import BY_TASK, DOCUMENT, FILE, MODULES, NOT_WRITTEN, TABLE, WRITTEN, Unclear, by_plan, document, path_in, writes, written
from _sample_play import EVERYTHING, PLAIN, PLAYS, facts, parts
from ansible_collections.postroom.mail.plugins.module_utils._plan import postfix_tables
from ansible_collections.postroom.mail.plugins.module_utils._plan import roles as plans
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_neutral_settings import VIRTUAL_USERS
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part

CALLS = [
    (role, task, action) for role in roles() for task in tasks(role) for action in task if action.removeprefix("postroom.mail.") in MODULES
]


def test_each_thing_is_written_by_one_role():
    assert {what: owners for what, owners in written().items() if len(owners) > 1} == {}


def test_the_document_says_who_writes_what():
    assert DOCUMENT.read_text() == document(DOCUMENT.read_text()), "run tests/house/write_documents"


@pytest.mark.parametrize("name", PLAYS)
def test_nothing_is_wrong_with_the_sample_plays(name):
    found = parts(name)
    assert list(found) == sorted(PLAYS[name][2], key="host".__ne__)
    assert {role: list(part.problems) for role, part in found.items() if part.problems} == {}


def test_all_that_a_part_can_hold_is_looked_at():
    fields = {field.name for field in dataclasses.fields(Part)}
    assert {*WRITTEN, *NOT_WRITTEN, *BY_TASK} == fields
    assert len(WRITTEN) + len(NOT_WRITTEN) + len(BY_TASK) == len(fields)


@pytest.mark.parametrize("field", WRITTEN)
def test_the_sample_plays_want_something_of_each_kind(field):
    _kind, names = WRITTEN[field]
    assert any(list(names(part)) for name in PLAYS for part in parts(name).values())


def test_the_sample_plays_want_every_table_that_main_cf_may_name():
    assert {(TABLE, use.split()[-1]) for use in postfix_tables.USES.values()} <= writes("postfix")
    assert (FILE, VIRTUAL_USERS) in writes("dovecot")


@pytest.mark.parametrize(("role", "task", "action"), CALLS, ids=lambda value: value if isinstance(value, str) else value["name"])
def test_what_a_task_writes_the_plan_says(role, task, action):
    field, option = MODULES[action.removeprefix("postroom.mail.")]
    options = task[action] or task["args"]
    whole = f"{{{{ {role}_plan.{field} }}}}"
    if option:
        assert options[option] == whole
        return
    if isinstance(options, str):
        assert options == whole
        return
    expression = re.compile(rf"{{{{ {role}_plan\.{field}\.(\w+)( \| default\(omit\))? }}}}")
    for name, value in options.items():
        match = expression.fullmatch(str(value))
        assert match[1] == name if match else "{{" not in str(value)


def test_what_is_taken_back_was_written():
    """On a host that has all of it, for an inventory that wants none of it any more."""
    found = parts("everything").values()
    live = {name: in_main_cf(value) for part in found for name, value in part.parameters.items() if value is not None}
    tables = [table["path"] for part in found for table in part.tables]
    files = [file.path for part in found for file in part.files if file.secret]
    there = facts(postfix={"parameters": live, "managed_tables": tables}, dovecot={"database_files": files}, packages={"fetchmail": "6.4"})
    later = plans.plan(PLAIN, there, roles())
    assert {role: list(part.problems) for role, part in later.items() if part.problems} == {}
    assert later["relay_policy"].parameters["relayhost"] == ""
    assert {role: set(by_plan(part)) - writes(role) for role, part in later.items() if set(by_plan(part)) - writes(role)} == {}
    # All of the tables, apart from those that are always there.
    plain = {table["path"] for part in parts("plain").values() for table in part.tables}
    gone = {table["path"] for part in later.values() for table in part.tables if table.get("state") == "absent"}
    assert gone == set(tables) - plain
    assert set(later["dovecot"].former_files) == set(files)


def in_main_cf(value):
    return ", ".join(value) if isinstance(value, list) else str(value)


def test_a_path_in_a_task_is_read():
    assert path_in({"ansible.builtin.copy": {"dest": "/etc/a"}}, "ansible.builtin.copy") == "/etc/a"


@pytest.mark.parametrize("path", ["/etc/{{ item.path | basename }}", "{{ host_file }}", "a", "", None])
def test_a_path_that_nobody_can_tell_is_refused(path):
    with pytest.raises(Unclear, match="cannot tell which file"):
        path_in({"name": "Copy", "ansible.builtin.copy": {"dest": path}}, "ansible.builtin.copy")


def test_everything_is_more_than_the_least():
    assert set(PLAIN) == set(EVERYTHING)
