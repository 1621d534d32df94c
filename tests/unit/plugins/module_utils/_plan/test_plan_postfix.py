# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import postfix
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import VARIABLES, facts, paths, plan

TABLES = [
    {"path": "/etc/postfix/a", "type": "pcre", "content": ""},
    {"path": "/etc/postfix/b", "type": "mysql"},
    {"path": "/etc/postfix/c"},
]
HEADER_CHECKS = {"header_checks": "pcre:/etc/postfix/a", "body_checks": "regexp:/etc/postfix/d"}
NEWER = {"name": "filter", "type": "unix"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, {"myhostname": "mail.example.org"}),
        ({"postfix_myhostname": "mx.example.net"}, {"myhostname": "mx.example.net"}),
        ({"postfix_replace_mta": True}, {"replace_mta": True}),
        ({"postfix_recipient_delimiter": "-"}, {"recipient_delimiter": "-"}),
        (
            {"postfix_parameters": {"recipient_delimiter": "="}},
            {"recipient_delimiter": "=", "parameters_by_hand": {"recipient_delimiter": "="}},
        ),
        ({"postfix_services": [NEWER]}, {"services_by_hand": [NEWER]}),
        ({"postfix_inet_interfaces": ["192.0.2.7"]}, {"smtp_host": "192.0.2.7"}),
        ({"postfix_inet_protocols": ["ipv6"]}, {"smtp_host": "::1"}),
    ],
)
def test_what_it_tells_the_others(variables, said):
    before = Offers(relayed_domains=["relay.example"])
    plain = {"myhostname": "mail.example.org", "services_by_hand": [], "smtp_host": "127.0.0.1"}
    expected = Offers(**{"relayed_domains": ["relay.example"], **plain, **said})
    assert postfix.offers({**VARIABLES, **variables}, facts(), before) == expected


@pytest.mark.parametrize(
    ("variables", "offers", "packages"),
    [
        ({}, {}, ["postfix"]),
        ({"postfix_tables": TABLES}, {}, ["postfix", "postfix-mysql", "postfix-pcre"]),
        ({}, {"procmail_command": "/usr/bin/procmail"}, ["postfix", "procmail"]),
    ],
)
def test_packages(variables, offers, packages):
    found = plan(variables, **offers).packages
    assert found == packages
    assert set(found) <= set(postfix.PACKAGES)


@pytest.mark.parametrize(
    ("check_mode", "there", "left_out"),
    [
        (True, facts(map_types=["pcre"]), {"/etc/postfix/b"}),
        (True, facts(map_types=[]), {"/etc/postfix/a", "/etc/postfix/b"}),
        (True, facts(map_types=["mysql", "pcre"]), set()),
        # Nothing is known yet, and nothing is checked.
        (True, facts(map_types=[], installed=False), set()),
        # The packages are there by then, or the modules say what is missing.
        (False, facts(map_types=[]), set()),
    ],
)
def test_check_mode_leaves_out_what_takes_a_package_that_is_to_come(check_mode, there, left_out):
    variables = {"postfix_tables": TABLES, "postfix_parameters": HEADER_CHECKS, "ansible_check_mode": check_mode}
    found = plan(variables, there)
    assert {table["path"] for table in TABLES} - set(paths(found.tables)) == left_out
    assert ("header_checks" in found.parameters) == ("/etc/postfix/a" not in left_out)
    assert found.parameters["body_checks"] == "regexp:/etc/postfix/d"


def test_a_plain_host_has_neither_problems_nor_warnings():
    assert (plan().problems, plan().warnings) == ([], [])


def test_who_has_to_be_asked_about_is_known_before_the_host_has_answered():
    aliases = {"list": ["alice", "zoe", "far@far.example"]}
    before, later = plan({"postfix_aliases": aliases}, {}), plan({"postfix_aliases": aliases})
    assert before.problems == []
    assert before.names_to_look_up == ["alice", "zoe", "root", "postmaster"]
    # Debian's package has brought an alias for the last one.
    assert later.names_to_look_up == ["alice", "zoe", "root"]


def test_a_host_without_postfix_gets_all_of_it():
    nothing = facts(installed=False, default_database_type=None, map_types=[], managed_tables=[])
    found, there = plan(there=nothing), plan(there=facts(default_database_type="hash"))
    assert (found.problems, found.parameters, found.tables, found.services) == ([], there.parameters, there.tables, there.services)


EXIM = {"name": "exim", "installed": True, "queue": "/var/spool/exim4"}
SENDMAIL = {"name": "sendmail", "installed": False, "queue": None}


@pytest.mark.parametrize(
    ("servers", "former", "waits"),
    [
        ([], [], False),
        ([EXIM, SENDMAIL], [EXIM], True),
        # Its packages are gone, and its queue is not.
        ([{**EXIM, "installed": False}], [], True),
        ([SENDMAIL], [], False),
        ([{**EXIM, "queue": None}], [{**EXIM, "queue": None}], False),
    ],
)
def test_what_is_taken_over_from_another_mail_server(servers, former, waits):
    there = {**facts(), "other_mail_servers": servers}
    found = plan({"postfix_replace_mta": True}, there)
    assert (found.former_mail_servers, found.has_waiting_mail, found.installs_by_itself) == (former, waits, bool(former))
    # Of a host on which nobody wants that the role host says so; nothing is handed over.
    assert plan({}, there).has_waiting_mail is False


@pytest.mark.parametrize(
    ("host", "installed", "is_nameless"),
    [
        ({"fqdn": "1843", "os_family": "Debian"}, False, True),
        ({"fqdn": "192.0.2.7", "os_family": "Debian"}, False, True),
        ({"fqdn": 1843, "os_family": "Debian"}, False, True),
        ({"fqdn": "1843.example.org", "os_family": "Debian"}, False, False),
        ({"fqdn": "", "os_family": "Debian"}, False, False),
        ({"fqdn": None, "os_family": "Debian"}, False, False),
        ({"fqdn": "1843", "os_family": "Debian"}, True, False),
        ({"fqdn": "1843", "os_family": "RedHat"}, False, False),
        ({"fqdn": "1843"}, False, False),
    ],
)
def test_a_host_whose_own_name_the_package_could_not_use(host, installed, is_nameless):
    found = plan(there=facts(host=host, installed=installed))
    assert (found.is_nameless, found.installs_by_itself) == (is_nameless, is_nameless)


@pytest.mark.parametrize(
    ("variables", "ports", "address"),
    [
        ({}, [25, 465], "127.0.0.1"),
        ({"postfix_submission": False}, [25], "127.0.0.1"),
        ({"postfix_inet_interfaces": ["192.0.2.7"]}, [25, 465], "192.0.2.7"),
    ],
)
def test_its_listeners_are_probed(variables, ports, address):
    given = {**VARIABLES, **variables}
    found = postfix.plan(given, facts(), postfix.offers(given, facts(), Offers()))
    assert [(probe["host"], probe["smtp"]["port"]) for probe in found.probes] == [(address, port) for port in ports]
    assert found.delivery == ()


def test_warnings_are_those_of_the_addresses():
    (said,) = plan({"mail_aliases": {}}).warnings
    assert said.startswith("Mail for root cannot be delivered")


def test_all_problems_are_told_at_once():
    variables = {
        "postfix_parameters": {"myhostname": "x", "bad name": "x"},
        "postfix_aliases": {"a": "b", "b": "a"},
        "postfix_relocated": {"a@b.example": "c"},
        "postfix_services": [{"name": "a/b", "type": "unix"}],
        "postfix_smtpd_soft_error_limit": 0,
    }
    there = facts({"relocated_maps": "hash:/etc/theirs", "smtpd_recipient_restrictions": "theirs"}, foreign_tables=["/etc/postfix/virtual"])
    found = plan(variables, there, quota_service="unix:x").problems
    beginnings = [
        "postfix_parameters sets myhostname",
        "The aliases a -> b",
        "main.cf already has relocated_maps",
        "main.cf already has smtpd_recipient_restrictions",
        "postfix_parameters: 'bad name'",
        "postfix_services: a/b/unix",
        "The Postfix of this host",
        "postfix_smtpd_soft_error_limit",
    ]
    assert len(found) == len(beginnings)
    assert [said for said, beginning in zip(found, beginnings) if not said.startswith(beginning)] == []
