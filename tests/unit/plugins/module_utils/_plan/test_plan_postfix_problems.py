# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import facts, plan

FILTER = {"name": "filter", "type": "unix", "command": "pipe", "args": ["flags=Rq", "argv=/bin/x ${recipient}"]}
THEIRS = {"mydestination": "theirs.example, localhost", "alias_maps": "hash:/etc/theirs"}
FOREIGN = (
    "The Postfix of this host was set up by somebody else, and this would be lost: {}. Carry it over into the inventory (mail_aliases,"
    " mail_virtual_aliases, mail_virtual_domains, postfix_mydestination, or postfix_parameters for a whole value), and set"
    " postfix_replace_config to true; main.cf and the tables are then kept as backups beside the new ones."
)


def test_what_can_be_written_is_not_objected_to():
    parameters = {"biff": False, "best_mx_transport": "x:", "mail_name": "x", "header_size_limit": 4096, "soft_bounce": None}
    services = [FILTER, {"name": 10025, "type": "inet", "overrides": {"syslog_name": "postfix/x", "smtpd_tls_wrappermode": True}}]
    assert plan({"postfix_parameters": parameters, "postfix_services": services}).problems == []


@pytest.mark.parametrize(
    ("parameters", "services", "words"),
    [
        ({"relayhost": "a\nb"}, [], ["postfix_parameters: ", "relayhost", "line break"]),
        ({"relay host": "x"}, [], ["postfix_parameters: ", "'relay host'"]),
        ({"tls_medium": 3.10}, [], ["postfix_parameters: ", "decimal number"]),
        ({"relayhost": {"a": "b"}}, [], ["postfix_parameters: ", "relayhost"]),
        ({}, [{**FILTER, "command": "pipe flags=Rq"}], ["postfix_services: ", "filter/unix", "without arguments"]),
        ({}, [{**FILTER, "args": ["-o", "a=b"]}], ["postfix_services: ", "overrides"]),
        ({}, [{**FILTER, "overrides": {"syslog_name": "a\nb"}}], ["postfix_services: ", "line break"]),
        ({}, [{**FILTER, "name": "a/b"}], ["postfix_services: ", "a/b/unix"]),
        # Another variable says these.
        ({"mydestination": "x"}, [], ["postfix_parameters sets mydestination, which the role postfix owns: use postfix_mydestination."]),
    ],
)
def test_what_cannot_is_one_sentence(parameters, services, words):
    (said,) = plan({"postfix_parameters": parameters, "postfix_services": services}).problems
    assert [word for word in words if word not in said] == []


def test_everything_that_cannot_be_written_is_told_at_once():
    parameters, services = {"relayhost": "a\nb", "biff": "c\nd"}, [{**FILTER, "command": "x y"}, {**FILTER, "name": "a/b"}]
    assert len(plan({"postfix_parameters": parameters, "postfix_services": services}).problems) == 4


@pytest.mark.parametrize(
    ("variables", "there", "lost"),
    [
        ({}, facts(THEIRS), ""),
        ({}, facts(THEIRS, managed_tables=[]), "alias_maps = hash:/etc/theirs; mydestination = theirs.example"),
        ({"postfix_replace_config": True}, facts(THEIRS, managed_tables=[]), ""),
        ({"postfix_mydestination": ["theirs.example"]}, facts(THEIRS, managed_tables=[]), "alias_maps = hash:/etc/theirs"),
        (
            {"postfix_mydestination": ["theirs.example"], "postfix_parameters": {"alias_maps": "x"}},
            facts(THEIRS, managed_tables=[]),
            "",
        ),
        ({}, facts(THEIRS, foreign_tables=["/etc/postfix/virtual"]), "/etc/postfix/virtual"),
        ({}, facts(foreign_tables=["/etc/postfix/canonical"]), ""),
        ({"postfix_canonical": {"a": "b"}}, facts(foreign_tables=["/etc/postfix/canonical"]), "/etc/postfix/canonical"),
        ({}, facts(managed_tables=[]), ""),
        ({}, {}, ""),
    ],
)
def test_nobody_loses_what_somebody_else_has_set_up(variables, there, lost):
    assert plan(variables, there).problems == ([FOREIGN.format(lost)] if lost else [])


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"postfix_smtpd_client_auth_rate_limit": -1}, ["postfix_smtpd_client_auth_rate_limit is less than 0"]),
        ({"postfix_smtpd_client_auth_rate_limit": "0"}, []),
        (
            {"postfix_smtpd_client_event_limit_exceptions": ["10.0.0.0/8", "0.0.0.0/0, [::]/0"]},
            ["postfix_smtpd_client_event_limit_exceptions has 0.0.0.0/0, [::]/0, so that"],
        ),
        ({"postfix_smtpd_soft_error_limit": 0}, ["postfix_smtpd_soft_error_limit or postfix_smtpd_hard_error_limit must be at least 1"]),
        ({"postfix_smtpd_hard_error_limit": "-1"}, ["postfix_smtpd_soft_error_limit or postfix_smtpd_hard_error_limit must be at least 1"]),
        ({"postfix_smtpd_soft_error_limit": 1, "postfix_smtpd_hard_error_limit": 1}, []),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": 2}}, ["virtual_alias_expansion_limit in postfix_parameters is 2, and"]),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": "2"}}, ["a virtual alias comes to 3 addresses"]),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": 0}}, ["virtual_alias_expansion_limit in postfix_parameters is 0, and"]),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": "-1"}}, ["virtual_alias_expansion_limit in postfix_parameters is -1"]),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": 3}}, []),
        ({"postfix_parameters": {"virtual_alias_expansion_limit": None}}, []),
        # What another parameter says only the host's Postfix knows.
        ({"postfix_parameters": {"virtual_alias_expansion_limit": "$other"}}, []),
    ],
)
def test_limits_that_hold_nobody_or_everybody(variables, words):
    aliases = {"all@v.example": ["a@far.example", "b@far.example", "c@far.example"]}
    found = plan({"postfix_virtual_alias_domains": ["v.example"], "postfix_virtual_aliases": aliases, **variables}).problems
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found))


def test_a_parameter_of_somebody_elses_is_not_replaced():
    (said,) = plan({"postfix_relocated": {"a@b.example": "c"}}, facts({"relocated_maps": "hash:/etc/theirs"})).problems
    assert said.startswith("main.cf already has relocated_maps = hash:/etc/theirs")
    (said,) = plan({}, facts({"smtpd_recipient_restrictions": "theirs"}), quota_service="unix:x").problems
    assert said.startswith("main.cf already has smtpd_recipient_restrictions = theirs, which the quota check")
