# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of master.cf that the role postfix wants: the ports of clients, procmail, and what the inventory adds. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Options
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_variables import Variables


def services(wishes: Variables, procmail_command: str) -> list[Options]:
    """All of them. What the inventory says of one is added to it, and wins."""
    return merged([*_submission(wishes), _procmail(procmail_command)], wishes["postfix_services"])


def _submission(wishes: Variables) -> list[Options]:
    """The ports 587 and 465 (RFC 6409, RFC 8314)."""
    common = {
        "smtpd_sasl_auth_enable": True,
        "smtpd_tls_auth_only": True,
        "smtpd_tls_mandatory_ciphers": "high",
        "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
        "smtpd_helo_restrictions": "",
        "smtpd_sender_restrictions": "reject_sender_login_mismatch" if wishes["postfix_submission_sender_must_own_address"] else "",
        "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
        "smtpd_recipient_restrictions": "",
        "smtpd_soft_error_limit": wishes["postfix_smtpd_soft_error_limit"],
        "smtpd_hard_error_limit": wishes["postfix_smtpd_hard_error_limit"],
        "smtpd_error_sleep_time": wishes["postfix_smtpd_error_sleep_time"],
        "milter_macro_daemon_name": "ORIGINATING",
    }
    tls: dict[str, Options] = {"submission": {"smtpd_tls_security_level": "encrypt"}, "submissions": {"smtpd_tls_wrappermode": True}}
    return [
        {
            "name": name,
            "type": "inet",
            "private": False,
            "command": "smtpd",
            "state": "present" if wishes["postfix_submission"] else "absent",
            "overrides": {"syslog_name": f"postfix/{name}", **how, **common},
        }
        for name, how in tls.items()
    ]


def _procmail(command: str) -> Options:
    """procmail is started by a local(8) of its own, which the first one gives the mail to when it is done with aliases and .forward.

    It knows the recipient as that one does, and what concerns procmail is in no parameter that others see.
    """
    return {
        "name": "postroom-procmail",
        "type": "unix",
        "unprivileged": False,
        "chroot": False,
        "command": "local",
        "state": "present" if command else "absent",
        "overrides": {
            "mailbox_command": command,
            "mailbox_transport": "",
            "mailbox_transport_maps": "",
            "alias_maps": "",
            "forward_path": "",
        },
    }


def merged(services: t.Sequence[Options], more: t.Sequence[Options]) -> list[Options]:
    """*services*, to which *more* adds what it says of the same name and type; every other one of *more* follows behind.

    Two of the same in *more* are left for the module to refuse.
    """
    found: list[Options] = []
    rest = list(more)
    for service in services:
        own = next((other for other in rest if _key(other) == _key(service)), None)
        if own is None:
            found.append(service)
            continue
        rest.remove(own)
        kept = {} if own.get("exclusive_overrides") else service.get("overrides") or {}
        found.append({**service, **own, "overrides": {**kept, **(own.get("overrides") or {})}})
    return [*found, *rest]


def _key(service: Options) -> tuple[t.Any, t.Any]:
    return service.get("name"), service.get("type")
