# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catch-all that leaves other users their mail. Pure.

``@example.org: alice`` in a table of virtual aliases takes the mail of every address of the domain, real users' as well:
cleanup(8) asks for the whole domain before any program looks for an account. So a user keeps mail only through an entry that
leads from the address to the user's own name. Each user in the inventory gets such an entry, which keeps tags
(``bob+lists``); for all other accounts a second table asks the host's own accounts, each time.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.account_uids import MailUids
from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address
from ansible_collections.postroom.mail.plugins.module_utils._addresses.sender_logins import own_address_patterns

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook

# The characters that a local part can have without quotes.
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+")


def completed(virtual_aliases: t.Mapping[str, t.Any], book: AddressBook, names: t.Iterable[str]) -> dict[str, t.Any]:
    """Return the entries of the table: *virtual_aliases*, and in each catch-all domain each name to itself.

    Explicit entries win. One without a domain gets its domain, because Postfix would find an account of that name first.
    """
    entries = dict(virtual_aliases)
    known = dict.fromkeys(name.lower() for name in (*names, *book.aliases, *book.system_aliases))
    bare = [key for key in book.virtual_aliases if "@" not in key]
    for domain in book.catch_alls():
        for name in dict.fromkeys([*bare, *known]):
            address = f"{name}@{domain}"
            if address not in book.virtual_aliases and _PLAIN.fullmatch(name):
                entries[address] = book.virtual_aliases.get(name, address)
    # The mailboxes of a domain are all in the inventory.
    for address in book.mailboxes:
        if f"@{split_address(address)[1]}" in book.virtual_aliases and address not in book.virtual_aliases:
            entries[address] = address
    return entries


def name_rows(book: AddressBook, alias_domains: t.Sequence[str] = ()) -> list[dict[str, str]]:
    """Return the table that cuts the name out of an address in a catch-all domain: ``bob+lists@example.org`` becomes ``bob``.

    Accounts have addresses in *alias_domains*, too.
    """
    domains = [*book.catch_alls(), *alias_domains]
    return own_address_patterns(domains, book.delimiter) if domains else []


def account_rows(book: AddressBook, alias_domains: t.Sequence[str] = (), uids: MailUids | None = None) -> list[dict[str, str]]:
    """Return the table that turns the line of an account into an address: ``bob:x:1001:...`` becomes ``bob@example.org``."""
    domains = book.catch_alls() or ([domain for domain in book.local_domains if domain not in alias_domains] if alias_domains else [])
    return (uids or MailUids()).rows(f"$1@{domains[0]}") if domains else []
