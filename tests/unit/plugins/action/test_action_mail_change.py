# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change has one owner, who carries it out; whatever becomes of it, nothing of it waits any longer."""

from __future__ import annotations

import importlib

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.postroom.mail.plugins.action.mail_change import told
from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import KINDS
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import WishAction
from ansible_collections.postroom.mail.tests.unit.plugins.action.controller import Controller


@pytest.fixture
def controller(tmp_path, monkeypatch):
    return Controller(tmp_path, monkeypatch)


def wishes(controller):
    return [[wish["options"] for wish in options["wishes"]] for options in controller.ran]


def test_every_wish_has_a_plugin_that_has_it_wait():
    for kind in KINDS:
        module = importlib.import_module(f"ansible_collections.postroom.mail.plugins.action.{kind}")
        assert issubclass(module.ActionModule, WishAction)


def test_within_a_change_a_role_carries_nothing_out(controller):
    controller.change("begun")
    for role in ("postfix", "sasl"):
        assert controller.change("begun", role=role)["changed"] is False
        controller.run({"path": f"/{role}"}, role=role)
        told = controller.change("done", role=role)
        assert (told["changed"], told["msg"]) == (False, "The play carries this out with the rest.")
    assert controller.ran == []
    assert controller.change("done")["changed"] is True
    assert wishes(controller) == [[{"path": "/postfix"}, {"path": "/sasl"}]]
    assert controller.files() == []


def test_a_role_that_is_used_alone_has_a_change_of_its_own(controller):
    for role in ("postfix", "sasl"):
        assert controller.change("begun", role=role)["changed"] is False
        controller.run({"path": f"/{role}"}, role=role)
        controller.change("done", role=role)
    assert wishes(controller) == [[{"path": "/postfix"}], [{"path": "/sasl"}]]


def test_a_role_that_is_included_by_the_owner(controller):
    controller.change("begun", role="sasl")
    controller.change("begun", role="postfix", around=("sasl",))
    controller.run({"path": "/a"}, role="postfix", around=("sasl",))
    assert controller.change("done", role="postfix", around=("sasl",))["msg"] == "sasl carries this out with the rest."
    controller.change("done", role="sasl")
    assert wishes(controller) == [[{"path": "/a"}]]


def test_without_a_change_that_was_begun_only_its_own_wishes_are_carried_out(controller):
    own = [{"module": "postmap", "options": {"path": "/own"}}]
    controller.change("done", options={"wishes": own, "timeout": 5})
    controller.change()
    assert controller.ran == [{"state": "done", "wishes": own, "timeout": 5}, {"wishes": []}]


def test_own_wishes_come_after_those_that_waited(controller):
    controller.change("begun")
    controller.run({"path": "/a"}, role="postfix")
    controller.change("done", options={"wishes": [{"module": "postmap", "options": {"path": "/b"}}]})
    assert wishes(controller) == [[{"path": "/a"}, {"path": "/b"}]]


def test_what_failed_does_not_wait_for_the_next_time(controller):
    controller.change("begun")
    controller.run({"path": "/a"}, role="postfix")
    controller.answer = {"failed": True, "msg": "No."}
    assert controller.change("done")["failed"]
    assert controller.files() == []
    controller.change("done")
    assert wishes(controller) == [[{"path": "/a"}], []]


# A role that failed, in a play that went on ---------------------------------------------------------------------------


@pytest.fixture
def given_up(controller):
    controller.change("begun", role="postfix")
    controller.run({"path": "/former"}, role="postfix")


def test_what_a_role_wanted_that_failed_is_not_carried_out_by_the_next(controller, given_up):
    controller.change("begun", role="sasl")
    controller.run({"path": "/a"}, role="sasl")
    controller.change("done", role="sasl")
    assert wishes(controller) == [[{"path": "/a"}]]


def test_what_a_role_wanted_that_failed_is_not_carried_out_by_itself(controller, given_up):
    controller.change("begun", role="postfix")
    controller.run({"path": "/a"}, role="postfix")
    controller.change("done", role="postfix")
    assert wishes(controller) == [[{"path": "/a"}]]


def test_what_a_role_wanted_that_failed_is_not_carried_out_by_the_play(controller, given_up):
    controller.change("done")
    assert (wishes(controller), controller.files()) == ([[]], [])


def test_the_change_of_the_play_goes_on_when_a_role_has_failed(controller):
    controller.change("begun")
    controller.run({"path": "/a"}, role="postfix")
    controller.change("begun", role="sasl")
    controller.run({"path": "/b"}, role="sasl")
    controller.change("done", role="sasl")
    controller.change("done")
    assert wishes(controller) == [[{"path": "/a"}, {"path": "/b"}]]


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["ended", "", None, 5])
def test_a_state_that_is_none(controller, state):
    with pytest.raises(AnsibleActionFail, match=f"^The option 'state' is '{state}'; it must be asked, begun or done.$"):
        controller.change(options={"state": state})


def test_what_is_only_asked_begins_nothing(controller):
    controller.change("asked", options={"questions": {"packages": ["postfix"]}})
    assert controller.ran == [{"state": "asked", "questions": {"packages": ["postfix"]}}]
    assert controller.files() == []


def test_a_role_in_which_nothing_was_begun_has_nothing_to_carry_out(controller):
    """The tasks of a role for sendmail, which change the host one by one."""
    assert controller.change(role="sasl")["changed"] is False
    assert controller.ran == []


@pytest.mark.parametrize("state", ["begun", "done"])
def test_a_change_is_of_the_hosts_of_the_play(controller, state):
    with pytest.raises(AnsibleActionFail, match="^A change cannot be delegated: "):
        controller.change(state, delegate_to="other")
    assert (controller.files(), controller.ran) == ([], [])
    controller.change(state, delegate_to="mail")


# What is told ---------------------------------------------------------------------------------------------------------

RESULT = {
    "changed": True,
    "reasons": ["A run was killed."],
    "changed_files": ["/etc/postfix/main.cf"],
    "actions": ["reload postfix"],
    "modules": {"mail_filter": [{"samples": [{"summary": "spam: into Junk"}]}], "postmap": [{}]},
    "proof": "All 5 probes did.",
}


@pytest.mark.parametrize(
    ("result", "check_mode", "lines"),
    [
        ({}, False, []),
        ({"failed": True, **RESULT}, False, []),
        (
            RESULT,
            False,
            [
                "A run was killed.",
                "changed /etc/postfix/main.cf",
                "reload postfix",
                "spam: into Junk",
                "All 5 probes did.",
            ],
        ),
        (
            {**RESULT, "proof": ""},
            True,
            ["A run was killed.", "would change /etc/postfix/main.cf", "would reload postfix", "spam: into Junk"],
        ),
    ],
)
def test_what_a_person_is_told(controller, result, check_mode, lines):
    assert told(result, check_mode=check_mode) == lines
    controller.answer = result
    controller.change("done", check_mode=check_mode)
    assert controller.shown == [f"[mail] {line}" for line in lines]
