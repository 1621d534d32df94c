# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._tables import secrets as tables_secrets

MISREAD = [42798, True, 12.5, {"a": "b"}, ["x"], datetime.date(2026, 1, 2)]


@pytest.mark.parametrize("password", MISREAD, ids=str)
def test_a_password_that_yaml_read_otherwise_is_refused_and_not_shown(password):
    problem = core_password.problem_with(password, "to keep the one that is there")
    assert problem.endswith("put it in quotes")
    assert str(password) not in problem


def test_text_is_a_password():
    assert core_password.problem_with("0123456", "") is None
    assert core_password.not_text("yes") is None


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        *(("imapc_password", value, True) for value in MISREAD),
        ("imapc_password", "x", False),
        ("imapc_password", None, False),
        ("nopassword", True, False),
        ("some_key", False, False),
        ("some_key", 7, True),
        ("mailbox Secret", {"auto": "create"}, False),
        ("mail_max_keyword_length", 60, False),
    ],
    ids=str,
)
def test_settings(name, value, refused):
    assert bool(secrets.misread(name, value)) is refused


@pytest.mark.parametrize("value", [42798, True, 12.5, {"a": "b"}], ids=str)
@pytest.mark.parametrize(
    "table",
    [
        lambda value: {"parameters": {"hosts": "h", "port": 1, "password": value}},
        lambda value: {"entries": {"k": value}, "secret": True},
        lambda value: {"entries": [{"key": "k", "value": ["a:b", value]}], "secret": True},
    ],
)
def test_secrets_of_a_table(table, value):
    (problem,) = tables_secrets.problems({"path": "/t", **table(value)})
    assert problem.startswith("The ")
    assert problem.endswith("; put it in quotes.")
    assert "/t" in problem
    assert str(value) not in problem


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"entries": {"k": 7}},
        {"entries": {"k": None, "l": "a:b"}, "secret": True},
        {"entries": "nonsense", "secret": True},
        {"parameters": {"hosts": "h", "port": 1}},
    ],
)
def test_tables_with_nothing_to_say_against(table):
    assert tables_secrets.problems({"path": "/t", **table}) == []
