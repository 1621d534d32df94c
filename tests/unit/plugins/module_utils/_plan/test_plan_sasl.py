# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import sasl
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan import host_play
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import FACTS, facts, said, server

USERS = [{"name": "alice", "password": "a", "shell": "/bin/sh"}]
VARIABLES = {
    **host_play.VARIABLES,
    **host_play.defaults("sasl"),
    "sasl_users": USERS,
    "sasl_aliases": {},
    "sasl_virtual_aliases": {},
}
BY_SENDMAIL = facts(other_mail_servers=[server("sendmail")])
SASLAUTHD = {
    "mechanism": "pam",
    "server": "",
    "ldap": {},
    "join_realm": False,
    "cache_seconds": 0,
    "processes": 5,
    "first_valid_uid": 1000,
}
NO_SENDMAIL = (
    "sasl_mta is sendmail, which is not on this host: install it first (the package sendmail, on Red Hat sendmail-cf with it), or set"
    " sasl_mta to postfix."
)
WITH_POSTFIX = (
    "sasl_mta is sendmail, and the role postfix is in the play, which would take its place: leave that role out, or set sasl_mta"
    " to postfix."
)


def plan(variables=None, there=None, **others):
    there = FACTS if there is None else there
    told = {f"sasl_{name}": value for name, value in (variables or {}).items()}
    return sasl.plan({**VARIABLES, **told}, there, said(**others))


def mailboxes(*addresses):
    return {**host_play.NO_MAILBOXES, "addresses": list(addresses)}


def test_dovecot_needs_nothing():
    part = plan()
    assert (part.problems, part.warnings, part.packages) == ([], [], [])
    assert (part.sasl_user, part.sasl_provider, part.sendmail_auth) == (None, None, None)
    assert part.parameters == {
        "smtpd_sasl_auth_enable": False,
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "private/auth",
        "smtpd_sasl_local_domain": "",
        "smtpd_sasl_security_options": "noanonymous",
        "smtpd_sasl_tls_security_options": "noanonymous",
        "smtpd_tls_auth_only": True,
        "broken_sasl_auth_clients": False,
        "smtpd_sender_login_maps": ["lmdb:/etc/postfix/sender_logins", "regexp:/etc/postfix/sender_logins.regexp"],
    }


@pytest.mark.parametrize(
    ("provider", "family", "packages"),
    [
        ("saslauthd", "Debian", ["sasl2-bin", "libsasl2-modules"]),
        ("saslauthd", "RedHat", ["cyrus-sasl", "cyrus-sasl-plain"]),
        ("saslauthd", "Suse", []),
        ("sasldb", "Debian", ["sasl2-bin", "libsasl2-modules-db", "libsasl2-modules"]),
        ("sasldb", "RedHat", ["cyrus-sasl-lib", "cyrus-sasl-plain"]),
    ],
)
def test_cyrus_sasl(provider, family, packages):
    part = plan({"provider": provider, "replace_config": True}, facts(host={"os_family": family}), mailbox_uids=(500, 0))
    assert (part.problems, part.packages) == ([], packages)
    assert part.sasl_provider == {
        "provider": provider,
        "mechanisms": ["PLAIN", "LOGIN"],
        "saslauthd": {**SASLAUTHD, "first_valid_uid": 500},
        "replace": True,
    }
    assert part.parameters["smtpd_sasl_type"] == "cyrus"
    accounts = {
        "users": [{"name": "alice", "password": "a"}],
        "realm": "mail.example.org",
        "copies": ["/var/spool/postfix/etc/sasldb2"],
    }
    assert part.sasl_user == (accounts if provider == "sasldb" else None)


def test_every_package_is_asked_about():
    mechanisms = ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"]
    wanted = [
        plan({"provider": provider, "mechanisms": mechanisms}, facts(host={"os_family": family})).packages
        for provider in ("saslauthd", "sasldb")
        for family in ("Debian", "RedHat")
    ]
    assert set().union(*wanted) == set(sasl.PACKAGES)


def test_what_a_former_provider_needed_is_taken_away():
    there = facts(sasl={"managed": True})
    assert plan({}, there).sasl_provider == {"provider": "dovecot"}
    assert plan({"provider": "saslauthd"}, there).sasl_provider["provider"] == "saslauthd"


@pytest.mark.parametrize(
    ("variables", "others", "parameters"),
    [
        ({}, {"auth_on_port_25": True}, {"smtpd_sasl_auth_enable": True}),
        ({"auth_on_port_25": False}, {"auth_on_port_25": True}, {"smtpd_sasl_auth_enable": False}),
        ({"auth_on_port_25": True, "broken_auth_clients": True}, {}, {"smtpd_sasl_auth_enable": True, "broken_sasl_auth_clients": True}),
        ({"path": "private/login"}, {}, {"smtpd_sasl_path": "private/login"}),
        ({"provider": "sasldb", "realm": "sasl.example"}, {}, {"smtpd_sasl_path": "smtpd", "smtpd_sasl_local_domain": "sasl.example"}),
    ],
)
def test_parameters(variables, others, parameters):
    written = plan(variables, **others).parameters
    assert {name: written[name] for name in parameters} == parameters


def test_a_host_without_postfix_gets_its_tables_of_the_usual_type():
    part = plan({}, facts(postfix={"default_database_type": None}))
    assert part.parameters["smtpd_sender_login_maps"][0] == "hash:/etc/postfix/sender_logins"


def test_what_is_said_by_hand():
    part = plan({}, parameters_by_hand={"smtpd_sasl_path": "x", "smtpd_tls_auth_only": False, "biff": True})
    assert part.problems == ["postfix_parameters sets smtpd_sasl_path, which the role sasl owns: use sasl_path."]
    assert not {"smtpd_sasl_path", "smtpd_tls_auth_only", "biff"} & set(part.parameters)


@pytest.mark.parametrize(
    ("variables", "there", "words"),
    [
        ({"provider": "none"}, FACTS, ["sasl_provider is none, so nobody could log in"]),
        ({"provider": "pam"}, FACTS, ["sasl_provider is 'pam', and must be one of dovecot, saslauthd and sasldb."]),
        ({"provider": "saslauthd", "saslauthd_mechanism": "ldap"}, FACTS, ["the saslauthd of this host has pam, rimap", "ldap_servers"]),
        (
            {"provider": "saslauthd", "saslauthd_server": "imap.example:143", "saslauthd_processes": 0},
            FACTS,
            ["imap.example/143", "at least 1"],
        ),
        ({"provider": "sasldb", "mechanisms": []}, FACTS, ["sasl_mechanisms is empty"]),
        (
            {"provider": "sasldb"},
            facts(sasl={"foreign_files": ["/etc/postfix/sasl/smtpd.conf"]}),
            ["/etc/postfix/sasl/smtpd.conf was written by somebody else"],
        ),
        ({"provider": "saslauthd"}, facts(sasl={"saslauthd": {"mechanisms": [], "foreign": True}}), ["saslauthd already runs"]),
        (
            {"provider": "sasldb", "users": [*USERS, {"name": ""}, "bob"]},
            FACTS,
            ["sasl_users has a user without a name: write each user as {name: alice, password: ...}."],
        ),
        (
            {"provider": "sasldb", "users": [{"name": "a:b", "password": "c"}]},
            FACTS,
            ["sasl_users: 'a:b' cannot be the name of a SASL user"],
        ),
        # Of the others its users are none of its business.
        ({"users": [{"name": "a:b"}, {}]}, FACTS, []),
        ({"provider": "saslauthd", "mta": "sendmail"}, FACTS, [NO_SENDMAIL]),
        ({"provider": "saslauthd", "mta": "sendmail"}, facts(other_mail_servers=[server("sendmail", installed=False)]), [NO_SENDMAIL]),
        ({"provider": "dovecot", "mta": "sendmail"}, BY_SENDMAIL, ["sasl_provider is dovecot, whose socket sendmail cannot ask"]),
    ],
)
def test_what_is_wrong(variables, there, words):
    problems = plan(variables, there).problems
    assert len(problems) == len(words)
    for word, sentence in zip(words, problems):
        assert word in sentence


def test_sendmail_in_a_play_with_postfix():
    part = plan({"provider": "sasldb", "mta": "sendmail"}, BY_SENDMAIL, roles=("host", "postfix", "sasl"))
    assert part.problems == [WITH_POSTFIX]


@pytest.mark.parametrize("provider", ["saslauthd", "sasldb", "none"])
def test_sendmail(provider):
    part = plan({"provider": provider, "mta": "sendmail"}, BY_SENDMAIL, auth_on_port_25=True)
    assert (part.problems, part.tables, part.parameters) == ([], (), {})
    assert part.sasl_user == (
        {"users": [{"name": "alice", "password": "a"}], "realm": "mail.example.org"} if provider == "sasldb" else None
    )
    assert part.sasl_provider == {
        "mta": "sendmail",
        "provider": provider,
        "mechanisms": ["PLAIN", "LOGIN"],
        "saslauthd": SASLAUTHD,
        "replace": False,
    }
    offered = {
        "mechanisms": ["PLAIN", "LOGIN"],
        "realm": "mail.example.org",
        "certificate": "/etc/ssl/mail.pem",
        "private_key": "/etc/ssl/mail.key",
        "auth_on_port_25": True,
        "sasldb": provider == "sasldb",
    }
    assert part.sendmail_auth == {**({"state": "absent"} if provider == "none" else offered), "replace": False}


def test_what_others_are_told():
    offered = sasl.offers({**VARIABLES, "sasl_provider": "sasldb", "sasl_mta": "sendmail"}, FACTS, said())
    assert (offered.sasl_provider, offered.mta) == ("sasldb", "sendmail")


def test_mailboxes_that_cannot_log_in():
    part = plan({"provider": "saslauthd"}, virtual_mailboxes=mailboxes("carol@shop.example", "dave@shop.example"))
    assert part.warnings == [
        "carol@shop.example, dave@shop.example in mail_virtual_users cannot log in to send mail:"
        " sasl_provider saslauthd does not know them."
    ]


@pytest.mark.parametrize(
    ("variables", "others", "realm"),
    [
        ({}, {}, "mail.example.org"),
        ({}, {"myhostname": "mx.example.org"}, "mx.example.org"),
        ({"realm": "sasl.example"}, {"myhostname": "mx.example.org"}, "sasl.example"),
    ],
)
def test_the_realm_of_a_login_without_one(variables, others, realm):
    assert plan({"provider": "sasldb", **variables}, **others).sasl_user["realm"] == realm


def test_a_host_that_was_not_asked_yet():
    part = plan({"provider": "sasldb"}, {})
    assert (part.problems, part.packages, part.sasl_user["copies"]) == ([], [], [])
    assert plan({"mta": "sendmail", "provider": "saslauthd"}, {}).sasl_provider["mta"] == "sendmail"
