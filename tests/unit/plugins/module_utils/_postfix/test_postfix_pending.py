# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._postfix.pending import parameters, services

MAIN_CF = {"biff": "no", "mynetworks": "127.0.0.0/8, [::1]/128", "relayhost": "", "smtp_sasl_password_maps": postfix_facts.HIDDEN}
MASTER_CF = """\
smtp      inet  n       -       y       -       -       smtpd
submission inet n - y - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sender_restrictions=
  -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
pickup    unix  n       -       y       60      1       pickup
"""
LIVE = postfix_facts.parse_services(MASTER_CF, chroot_default=False)
SUBMISSION = {"name": "submission", "type": "inet"}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"biff": False},
        {"biff": "no", "relayhost": ""},
        {"mynetworks": ["127.0.0.0/8", "[::1]/128"]},
        {"mynetworks": ["127.0.0.0/8 [::1]/128"]},
        {"transport_maps": None},
    ],
)
def test_what_is_there_is_not_pending(wanted):
    assert parameters(wanted, MAIN_CF) == {}


@pytest.mark.parametrize(
    "wanted",
    [
        {"biff": True},
        {"mynetworks": ["[::1]/128", "127.0.0.0/8"]},
        # A text is compared to the letter: only the module knows whether the parameter is a list.
        {"mynetworks": "127.0.0.0/8 [::1]/128"},
        {"biff": None},
        {"relayhost": None},
        {"message_size_limit": 1},
        {"transport_maps": ""},
        {"biff": 1.5},
        {"biff": {"no": "way"}},
        {"smtp_sasl_password_maps": "static:me:secret"},
    ],
)
def test_what_differs_or_cannot_be_judged_is_pending(wanted):
    assert parameters(wanted, MAIN_CF) == wanted
    assert parameters({**wanted, "transport_maps": wanted.get("transport_maps")}, MAIN_CF) == wanted


@pytest.mark.parametrize(
    "service",
    [
        SUBMISSION,
        {**SUBMISSION, "state": "present", "private": False, "chroot": True, "command": "smtpd", "wakeup": None},
        {**SUBMISSION, "overrides": {"smtpd_tls_security_level": "encrypt", "smtpd_sender_restrictions": "", "syslog_name": None}},
        {**SUBMISSION, "overrides": {"smtpd_client_restrictions": ["permit_sasl_authenticated", "reject"]}},
        {"name": "pickup", "type": "unix", "wakeup": "60", "process_limit": "1", "args": []},
        {"name": "submissions", "type": "inet", "state": "absent", "command": "smtpd"},
    ],
)
def test_a_service_that_is_so_is_not_pending(service):
    assert services([service], LIVE) == []


@pytest.mark.parametrize(
    "service",
    [
        {"name": "submissions", "type": "inet", "command": "smtpd"},
        {**SUBMISSION, "state": "absent"},
        {**SUBMISSION, "state": "disabled"},
        {"name": "submissions", "type": "inet", "state": "disabled"},
        {**SUBMISSION, "chroot": False},
        {**SUBMISSION, "command": "postscreen"},
        {**SUBMISSION, "args": ["-v"]},
        {**SUBMISSION, "overrides": {"smtpd_tls_security_level": "may"}},
        {**SUBMISSION, "overrides": {"smtpd_tls_security_level": None}},
        {**SUBMISSION, "overrides": {"syslog_name": "postfix/submission"}},
        {**SUBMISSION, "exclusive_overrides": True},
        {"name": "pickup", "type": "unix", "wakeup": "5"},
        {"command": "smtpd"},
    ],
)
def test_a_service_that_differs_is_pending(service):
    assert services([SUBMISSION, service], LIVE) == [service]
