# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.parameter_problems import FilterModule

parameter_problems = FilterModule().filters()["parameter_problems"]
FILTER = {"name": "filter", "type": "unix", "command": "pipe", "args": ["flags=Rq", "argv=/bin/x ${recipient}"]}


def test_what_can_be_written_is_not_objected_to():
    parameters = {"biff": False, "relayhost": "[mx.example]", "mynetworks": ["127.0.0.0/8"], "header_size_limit": 4096, "soft_bounce": None}
    services = [FILTER, {"name": "submission", "type": "inet", "overrides": {"syslog_name": "postfix/x", "smtpd_tls_wrappermode": True}}]
    assert parameter_problems(parameters, services) == []


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
    ],
)
def test_what_cannot_is_one_sentence(parameters, services, words):
    (said,) = parameter_problems(parameters, services)
    assert [word for word in words if word not in said] == []


def test_everything_is_told_at_once():
    assert len(parameter_problems({"relayhost": "a\nb", "biff": "c\nd"}, [{**FILTER, "command": "x y"}, {**FILTER, "name": "a/b"}])) == 4
