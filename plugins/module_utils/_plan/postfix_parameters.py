# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of main.cf that the role postfix wants. None takes one out. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import quota_restrictions
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_tables import (
    MAIL_ACCOUNTS,
    VIRTUAL_MAILBOXES,
    Addresses,
    default_type,
)
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_variables import Variables

Parameters = dict[str, t.Any]

# ECDHE for forward secrecy, AEAD ciphers only (RFC 9325, section 4.2); TLS 1.3 suites are AEAD by design.
CLIENT_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# What both of these are where main.cf does not say it.
ALIAS_LIMIT = 1000


def always(wishes: Variables, postfix: Facts, offers: Offers, found: Addresses) -> Parameters:
    """The parameters that the role sets whatever there is."""
    kind = default_type(postfix)
    other_accounts = ["pipemap:{unix:passwd.byname, regexp:/etc/postfix/other_accounts}"]
    # In the domain of a catch-all: whoever has an account keeps their mail, also those whom the inventory does not name.
    accounts_as_addresses = [
        "pipemap:{regexp:/etc/postfix/catch_all_names, proxy:unix:passwd.byname, regexp:/etc/postfix/catch_all_accounts}"
    ]
    return {
        "myhostname": wishes["postfix_myhostname"],
        "mydomain": wishes["postfix_mydomain"],
        "myorigin": wishes["postfix_myorigin"],
        "mydestination": wishes["postfix_mydestination"],
        "inet_interfaces": wishes["postfix_inet_interfaces"],
        "inet_protocols": wishes["postfix_inet_protocols"],
        "alias_database": [f"{kind}:/etc/postfix/aliases", f"{kind}:/etc/aliases"],
        "alias_maps": ["$alias_database", *(other_accounts if _knows_accounts(wishes, postfix, offers) else [])],
        "virtual_alias_maps": [f"{kind}:/etc/postfix/virtual", *(accounts_as_addresses if found["name_rows"] else [])],
        "virtual_alias_domains": wishes["postfix_virtual_alias_domains"],
        "allow_mail_to_commands": wishes["postfix_allow_mail_to_commands"],
        "allow_mail_to_files": wishes["postfix_allow_mail_to_files"],
        "mailbox_transport": wishes["postfix_mailbox_transport"],
        "recipient_delimiter": wishes["postfix_recipient_delimiter"],
        # TLS: offered on 25, where a sender may have none; demanded on the client ports.
        "smtpd_tls_cert_file": wishes["postfix_tls_certificate"],
        "smtpd_tls_key_file": wishes["postfix_tls_private_key"],
        "smtpd_tls_security_level": "may",
        "smtpd_tls_protocols": ">=TLSv1.2",
        "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
        "smtpd_tls_loglevel": 1,
        "smtpd_tls_received_header": True,
        "smtp_tls_security_level": "may",
        "smtp_tls_protocols": ">=TLSv1.2",
        "smtp_tls_mandatory_protocols": ">=TLSv1.2",
        "smtp_tls_loglevel": 1,
        "tls_high_cipherlist": CLIENT_CIPHERS,
        # How often somebody may guess a password, wherever AUTH is offered.
        "smtpd_client_auth_rate_limit": wishes["postfix_smtpd_client_auth_rate_limit"],
        "smtpd_client_event_limit_exceptions": wishes["postfix_smtpd_client_event_limit_exceptions"],
        "anvil_rate_time_unit": wishes["postfix_anvil_rate_time_unit"],
        # What a stranger is told and may try.
        "smtpd_banner": "$myhostname ESMTP",
        "disable_vrfy_command": True,
        "smtpd_helo_required": True,
        "smtpd_forbid_bare_newline": "normalize",
        "smtpd_forbid_unauth_pipelining": True,
        # Neither Dovecot's LMTP nor most smarthosts and filters take it: mail would be accepted that only can be returned. With it, a
        # header of the host itself that is not ASCII is enough for that.
        "smtputf8_enable": False,
        "strict_rfc821_envelopes": True,
    }


def at_times(wishes: Variables, postfix: Facts, offers: Offers, found: Addresses) -> Parameters:
    """The parameters that the role sets as long as there is something to set them for; what somebody else has set is theirs."""
    return {
        **_accounts(wishes, postfix, offers),
        # Recipients of domains that are aliases of others' are verified: who is nobody there is refused for good.
        **({"unverified_recipient_reject_code": 550} if found["verified_domains"] else {}),
        **_virtual_mailboxes(wishes, postfix),
        **_expansion(postfix, found),
    }


def _knows_accounts(wishes: Variables, postfix: Facts, offers: Offers) -> bool:
    """Tell if the role names the recipients: the accounts for which Dovecot keeps mail, with one answer at RCPT and at delivery.

    Mail of the host itself to one of the others (the output of a cron job) goes to root. Where Dovecot finds its users elsewhere, or
    somebody else says who has mail, this is not for the role to know: smtpd, in its chroot, cannot ask what local asks then.
    """
    return (
        "passwd" in offers.userdb_drivers
        and "local_recipient_maps" not in wishes["postfix_parameters"]
        and MAIL_ACCOUNTS in postfix["parameters"].get("local_recipient_maps", MAIL_ACCOUNTS)
    )


def _accounts(wishes: Variables, postfix: Facts, offers: Offers) -> Parameters:
    if _knows_accounts(wishes, postfix, offers):
        return {"local_recipient_maps": [f"pipemap:{{proxy:unix:passwd.byname, regexp:{MAIL_ACCOUNTS}}}", "$alias_database"]}
    return {"local_recipient_maps": None} if MAIL_ACCOUNTS in postfix["parameters"].get("local_recipient_maps", "") else {}


def _virtual_mailboxes(wishes: Variables, postfix: Facts) -> Parameters:
    if wishes["postfix_virtual_mailboxes"]:
        return {
            "virtual_mailbox_domains": wishes["postfix_virtual_mailbox_domains"],
            "virtual_transport": wishes["postfix_virtual_transport"],
        }
    was_there = VIRTUAL_MAILBOXES in postfix["parameters"].get("virtual_mailbox_maps", "")
    return {"virtual_mailbox_domains": None, "virtual_transport": None} if was_there else {}


def _expansion(postfix: Facts, found: Addresses) -> Parameters:
    """Room for the largest of the virtual aliases, where what the host has would not do. More than that it may keep."""
    size, steps = (_limit(postfix, f"virtual_alias_{what}_limit") for what in ("expansion", "recursion"))
    if found["expansion"] <= size and found["steps"] < steps:
        return {}
    return {
        "virtual_alias_expansion_limit": max(found["expansion"], size),
        "virtual_alias_recursion_limit": max(found["steps"] + 1, steps),
    }


def _limit(postfix: Facts, name: str) -> int:
    text = postfix["parameters"].get(name, "")
    # The value of another parameter is not known here.
    return int(text) if text.isdecimal() else ALIAS_LIMIT


def quota(wishes: Variables, postfix: Facts, offers: Offers, planned: t.Any) -> tuple[Parameters, list[str]]:
    """The question whether a mailbox is full, as long as somebody has a quota, and what is in its way.

    It comes after what is *planned*. Asked in vain, mail is taken in all the same: Dovecot asks itself again.
    """
    service = wishes["postfix_quota_service"]
    made = quota_restrictions.plan(
        [*wishes["postfix_mydestination"], *wishes["postfix_virtual_mailbox_domains"]] if service else [],
        others=[*wishes["postfix_virtual_alias_domains"], *offers.relayed_domains],
        names={"myhostname": wishes["postfix_myhostname"], "mydomain": wishes["postfix_mydomain"]},
        live=postfix["parameters"],
        by_hand=wishes["postfix_parameters"],
        planned=planned,
    )
    if not service and quota_restrictions.CLASS not in postfix["parameters"]:
        return {}, made["problems"]
    asked = f"check_policy_service {{ {service}, default_action=DUNNO, timeout=10s, try_limit=1 }}" if service else None
    return {
        quota_restrictions.CLASS: asked,
        quota_restrictions.CLASSES: made["classes"],
        quota_restrictions.RESTRICTIONS: made["restrictions"],
    }, made["problems"]
