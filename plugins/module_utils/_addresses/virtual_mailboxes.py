# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailboxes without system accounts: the problems with them, and the settings of the daemons for them. Pure.

The owner is known by the address of the mailbox, which is the login as well; one account of the host owns the mail of all.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import quota as dovecot_quota
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.username import DOMAIN

ACCOUNT, DIRECTORY = "vmail", "/var/vmail"
VARIABLE = "mail_virtual_users"

# It becomes the name of a directory, and is taken by Dovecot's auth_username_chars. A '+' would start a tag.
_LOCAL_PART = re.compile(r"(?=.{1,64}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def plan(
    users: t.Any,
    domains: t.Any = None,
    dovecot_version: str = "2.4",
    directory: str = DIRECTORY,
    account: str = ACCOUNT,
    *,
    addresses_only: bool = False,
) -> dict[str, t.Any]:
    """Work out everything that follows from *users*, the mailboxes, and *domains*, in which they must be.

    A domain without a mailbox has virtual aliases only: Postfix takes mail for any address in a mailbox domain without mailboxes.
    With *addresses_only* the users are not checked and have no accounts: that takes time, and is for whoever knows Dovecot's version.
    """
    listed = [user if isinstance(user, t.Mapping) else {} for user in (users or [])]
    problems = [] if addresses_only else list(_problems(listed, [str(domain).lower() for domain in domains or []]))
    there = [] if problems else [user for user in listed if _is_present(user)]
    with_mailboxes = dict.fromkeys(split_address(_address(user))[1] for user in there)
    return {
        "problems": problems,
        "domains": list(with_mailboxes),
        "alias_domains": [domain for domain in domains or [] if str(domain).lower() not in with_mailboxes],
        "addresses": [_address(user) for user in there],
        "accounts": [] if addresses_only else [_account(user, directory, account, str(dovecot_version)) for user in there],
    }


def _problems(users: t.Sequence[t.Mapping[str, t.Any]], domains: t.Collection[str]) -> t.Iterator[str]:
    seen: set[str] = set()
    right = {domain for domain in domains if DOMAIN.fullmatch(domain)}
    for user in users:
        address = _address(user)
        if not address:
            yield f"{VARIABLE} has a user without an address; write it as {{address: carol@shop.example, password: ...}}."
            continue
        local, domain = split_address(address)
        wrong = [] if domain in right and _LOCAL_PART.fullmatch(local) else list(_wrong_address(local, domain, domains))
        if address in seen:
            wrong.append("is given twice; join the two.")
        seen.add(address)
        if not wrong and _is_present(user):
            yield from _wrong_password(user, address)
            wrong = list(_wrong_quota(user.get("quota")))
        yield from (f"{VARIABLE}: {address!r} {what}" for what in wrong)


# The roles ask for the plan in most of their tasks, and Ansible compiles for each task what is imported: what only users need,
# only with users.


def _quota(given: t.Any, dovecot_version: str) -> dict[str, str]:
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot import dialects

    return dovecot_quota.user_fields(given, dialects.of(dovecot_version))


def _wrong_password(user: t.Mapping[str, t.Any], address: str) -> t.Iterator[str]:
    from ansible_collections.postroom.mail.plugins.module_utils._passwords import passwd_file

    yield from (f"{VARIABLE}: {sentence}" for sentence in passwd_file.problems_of({"name": address, **_password(user)}, None))


def _wrong_address(local: str, domain: str, domains: t.Collection[str]) -> t.Iterator[str]:
    if not local or not domain:
        yield f"is no whole address; write it with its domain, such as {local or 'carol'}@{next(iter(domains), 'shop.example')}."
    elif not _LOCAL_PART.fullmatch(local):
        yield "cannot be the name of a mailbox: before the '@' it may have letters, digits, '_' and '-', and single dots between them."
    elif not DOMAIN.fullmatch(domain):
        yield f"has {domain!r} behind its '@', which is not a domain; write it as carol@shop.example."
    elif domain not in domains:
        yield f"is in no domain of mail_virtual_domains; add {domain} there, or correct the address."


def _wrong_quota(quota: t.Any) -> t.Iterator[str]:
    if quota is None:
        return
    try:
        dovecot_quota.size(quota)
    except MailError as e:
        yield f"has a quota that is none: {e}"


def _password(user: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: user[key] for key in ("password", "password_hash") if user.get(key) is not None}


def _address(user: t.Mapping[str, t.Any]) -> str:
    return str(user.get("address") or "").lower()


def _is_present(user: t.Mapping[str, t.Any]) -> bool:
    return bool(user.get("state", "present") == "present")


def _account(user: t.Mapping[str, t.Any], directory: str, account: str, dovecot_version: str) -> dict[str, t.Any]:
    """The user as the module dovecot_user takes it."""
    address = _address(user)
    local, domain = split_address(address)
    quota = user.get("quota")
    return {
        "name": address,
        **_password(user),
        "uid": account,
        "gid": account,
        "home": f"{directory}/{domain}/{local}",
        "extra_fields": {} if quota is None else _quota(quota, dovecot_version),
    }
