# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restrictions by which smtpd asks Dovecot whether a mailbox is full, for the recipients that can have one. Pure.

Dovecot looks system accounts up without their domain. So smtpd asks it about the domains of mailboxes only: bob@elsewhere
is another person than the local bob, and mail for that bob must not wait for the local mailbox. The table of domains leads
to a restriction class.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import written_out
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words

CLASS = "ask_quota"
CLASSES, RESTRICTIONS = "smtpd_restriction_classes", "smtpd_recipient_restrictions"

Parameters = t.Mapping[str, t.Any]


def plan(
    domains: t.Any, *, others: t.Any = None, names: t.Any = None, live: t.Any = None, by_hand: t.Any = None, planned: t.Any = None
) -> dict[str, t.Any]:
    """Return the values of the two parameters for mailboxes in *domains*; None stands for a parameter that must not be set.

    *others* are further domains for which Postfix accepts mail; *live* are the values of main.cf, *by_hand* those of the
    inventory, and *planned* is the role's value of smtpd_recipient_restrictions without the quota.
    """
    live, by_hand = live or {}, by_hand or {}
    names = {name: value for name, value in (names or {}).items() if isinstance(value, str)}
    asked = list(dict.fromkeys(written_out(domains or [], names)))
    # A table says the same of a domain and of those below it, unless they are in it themselves.
    below = [other for other in dict.fromkeys(written_out(others or [], names)) if other not in asked and _is_below(other, asked)]
    classes = [name for name in _words(by_hand.get(CLASSES, live.get(CLASSES))) if name != CLASS]
    restrictions = [planned] if planned else []
    if asked:
        rows = [*(f"{domain}={CLASS}" for domain in asked), *(f"{domain}=DUNNO" for domain in below)]
        classes.append(CLASS)
        restrictions.append(f"check_recipient_access inline:{{{', '.join(rows)}}}")
    return {
        "classes": classes or None,
        "restrictions": by_hand.get(RESTRICTIONS, restrictions or None),
        "problems": list(_problems(live, by_hand)) if asked and not planned else [],
    }


def _is_below(domain: str, others: t.Iterable[str]) -> bool:
    return any(domain.endswith(f".{other}") for other in others)


def _words(value: t.Any) -> list[str]:
    return [word for item in (value if isinstance(value, (list, tuple)) else [value]) for word in words(str(item or ""))]


def _problems(live: Parameters, by_hand: Parameters) -> t.Iterator[str]:
    there = str(live.get(RESTRICTIONS, ""))
    if there and CLASS not in there and "/etc/postfix/recipient_access" not in there and RESTRICTIONS not in by_hand:
        yield (
            f"main.cf already has {RESTRICTIONS} = {there}, which the quota check would replace: give the whole"
            f" value in postfix_parameters, or remove it from main.cf (postconf -X {RESTRICTIONS})."
        )
