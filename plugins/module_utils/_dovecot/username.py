# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way from a login name to the name of an account in Dovecot.

A system account has no domain, so alice, Alice and alice@example.org are one. The owner of a virtual mailbox is known by
the whole address, and alice@shop.example is somebody else. All databases are asked for the same name, so the format
itself has to know in which domains the address is the name.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable, long_variables

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect

# Anything else could mean something to Dovecot's own language of variables, and its auth process dies of a bad format.
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")

_NAMES_DOMAIN = re.compile(r"%\{\s*user\s*(\|(?!\s*username\b)[^{}]*)?\}")


def username_format(neutral: str, keep_domains: t.Collection[str], dialect: Dialect) -> str:
    """The format *neutral*, in this language, with the domain kept where it is one of *keep_domains*.

    A format that leaves the domain in anyway stays as it is. Raises `Untranslatable` for what is no domain.
    """
    bad = next((domain for domain in keep_domains if not DOMAIN.fullmatch(domain.lower())), None)
    if bad is not None:
        raise Untranslatable(f"auth_username_keep_domains: {bad!r} is not a domain; write it as shop.example.")
    kept = () if _NAMES_DOMAIN.search(long_variables(neutral)) else dict.fromkeys(domain.lower() for domain in keep_domains)
    return dialect.variables(neutral) + "".join(map(dialect.kept_domain, kept))
