# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains that are aliases of others, and the postmaster of each domain. Pure.

With ``@old.example: @new.example`` in a table of virtual aliases Postfix accepts every address of old.example. It returns mail
for unknown recipients in new.example, to senders that may be forged. So an alias domain gets the recipients of its target,
one by one, where these are known. Otherwise Postfix verifies each recipient before it accepts one.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook

POSTMASTER = "postmaster"
Entries = dict[str, t.Any]


@dataclasses.dataclass
class Recipients:
    """The entries of the table; the domains whose accounts are another local domain's; the domains whose recipients are verified."""

    entries: Entries
    of_accounts: list[str] = dataclasses.field(default_factory=list)
    verified: list[str] = dataclasses.field(default_factory=list)


def postmasters(book: AddressBook) -> Entries:
    """Return the virtual aliases of postmaster in each virtual domain (RFC 5321, section 4.5.1), which lead to the host's own."""
    local = book.origin if book.origin in book.local_domains else next(iter(book.local_domains), book.origin)
    host = f"{POSTMASTER}@{local}" if local else POSTMASTER
    found = {}
    for domain in (*book.virtual_domains, *book.mailbox_domains):
        address = f"{POSTMASTER}@{domain}"
        if address not in book.virtual_aliases and f"@{domain}" not in book.virtual_aliases and address not in book.mailboxes:
            found[address] = host
    return found


def expanded(entries: Entries, book: AddressBook, names: t.Iterable[str]) -> Recipients:
    """Write alias domains out in the *entries*; *names* are the users of the inventory."""
    found = Recipients(dict(entries))
    known = _Known(entries, book, [name.lower() for name in names])
    for key in [key for key in entries if key.startswith("@")]:
        domain, others = key[1:].lower(), _domains(entries[key])
        if not others:
            continue
        recipients = {other: known.of(other, frozenset([domain])) for other in others}
        if any(listed is None and not known.is_everybody(other) for other, listed in recipients.items()):
            found.verified.append(domain)
        if any(listed is None for listed in recipients.values()):
            continue
        del found.entries[key]
        for name in dict.fromkeys(name for listed in recipients.values() for name in listed or ()):
            leads = [f"{name}@{other}" for other, listed in recipients.items() if name in (listed or ())]
            if f"{name}@{domain}" not in book.virtual_aliases and leads != [f"{name}@{domain}"]:
                found.entries[f"{name}@{domain}"] = leads[0] if len(leads) == 1 else leads
        if any(known.has_accounts(other, frozenset([domain])) for other in others):
            found.of_accounts.append(domain)
    return found


def _domains(value: t.Any) -> list[str]:
    """Return the domains that an entry leads to; none if it leads to anything else as well."""
    listed = targets(value)
    whole = [target.text[1:] for target in listed if target.kind == "address" and target.text.startswith("@")]
    return list(dict.fromkeys(whole)) if len(whole) == len(listed) else []


@dataclasses.dataclass(frozen=True)
class _Known:
    """The recipients of each domain, by their names before the '@'."""

    entries: Entries
    book: AddressBook
    names: list[str]

    def of(self, domain: str, seen: frozenset[str]) -> dict[str, None] | None:
        """Return the names in *domain* that the inventory and /etc/aliases know; None if they are unknown, or if every name is one."""
        book = self.book
        if domain not in book.local_domains and domain not in book.virtual_domains and domain not in book.mailbox_domains:
            return None
        given = [key.lower() for key, value in self.entries.items() if value is not None]
        found = dict.fromkeys(split_address(key)[0] for key in given if key.endswith(f"@{domain}"))
        found.update(dict.fromkeys(split_address(address)[0] for address in book.mailboxes if address.endswith(f"@{domain}")))
        if domain in book.local_domains:
            found.update(dict.fromkeys([*self.names, *book.aliases, *book.system_aliases]))
            found.update(dict.fromkeys(key for key in given if "@" not in key))
        found.pop("", None)
        for other in self._onward(domain):
            if other not in seen:
                more = self.of(other, seen | {domain})
                if more is None:
                    return None
                found.update(more)
        return None if self.is_everybody(domain) else found

    def is_everybody(self, domain: str, seen: frozenset[str] = frozenset()) -> bool:
        """Return whether a catch-all, there or further on, takes the mail of *domain* for unknown names."""
        if f"@{domain}" not in self.book.virtual_aliases:
            return False
        onward = self._onward(domain)
        return not onward or any(self.is_everybody(other, seen | {domain}) for other in onward if other not in seen)

    def has_accounts(self, domain: str, seen: frozenset[str]) -> bool:
        """Return whether the accounts of the host have addresses in *domain*."""
        if domain in self.book.local_domains:
            return True
        return any(self.has_accounts(other, seen | {domain}) for other in self._onward(domain) if other not in seen)

    def _onward(self, domain: str) -> list[str]:
        return _domains(self.book.virtual_aliases.get(f"@{domain}", ()))
