# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.clashes import clashes
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import File, Part

SMTPS = {"name": "relay-smtps", "type": "unix"}
VIRTUAL = {"path": "/etc/postfix/virtual", "entries": {"a": "b"}}
CAROL = {"name": "carol@shop.example", "password": "carols"}


def problems(one, other):
    return list(clashes({"postfix": Part(**one), "sasl": Part(**other)}))


def differ(thing, values):
    return f"The roles postfix and sasl want different values of {thing}, {values}: change the variables of one of them."


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (
            {"parameters": {"smtpd_sasl_path": "private/auth"}},
            {"parameters": {"smtpd_sasl_path": "smtpd"}},
            differ("the parameter smtpd_sasl_path of main.cf", "'private/auth' and 'smtpd'"),
        ),
        ({"parameters": {"x": ["a", "b"]}}, {"parameters": {"x": None}}, differ("the parameter x of main.cf", "'a, b' and none")),
        ({"parameters": {"x": {"a": 1}}}, {"parameters": {"x": 1}}, differ("the parameter x of main.cf", "{'a': 1} and '1'")),
        ({"parameters": {"x": "a" * 200}}, {"parameters": {"x": ""}}, differ("the parameter x of main.cf", f"'{'a' * 99}...' and ''")),
        (
            {"parameters": {"ldap_bind_password": "first"}},
            {"parameters": {"ldap_bind_password": "second"}},
            differ("the parameter ldap_bind_password of main.cf", "which are not shown"),
        ),
        (
            {"services": [{**SMTPS, "chroot": True}]},
            {"services": [{**SMTPS, "chroot": False}]},
            differ("the option chroot of the service relay-smtps/unix", "True and False"),
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
            differ("the option entries of the table /etc/postfix/virtual", "{'a': 'b'} and {'a': 'c'}"),
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
        ({"settings": {"x": {"y": 1}}}, {"settings": {"x": 1}}, differ("the setting x of Dovecot", "'a block' and 1")),
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
        ({"files": [File("/x", "a", secret=True)]}, {"files": [File("/x", "a", service="dovecot")]}),
        ({"former_files": ["/x"]}, {"former_files": ["/x"]}),
        ({"probes": [{"name": "SMTP on 25"}]}, {"probes": [{"name": "SMTP on 25", "host": "::1"}]}),
        # What one says twice is for the module to refuse.
        ({"services": [SMTPS, {**SMTPS, "state": "absent"}]}, {}),
    ],
)
def test_two_roles_that_can_both_have_their_way(one, other):
    assert problems(one, other) == []


def test_every_role_that_differs_is_named():
    parts = {role: Part(parameters={"x": value}) for role, value in (("host", "1"), ("sasl", "1"), ("postfix", "2"), ("dovecot", "3"))}
    assert [sentence.partition(" want ")[0] for sentence in clashes(parts)] == [
        "The roles host and postfix",
        "The roles host and dovecot",
    ]
