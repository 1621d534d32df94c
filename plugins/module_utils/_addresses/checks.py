# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the addresses of an inventory, as sentences. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets, without_tag
from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook, Place
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix import restrictions
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import Style, entries_from

# What access(5) lets a table answer, besides restrictions of smtpd.
ACTIONS = frozenset(
    "ok dunno reject defer defer_if_reject defer_if_permit bcc discard filter hold info prepend redirect warn permit".split()
)
SHOWN = 8
# What a user's own .forward is allowed by is not asked here: aliases have a word of their own in both parameters.
ALIAS = "alias"


def bad_entries(variable: str, entries: t.Any, style: Style) -> t.Iterator[str]:
    """Entries that no table can hold, and keys that stand twice."""
    try:
        entries_from(entries, style)
    except BadInput as e:
        yield f"{variable}: {e}"


def bad_actions(variable: str, entries: t.Any, classes: t.Collection[str]) -> t.Iterator[str]:
    """Answers of an access table that smtpd does not understand: it would answer 451 to everybody concerned."""
    for key, value in entries.items() if isinstance(entries, t.Mapping) else ():
        words = str(value).split()
        if value is None or not words or words[0].lower() in ACTIONS or words[0].isdigit():
            continue
        try:
            restrictions.check(f"{variable}, {key}", str(value), classes, lambda _name: False)
        except BadInput as e:
            yield str(e)


def circles(book: AddressBook) -> t.Iterator[str]:
    """Aliases that lead back to themselves."""
    told: set[frozenset[Place]] = set()
    for circle in _circles(book):
        if frozenset(circle) not in told:
            told.add(frozenset(circle))
            # The end of a long way tells as much as all of it.
            shown = circle if len(circle) <= SHOWN else [*circle[: SHOWN - 1], Place("name", "..."), circle[-1]]
            way = " -> ".join(place.text for place in [*shown, circle[0]])
            only_virtual = all(place.kind == "address" for place in circle)
            fate = "Postfix would answer 451 to all mail for them" if only_virtual else "mail for them would come back as undeliverable"
            yield f"The aliases {way} lead in a circle, so that {fate}: let one of them name an account, or an address elsewhere."


def _circles(book: AddressBook) -> t.Iterator[list[Place]]:
    """Each circle as its places in order; every place is looked at once."""
    done: set[Place] = set()
    for start in book.places():
        way: dict[Place, None] = {}
        # What is left to look at of each place on the way: a stack of our own, for the way may be long.
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
    """Aliases that lead to nobody; *variables* says where the inventory speaks of ``aliases`` and ``virtual_aliases``."""
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
    """Accounts elsewhere, each with somebody its mail is for, whose mail nobody of this host would get."""
    for who, name in fetched:
        if book.onward(book.arrival(name)).lost:
            yield (
                f"The account {who} is fetched for {name}, which is neither an account of this host, nor in mail_users, nor an alias:"
                " correct the name, or make the account or alias."
            )


def forbidden(book: AddressBook, variables: t.Mapping[str, str], allowed: t.Mapping[str, t.Collection[str]]) -> t.Iterator[str]:
    """Aliases that hand mail to commands and files, where that is not allowed; *allowed* by ``command`` and ``file``."""
    whats = {"command": "a command", "file": "a file", "include": "a list"}
    for key, value in book.virtual_aliases.items():
        for kind in dict.fromkeys(target.kind for target in targets(value) if target.kind in whats):
            yield (
                f"{key} in {variables['virtual_aliases']} hands mail to {whats[kind]}, which only a local alias can: let it lead to"
                f" one, in {variables['aliases']}."
            )
    own = {key: value for key, value in book.system_aliases.items() if key not in book.aliases}
    for where, listed in ((variables["aliases"], book.aliases), ("/etc/aliases", own)):
        for key, value in listed.items():
            for target in targets(value):
                if target.kind in allowed and ALIAS not in allowed[target.kind]:
                    yield (
                        f"{key} in {where} hands mail to {whats[target.kind]} ({target.text}), and Postfix would refuse to:"
                        f" put 'alias' into postfix_allow_mail_to_{target.kind}s, or take the target out."
                    )


def moved(book: AddressBook, relocated: t.Any, variables: t.Mapping[str, str]) -> t.Iterator[str]:
    """Addresses that are said to have moved and are also something else, of which only one can be true.

    trivial-rewrite(8) asks for them after the virtual aliases and before local(8) knows of anybody.
    """
    for key in map(str, relocated) if isinstance(relocated, t.Mapping) else ():
        address = key.lower() if "@" in key else f"{key.lower()}@{book.origin}"
        local, domain = split_address(address)
        virtual = book.virtual_key(address) or (f"@{domain}" if f"@{domain}" in book.virtual_aliases else None)
        if virtual:
            yield (
                f"{key} in postfix_relocated would never be told to anybody, because {virtual} in {variables['virtual_aliases']} is"
                " asked first: take one of the two out."
            )
        elif domain in book.local_domains and local in book.aliases:
            yield (
                f"{key} in postfix_relocated refuses the mail that {local} in {variables['aliases']} would forward:"
                " take one of the two out."
            )


def two_kinds(book: AddressBook, relay_domains: t.Collection[str]) -> t.Iterator[str]:
    """Domains of virtual mailboxes that are something else as well, for which Postfix would look up nobody's mailbox."""
    others = {
        "the host's own accounts, by postfix_mydestination": book.local_domains,
        "virtual aliases only, by postfix_virtual_alias_domains": book.virtual_domains,
        "another host's, by relay_policy_domains": [str(domain).lower() for domain in relay_domains],
    }
    for domain in book.mailbox_domains:
        for whose, listed in others.items():
            if domain in listed:
                yield f"{domain} has mailboxes of mail_virtual_users, and is {whose}: let it be one of the two."


def not_ascii(variable: str, addresses: t.Iterable[str]) -> t.Iterator[str]:
    """Domains, alone or of addresses, in letters that no mail server uses among others: mail arrives for their A-labels (RFC 5890)."""
    for domain in dict.fromkeys(split_address(address)[1] or address for address in addresses):
        if not domain.isascii():
            yield f"{domain} in {variable} is not the name by which mail arrives for it: write {_a_label(domain)}."


def _a_label(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "it in ASCII letters"


def cut_short(book: AddressBook, users: t.Iterable[str]) -> t.Iterator[str]:
    """Users of whose names Dovecot would take a part for a tag, and give their mail to somebody else or nobody."""
    for variable, names in (("mail_users", users), ("mail_virtual_users", book.mailboxes)):
        for name in names:
            local = split_address(name)[0]
            if without_tag(local, book.delimiter) != local:
                yield (
                    f"{name} in {variable} would get no mail, because recipient_delimiter is '{book.delimiter}' and Dovecot takes its name"
                    f" for {without_tag(local, book.delimiter)} with a tag: leave that character out of recipient_delimiter."
                )


def robbed(book: AddressBook) -> t.Iterator[str]:
    """Mailboxes that get no mail, because a virtual alias of the same address leads elsewhere."""
    for address in book.mailboxes:
        led = [target.text for target in targets(book.virtual_aliases.get(address, address))]
        if address not in led and f"@{split_address(address)[1]}" not in led:
            yield (
                f"{address} in mail_virtual_users gets no mail, because the virtual alias of that name leads to {', '.join(led)} alone:"
                " let it lead to the address itself as well, if that mailbox must get mail."
            )


def rootless(book: AddressBook) -> bool:
    """Whether nobody reads what is sent to root, to whom Dovecot does not deliver."""
    return "root" not in book.aliases and "root" not in book.system_aliases and book.virtual_key(f"root@{book.origin}") is None


def homeless(book: AddressBook) -> bool:
    """Whether a name without a domain gets one whose mail is another host's, by no virtual alias either."""
    domain = book.origin
    own = domain in book.local_domains or domain in book.virtual_domains or domain in book.mailbox_domains
    return bool(domain) and not own and book.virtual_key(f"root@{domain}") is None
