# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_services import merged
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import plan

KEY = {"name": "submission", "type": "inet"}
SUBMISSION = {**KEY, "command": "smtpd", "overrides": {"a": "1", "b": "2"}}
OTHER = {"name": "filter", "type": "unix", "command": "pipe"}
COMMON = {
    "smtpd_sasl_auth_enable": True,
    "smtpd_tls_auth_only": True,
    "smtpd_tls_mandatory_ciphers": "high",
    "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_helo_restrictions": "",
    "smtpd_sender_restrictions": "reject_sender_login_mismatch",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_recipient_restrictions": "",
    "smtpd_soft_error_limit": 10,
    "smtpd_hard_error_limit": 20,
    "smtpd_error_sleep_time": "1s",
    "milter_macro_daemon_name": "ORIGINATING",
}


def services(variables=None, **offers):
    return {f"{service['name']}/{service['type']}": service for service in plan(variables, **offers).services}


def test_the_ports_of_clients():
    smtpd = {"type": "inet", "private": False, "command": "smtpd", "state": "present"}
    found = services()
    assert found["submission/inet"] == {
        "name": "submission",
        **smtpd,
        "overrides": {"syslog_name": "postfix/submission", "smtpd_tls_security_level": "encrypt", **COMMON},
    }
    assert found["submissions/inet"] == {
        "name": "submissions",
        **smtpd,
        "overrides": {"syslog_name": "postfix/submissions", "smtpd_tls_wrappermode": True, **COMMON},
    }


@pytest.mark.parametrize(
    ("variables", "overrides"),
    [
        ({"postfix_submission_sender_must_own_address": False}, {"smtpd_sender_restrictions": ""}),
        ({"postfix_smtpd_soft_error_limit": 3}, {"smtpd_soft_error_limit": 3}),
        ({"postfix_smtpd_hard_error_limit": "4"}, {"smtpd_hard_error_limit": "4"}),
        ({"postfix_smtpd_error_sleep_time": "9s"}, {"smtpd_error_sleep_time": "9s"}),
        ({"postfix_services": [{**KEY, "overrides": {"smtpd_tls_auth_only": None}}]}, {"smtpd_tls_auth_only": None}),
    ],
)
def test_what_the_inventory_says_of_them(variables, overrides):
    found = services(variables)["submission/inet"]["overrides"]
    assert found == {**services()["submission/inet"]["overrides"], **overrides}


def test_without_submission_there_are_no_such_ports():
    found = services({"postfix_submission": False})
    assert [found[f"{name}/inet"]["state"] for name in ("submission", "submissions")] == ["absent", "absent"]


@pytest.mark.parametrize(("command", "state"), [("", "absent"), ("/usr/bin/procmail -a x", "present")])
def test_procmail_is_there_as_long_as_it_sorts_mail(command, state):
    assert services(procmail_command=command)["postroom-procmail/unix"] == {
        "name": "postroom-procmail",
        "type": "unix",
        "unprivileged": False,
        "chroot": False,
        "command": "local",
        "state": state,
        "overrides": {
            "mailbox_command": command,
            "mailbox_transport": "",
            "mailbox_transport_maps": "",
            "alias_maps": "",
            "forward_path": "",
        },
    }


def test_other_services_come_behind():
    assert list(services({"postfix_services": [OTHER]})) == ["submission/inet", "submissions/inet", "postroom-procmail/unix", "filter/unix"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], [SUBMISSION]),
        ([OTHER], [SUBMISSION, OTHER]),
        ([{**KEY, "chroot": True}], [{**SUBMISSION, "chroot": True}]),
        ([{**KEY, "overrides": {"b": "3", "c": None}}], [{**SUBMISSION, "overrides": {"a": "1", "b": "3", "c": None}}]),
        ([{**KEY, "overrides": None}], [SUBMISSION]),
        (
            [{**KEY, "exclusive_overrides": True, "overrides": {"c": "4"}}],
            [{**SUBMISSION, "exclusive_overrides": True, "overrides": {"c": "4"}}],
        ),
        ([{**KEY, "state": "absent"}], [{**SUBMISSION, "state": "absent"}]),
        ([{**OTHER, "name": "submission"}], [SUBMISSION, {**OTHER, "name": "submission"}]),
        # The module refuses it.
        ([{**KEY, "chroot": True}, {**KEY, "chroot": False}], [{**SUBMISSION, "chroot": True}, {**KEY, "chroot": False}]),
    ],
)
def test_what_is_said_beside_is_added_and_wins(more, expected):
    services = [dict(SUBMISSION)]
    assert merged(services, more) == expected
    assert services == [SUBMISSION]


def test_a_service_without_overrides_gets_those_beside():
    assert merged([OTHER], [{**OTHER, "overrides": {"a": "1"}}]) == [{**OTHER, "overrides": {"a": "1"}}]
