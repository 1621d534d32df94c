# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible itself runs tasks with what only it knows: templates, loops, delegation, included roles, blocks that rescue."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.action.controller import Playbook

SECRET = "s3\\cr'et\" {# no comment #} ä\u2028"
BEGUN, DONE = ({"name": state, "postroom.mail.mail_change": {"state": state}} for state in ("begun", "done"))


@pytest.fixture
def playbook(tmp_path):
    return Playbook(tmp_path)


def task(options, **more):
    return {"name": "x", "postroom.mail.mail_file": options, **more}


def role(name, keyword="include_role"):
    return {"name": name, f"ansible.builtin.{keyword}": {"name": f"postroom.mail.{name}"}}


def wishes(ran):
    """The options of the wishes of each call of mail_change, and those of the calls beside them."""
    found = []
    for name, _check, options in ran:
        found.append([(wish["role"], wish["options"]) for wish in options["wishes"]] if name == "mail_change" else options)
    return found


def test_options_wait_as_the_module_would_get_them(playbook):
    options = {
        "name": "{{ secret }}",
        "absent": "{{ omit }}",
        "files": [{"path": "{{ 1 + 1 }}", "content": "{{ omit }}", "mode": "0600", "raw": "{{ '{{' }} x"}],
        "other": {"yes": True, "none": None, "date": "2026-01-02"},
    }
    playbook.role("postfix", task(options))
    ran = playbook.run({"hosts": "all", "tasks": [role("postfix"), task(options)], "vars": {"secret": {"__ansible_unsafe": SECRET}}})
    (waited,), at_once = wishes(ran)
    assert waited == ("postfix", at_once)
    assert (at_once["name"], "absent" in at_once, at_once["files"][0]["path"]) == (SECRET, False, 2)


def test_a_loop_waits_item_by_item_and_a_condition_is_asked_at_once(playbook):
    playbook.role(
        "postfix",
        task({"name": "{{ item }}"}, loop=["a", "b", "c"], when="item != 'b'"),
        task({"name": "never"}, when=False),
    )
    ran = playbook.run({"hosts": "all", "roles": ["postroom.mail.postfix"]})
    assert wishes(ran) == [[("postfix", {"name": "a"}), ("postfix", {"name": "c"})]]


def test_what_is_delegated_or_for_one_host_only(playbook):
    playbook.role(
        "postfix",
        task({"name": "own {{ inventory_hostname }}"}),
        task({"name": "for two"}, delegate_to="two", when="inventory_hostname == 'one'"),
        task({"name": "to itself"}, delegate_to="{{ inventory_hostname }}", when="inventory_hostname == 'one'"),
        task({"name": "once"}, run_once=True),
    )
    ran = playbook.run({"hosts": "all", "roles": ["postroom.mail.postfix"]}, hosts=("one", "two"))
    now, *changes = sorted(wishes(ran), key=lambda what: isinstance(what, list))
    assert now == {"name": "for two"}
    assert sorted([wish["name"] for _role, wish in change] for change in changes) == [["own one", "to itself", "once"], ["own two"]]


def test_a_role_in_a_role_and_a_change_in_a_play(playbook):
    playbook.role("host", task({"name": "host"}))
    playbook.role("sasl", task({"name": "before"}), role("host"), role("host", "import_role"), task({"name": "after"}))
    names = ["before", "host", "host", "after"]
    first = {"hosts": "all", "tasks": [role("sasl")]}
    second = {"hosts": "all", "pre_tasks": [BEGUN], "roles": ["postroom.mail.host", "postroom.mail.sasl"], "post_tasks": [DONE]}
    third = {"hosts": "all", "tasks": [role("host"), role("host")]}
    changes = [[wish["name"] for _role, wish in change] for change in wishes(playbook.run(first, second, third))]
    assert changes == [names, ["host", *names], ["host"], ["host"]]


@pytest.mark.parametrize("around", [[], [BEGUN]])
def test_a_role_that_failed_in_a_play_that_goes_on(playbook, around):
    """Its change is given up. That of a play goes on, with what was wanted by then."""
    playbook.role("postfix", task({"name": "former"}), {"name": "fail", "ansible.builtin.fail": {}})
    playbook.role("sasl", task({"name": "sasl"}))
    rescued = {"name": "try", "block": [role("postfix")], "rescue": [{"name": "go on", "ansible.builtin.debug": {}}]}
    ran = playbook.run({"hosts": "all", "tasks": [*around, rescued, role("sasl"), *([DONE] if around else [])]})
    assert [[wish["name"] for _role, wish in change] for change in wishes(ran)] == [["former", "sasl"] if around else ["sasl"]]


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_rehearsal_runs_at_once_and_the_rest_in_the_end(playbook, arguments):
    playbook.role(
        "postfix",
        task({"name": "rehearsal"}, check_mode=True),
        {"name": "block", "check_mode": True, "block": [task({"name": "in a block"})]},
        task({"name": "wanted"}),
    )
    ran = playbook.run({"hosts": "all", "roles": ["postroom.mail.postfix"]}, arguments=arguments)
    is_check = bool(arguments)
    # With --check a block that says so is nothing special.
    assert [(name, check, options.get("name")) for name, check, options in ran] == [
        ("mail_file", True, "rehearsal"),
        *([] if is_check else [("mail_file", True, "in a block")]),
        ("mail_change", is_check, None),
    ]
    assert [wish["name"] for _role, wish in wishes(ran)[-1]] == ["in a block"] * is_check + ["wanted"]
