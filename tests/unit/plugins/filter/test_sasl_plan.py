# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.sasl_plan import FilterModule

plan = FilterModule().filters()["sasl_plan"]
HOST = {
    "config_path": "/etc/postfix/sasl/smtpd.conf",
    "foreign_files": [],
    "saslauthd": {"mechanisms": ["pam", "shadow"], "foreign": False},
}


def test_dovecot_needs_nothing():
    assert plan(HOST, "Debian", path="private/login") == {
        "problems": [],
        "warnings": [],
        "mailboxes": [],
        "packages": [],
        "parameters": {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/login", "smtpd_sasl_local_domain": ""},
        "realm": "",
        "realms": [],
        "domains": [],
        "domains_apart": [],
        "other_realms": [],
        "accounts": [],
    }


def test_saslauthd():
    found = plan(HOST, "RedHat", provider="saslauthd", saslauthd={"mechanism": "shadow"}, mechanisms=["PLAIN"], realm="example.org")
    assert (found["problems"], found["packages"]) == ([], ["cyrus-sasl", "cyrus-sasl-plain"])
    assert found["parameters"] == {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd", "smtpd_sasl_local_domain": "example.org"}


BOXES = ["carol@shop.example", "dave@shop.example"]


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({}, BOXES),
        # carol of the system would be let in as carol@shop.example, and must not send as her.
        ({"provider": "saslauthd"}, []),
        ({"provider": "saslauthd", "saslauthd": {"join_realm": True}}, BOXES),
        ({"provider": "sasldb"}, []),
        ({"provider": "sasldb", "users": [{"name": "carol", "realm": "shop.example", "password": "c"}]}, BOXES[:1]),
        ({"provider": "sasldb", "users": [{"name": "dave@shop.example", "password": "d"}]}, BOXES[1:]),
        ({"provider": "sasldb", "users": [{"name": "dave@shop.example", "state": "absent"}]}, []),
    ],
)
def test_a_mailbox_is_owned_by_who_alone_can_log_in_as_it(settings, known):
    found = plan(HOST, "Debian", realm="mail.example.org", mailboxes=BOXES, **settings)
    assert found["mailboxes"] == known
    lost = [address for address in BOXES if address not in known]
    assert found["warnings"] == (
        [f"{', '.join(lost)} in mail_virtual_users cannot log in to send mail: sasl_provider {settings['provider']} does not know them."]
        if lost
        else []
    )


USERS = [
    {"name": "alice", "password": "a", "shell": "/bin/sh"},
    {"name": "bob@example.net", "password": "b"},
    {"name": "carol", "realm": "example.com", "state": "absent"},
    {"name": "dave", "realm": "example.org"},
]


def test_realms_of_logins():
    found = plan(HOST, "Debian", provider="sasldb", hostname="mail.example.org", domains=["example.org", "mail.example.org"], users=USERS)
    assert found["realm"] == "mail.example.org"
    assert found["parameters"]["smtpd_sasl_local_domain"] == ""
    assert found["realms"] == ["mail.example.org", "example.org"]
    assert found["other_realms"] == ["example.net", "example.com"]
    assert found["accounts"][0] == {"name": "alice", "password": "a"}
    assert found["problems"] == []


@pytest.mark.parametrize(
    ("saslauthd", "realms", "apart"),
    [
        # The realm is left out: whoever says alice's password is alice.
        ({}, ["a.example", "b.example"], []),
        # alice@b.example is asked for by this name, and may be somebody else.
        ({"join_realm": True}, ["a.example"], ["b.example"]),
    ],
)
def test_a_login_in_another_domain_is_the_same_person_only_if_nobody_else_can_be(saslauthd, realms, apart):
    found = plan(HOST, "Debian", provider="saslauthd", realm="a.example", domains=["a.example", "b.example"], saslauthd=saslauthd)
    assert (found["realms"], found["domains_apart"], found["other_realms"]) == (realms, apart, apart)
    assert found["domains"] == [domain for domain in ("a.example", "b.example") if domain not in apart]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"name": "alice", "realm": "mail.example.org"}, "'alice@mail.example.org' is given twice"),
        ({"name": "eve:x", "password": "geheim"}, "cannot be the name of a SASL user"),
        ({"name": "eve", "password": ""}, "The password of the user 'eve@mail.example.org' is empty"),
    ],
)
def test_accounts_that_cannot_be(user, said):
    (problem,) = plan(HOST, "Debian", provider="sasldb", hostname="mail.example.org", users=[*USERS, user])["problems"]
    assert problem.startswith("sasl_users: ")
    assert said in problem
    assert "geheim" not in problem
    # They are nobody's business as long as Dovecot asks the system.
    assert plan(HOST, "Debian", users=[*USERS, user])["problems"] == []


@pytest.mark.parametrize("users", [["geheim"], {"alice": "geheim"}, [{"password": "geheim"}], [{"name": None, "password": "geheim"}]])
def test_accounts_without_a_name(users):
    assert plan(HOST, "Debian", provider="sasldb", users=users)["problems"] == [
        "sasl_users has a user without a name: write each user as {name: alice, password: ...}."
    ]
    assert plan(HOST, "Debian", users=users)["problems"] == []


def test_what_a_command_line_and_yaml_make_of_texts():
    """A list becomes a text, a number too; but a password of digits that became a number is none."""
    found = plan(
        HOST, "Debian", provider="saslauthd", mechanisms="PLAIN, LOGIN", saslauthd={"processes": "5", "cache_seconds": "0"}, realm="r"
    )
    assert found["problems"] == []
    found = plan(HOST, "Debian", provider="sasldb", realm="r", users=[{"name": "alice", "password": 12345678, "realm": None}])
    (problem,) = found["problems"]
    assert problem.startswith("sasl_users: The password of the user 'alice@r' is a number to YAML, ")
    assert "12345678" not in problem


@pytest.mark.parametrize("password", [42798, True, 12.5, {"a": "b"}])
def test_a_password_of_a_directory_that_yaml_read_otherwise(password):
    ldap = {"ldap_servers": "ldap://h/", "ldap_password": password, "ldap_version": 3}
    found = plan(HOST, "Debian", provider="saslauthd", saslauthd={"mechanism": "ldap", "ldap": ldap}, realm="r")["problems"]
    (problem,) = (sentence for sentence in found if "ldap_password" in sentence)
    assert problem.startswith("sasl_saslauthd_ldap: ldap_password is a")
    assert problem.endswith("; put it in quotes.")
    assert str(password) not in problem


def test_a_provider_that_is_no_text():
    (problem,) = plan(HOST, "Debian", provider=["sasldb"])["problems"]
    assert problem.startswith("sasl_provider is '['sasldb']', and must be one of ")


def test_what_is_wrong_and_what_is_somebody_elses_is_said_together():
    there = {**HOST, "foreign_files": [HOST["config_path"]]}
    wrong = {"provider": "saslauthd", "saslauthd": {"mechanism": "ldap"}}
    assert len(plan(there, "Debian", **wrong)["problems"]) == 3
    assert len(plan(there, "Debian", replace=True, **wrong)["problems"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"saslauthd": {"mechanisme": "geheim"}},
        {"provider": "sasldb", "mechanisms": [None]},
        {"nothing": "geheim"},
        {"provider": "sasldb", "users": 5},
    ],
)
def test_a_misshapen_input_is_not_shown(arguments):
    with pytest.raises(AnsibleFilterError, match="as the role sasl documents it") as caught:
        plan(HOST, "Debian", **arguments)
    assert "geheim" not in str(caught.value)
