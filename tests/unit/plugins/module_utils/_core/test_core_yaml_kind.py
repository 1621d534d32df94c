# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.yaml_kind import yaml_kind


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "a boolean"),
        (0, "a number"),
        (3.1, "a decimal number"),
        ("x", "text"),
        ({}, "a dictionary"),
        ([], "a list"),
        ((), "a list"),
        (datetime.date(2026, 1, 1), "a date"),
        (object(), "no value that YAML has"),
    ],
)
def test_types_have_names_that_people_know(value, words):
    assert yaml_kind(value) == words


@pytest.mark.parametrize(("base", "words"), [(int, "a number"), (dict, "a dictionary"), (list, "a list"), (str, "text")])
def test_what_ansible_makes_of_a_value_is_of_the_type_that_was_written(base, words):
    assert yaml_kind(type("_AnsibleTaggedValue", (base,), {})()) == words
