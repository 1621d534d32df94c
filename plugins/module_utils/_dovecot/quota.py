# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quota, which limits the mail that each user may keep.

Both count what is in a mailbox themselves (``count``), whatever its format, and enforce the quota where they deliver.
The service quota-status answers the same question to Postfix, before it has taken the mail in.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, without

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect

Quota = t.Mapping[str, t.Any]

# What clients show.
ROOT = "User quota"
ANSWERS = {
    "quota_status_success": "DUNNO",
    "quota_status_nouser": "DUNNO",
    "quota_status_overquota": "552 5.2.2 Mailbox is full",
}
UNLIMITED = "unlimited"


def size(given: t.Any) -> str:
    """A size in the one form that all Dovecots read alike, such as ``2G``; without a unit, one takes bytes and one kilobytes.

    ``unlimited`` becomes ``0``, which is Dovecot's word for it. Raises `Untranslatable`, for a number without a unit too: nobody
    who writes 1024 means bytes.
    """
    text = "" if isinstance(given, bool) else str(given).strip()
    if text.lower() in (UNLIMITED, "0"):
        return "0"
    match = re.fullmatch(r"([1-9][0-9]{0,17}) ?(B|[KMGT](?:i?B)?)", text, re.IGNORECASE)
    if not match:
        raise Untranslatable(
            f"{text!r} is no size for a quota: write a whole number and a unit, such as 500M or 2G, or '{UNLIMITED}' for no limit."
        )
    return match.group(1) + match.group(2)[0].upper()


def settings(quota: Quota, client_protocols: t.Collection[str], dialect: Dialect) -> Settings:
    """The settings for *quota*: ``limit`` (what everybody has who has no other), and ``listeners`` (where quota-status is asked)."""
    limit = size(quota.get("limit") or UNLIMITED)
    listeners = {f"unix_listener {item['path']}": without(item, "path") for item in quota.get("listeners") or ()}
    # The limit stands outside of the block of the root: what a user's own is called, too, and that one wins.
    told: Settings = {**dialect.quota_root(ROOT), **({} if limit == "0" else dialect.quota_limit(limit)), **(ANSWERS if listeners else {})}
    result = {**dialect.plugin(told), "mail_plugins": dialect.plugins(["quota"], [])}
    if "imap" in client_protocols:
        result["protocol imap"] = {"mail_plugins": dialect.plugins(["imap_quota"], ["quota"])}
    if listeners:
        result["service quota-status"] = {"executable": "quota-status -p postfix", "client_limit": 1, **listeners}
    return result


def user_fields(given: t.Any, dialect: Dialect) -> dict[str, str]:
    """The extra fields by which a user of a passwd-file has a quota of his own."""
    return {f"userdb_{name}": value for name, value in dialect.quota_limit(size(given)).items()}
