# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes wait in a file of the controller, for nobody else, until the change of their host."""

from __future__ import annotations

import datetime
import os
import stat

import pytest
from ansible import context
from ansible_collections.postroom.mail.plugins.plugin_utils import _wishes
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans, Record
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import Waiting, roles_around
from ansible_collections.postroom.mail.tests.unit.plugins.action.controller import Controller, Role


@pytest.fixture
def controller(tmp_path, monkeypatch):
    return Controller(tmp_path, monkeypatch)


@pytest.fixture
def waiting(tmp_path):
    waiting = Waiting("mail", "play", str(tmp_path))
    waiting.begin("postfix")
    return waiting


def test_a_change_is_begun_noted_in_and_ended(tmp_path):
    waiting = Waiting("mail", "play", str(tmp_path))
    assert (waiting.owner(), waiting.wishes()) == (None, [])
    waiting.begin("")
    assert (waiting.owner(), waiting.wishes()) == ("", [])
    waiting.note({"module": "a"})
    waiting.note({"module": "b"})
    assert (waiting.owner(), waiting.wishes()) == ("", [{"module": "a"}, {"module": "b"}])
    waiting.begin("postfix")
    assert (waiting.owner(), waiting.wishes()) == ("postfix", [])
    waiting.end()
    assert (waiting.owner(), os.listdir(tmp_path)) == (None, [])


@pytest.mark.parametrize("mask", [0, 0o077])
def test_nobody_else_can_read_what_waits(tmp_path, mask):
    former = os.umask(mask)
    try:
        Waiting("mail", "play", str(tmp_path)).begin("")
    finally:
        os.umask(former)
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_host_and_another_play_have_their_own(tmp_path, waiting):
    for host, play in (("mail", "other"), ("other", "play"), ("", "play\0mail"), ("../mail", "play")):
        other = Waiting(host, play, str(tmp_path))
        assert other.owner() is None
        other.begin(host)
    assert waiting.owner() == "postfix"
    assert len(os.listdir(tmp_path)) == 5
    assert not any("mail" in name for name in os.listdir(tmp_path))


class Text(str):
    """A text that carries more than its letters, as Ansible's do."""

    __slots__ = ("origin",)


@pytest.mark.parametrize(
    "value",
    ["", "a\\b", 'it\'s "quoted"', "line\nbreak\r\n", "\u2028\u0085\x00", "päßwörd 🔑", "\udcff", Text("tagged"), "{{ no template }}"],
)
def test_a_secret_survives(waiting, value):
    waiting.note({"options": {"users": [{"password": value}], value: None}})
    waiting.note({"options": "next"})
    assert waiting.wishes() == [{"options": {"users": [{"password": value}], value: None}}, {"options": "next"}]


class Vaulted:
    """A text that is decrypted when somebody looks at it."""

    def __str__(self):
        return "s3cret"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, 2), [1, 2]),
        ({"b", "a"}, ["a", "b"]),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (Vaulted(), "s3cret"),
        ({1: True, "x": None}, {"1": True, "x": None}),
        (1.5, 1.5),
    ],
)
def test_a_value_is_what_a_module_would_get(waiting, value, plain):
    waiting.note({"value": value})
    assert waiting.wishes() == [{"value": plain}]


def test_it_lies_in_the_directory_of_the_run(controller):
    controller.change("begun")
    assert len(controller.files()) == 1


# Which tasks wait -----------------------------------------------------------------------------------------------------


def test_a_task_of_a_role_waits_while_a_change_is_open(controller):
    assert not controller.run({"path": "/a"}, role="postfix")
    controller.change("begun")
    assert controller.run({"path": "/b"}, role="postfix")
    assert controller.run({"path": "/c"}, role="sasl", action="postroom.mail.mail_file")
    assert controller.ran == [{"path": "/a"}]
    controller.change("done")
    assert controller.ran[1:] == [
        {
            "state": "done",
            "wishes": [
                {"module": "postmap", "options": {"path": "/b"}, "role": "postfix"},
                {"module": "mail_file", "options": {"path": "/c"}, "role": "sasl"},
            ],
        }
    ]
    assert not controller.run({"path": "/d"}, role="postfix")


@pytest.mark.parametrize(("changed", "files"), [(True, {}), (False, {"/etc/postfix/main.cf": "1 2 3"})])
def test_a_file_that_a_task_of_the_play_has_written_is_no_surprise(controller, changed, files):
    plans = Plans("mail", str(controller.place))
    plans.keep(Record("play 1", {}, {}, files={"/etc/postfix/main.cf": "1 2 3"}))
    controller.answer = {"changed": changed}
    controller.run({"path": "/a"})
    assert plans.record("play 1").files == files


@pytest.mark.parametrize("role", [None, Role("postfix", ""), Role("postfix", None), Role("postfix", "somebody.mail")])
def test_a_task_of_nobody_or_of_somebody_elses_role_does_not_wait(controller, role):
    controller.change("begun")
    assert not controller.run({}, role=role)


@pytest.mark.parametrize(
    ("task", "cli", "waits"),
    [
        ({}, False, True),
        ({"check_mode": True}, True, True),
        # It wants to know now, or to be done now.
        ({"own": {"check_mode": True}, "check_mode": True}, False, False),
        ({"own": {"check_mode": True}, "check_mode": True}, True, False),
        ({"own": {"check_mode": False}, "check_mode": False}, True, False),
        # As a block around it says.
        ({"check_mode": True}, False, False),
        ({"check_mode": False}, True, False),
    ],
)
def test_a_rehearsal_is_run_at_once(controller, monkeypatch, task, cli, waits):
    monkeypatch.setattr(context, "CLIARGS", {"check": cli})
    controller.change("begun", check_mode=cli)
    assert controller.run({}, role="postfix", **task) is waits


def test_a_task_without_a_text_of_its_own(controller):
    controller.change("begun")
    assert controller.run({}, role="postfix", get_ds=lambda: None)


@pytest.mark.parametrize(("delegate", "waits"), [(None, True), ("", True), ("mail", True), ("other", False), ("localhost", False)])
def test_what_is_done_on_another_host_is_no_part_of_the_change_of_this_one(controller, delegate, waits):
    controller.change("begun")
    assert controller.run({}, role="postfix", delegate_to=delegate) is waits


def test_each_host_waits_by_itself(controller):
    """As with run_once, where the change of the other hosts has none of it."""
    for host in ("one", "two"):
        controller.change("begun", host=host)
    assert controller.run({"path": "/a"}, role="postfix", host="one")
    controller.change("done", host="two")
    controller.change("done", host="one")
    assert [len(options["wishes"]) for options in controller.ran] == [0, 1]


def test_another_play_knows_nothing_of_it(controller):
    controller.change("begun")
    controller.play._uuid = "play 2"
    assert not controller.run({}, role="postfix")


def test_the_roles_around_a_task(controller):
    task = controller.task(role="host", around=("host", Role("theirs", "some.body"), "sasl", "postfix"))
    assert roles_around(task) == ["host", "sasl", "postfix"]
    assert roles_around(controller.task()) == []
    assert _wishes.role_of(controller.task()) is None
