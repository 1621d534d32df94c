# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The access restrictions of smtpd(8), which Postfix reads only when a client connects; after an error it answers 451."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import nearest

_PLAIN = """
    permit permit_auth_destination permit_inet_interfaces permit_mx_backup permit_mynetworks permit_naked_ip_address
    permit_sasl_authenticated permit_tls_all_clientcerts permit_tls_clientcerts
    defer defer_if_permit defer_if_reject defer_unauth_destination warn_if_reject
    reject reject_authenticated_sender_login_mismatch reject_invalid_helo_hostname reject_invalid_hostname
    reject_known_sender_login_mismatch reject_multi_recipient_bounce reject_non_fqdn_helo_hostname
    reject_non_fqdn_hostname reject_non_fqdn_recipient reject_non_fqdn_sender reject_plaintext_session
    reject_sender_login_mismatch reject_unauth_destination reject_unauth_pipelining
    reject_unauthenticated_sender_login_mismatch reject_unknown_address reject_unknown_client
    reject_unknown_client_hostname reject_unknown_forward_client_hostname reject_unknown_helo_hostname
    reject_unknown_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
    reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender reject_unverified_recipient
    reject_unverified_sender
""".split()
# The kind of word after one of these: a lookup table, a policy server, a DNS list or a number of seconds.
_WITH_TABLE = [f"check_{subject}_access" for subject in ("ccert", "client", "etrn", "helo", "recipient", "sasl", "sender")]
_WITH_TABLE += ["check_reverse_client_hostname_access"]
_WITH_TABLE += [
    f"check_{subject}_{record}_access"
    for subject in ("client", "helo", "recipient", "reverse_client_hostname", "sender")
    for record in ("a", "mx", "ns")
]
_WITH_ARGUMENT = [
    *_WITH_TABLE,
    *(f"reject_rhsbl_{subject}" for subject in ("client", "helo", "recipient", "reverse_client", "sender")),
    "reject_rbl_client",
    "reject_rbl",
    "permit_dnswl_client",
    "permit_rhswl_client",
    "check_policy_service",
    "sleep",
]
_KNOWN = frozenset([*_PLAIN, *_WITH_ARGUMENT])

# smtpd refuses to start when neither list of the two holds one of these: the host would be an open relay.
_STOPPERS = frozenset(
    ["reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "defer_if_permit", "check_relay_domains"]
)


class UnknownRestriction(BadInput):
    """smtpd does not know a word in a list of restrictions."""


class OpenRelay(BadInput):
    """Nothing in the restrictions stops mail to foreign destinations; smtpd refuses to start with them."""


def check(name: str, value: str, classes: t.Collection[str], is_known: t.Callable[[str], bool]) -> None:
    """Raise `UnknownRestriction` for a word in *value* that smtpd does not understand.

    *classes* are the restriction classes of this host, *is_known* tells whether this host's smtpd knows a word that our table lacks.
    """
    remaining = words(value)
    while remaining:
        word = remaining.pop(0)
        lower = word.lower()
        if word in classes or ":" in word or "$" in word or word.startswith("{"):
            continue
        if lower in _WITH_ARGUMENT:
            if not remaining:
                raise UnknownRestriction(f"{name}: '{word}' lacks its argument{_example(lower)}.")
            argument = remaining.pop(0)
            if lower in _WITH_TABLE and argument.lower() in _KNOWN:
                raise UnknownRestriction(f"{name}: '{word}' is followed by '{argument}' instead of a lookup table{_example(lower)}.")
            continue
        if lower in _KNOWN or re.fullmatch(r"[45]\d\d", word) or is_known(lower):
            continue
        raise UnknownRestriction(
            f"{name}: smtpd knows no restriction '{word}'{nearest(lower, [*_KNOWN, *classes])}"
            " A class of your own must be listed in smtpd_restriction_classes."
        )


def check_relay(relay: str, recipient: str, value_of: t.Callable[[str], str | None], classes: t.Collection[str]) -> None:
    """Raise `OpenRelay` when neither smtpd_relay_restrictions nor smtpd_recipient_restrictions stops foreign mail."""
    if not stops(relay, value_of, classes) and not stops(recipient, value_of, classes):
        raise OpenRelay(
            "Neither smtpd_relay_restrictions nor smtpd_recipient_restrictions contains, before any permit, reject_unauth_destination,"
            " defer_unauth_destination, reject, defer or defer_if_permit: smtpd refuses to start as an open relay; add one of them."
        )


def stops(value: str, value_of: t.Callable[[str], str | None], classes: t.Collection[str], seen: frozenset[str] = frozenset()) -> bool:
    """Return whether smtpd finds a working stop in a list: one neither behind a permit nor only warned of."""
    listed = iter(words(value))
    for word in listed:
        name = word.lower()
        if name == "warn_if_reject":
            next(listed, None)
            continue
        if name == "permit":
            return False
        if name in _STOPPERS or "$" in word:
            return True
        if word in classes and word not in seen and stops(value_of(word) or "", value_of, classes, seen | {word}):
            return True
    return False


def _example(restriction: str) -> str:
    if restriction in _WITH_TABLE:
        return f", such as '{restriction} hash:/etc/postfix/access'"
    return ""
