# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.merge import merged
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import File, Part

SMTPS = {"name": "relay-smtps", "type": "unix"}
VIRTUAL = {"path": "/etc/postfix/virtual", "entries": {"a": "b"}}
CAROL = {"name": "carol@shop.example", "password": "carols"}


def problems(one, other):
    return merged({"postfix": Part(**one), "sasl": Part(**other)}).problems


def differ(thing, values):
    return f"The roles postfix and sasl want different values of {thing}, {values}: change the variables of one of them."


def test_the_parts_of_all_roles_are_one():
    one = Part(
        warnings=["w"],
        packages=["a", "b"],
        names_to_look_up=["x"],
        accounts=[{"name": "alice"}],
        tables=[VIRTUAL],
        parameters={"biff": False},
        services=[{**SMTPS, "command": "smtp"}],
        settings={"ssl": "yes", "service auth": {"user": "root"}},
        virtual_users=[CAROL],
        files=[File("/etc/a", "a")],
        former_files=["/etc/b"],
        certificate={"self_signed": True},
    )
    other = Part(
        warnings=["v"],
        packages=["b", "c"],
        names_to_look_up=["x", "y"],
        accounts=[{"name": "alice"}, {"name": "bob"}],
        tables=[{"path": "/etc/postfix/generic", "state": "absent"}, VIRTUAL],
        parameters={"mynetworks": None, "biff": "no"},
        open_relay=True,
        services=[{**SMTPS, "overrides": {"smtp_tls_wrappermode": True}}, {"name": "x", "type": "unix", "state": "absent"}],
        settings={"service auth": {"group": "root"}},
        virtual_users=[{"name": "dave@shop.example"}],
        files=[File("/etc/a", "a"), File("/etc/c", "c", "0600")],
        former_files=["/etc/b", "/etc/d"],
        sasl_user={"users": []},
    )
    expected = Part(
        warnings=["w", "v"],
        packages=["a", "b", "c"],
        names_to_look_up=["x", "y"],
        accounts=[{"name": "alice"}, {"name": "bob"}],
        tables=[VIRTUAL, {"path": "/etc/postfix/generic", "state": "absent"}],
        parameters={"biff": "no", "mynetworks": None},
        open_relay=True,
        services=[
            {**SMTPS, "command": "smtp", "overrides": {"smtp_tls_wrappermode": True}},
            {"name": "x", "type": "unix", "state": "absent"},
        ],
        settings={"ssl": "yes", "service auth": {"user": "root", "group": "root"}},
        virtual_users=[CAROL, {"name": "dave@shop.example"}],
        files=[File("/etc/a", "a"), File("/etc/c", "c", "0600")],
        former_files=["/etc/b", "/etc/d"],
        certificate={"self_signed": True},
        sasl_user={"users": []},
    )
    # Of what neither says there is none.
    said = [field.name for field in dataclasses.fields(Part) if getattr(expected, field.name)]
    together = merged({"one": one, "other": other})
    assert {name: getattr(together, name) for name in said} == {name: getattr(expected, name) for name in said}
    assert [field.name for field in dataclasses.fields(Part) if getattr(together, field.name)] == said


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Part)])
def test_nothing_of_a_part_is_lost(name):
    """Also of a field that is yet to come."""
    default = getattr(Part(), name)
    if isinstance(default, bool):
        value = True
    elif default is None or isinstance(default, dict):
        value = {"a": 1}
    else:
        value = [{"name": "a", "type": "unix", "path": "/a"}] if name in ("accounts", "tables", "services", "virtual_users") else ["a"]
    if name == "files":
        value = [File("/a", "a")]
    for parts in ({"one": Part(**{name: value}), "other": Part()}, {"one": Part(), "other": Part(**{name: value})}):
        assert getattr(merged(parts), name) == value


def test_nothing_is_nothing():
    assert merged({"one": Part(), "other": Part()}) == merged({"one": Part()})


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (
            {"parameters": {"smtpd_sasl_path": "private/auth"}},
            {"parameters": {"smtpd_sasl_path": "smtpd"}},
            differ("the parameter smtpd_sasl_path of main.cf", "'private/auth' and 'smtpd'"),
        ),
        ({"parameters": {"x": ["a", "b"]}}, {"parameters": {"x": None}}, differ("the parameter x of main.cf", "'a, b' and none")),
        ({"parameters": {"x": {"a": 1}}}, {"parameters": {"x": 1}}, differ("the parameter x of main.cf", "'{'a': 1}' and '1'")),
        ({"parameters": {"x": "a" * 200}}, {"parameters": {"x": ""}}, differ("the parameter x of main.cf", f"'{'a' * 99}...' and ''")),
        (
            {"parameters": {"ldap_bind_password": "first"}},
            {"parameters": {"ldap_bind_password": "second"}},
            differ("the parameter ldap_bind_password of main.cf", "which are not shown"),
        ),
        (
            {"services": [{**SMTPS, "chroot": True}]},
            {"services": [{**SMTPS, "chroot": False}]},
            differ("the option chroot of the service relay-smtps/unix", "'True' and 'False'"),
        ),
        # What is not said is what the module takes it for.
        (
            {"services": [SMTPS]},
            {"services": [{**SMTPS, "state": "absent"}]},
            differ("the option state of the service relay-smtps/unix", "'present' and 'absent'"),
        ),
        (
            {"services": [{**SMTPS, "overrides": {"smtp_tls_wrappermode": True, "syslog_name": "x"}}]},
            {"services": [{**SMTPS, "overrides": {"smtp_tls_wrappermode": False}}]},
            differ("the parameter smtp_tls_wrappermode of the service relay-smtps/unix", "'yes' and 'no'"),
        ),
        (
            {"tables": [VIRTUAL]},
            {"tables": [{**VIRTUAL, "entries": {"a": "c"}}]},
            differ("the option entries of the table /etc/postfix/virtual", "'{'a': 'b'}' and '{'a': 'c'}'"),
        ),
        (
            {"tables": [{"path": "/x", "state": "absent"}]},
            {"tables": [{"path": "/x"}]},
            differ("the option state of the table /x", "'absent' and 'present'"),
        ),
        (
            {"tables": [{**VIRTUAL, "secret": True}]},
            {"tables": [{**VIRTUAL, "secret": True, "entries": {"a": "c"}}]},
            differ("the option entries of the table /etc/postfix/virtual", "which are not shown"),
        ),
        (
            {"tables": [{"path": "/x", "parameters": {"hosts": "a", "password": "first"}}]},
            {"tables": [{"path": "/x", "parameters": {"hosts": "a", "password": "second"}}]},
            differ("the option parameters of the table /x", "which are not shown"),
        ),
        (
            {"settings": {"service auth": {"user": "root"}}},
            {"settings": {"service auth": {"user": "dovecot"}}},
            differ("the setting service auth > user of Dovecot", "'root' and 'dovecot'"),
        ),
        ({"settings": {"x": {"y": 1}}}, {"settings": {"x": 1}}, differ("the setting x of Dovecot", "'a block' and '1'")),
        (
            {"settings": {"auth_master_password": "first"}},
            {"settings": {"auth_master_password": "second"}},
            differ("the setting auth_master_password of Dovecot", "which are not shown"),
        ),
        ({"files": [File("/x", "first")]}, {"files": [File("/x", "second")]}, differ("the file /x", "which are not shown")),
        ({"files": [File("/x", "a")]}, {"files": [File("/x", "a", "0600")]}, differ("the file /x", "which are not shown")),
        ({"files": [File("/x", "a")]}, {"former_files": ["/x"]}, differ("the file /x", "which are not shown")),
        (
            {"accounts": [{"name": "vmail", "home": "/var/vmail"}]},
            {"accounts": [{"name": "vmail", "home": "/srv"}]},
            differ("the option home of the account vmail", "'/var/vmail' and '/srv'"),
        ),
        (
            {"virtual_users": [CAROL]},
            {"virtual_users": [{**CAROL, "password": "second"}]},
            differ("the option password of the virtual user carol@shop.example", "which are not shown"),
        ),
        (
            {"virtual_users": [{**CAROL, "password_hash": "first"}]},
            {"virtual_users": [{**CAROL, "password_hash": "second"}]},
            differ("the option password_hash of the virtual user carol@shop.example", "which are not shown"),
        ),
        (
            {"sasl_user": {"users": [{"name": "a", "password": "first"}], "realm": "x"}},
            {"sasl_user": {"users": [{"name": "a", "password": "second"}], "realm": "x"}},
            differ("the option users of sasl_user", "which are not shown"),
        ),
        ({"sendmail_auth": {"realm": "a"}}, {"sendmail_auth": {"realm": "b"}}, differ("the option realm of sendmail_auth", "'a' and 'b'")),
    ],
)
def test_two_roles_that_want_different_things(one, other, problem):
    assert problems(one, other) == [problem]
    assert "first" not in problem
    assert "second" not in problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The same to Postfix.
        ({"parameters": {"a": ["x", "y"], "b": True, "c": 5}}, {"parameters": {"a": "x, y", "b": "yes", "c": "5"}}),
        ({"services": [{**SMTPS, "command": "smtp"}]}, {"services": [{**SMTPS, "state": "present", "overrides": {"a": "b"}}]}),
        ({"services": [{**SMTPS, "overrides": None}]}, {"services": [{"name": "relay-smtps", "type": "inet", "state": "absent"}]}),
        ({"settings": {"a": {"b": 1}}}, {"settings": {"a": {"c": 2}}}),
        ({"tables": [VIRTUAL]}, {"tables": [{**VIRTUAL, "state": "present"}]}),
        # What one says twice is for the module to refuse.
        ({"services": [SMTPS, {**SMTPS, "state": "absent"}]}, {}),
    ],
)
def test_two_roles_that_can_both_have_their_way(one, other):
    assert problems(one, other) == []


def test_what_one_role_says_twice_stays_so():
    twice = [{"name": "alice", "home": "/a"}, {"name": "alice", "home": "/b"}]
    assert merged({"one": Part(accounts=twice), "other": Part(accounts=[{"name": "bob"}])}).accounts == [*twice, {"name": "bob"}]


def test_what_the_roles_say_comes_before_what_follows_from_it():
    one, other = Part(problems=["One is wrong."], parameters={"x": 1}), Part(problems=["Two is wrong."], parameters={"x": 2})
    assert merged({"one": one, "other": other}).problems == ["One is wrong.", "Two is wrong."]


def test_every_role_that_differs_is_named():
    parts = {role: Part(parameters={"x": value}) for role, value in (("host", "1"), ("sasl", "1"), ("postfix", "2"), ("dovecot", "3"))}
    assert [sentence.partition(" want ")[0] for sentence in merged(parts).problems] == [
        "The roles host and postfix",
        "The roles host and dovecot",
    ]
