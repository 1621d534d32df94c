# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much mail everybody may keep: the quota, as Dovecot 2.3 and 2.4 have it.

Both count what is in a mailbox themselves (``count``), whatever its format, and enforce the quota where they deliver.
The service quota-status answers the same question to Postfix, before it has taken the mail in.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, without

Quota = t.Mapping[str, t.Any]

# What clients show.
ROOT = "User quota"
FULL = "552 5.2.2 Mailbox is full"
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


def settings(quota: Quota, client_protocols: t.Collection[str], to_24: bool) -> Settings:
    """The settings for *quota*: ``limit`` (what everybody has who has no other), and ``listeners`` (where quota-status is asked)."""
    limit = size(quota.get("limit") or UNLIMITED)
    answers = {"quota_status_success": "DUNNO", "quota_status_nouser": "DUNNO", "quota_status_overquota": FULL}
    listeners = {f"unix_listener {item['path']}": without(item, "path") for item in quota.get("listeners") or ()}
    service: Settings = {}
    if listeners:
        service = {"service quota-status": {"executable": "quota-status -p postfix", "client_limit": 1, **listeners}}
    answers = answers if listeners else {}
    # The limit stands outside of the block of the root: what a user's own is called, too, and that one wins.
    if to_24:
        limits = {} if limit == "0" else {"quota_storage_size": limit}
        result: Settings = {**limits, **answers, f"quota {ROOT}": {"driver": "count"}}
    else:
        limits = {} if limit == "0" else {"quota_rule": f"*:storage={limit}"}
        result = {"plugin": {"quota": f"count:{ROOT}", "quota_vsizes": True, **limits, **answers}}
    result["mail_plugins"] = _plugins(to_24, "quota")
    if "imap" in client_protocols:
        # 2.4 adds to what holds for all protocols, 2.3 replaces it.
        result["protocol imap"] = {"mail_plugins": _plugins(to_24, "imap_quota") if to_24 else _plugins(to_24, "quota", "imap_quota")}
    return {**result, **service}


def _plugins(to_24: bool, *names: str) -> t.Any:
    return dict.fromkeys(names, True) if to_24 else list(names)


def user_fields(given: t.Any, to_24: bool) -> dict[str, str]:
    """The extra fields by which a user of a passwd-file has a quota of his own."""
    limit = size(given)
    return {"userdb_quota_storage_size": limit} if to_24 else {"userdb_quota_rule": f"*:storage={limit}"}
