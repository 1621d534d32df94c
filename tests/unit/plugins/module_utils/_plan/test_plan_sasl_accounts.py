# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts of sasldb, who is one person by several logins, and which mailboxes can log in, as the role sasl sees them."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import sasl
from ansible_collections.postroom.mail.plugins.module_utils._plan.sasl_logins import Logins
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan import host_play
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import FACTS, facts, said

USERS = [
    {"name": "alice", "password": "a", "shell": "/bin/sh"},
    {"name": "bob@example.net", "password": "b"},
    {"name": "carol", "realm": "example.com", "state": "absent"},
    {"name": "dave", "realm": "example.org"},
]
VARIABLES = {
    **host_play.VARIABLES,
    **host_play.defaults("sasl"),
    "sasl_users": [],
    "sasl_aliases": {},
    "sasl_virtual_aliases": {},
}
BOXES = ["carol@shop.example", "dave@shop.example"]


def plan(variables, there=None):
    there = FACTS if there is None else there
    told = {f"sasl_{name}": value for name, value in variables.items()}
    return sasl.plan({**VARIABLES, **told}, there, said(virtual_mailboxes={**host_play.NO_MAILBOXES, "addresses": BOXES}))


@pytest.mark.parametrize(
    ("variables", "lost"),
    [
        ({}, []),
        # carol of the system would be let in as carol@shop.example, and must not send as her.
        ({"provider": "saslauthd"}, BOXES),
        ({"provider": "saslauthd", "saslauthd_join_realm": True}, []),
        ({"provider": "sasldb"}, BOXES),
        ({"provider": "sasldb", "users": [{"name": "carol", "realm": "shop.example", "password": "c"}]}, BOXES[1:]),
        ({"provider": "sasldb", "users": [{"name": "dave@shop.example", "password": "d"}]}, BOXES[:1]),
        ({"provider": "sasldb", "users": [{"name": "dave@shop.example", "state": "absent"}]}, BOXES),
    ],
)
def test_a_mailbox_is_owned_by_who_alone_can_log_in_as_it(variables, lost):
    part = plan(variables)
    told = f"{', '.join(lost)} in mail_virtual_users cannot log in to send mail: sasl_provider {{}} does not know them."
    assert part.warnings == ([told.format(variables["provider"])] if lost else [])
    assert [address for address in BOXES if address not in part.tables[0]["entries"]] == lost


def logins(name, domains=("a.example", "b.example"), realm="a.example", accounts=(), **saslauthd):
    return Logins(provider.Wanted(name, saslauthd=provider.Saslauthd(**saslauthd)), realm, list(accounts), list(domains), [])


@pytest.mark.parametrize(
    ("found", "realms", "apart"),
    [
        (logins("dovecot"), [], []),
        # The realm is left out: whoever says alice's password is alice.
        (logins("saslauthd"), ["a.example", "b.example"], []),
        # alice@b.example is asked for by this name, and may be somebody else.
        (logins("saslauthd", join_realm=True), ["a.example"], ["b.example"]),
        (logins("sasldb", ["example.org", "mail.example.org"], "mail.example.org"), ["mail.example.org", "example.org"], []),
    ],
)
def test_a_login_in_another_domain_is_the_same_person_only_if_nobody_else_can_be(found, realms, apart):
    assert (found.realms, found.domains_apart) == (realms, apart)


def test_people_of_other_realms_have_their_addresses_there():
    part = plan({"provider": "sasldb", "users": USERS})
    assert part.problems == []
    assert part.parameters["smtpd_sasl_local_domain"] == ""
    assert part.sasl_user["realm"] == "mail.example.org"
    assert part.sasl_user["users"][0] == {"name": "alice", "password": "a"}
    _at_home, elsewhere = part.tables[1]["entries"]
    assert "@(example\\.net|example\\.com)$" in elsewhere["pattern"]


@pytest.mark.parametrize(
    ("user", "word"),
    [
        ({"name": "alice", "realm": "mail.example.org"}, "'alice@mail.example.org' is given twice"),
        ({"name": "eve:x", "password": "geheim"}, "cannot be the name of a SASL user"),
        ({"name": "eve", "password": ""}, "The password of the user 'eve@mail.example.org' is empty"),
        # A password of digits without quotes is none.
        ({"name": "eve", "password": 12345678, "realm": None}, "The password of the user 'eve@mail.example.org' is a number to YAML, "),
    ],
)
def test_accounts_that_cannot_be(user, word):
    (problem,) = plan({"provider": "sasldb", "users": [*USERS, user]}).problems
    assert problem.startswith("sasl_users: ")
    assert word in problem
    assert str(user.get("password") or "geheim") not in problem
    # They are nobody's business as long as Dovecot asks the system.
    assert plan({"users": [*USERS, user]}).problems == []


@pytest.mark.parametrize("users", [["geheim"], {"alice": "geheim"}, [{"password": "geheim"}], [{"name": None, "password": "geheim"}]])
def test_accounts_without_a_name(users):
    assert plan({"provider": "sasldb", "users": users}).problems == [
        "sasl_users has a user without a name: write each user as {name: alice, password: ...}."
    ]
    assert plan({"users": users}).problems == []


def test_numbers_may_be_texts():
    assert plan({"provider": "saslauthd", "saslauthd_processes": "5", "saslauthd_cache_seconds": "0"}).problems == []


@pytest.mark.parametrize("password", [42798, True, 12.5, {"a": "b"}])
def test_a_password_of_a_directory_that_yaml_read_otherwise(password):
    ldap = {"ldap_servers": "ldap://h/", "ldap_password": password, "ldap_version": 3}
    found = plan({"provider": "saslauthd", "saslauthd_mechanism": "ldap", "saslauthd_ldap": ldap}).problems
    (problem,) = (sentence for sentence in found if "ldap_password" in sentence)
    assert problem.startswith("sasl_saslauthd_ldap: ldap_password is a")
    assert problem.endswith("; put it in quotes.")
    assert str(password) not in problem


def test_what_is_wrong_and_what_is_somebody_elses_is_said_together():
    there = facts(sasl={"foreign_files": [FACTS["sasl"]["config_path"]]})
    wrong = {"provider": "saslauthd", "saslauthd_mechanism": "ldap"}
    assert len(plan(wrong, there).problems) == 3
    assert len(plan({**wrong, "replace_config": True}, there).problems) == 2
