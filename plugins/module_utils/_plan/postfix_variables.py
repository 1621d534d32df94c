# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role postfix, and the values that stand for missing ones. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import virtual_mailboxes
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options


class Variables(t.TypedDict, total=False):
    """meta/argument_specs.yml of the role says what each of them means."""

    # Who this host is.
    postfix_myhostname: str
    postfix_mydomain: str
    postfix_myorigin: str
    postfix_mydestination: t.Sequence[str]
    postfix_inet_interfaces: t.Sequence[str]
    postfix_inet_protocols: t.Sequence[str]
    # Where addresses lead.
    postfix_recipient_delimiter: str
    postfix_aliases: t.Mapping[str, t.Any]
    postfix_virtual_aliases: t.Mapping[str, t.Any]
    postfix_virtual_alias_domains: t.Sequence[str]
    postfix_virtual_mailbox_domains: t.Sequence[str]
    postfix_virtual_mailboxes: t.Sequence[str]
    postfix_relocated: t.Mapping[str, t.Any]
    postfix_canonical: t.Mapping[str, t.Any]
    postfix_sender_canonical: t.Mapping[str, t.Any]
    postfix_recipient_canonical: t.Mapping[str, t.Any]
    postfix_generic: t.Mapping[str, t.Any]
    # How mail is delivered.
    postfix_virtual_transport: str
    postfix_quota_service: str
    postfix_allow_mail_to_commands: t.Sequence[str]
    postfix_allow_mail_to_files: t.Sequence[str]
    postfix_mailbox_transport: str
    postfix_mailbox_transports: t.Mapping[str, t.Any]
    # Who is let in.
    postfix_client_access: t.Mapping[str, t.Any]
    postfix_sender_access: t.Mapping[str, t.Any]
    postfix_recipient_access: t.Mapping[str, t.Any]
    postfix_tls_certificate: str
    postfix_tls_private_key: str
    postfix_submission: bool
    postfix_submission_sender_must_own_address: bool
    postfix_smtpd_client_auth_rate_limit: int
    postfix_anvil_rate_time_unit: str
    postfix_smtpd_client_event_limit_exceptions: t.Sequence[str]
    postfix_smtpd_soft_error_limit: int
    postfix_smtpd_hard_error_limit: int
    postfix_smtpd_error_sleep_time: str
    # What was there before, and whatever else there is to say.
    postfix_replace_config: bool
    postfix_replace_mta: bool
    postfix_parameters: t.Mapping[str, t.Any]
    postfix_services: t.Sequence[Options]
    postfix_tables: t.Sequence[Options]


def in_full(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Variables:
    """The variables, with an answer for each: the other variables, the host and the other roles have it where one is None or missing."""
    mailboxes = offers.virtual_mailboxes or virtual_mailboxes.plan([], variables["host_virtual_domains"])
    others_say: Variables = {
        "postfix_myhostname": variables["host_fqdn"],
        "postfix_mydomain": variables["host_domain"],
        "postfix_inet_protocols": ["all"] if facts.get("host", {}).get("ipv6", True) else ["ipv4"],
        "postfix_recipient_delimiter": variables["postfix_parameters"].get("recipient_delimiter", "+") or "",
        "postfix_aliases": variables["mail_aliases"],
        "postfix_virtual_aliases": variables["mail_virtual_aliases"],
        "postfix_virtual_alias_domains": mailboxes["alias_domains"],
        "postfix_virtual_mailbox_domains": mailboxes["domains"],
        "postfix_virtual_mailboxes": mailboxes["addresses"],
        "postfix_quota_service": offers.quota_service,
        "postfix_mailbox_transport": offers.mailbox_transport,
        "postfix_mailbox_transports": offers.mailbox_transports,
        "postfix_tls_certificate": variables["host_tls_certificate"],
        "postfix_tls_private_key": variables["host_tls_private_key"],
    }
    left_open = {name: said for name, said in others_say.items() if variables.get(name) is None}
    if not variables.get("postfix_inet_protocols"):
        left_open["postfix_inet_protocols"] = others_say["postfix_inet_protocols"]
    services = [{option: _as_text(value) for option, value in service.items()} for service in variables["postfix_services"]]
    return t.cast("Variables", {**variables, **left_open, "postfix_services": services})


def _as_text(value: t.Any) -> t.Any:
    """A number as the text that postfix_service makes of it: the port in ``name: 10025`` is one to YAML."""
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
