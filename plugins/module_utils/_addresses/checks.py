# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems with the addresses of an inventory, as sentences. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets, without_tag
from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook, Place
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix import restrictions
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import Style, entries_from

# The answers of a table in access(5), besides restrictions of smtpd.
ACTIONS = frozenset(
    "ok dunno reject defer defer_if_reject defer_if_permit bcc discard filter hold info prepend redirect warn permit".split()
)
SHOWN = 8
# A user's own .forward has another word in both parameters; here only aliases count.
ALIAS = "alias"


def bad_entries(variable: str, entries: t.Any, style: Style) -> t.Iterator[str]:
    """Report entries that no table can hold, and keys that stand twice."""
    try:
        entries_from(entries, style)
    except BadInput as e:
        yield f"{variable}: {e}"


def bad_actions(variable: str, entries: t.Any, classes: t.Collection[str]) -> t.Iterator[str]:
    """Report answers of an access table that smtpd does not understand: it would answer 451 to every client concerned."""
    for key, value in entries.items() if isinstance(entries, t.Mapping) else ():
        words = str(value).split()
        if value is None or not words or words[0].lower() in ACTIONS or words[0].isdigit():
            continue
        try:
            restrictions.check(f"{variable}, {key}", str(value), classes, lambda _name: False)
        except BadInput as e:
            yield str(e)


def circles(book: AddressBook) -> t.Iterator[str]:
    """Report aliases that lead back to themselves."""
    told: set[frozenset[Place]] = set()
    for circle in _circles(book):
        if frozenset(circle) not in told:
            told.add(frozenset(circle))
            # The two ends of a long way are enough to find it.
            shown = circle if len(circle) <= SHOWN else [*circle[: SHOWN - 1], Place("name", "..."), circle[-1]]
            way = " -> ".join(place.text for place in [*shown, circle[0]])
            only_virtual = all(place.kind == "address" for place in circle)
            fate = "Postfix would answer 451 to all mail for them" if only_virtual else "mail for them would come back as undeliverable"
            yield f"The aliases {way} lead in a circle, so that {fate}: point one of them to an account, or to an address elsewhere."


def _circles(book: AddressBook) -> t.Iterator[list[Place]]:
    """Yield each circle as its places in order, and look at every place once."""
    done: set[Place] = set()
    for start in book.places():
        # Nearly every alias leads to the end of its way at once.
        if not any(book.onward(place).places for place in book.onward(start).places):
            continue
        way: dict[Place, None] = {}
        # The places still to look at, for each place on the way: a stack of our own, for the way may be long.
        left = [iter([start])]
        while left:
            place = next(left[-1], None)
            if place is None:
                left.pop()
                if way:
                    done.add(way.popitem()[0])
            elif place in way:
                listed = list(way)
                yield listed[listed.index(place) :]
            elif place not in done:
                way[place] = None
                left.append(iter(book.onward(place).places))


def nobodies(book: AddressBook, variables: t.Mapping[str, str]) -> t.Iterator[str]:
    """Report aliases that lead to nobody; *variables* holds the names of the variables for ``aliases`` and ``virtual_aliases``."""
    places = book.places()
    for place, key in places.items():
        onward = book.onward(place)
        lost = [book.onward(further).lost for further in onward.places if further not in places]
        for name in dict.fromkeys(filter(None, [onward.lost, *lost])):
            if "@" in name and split_address(name)[1] in book.mailbox_domains:
                nobody = f"{name}, which is neither a mailbox of mail_virtual_users nor a virtual alias"
            elif "@" in name:
                nobody = f"{name}, and {split_address(name)[1]} has virtual aliases only, but none for it"
            else:
                nobody = f"{name}, which is neither an account of this host, nor in mail_users, nor an alias"
            variable = variables["virtual_aliases" if place.kind == "address" else "aliases"]
            yield f"{key} in {variable} leads to {nobody}: correct the name, or make the account or alias."


def unplaced(book: AddressBook, fetched: t.Iterable[tuple[str, str]]) -> t.Iterator[str]:
    """Report accounts elsewhere with a recipient that does not exist on this host; *fetched* are pairs of account and recipient."""
    for who, name in fetched:
        if book.onward(book.arrival(name)).lost:
            yield (
                f"The account {who} is fetched for {name}, which is neither an account of this host, nor in mail_users, nor an alias:"
                " correct the name, or make the account or alias."
            )


def forbidden(book: AddressBook, variables: t.Mapping[str, str], allowed: t.Mapping[str, t.Collection[str]]) -> t.Iterator[str]:
    """Report aliases that hand mail to commands and files where Postfix refuses to; *allowed* is by ``command`` and ``file``."""
    whats = {"command": "a command", "file": "a file", "include": "a list"}
    for key, value in book.virtual_aliases.items():
        for kind in dict.fromkeys(target.kind for target in targets(value) if target.kind in whats):
            yield (
                f"{key} in {variables['virtual_aliases']} hands mail to {whats[kind]}, which only a local alias can: point it to"
                f" an alias in {variables['aliases']}."
            )
    own = {key: value for key, value in book.system_aliases.items() if key not in book.aliases}
    for where, listed in ((variables["aliases"], book.aliases), ("/etc/aliases", own)):
        for key, value in listed.items():
            for target in targets(value):
                if target.kind in allowed and ALIAS not in allowed[target.kind]:
                    yield (
                        f"{key} in {where} hands mail to {whats[target.kind]} ({target.text}), and Postfix would refuse to:"
                        f" add 'alias' to postfix_allow_mail_to_{target.kind}s, or remove the target."
                    )


def moved(book: AddressBook, relocated: t.Any, variables: t.Mapping[str, str]) -> t.Iterator[str]:
    """Report addresses that have moved by one variable and are in use by another; only one can be true.

    trivial-rewrite(8) asks for them after the virtual aliases and before local(8).
    """
    for key in map(str, relocated) if isinstance(relocated, t.Mapping) else ():
        address = key.lower() if "@" in key else f"{key.lower()}@{book.origin}"
        local, domain = split_address(address)
        virtual = book.virtual_key(address) or (f"@{domain}" if f"@{domain}" in book.virtual_aliases else None)
        if virtual:
            yield (
                f"{key} in postfix_relocated has no effect, because Postfix asks {virtual} in {variables['virtual_aliases']}"
                " first: remove one of the two."
            )
        elif domain in book.local_domains and local in book.aliases:
            yield (
                f"{key} in postfix_relocated refuses the mail that {local} in {variables['aliases']} would forward: remove one of the two."
            )


def two_kinds(book: AddressBook, relay_domains: t.Collection[str]) -> t.Iterator[str]:
    """Report domains of virtual mailboxes that are in another class as well, because Postfix then finds no mailbox in them."""
    others = {
        "the host's own accounts, by postfix_mydestination": book.local_domains,
        "virtual aliases only, by postfix_virtual_alias_domains": book.virtual_domains,
        "another host's, by relay_policy_domains": [str(domain).lower() for domain in relay_domains],
    }
    for domain in book.mailbox_domains:
        for whose, listed in others.items():
            if domain in listed:
                yield f"{domain} has mailboxes of mail_virtual_users, and is {whose}: remove it from one of the two."


def not_ascii(variable: str, addresses: t.Iterable[str]) -> t.Iterator[str]:
    """Report domains, alone or in addresses, that are not in ASCII: mail arrives for their A-labels (RFC 5890)."""
    for domain in dict.fromkeys(split_address(address)[1] or address for address in addresses):
        if not domain.isascii():
            yield f"{domain} in {variable} is not the name by which mail arrives for it: write {_a_label(domain)}."


def _a_label(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "it in ASCII letters"


def cut_short(book: AddressBook, users: t.Iterable[str]) -> t.Iterator[str]:
    """Report users with names in which Dovecot takes a part for a tag, so that their mail goes to another user or is lost."""
    for variable, names in (("mail_users", users), ("mail_virtual_users", book.mailboxes)):
        for name in names:
            local = split_address(name)[0]
            if without_tag(local, book.delimiter) != local:
                yield (
                    f"{name} in {variable} would get no mail, because recipient_delimiter is '{book.delimiter}' and Dovecot reads this name"
                    f" as {without_tag(local, book.delimiter)} with a tag: remove that character from recipient_delimiter."
                )


def robbed(book: AddressBook) -> t.Iterator[str]:
    """Report mailboxes that get no mail, because a virtual alias of the same address leads elsewhere."""
    for address in book.mailboxes:
        if address not in book.virtual_aliases:
            continue
        led = [target.text for target in targets(book.virtual_aliases[address])]
        if address not in led and f"@{split_address(address)[1]}" not in led:
            yield (
                f"{address} in mail_virtual_users gets no mail, because the virtual alias of that name leads to {', '.join(led)} alone:"
                " add the address itself to the alias, if that mailbox must get mail."
            )


def rootless(book: AddressBook) -> bool:
    """Return whether mail for root reaches no reader: Dovecot does not deliver to root."""
    return "root" not in book.aliases and "root" not in book.system_aliases and book.virtual_key(f"root@{book.origin}") is None


def homeless(book: AddressBook) -> bool:
    """Return whether a name without a domain gets the domain of another host, and no virtual alias changes that."""
    domain = book.origin
    own = domain in book.local_domains or domain in book.virtual_domains or domain in book.mailbox_domains
    return bool(domain) and not own and book.virtual_key(f"root@{domain}") is None
