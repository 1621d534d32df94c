# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seam between the modules and the commands of the host."""

from __future__ import annotations

import base64
import json
import os

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.module import run_module, runner, take_options
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.invocation import SHOWN


@pytest.fixture
def module(monkeypatch):
    # A runner takes out of the environment what no program has to know.
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with patch_module_args({}):
        yield AnsibleModule(argument_spec={})


def test_nothing_in_an_argument_is_expanded(module):
    assert runner(module)(["printf", "%s\n", "$HOME", "${HOME}", "~", "*"]) == (0, "$HOME\n${HOME}\n~\n*\n", "")


def test_a_program_that_is_not_there_is_told_as_a_shell_does(module):
    assert runner(module)(["no-such-program", "-x"]) == (127, "", "no-such-program: No such file or directory")


def test_a_failure_is_the_programs_own(module):
    assert runner(module)(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\n", "err\n")


def test_data_arrives_as_it_is(module):
    assert runner(module)(["cat"], data="a\n\n") == (0, "a\n\n", "")


def test_messages_are_untranslated_and_the_sbin_directories_are_searched(module, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    _rc, stdout, _stderr = runner(module)(["sh", "-c", 'echo "$LC_ALL $LANGUAGE $PATH"'])
    assert stdout == "C.UTF-8 C /usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\n"


def test_an_error_of_ours_is_one_sentence_and_its_kind(module, capsys):
    def work():
        raise BadInput("The option is bad; write a good one.")

    with pytest.raises(SystemExit) as left:
        run_module(module, work)
    told = json.loads(capsys.readouterr().out)
    assert (left.value.code, told["failed"], told["msg"], told["error"]) == (1, True, "The option is bad; write a good one.", "BadInput")


@pytest.fixture
def with_password(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with patch_module_args({"user": {"name": "alice", "password": "s3\\cr'et"}, "path": "/p", **SHOWN}):
        password = {"type": "str", "no_log": True}
        user = {"type": "dict", "no_log": True, "options": {"name": {"type": "str"}, "password": password}}
        yield AnsibleModule(argument_spec={"user": user, "path": {"type": "path"}})


@pytest.mark.parametrize("fails", [False, True])
def test_a_secret_is_in_no_result_however_a_program_writes_it(with_password, capsys, fails):
    secret = take_options(with_password)["user"]["password"]
    said = f"alice said {secret} and {base64.b64encode(secret.encode()).decode()}"

    def work():
        if fails:
            raise BadInput(said)
        return {"changed": True, "said": said}

    with pytest.raises(SystemExit):
        run_module(with_password, work)
    told = json.loads(capsys.readouterr().out)
    text = told["msg" if fails else "said"]
    assert text.startswith("alice said ")
    assert "s3" not in text
    assert base64.b64encode(secret.encode()).decode()[:8] not in text
    assert told["invocation"]["module_args"]["user"]["name"] == "alice"
    assert "s3" not in json.dumps(told)


def test_an_error_of_somebody_else_is_not_hidden_as_a_sentence_of_ours(module):
    def work():
        raise ZeroDivisionError("a mistake of the program")

    with pytest.raises(ZeroDivisionError):
        run_module(module, work)
