# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes of several roles become one of each kind, or say who wants what."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change import wishes
from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import KINDS
from ansible_collections.postroom.mail.plugins.module_utils._change.wishes import Contradiction, Wish, merged
from ansible_collections.postroom.mail.plugins.module_utils._modules.carry_out import DOORS

SPECS = {name: DOORS[name].spec for name in KINDS}


def wish(module, role="one", **options):
    return Wish(module, options, role)


def options(*given):
    """The options of the one wish that comes of all."""
    (found,) = merged(given, SPECS)
    return found.options


def contradiction(*given):
    with pytest.raises(Contradiction) as caught:
        merged(given, SPECS)
    return str(caught.value)


def test_nothing_comes_of_nothing():
    assert merged([]) == []


def test_every_kind_has_a_door_and_a_place_in_the_order():
    given = [wish(kind) for kind in reversed(KINDS) if kind not in ("postfix_config",)]
    given.append(wish("postfix_config", parameters={}))
    assert [found.module for found in merged(given, SPECS)] == list(KINDS)


def test_what_is_of_one_kind_stays_in_its_order():
    paths = ["/b", "/a", "/c"]
    found = merged([wish("dovecot_setting", path=path) for path in paths], SPECS)
    assert [one.options["path"] for one in found] == paths


# Lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "option", "items"),
    [
        ("mail_user", "users", [{"name": "a"}, {"name": "b"}]),
        ("mail_file", "files", [{"path": "/a", "content": "x"}, {"path": "/b", "content": "x"}]),
        ("postmap", "tables", [{"path": "/a"}, {"path": "/b"}]),
        ("postfix_service", "services", [{"name": "a", "type": "unix"}, {"name": "a", "type": "inet"}, {"name": "b", "type": "unix"}]),
        ("mail_service", "services", [{"name": "postfix", "state": "started"}, {"name": "dovecot"}]),
    ],
)
def test_lists_are_joined(module, option, items):
    names = [[item.get("name", item.get("path")), item.get("type")] for item in items]
    found = options(
        *(wish(module, f"role{number}", **{option: [item]}) for number, item in enumerate(items)), wish(module, **{option: items})
    )
    assert [[item.get("name", item.get("path")), item.get("type")] for item in found[option]] == names
    assert option in DOORS[module].spec


@pytest.mark.parametrize(
    ("module", "option", "one", "other", "name"),
    [
        ("mail_user", "users", {"name": "a", "groups": ["x"]}, {"name": "a"}, "a"),
        ("mail_file", "files", {"path": "/a", "content": "x"}, {"path": "/a", "content": "y"}, "/a"),
        ("postmap", "tables", {"path": "/a", "entries": {"a": "b"}}, {"path": "/a", "entries": {"a": "c"}}, "/a"),
        ("postfix_service", "services", {"name": "a", "type": "unix", "state": "absent"}, {"name": "a", "type": "unix"}, "a/unix"),
        ("mail_service", "services", {"name": "postfix", "state": "stopped"}, {"name": "postfix", "state": "started"}, "postfix"),
    ],
)
def test_two_roles_that_want_different_things_are_both_named(module, option, one, other, name):
    said = contradiction(wish(module, "relay_policy", **{option: [one]}), wish(module, "sasl", **{option: [other]}))
    assert said == (
        f"The roles relay_policy and sasl both want different things of {name} ({module}): take it out of the variables of one of them."
    )


def test_a_default_is_as_good_as_the_same_value():
    one, other = {"path": "/a", "entries": {}}, {"path": "/a", "entries": {}, "state": "present", "format": "table", "type": None}
    assert len(options(wish("postmap", tables=[one]), wish("postmap", tables=[other]))["tables"]) == 1
    parameters = {"config_directory": "/etc/postfix", "parameters": {"a": 1}}
    assert options(wish("postfix_config", parameters={"a": 1}), wish("postfix_config", **parameters))["parameters"] == {"a": 1}
    assert options(wish("dovecot_setting", settings={}, exclusive=False), wish("dovecot_setting", settings={}, path=None)) == {
        "settings": {},
        "exclusive": False,
    }


def test_a_single_thing_is_a_list_of_one():
    found = options(
        wish("mail_service", name="postfix", state="started", timeout=40),
        wish("mail_service", services=[{"name": "dovecot"}], timeout=50),
    )
    assert found == {"services": [{"name": "postfix", "state": "started"}, {"name": "dovecot"}], "timeout": 50}
    found = options(
        wish("postmap", path="/a", entries={"x": "y"}, config_directory="/etc/postfix"), wish("postmap", tables=[{"path": "/b"}])
    )
    assert found["config_directory"] == "/etc/postfix"
    assert [(table["path"], table.get("entries")) for table in found["tables"]] == [("/a", {"x": "y"}), ("/b", None)]


def test_files_that_are_not_wanted():
    found = options(wish("mail_file", absent=["/a", "/b"]), wish("mail_file", absent=["/b", "/c"]), wish("mail_file", files=[]))
    assert found == {"files": [], "absent": ["/a", "/b", "/c"]}
    assert options(wish("mail_file", absent=["/a"])) == {"files": [], "absent": ["/a"]}


@pytest.mark.parametrize("roles", [("one", "two"), ("two", "one"), ("one", "one")])
def test_a_file_that_is_wanted_and_not_wanted(roles):
    said = contradiction(
        wish("mail_file", roles[0], files=[{"path": "/a", "content": "x"}]),
        wish("mail_file", roles[1], absent=["/a"]),
    )
    who = "Two tasks of the role one" if len(set(roles)) == 1 else f"The roles {roles[0]} and {roles[1]} both"
    assert said.startswith(f"{who} want different things of /a (mail_file), which one writes and the other takes away: ")


def test_calls_that_make_backups_are_apart_and_agree_yet():
    """A backup is one of all the files of a call, or of none."""
    found = merged([wish("postmap", tables=[{"path": "/a"}], backup=True), wish("postmap", tables=[{"path": "/b"}], backup=False)], SPECS)
    assert [(one.options.get("backup"), len(one.options["tables"])) for one in found] == [(True, 1), (False, 1)]
    said = contradiction(
        wish("postmap", "postfix", tables=[{"path": "/a", "content": "x"}], backup=True),
        wish("postmap", "sasl", tables=[{"path": "/a", "content": "y"}]),
    )
    assert said.startswith("The roles postfix and sasl both want different things of /a (postmap): ")


def test_another_instance_of_postfix_is_another_place():
    given = [
        wish("postfix_service", services=[{"name": "a", "type": "unix", "state": state}], config_directory=f"/etc/{state}")
        for state in ("present", "absent")
    ]
    assert len(merged(given, SPECS)) == 2


# Parameters -----------------------------------------------------------------------------------------------------------


def test_parameters_are_joined():
    found = options(
        wish("postfix_config", "postfix", parameters={"a": 1, "b": None}, backup=False, coming_services=["x"]),
        wish("postfix_config", "sasl", parameters={"c": ["d", "e"]}, backup=True, coming_services=["y", "x"]),
        wish("postfix_config", "relay_policy", parameters={}, open_relay=True),
        wish("postfix_config", "late", parameters={"b": None}, open_relay=False, backup=False),
    )
    assert found == {"parameters": {"a": 1, "b": None, "c": ["d", "e"]}, "backup": True, "coming_services": ["x", "y"], "open_relay": True}


@pytest.mark.parametrize(("one", "other"), [(True, "yes"), (10, "10"), (["a", "b"], "a, b"), (None, None), ("x ", "x")])
def test_values_that_postfix_reads_alike_are_the_same(one, other):
    found = options(wish("postfix_config", parameters={"p": one}), wish("postfix_config", parameters={"p": other}))
    assert found["parameters"] == {"p": one}


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (True, 1, "'yes' and '1'"),
        (0, False, "'0' and 'no'"),
        ("", None, "'' and none"),
        ("a", "b", "'a' and 'b'"),
        (1.5, "1.5", "1.5 and '1.5'"),
        ({"a": 1}, {"a": 2}, "{'a': 1} and {'a': 2}"),
    ],
)
def test_values_that_postfix_reads_differently_contradict(one, other, shown):
    said = contradiction(
        wish("postfix_config", "postfix", parameters={"a": 1, "p": one}), wish("postfix_config", "sasl", parameters={"p": other})
    )
    assert said == (
        f"The roles postfix and sasl both want different values of the parameter p, {shown}: take it out of the variables of one of them."
    )


def test_a_contradiction_shows_no_secret():
    one = wish("postfix_config", "a", parameters={"ldap_bind_password": "s3cret"})
    said = contradiction(one, wish("postfix_config", "b", parameters={"ldap_bind_password": "other"}))
    assert "s3cret" not in said
    assert "different values of the parameter ldap_bind_password, which are not shown: " in said


@pytest.mark.parametrize(
    ("roles", "who"),
    [
        (("a", "b"), "The roles a and b both want"),
        (("a", "a"), "Two tasks of the role a want"),
        (("", ""), "Two wishes of the task want"),
        (("", "b"), "The role b and the task both want"),
        (("a", ""), "The role a and the task both want"),
    ],
)
def test_who_contradicts_whom(roles, who):
    given = [wish("postfix_config", role, parameters={"p": number}) for number, role in enumerate(roles)]
    assert contradiction(*given).startswith(f"{who} different values")


def test_the_third_is_named_with_whom_it_contradicts():
    given = [wish("postfix_config", "a", parameters={"x": 1}), wish("postfix_config", "b", parameters={"p": 1})]
    assert contradiction(*given, wish("postfix_config", "c", parameters={"p": 2})).startswith("The roles b and c both want")


def test_options_of_a_call_that_cannot_be_joined_contradict():
    said = contradiction(
        wish("postfix_config", "a", parameters={}, unknown="ignore"), wish("postfix_config", "b", parameters={}, unknown="fail")
    )
    assert said == (
        "The roles a and b both want postfix_config with different values of the option unknown, 'ignore' and 'fail':"
        " take it out of one of them."
    )
    one = wish("postfix_service", "a", services=[], unknown="warn")
    assert options(one, wish("postfix_service", "b", services=[])) == {"services": [], "unknown": "warn"}


def test_services_that_come_are_there_for_parameters():
    services = [
        {"name": "scan", "type": "unix"},
        {"name": "gone", "type": "unix", "state": "absent"},
        {"name": "asleep", "type": "unix", "state": "disabled"},
        {"name": "10025", "type": "inet"},
    ]
    found = merged(
        [wish("postfix_config", parameters={"a": 1}, coming_services=["other"]), wish("postfix_service", services=services)], SPECS
    )
    assert found[0].options["coming_services"] == ["other", "scan"]
    assert "coming_services" not in found[1].options
    found = merged([wish("postfix_config", parameters={"a": 1}), wish("postfix_service", services=services[1:])], SPECS)
    assert "coming_services" not in found[0].options


# Everything else ------------------------------------------------------------------------------------------------------

WHOLE = ["mail_certificate", "dovecot_user", "dovecot_setting", "sasl_user", "sasl_provider", "fetchmail_config", "mail_filter"]


@pytest.mark.parametrize("module", WHOLE)
def test_the_same_twice_is_once_and_anything_else_contradicts(module):
    assert options(wish(module, "a", users=["x"]), wish(module, "b", users=["x"])) == {"users": ["x"]}
    said = contradiction(wish(module, "a", users=["x"]), wish(module, "b", users=["y"]))
    assert said == f"The roles a and b both want {module}, each with other options: leave one of them out."


@pytest.mark.parametrize(
    ("module", "option"),
    [("mail_certificate", "certificate"), ("dovecot_user", "path"), ("dovecot_setting", "path"), ("sasl_user", "database")],
)
def test_what_is_about_different_places_has_nothing_to_do_with_each_other(module, option):
    found = merged([wish(module, "a", **{option: "/a"}, x=1), wish(module, "b", **{option: "/b"}, x=2)], SPECS)
    assert [one.options for one in found] == [{option: "/a", "x": 1}, {option: "/b", "x": 2}]


def test_every_kind_is_one_of_the_four():
    assert {*wishes._LISTS, "postfix_config", *WHOLE} == set(KINDS)
