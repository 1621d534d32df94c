# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can be known of a host's addresses before a line of them is written."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import alias_domains, alias_sizes, catch_all, checks
from ansible_collections.postroom.mail.plugins.module_utils._addresses.account_uids import MailUids
from ansible_collections.postroom.mail.plugins.module_utils._addresses.alias_targets import split_address, targets, without_tag
from ansible_collections.postroom.mail.plugins.module_utils._addresses.book import AddressBook, written_out
from ansible_collections.postroom.mail.plugins.module_utils._tables import keys as tables_keys

VARIABLES = {"aliases": "postfix_aliases (mail_aliases)", "virtual_aliases": "postfix_virtual_aliases (mail_virtual_aliases)"}

DOMAINS = {"virtual_domains": "postfix_virtual_alias_domains (mail_virtual_domains)", "destinations": "postfix_mydestination"}


def plan(
    aliases: t.Any,
    virtual_aliases: t.Any = None,
    tables: t.Any = None,
    relocated: t.Any = None,
    access: t.Any = None,
    classes: t.Any = None,
    users: t.Any = None,
    accounts: t.Any = None,
    system_aliases: t.Any = None,
    destinations: t.Any = None,
    virtual_domains: t.Any = None,
    mailbox_domains: t.Any = None,
    mailboxes: t.Any = None,
    relay_domains: t.Any = None,
    names: t.Any = None,
    commands: t.Any = None,
    files: t.Any = None,
    uids: t.Any = (1000, 0),
    without_mail: t.Any = (),
    delimiter: str = "+",
    fetched: t.Any = (),
    transports: t.Any = None,
    parents: bool = True,
) -> dict[str, t.Any]:
    """Work out everything about the addresses; *accounts* and *system_aliases* may still be unknown."""
    access, present = access or {}, _present(users)
    known = {**(accounts or {}), **present}
    with_postmaster = _with_postmaster(_entries(aliases), known, system_aliases or {})
    book = _book(
        with_postmaster,
        known,
        virtual_aliases=virtual_aliases,
        system_aliases=system_aliases,
        destinations=destinations,
        virtual_domains=virtual_domains,
        mailbox_domains=mailbox_domains,
        mailboxes=mailboxes,
        names=names,
        delimiter=delimiter,
    )
    fetched_for = list(_fetched_for(fetched))
    problems = [
        *checks.bad_entries(VARIABLES["aliases"], aliases, "aliases"),
        *checks.bad_entries(VARIABLES["virtual_aliases"], virtual_aliases or {}, "table"),
        *(said for name, given in {**(tables or {}), **access}.items() for said in checks.bad_entries(name, given, "table")),
        *(said for name, given in access.items() for said in checks.bad_actions(name, given, classes or [])),
        *_never_found(aliases, virtual_aliases, tables, access, transports, parents),
        *tables_keys.problems(DOMAINS["virtual_domains"], virtual_domains or [], "domain"),
        *tables_keys.problems(DOMAINS["destinations"], destinations or [], "domain"),
        *checks.circles(book),
        *checks.nobodies(book, VARIABLES),
        *checks.forbidden(book, VARIABLES, {"command": commands or [], "file": files or []}),
        *checks.moved(book, relocated, VARIABLES),
        *(said for name, listed in _domains(book, virtual_aliases, relay_domains) for said in checks.not_ascii(name, listed)),
        *checks.unplaced(book, fetched_for),
        *checks.two_kinds(book, relay_domains or []),
        *checks.cut_short(book, [name for name, there in present.items() if there]),
    ]
    first, last = map(int, uids)
    with_mail = MailUids(first, last, tuple(without_mail))
    there = [name for name, is_there in present.items() if is_there]
    virtual = {**_entries(virtual_aliases), **alias_domains.postmasters(book)}
    recipients = alias_domains.expanded(catch_all.completed(virtual, book, there), book, there)
    size, steps = alias_sizes.largest(book)
    return {
        "problems": problems,
        "warnings": list(_warnings(book, relocated, present, destinations or [])),
        "look_up": _look_up(book, _entries(aliases), [name for _who, name in fetched_for]),
        "aliases": with_postmaster,
        "virtual_aliases": recipients.entries,
        "recipient_access": {
            **dict.fromkeys(recipients.verified, "reject_unverified_recipient"),
            **_entries(access.get("postfix_recipient_access")),
        },
        "verified_domains": recipients.verified,
        "expansion": size,
        "steps": steps,
        "catch_alls": book.catch_alls(),
        "name_rows": catch_all.name_rows(book, recipients.of_accounts),
        "account_rows": catch_all.account_rows(book, recipients.of_accounts, with_mail),
        "mail_account_rows": with_mail.rows("$1"),
        "other_account_rows": with_mail.other_rows("root"),
    }


def names_to_look_up(aliases: t.Any, *, users: t.Any = None, accounts: t.Any = None, fetched: t.Any = (), **more: t.Any) -> list[str]:
    """Return the names of which the host must say if it has such an account: ``look_up`` of `plan`, which has *more* options."""
    known, given = {**(accounts or {}), **_present(users)}, _entries(aliases)
    book = _book(_with_postmaster(given, known, more.get("system_aliases") or {}), known, **more)
    return _look_up(book, given, [name for _who, name in _fetched_for(fetched)])


def _book(
    aliases: dict[str, t.Any],
    accounts: dict[str, bool],
    *,
    virtual_aliases: t.Any = None,
    system_aliases: t.Any = None,
    destinations: t.Any = None,
    virtual_domains: t.Any = None,
    mailbox_domains: t.Any = None,
    mailboxes: t.Any = None,
    names: t.Any = None,
    delimiter: str = "+",
) -> AddressBook:
    # What is no text is refused by whom it is for.
    names = {name: value for name, value in (names or {}).items() if isinstance(value, str)}
    return AddressBook(
        aliases=aliases,
        virtual_aliases=_entries(virtual_aliases),
        system_aliases=system_aliases or {},
        accounts=accounts,
        local_domains=written_out(destinations or [], names),
        origin=next(iter(written_out([str(names.get("myorigin", ""))], names)), ""),
        virtual_domains=written_out(virtual_domains or [], names),
        mailbox_domains=written_out(mailbox_domains or [], names),
        mailboxes=mailboxes or [],
        delimiter=delimiter,
    )


def _with_postmaster(aliases: dict[str, t.Any], accounts: t.Mapping[str, bool], system_aliases: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the aliases with postmaster, which every host must have, unless a user has that name.

    Debian's package brings the same one to /etc/aliases, maybe later than this; it makes no difference.
    """
    postmaster = alias_domains.POSTMASTER
    given = any(name.lower() == postmaster for name in aliases) or accounts.get(postmaster, False)
    return aliases if given or system_aliases.get(postmaster, "root") != "root" else {**aliases, postmaster: "root"}


def _entries(given: t.Any) -> dict[str, t.Any]:
    """Return the entries of a dictionary; bad_entries() reports anything else."""
    return {str(key): value for key, value in given.items()} if isinstance(given, t.Mapping) else {}


def _never_found(aliases: t.Any, virtual_aliases: t.Any, tables: t.Any, access: t.Any, transports: t.Any, parents: bool) -> t.Iterator[str]:
    """Report keys of tables that Postfix never looks up."""
    # An alias with a domain is refused for that.
    yield from tables_keys.problems(VARIABLES["aliases"], (key for key in _entries(aliases) if "@" not in key), "name")
    yield from tables_keys.problems(VARIABLES["virtual_aliases"], _entries(virtual_aliases), "address")
    yield from tables_keys.problems("postfix_mailbox_transports", _entries(transports), "name")
    for name, given in (tables or {}).items():
        yield from tables_keys.problems(name, _entries(given), "address")
    for name, given in access.items():
        keys = given if isinstance(given, t.Mapping) else ()
        yield from tables_keys.problems(name, keys, "client" if name == "postfix_client_access" else "access", parents)


def _present(users: t.Any) -> dict[str, bool]:
    """Return the names in mail_users that must exist, and those that must not."""
    listed = [user for user in users or [] if isinstance(user, t.Mapping) and "name" in user]
    return {str(user["name"]).lower(): user.get("state", "present") == "present" for user in listed}


def _domains(book: AddressBook, virtual_aliases: t.Any, relay_domains: t.Any) -> list[tuple[str, t.Iterable[str]]]:
    """Return the variables that hold domains, with these domains."""
    return [
        ("postfix_mydestination", book.local_domains),
        ("postfix_virtual_alias_domains (mail_virtual_domains)", book.virtual_domains),
        ("relay_policy_domains", map(str, relay_domains or [])),
        (VARIABLES["virtual_aliases"], [key for key in _entries(virtual_aliases) if "@" in key]),
    ]


def _fetched_for(accounts: t.Any) -> t.Iterator[tuple[str, str]]:
    """Return the accounts elsewhere, each with all its recipients; the role fetchmail reports a value that is no account."""
    if not isinstance(accounts, (list, tuple)) or not accounts:
        return
    # Only hosts that fetch mail pay for it.
    from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import fetchmailrc

    for account in accounts:
        if isinstance(account, t.Mapping):
            for name in fetchmailrc.recipients(account):
                yield f"{account.get('user')} at {account.get('poll')}", name


def _look_up(book: AddressBook, aliases: t.Mapping[str, t.Any], more: t.Iterable[str]) -> list[str]:
    """Return the local names that are targets and no *aliases*; a domain that is still unknown may be the host's."""
    found: dict[str, None] = {}
    for value in (*book.aliases.values(), *book.virtual_aliases.values(), *more):
        for target in targets(value):
            local, domain = split_address(target.text)
            if target.kind == "address" and local and (not domain or domain == book.origin or domain in book.local_domains):
                found[without_tag(local, book.delimiter)] = None
    if alias_domains.POSTMASTER not in book.system_aliases:
        # It gets an alias if there is no such account.
        found[alias_domains.POSTMASTER] = None
    given = {key.lower() for key in aliases}
    return [name for name in found if name not in given]


def _warnings(book: AddressBook, relocated: t.Any, present: t.Mapping[str, bool], destinations: t.Sequence[str]) -> t.Iterator[str]:
    if checks.rootless(book):
        yield (
            "Mail for root cannot be delivered, because Dovecot keeps no mail for root: name the reader in mail_aliases, as in root: alice."
        )
    if not any(":" in str(domain) for domain in destinations) and checks.homeless(book):
        yield (
            f"Mail for root and for every other name without a domain goes to {book.origin} (postfix_myorigin), which"
            " postfix_mydestination leaves out, so that another host gets it: add $myorigin to postfix_mydestination,"
            " or set postfix_myorigin to one of its domains."
        )
    yield from checks.robbed(book)
    for key in _entries(relocated):
        local, domain = split_address(key.lower())
        if (domain or book.origin) in book.local_domains and present.get(local):
            yield f"{key} in postfix_relocated gets no more mail, although {local} is in mail_users."
