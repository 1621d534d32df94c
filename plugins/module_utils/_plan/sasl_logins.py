# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins of SMTP AUTH as a provider knows them, and the sender addresses that each owns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import sender_logins
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider


class Logins(t.NamedTuple):
    """The accounts that can log in; the *realm* is that of a login that names none, *domains* are those of the host's accounts."""

    wanted: provider.Wanted
    realm: str
    # The accounts of sasldb. There are passwords in them.
    accounts: t.Sequence[t.Mapping[str, t.Any]]
    domains: t.Sequence[str]
    mailboxes: t.Sequence[str]

    @property
    def realms(self) -> list[str]:
        """Those in which a login is the same person as without any."""
        return provider.realms(self.wanted, self.realm, self.domains)

    @property
    def domains_apart(self) -> list[str]:
        """Those of the domains in each of which a login is a person of its own."""
        return [domain for domain in self.domains if domain not in self.realms] if provider.joins_realm(self.wanted) else []

    @property
    def unknown_mailboxes(self) -> list[str]:
        """Those of the mailboxes whose owners, and nobody else, cannot log in by their addresses."""
        known = set(provider.known_mailboxes(self.wanted, self.mailboxes, self.accounts))
        return [address for address in self.mailboxes if address not in known]

    def of_addresses(self, aliases: t.Mapping[t.Any, t.Any], virtual_aliases: t.Mapping[t.Any, t.Any]) -> dict[str, str]:
        """Return the owners of the addresses that do not belong to the account of their local part."""
        apart = self.domains_apart
        owners = sender_logins.sender_logins(aliases, virtual_aliases, list(self.domains), self.mailboxes, self.unknown_mailboxes)
        domains = {address: address.rpartition("@")[2] for address in owners}
        return {address: self._known_as(names, domains[address] if domains[address] in apart else "") for address, names in owners.items()}

    def of_own_addresses(self, delimiter: str) -> list[dict[str, str]]:
        """Rows by which every login owns its own name, with any tag.

        In a realm that is no domain of this host's accounts everybody has the address of that name there, and no other.
        """
        apart = self.domains_apart
        at_home = sender_logins.own_address_patterns([domain for domain in self.domains if domain not in apart], delimiter)
        elsewhere = sender_logins.own_address_patterns(
            [*apart, *provider.other_realms(self.accounts, [*self.realms, *apart])],
            delimiter,
        )
        return [
            *({**row, "value": self._known_as(row["value"])} for row in at_home),
            *({**row, "value": "$1@$3"} for row in elsewhere),
        ]

    def _known_as(self, names: str, person_of: str = "") -> str:
        return provider.known_as(names, self.realms, person_of) if self.realms else names
