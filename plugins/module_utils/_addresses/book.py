# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of a host and their targets, followed step by step as Postfix does. Pure.

cleanup(8) rewrites a recipient by the virtual aliases until nothing changes any more. An address in a domain of this host
then goes to local(8), which follows the aliases. A local target is not rewritten again; any other target starts anew.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets, without_tag


class Place(t.NamedTuple):
    """A stop on the way: an address that the virtual aliases are asked about, or a name that local(8) delivers to."""

    kind: t.Literal["address", "name"]
    text: str


class Onward(t.NamedTuple):
    """The places that a place leads to; `lost` is an address or name to which Postfix would deliver, and which does not exist."""

    places: tuple[Place, ...] = ()
    lost: str | None = None


@dataclasses.dataclass(frozen=True)
class AddressBook:
    """The addresses of an inventory, and the host's answers about them."""

    aliases: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    virtual_aliases: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    # The host's own /etc/aliases: name to the text on the right.
    system_aliases: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    # Whether there is an account of that name; who is not in it was not asked about.
    accounts: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    # mydestination, myorigin and virtual_alias_domains, written out.
    local_domains: t.Collection[str] = ()
    origin: str = ""
    virtual_domains: t.Collection[str] = ()
    # virtual_mailbox_domains, and the addresses in them that have a mailbox.
    mailbox_domains: t.Collection[str] = ()
    mailboxes: t.Collection[str] = ()
    delimiter: str = "+"
    _known: dict[Place, Onward] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fold every name to the letters that Postfix compares, and drop entries without a value."""
        for field in ("aliases", "virtual_aliases", "system_aliases"):
            folded: dict[str, t.Any] = {}
            for key, value in getattr(self, field).items():
                if value is not None:
                    # Of two entries with one key Postfix takes the first.
                    folded.setdefault(str(key).strip().strip('"').lower(), value)
            object.__setattr__(self, field, folded)
        object.__setattr__(self, "accounts", {name.lower(): there for name, there in self.accounts.items()})
        object.__setattr__(self, "local_domains", tuple(dict.fromkeys(domain.lower() for domain in self.local_domains)))
        for field in ("virtual_domains", "mailbox_domains", "mailboxes"):
            object.__setattr__(self, field, dict.fromkeys(name.lower() for name in getattr(self, field)))
        object.__setattr__(self, "origin", self.origin.lower())

    def places(self) -> dict[Place, str]:
        """Return every place in the inventory, with its key there."""
        found = {self._arrival(self._in_full(key)): key for key in self.virtual_aliases}
        return {**found, **{Place("name", name): name for name in self.aliases}}

    def onward(self, place: Place) -> Onward:
        """Return the places that *place* leads to: none from an account, or from an address that only another host knows."""
        if place not in self._known:
            self._known[place] = self._after_address(place.text) if place.kind == "address" else self._after_name(place.text)
        return self._known[place]

    def arrival(self, address: str) -> Place:
        """Return the first stop of mail for *address*, or for a name of this host."""
        return self._arrival(self._in_full(address.lower()))

    def catch_alls(self) -> list[str]:
        """Return the domains of this host's own accounts that have a catch-all."""
        return [domain for domain in self.local_domains if f"@{domain}" in self.virtual_aliases]

    def virtual_key(self, address: str) -> str | None:
        """Return the key of the virtual alias that changes *address*, in the order of virtual(5); None when there is none."""
        local, domain = split_address(address)
        bare = without_tag(local, self.delimiter)
        keys = [address, f"{bare}@{domain}"]
        if domain in self.local_domains or domain == self.origin:
            keys += [local, bare]
        found = next((key for key in keys if key and key in self.virtual_aliases), None)
        if found is None and f"@{domain}" in self.virtual_aliases:
            # The catch-all of a domain with accounts or mailboxes lets those have their mail.
            kept = self.is_somebody(bare) if domain in self.local_domains else f"{bare}@{domain}" in self.mailboxes
            return None if local and kept else f"@{domain}"
        return found

    def is_nobody(self, address: str) -> bool:
        """Return whether Postfix refuses *address*, which no virtual alias changes, in one of its virtual domains."""
        local, domain = split_address(address)
        bare = without_tag(local, self.delimiter)
        return domain in self.virtual_domains or (domain in self.mailbox_domains and f"{bare}@{domain}" not in self.mailboxes)

    def is_somebody(self, name: str) -> bool:
        """Return whether local(8) can deliver to *name*; a name that the host was not asked about may exist."""
        return name in self.aliases or name in self.system_aliases or self.accounts.get(name, True)

    def _arrival(self, address: str) -> Place:
        """Return *address* as Postfix sees it: one more to rewrite, or a name of this host."""
        local, domain = split_address(address)
        is_name = local and domain in self.local_domains and self.virtual_key(address) is None
        return self._name(local) if is_name else Place("address", address)

    def _after_address(self, address: str) -> Onward:
        local, domain = split_address(address)
        key = self.virtual_key(address)
        if key is None:
            return Onward(lost=address if local and self.is_nobody(address) else None)
        addresses = [target.text for target in targets(self.virtual_aliases[key]) if target.kind == "address"]
        # "@domain" keeps the local part that was asked for; a name alone is one of the host's own domain.
        found = dict.fromkeys(f"{local}{text}" if text[0] == "@" else self._in_full(text) for text in addresses)
        # Postfix stops where an address leads to itself, and delivers to it.
        itself = address in found and bool(local)
        places = [self._arrival(other) for other in found if other != address]
        if itself and domain in self.local_domains:
            places.append(self._name(local))
        return Onward(tuple(places), address if itself and self.is_nobody(address) else None)

    def _in_full(self, address: str) -> str:
        return address if "@" in address else f"{address}@{self.origin}"

    def _name(self, local: str) -> Place:
        """Return the key by which local(8) finds *local*: an alias of that name, or of the name without its tag."""
        bare = without_tag(local, self.delimiter)
        return Place("name", next((key for key in (local, bare) if key in self.aliases or key in self.system_aliases), bare))

    def _after_name(self, name: str) -> Onward:
        value = self.aliases.get(name, self.system_aliases.get(name))
        if value is not None:
            return self._after_alias(name, value)
        return Onward(lost=None if self.accounts.get(name, True) else name)

    def _after_alias(self, name: str, value: t.Any) -> Onward:
        places: dict[Place, None] = {}
        lost = None
        for target in targets(value):
            local, domain = split_address(target.text)
            domain = domain or self.origin
            if target.kind != "address":
                continue
            if domain not in self.local_domains:
                places[self._arrival(f"{local}@{domain}")] = None
            elif local != name:
                places[self._name(local)] = None
            elif not self.accounts.get(local, True):
                # An alias that names itself means the account of that name.
                lost = local
        return Onward(tuple(places), lost)


def written_out(domains: t.Iterable[str], names: t.Mapping[str, str]) -> list[str]:
    """Write out the *domains* of a value such as mydestination, with ``$myhostname`` and the like; leave out tables."""
    found = []
    for domain in domains:
        # From the outside in, for $myorigin may be $mydomain.
        for _depth in range(3):
            domain = re.sub(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))", lambda m: names.get(m[1] or m[2] or m[3], m[0]), domain)
        if domain and not re.search(r"[$:/!\s]", domain):
            found.append(domain.lower())
    return found
