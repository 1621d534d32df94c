# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of every module around its own work."""

from __future__ import annotations

import json
import os

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Door, serve
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.invocation import SHOWN

SECRET = "s3\\cr'et"
SPEC = {
    "users": {"type": "list", "elements": "dict", "no_log": True, "options": {"name": {}, "password": {"no_log": True}}},
    "path": {"type": "path"},
}
USERS = [{"name": "alice", "password": SECRET}]


@pytest.fixture
def call(monkeypatch, capsys):
    monkeypatch.setattr(os, "environ", {**os.environ, "SSL_CERT_FILE": "/own-ca.pem"})
    warnings._global_warnings.clear()

    def call(door, **given):
        with patch_module_args({**SHOWN, **given}), pytest.raises(SystemExit):
            serve(door)
        return json.loads(capsys.readouterr().out)

    return call


def test_the_work_gets_the_options_as_they_were_given_and_the_result_shows_no_secret(call):
    got = []

    def work(call):
        got.append(call.options)
        return {"changed": True, "said": f"alice has {SECRET}"}

    told = call(Door(SPEC, work), users=USERS, path="/p")
    assert got == [{"users": USERS, "path": "/p"}]
    assert (told["changed"], told["said"]) == (True, "alice has ********")
    assert told["invocation"]["module_args"]["users"][0]["name"] == "alice"
    assert "s3" not in json.dumps(told)


@pytest.mark.parametrize(("only_names", "name"), [(False, "********@a.test"), (True, "alice@a.test")])
def test_a_name_that_is_a_password_too(call, only_names, name):
    door = Door(SPEC, lambda call: {"created": ["alice@a.test"]}, only_names=only_names)
    assert call(door, users=[{"name": "alice", "password": "alice"}])["created"] == [name]


def test_the_judge_of_a_door_says_what_is_secret(call):
    def judge(name, value, options):
        return (value, set()) if options["name"] == "public" else None

    told = call(Door(SPEC, lambda call: {}, judge=judge), users=[{"name": "public", "password": "shown"}, *USERS])
    assert [user["password"] for user in told["invocation"]["module_args"]["users"]] == ["shown", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"]


def test_each_warning_is_passed_on_once(call, monkeypatch):
    passed = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda module, warning, **more: passed.append(warning))

    def work(call):
        call.warnings += ["b", "a", "b"]
        return {}

    call(Door({}, work))
    assert passed == ["b", "a"]


def test_an_error_is_one_sentence_beside_the_warnings_that_came_before(call, monkeypatch):
    warned = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda module, warning: warned.append(warning))

    def work(call):
        call.warnings.append("The disk is old.")
        raise BadInput(f"The password {SECRET} is bad; write a good one.")

    told = call(Door(SPEC, work), users=USERS)
    assert (told["failed"], told["error"], told["msg"]) == (True, "BadInput", "The password ******** is bad; write a good one.")
    assert warned == ["The disk is old."]


@pytest.mark.parametrize("is_so", [False, True])
def test_check_mode_and_diff_are_told(call, is_so):
    door = Door({}, lambda call: {"told": [call.check_mode, call.diff]})
    assert call(door, _ansible_check_mode=is_so, _ansible_diff=is_so)["told"] == [is_so, is_so]


def test_the_rules_for_several_options_hold(call):
    door = Door(SPEC, lambda call: {}, rules={"required_one_of": [("path", "users")]})
    assert call(door)["msg"] == "one of the following is required: path, users"


def test_the_environment_stays_for_work_that_runs_nothing(call):
    assert call(Door({}, lambda call: {"ca": os.environ.get("SSL_CERT_FILE")}))["ca"] == "/own-ca.pem"
    door = Door({}, lambda call: {"rc": call.run(["true"])[0], "same": call.run is call.run, "ca": os.environ.get("SSL_CERT_FILE")})
    told = call(door)
    assert (told["rc"], told["same"], told["ca"]) == (0, True, None)


def test_a_directory_is_made_for_work_that_wants_one(call, tmp_path):
    assert call(Door({}, lambda call: {}), _ansible_remote_tmp=str(tmp_path / "tmp")) is not None
    assert list(tmp_path.iterdir()) == []
    told = call(Door({}, lambda call: {"there": os.path.isdir(call.tmpdir)}), _ansible_remote_tmp=str(tmp_path / "tmp"))
    assert told["there"]
