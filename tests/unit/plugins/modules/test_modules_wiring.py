# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, check mode, the diff, secrets and failures, which every module treats alike."""

from __future__ import annotations

import importlib
import json

import pytest
import yaml
from ansible_collections.postroom.mail.tests.unit.plugins.modules.called import PACKAGE
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import CASES, KEEP_SECRETS, of

TYPES = {"bool": bool, "dict": dict, "int": int, "list": list, "str": str}


@of(*CASES)
def test_check_run_check_run(call, name, case):
    before = case.state()
    would = call(name, case.options, case.run, check_mode=True)
    assert (would.code, would.result.get("msg"), would.result["changed"]) == (0, None, True)
    assert case.state() == before
    did = call(name, case.options, case.run)
    assert (did.code, did.result.get("msg"), did.result["changed"]) == (0, None, True)
    assert {key: did.result[key] for key in case.result} == case.result
    assert {key: would.result[key] for key in case.result} == case.result
    case.afterwards(did.result)
    after = case.state()
    assert after != before
    assert not list(case.root.rglob("*~"))
    for check_mode in (True, False):
        again = call(name, case.options, case.run, check_mode=check_mode)
        assert (again.code, again.result.get("msg"), again.result["changed"]) == (0, None, False)
        assert case.state() == after


@of(*CASES)
def test_the_diff_is_told_to_who_asks_for_it(call, name, case):
    quiet = call(name, case.options, case.run, check_mode=True)
    assert ("diff" in quiet.result) is case.always_diff
    would = call(name, case.options, case.run, check_mode=True, diff=True)
    assert case.diff in json.dumps(would.result["diff"])
    did = call(name, case.options, case.run, diff=True)
    assert did.result["diff"] == would.result["diff"]


@of(*CASES)
@pytest.mark.parametrize("check_mode", [True, False])
def test_the_result_is_what_the_documentation_says(call, name, case, check_mode):
    documented = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").RETURN)
    told = call(name, case.options, case.run, check_mode=check_mode).own
    always = {key for key, value in documented.items() if value.get("returned") in ("success", "always")}
    assert always <= told.keys() <= documented.keys()
    for key, value in told.items():
        # What is yet to be made may have nothing to tell in check mode.
        assert value.__class__ is TYPES[documented[key]["type"]] or (value is None and check_mode), key


@pytest.mark.parametrize("wrong", [False, True])
@of(*KEEP_SECRETS)
def test_no_secret_is_shown_logged_or_put_on_a_command_line(call, name, case, wrong):
    told = call(name, {**case.options, **case.wrong} if wrong else case.options, case.run, diff=True)
    assert (told.code, bool(told.logged), bool(case.secrets)) == (int(wrong), True, True)
    assert case.is_hidden(told.everything)


@of(*CASES)
def test_what_is_wrong_is_one_sentence_and_nothing_is_changed(call, name, case):
    before = case.state()
    told = call(name, {**case.options, **case.wrong}, case.run)
    assert (told.code, told.result["failed"]) == (1, True)
    assert case.message in told.result["msg"]
    assert told.result["error"] == case.error
    assert "\n" not in told.result["msg"]
    assert case.state() == before


@of(*CASES)
def test_an_option_that_nobody_knows_is_refused(call, name, case):
    before = case.state()
    told = call(name, {**case.options, "no_such_option": 1}, case.run)
    assert (told.code, told.result["failed"], told.commands) == (1, True, "")
    assert "no_such_option" in told.result["msg"]
    assert case.is_hidden(told.everything)
    assert case.state() == before
