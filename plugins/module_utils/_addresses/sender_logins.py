# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The owners of sender addresses, for Postfix's ``smtpd_sender_login_maps`` (postconf(5), SASL_README)."""

from __future__ import annotations

import re
import typing as t

# No login: a name with a slash is no account's, of whatever provider.
NOBODY = "/nobody/@/"

# The targets of an alias: one, or several (as a list, or separated by commas as in aliases(5)).
Targets = t.Union[str, list[str]]


def sender_logins(
    aliases: t.Mapping[t.Any, t.Any],
    virtual_aliases: t.Mapping[t.Any, t.Any],
    domains: list[str],
    mailboxes: t.Collection[str] = (),
    without_login: t.Collection[str] = (),
) -> dict[str, str]:
    """Return the addresses with another owner than their local part, each with the logins that may send from it.

    An alias belongs to every account it leads to, through other aliases too; one that leads only elsewhere (another
    host, a file, a command) belongs to nobody. Addresses in *domains* are local accounts. The owners of *mailboxes* have no
    account and log in with the whole address, save for those *without_login*, which nobody owns.
    """
    mute = {address.lower() for address in without_login}
    # A number is a name, an entry without a value is none.
    aliases, virtual_aliases = (
        {str(key).strip(): value for key, value in given.items() if value is not None} for given in (aliases, virtual_aliases)
    )
    here = _Here([domain.lower() for domain in domains], {address.lower() for address in mailboxes}, mute)
    everything = {re.sub(r'^"([^"]*)"$', r"\1", key).lower(): targets for key, targets in {**virtual_aliases, **aliases}.items()}
    addresses: dict[str, Targets] = {f"{_local_part(name)}@{domain}": targets for name, targets in aliases.items() for domain in domains}
    addresses.update(virtual_aliases)
    owners = {address.lower(): _logins(targets, everything, here, frozenset()) for address, targets in addresses.items()}
    # The owner of a mailbox can send from it, also where an alias leads all its mail to others.
    own = {
        address: list(dict.fromkeys([*(() if address in mute else (address,)), *owners.get(address, [])]))
        for address in sorted(here.mailboxes)
    }
    # What nobody owns has to be said where a catch-all is looked up next, or it would be the owner's of that.
    caught = {address[1:] for address, logins in owners.items() if address.startswith("@") and logins}
    everybody = {address: logins or [NOBODY] * (address.partition("@")[2] in caught) for address, logins in {**owners, **own}.items()}
    return {address: ", ".join(logins) for address, logins in everybody.items() if logins}


def own_address_patterns(domains: list[str], delimiter: str = "+") -> list[dict[str, str]]:
    """Return the row of a regexp table by which every login owns its own name in each of *domains*, with any tag.

    Postfix asks a table of patterns for the whole address only, so the pattern itself has to know about tags, which begin
    with any character of *delimiter*.
    """
    if not domains:
        return []
    names = "|".join(re.escape(domain).replace(r"\-", "-") for domain in dict.fromkeys(domains))
    # In brackets nothing but a hyphen in the middle means something; what else might is no delimiter to Postfix's users.
    chars = "".join(sorted(delimiter.replace("@", ""), key="-".__eq__))
    # Without one there is no tag, for no local part has an '@'; the groups stay as they are.
    tag = f"[{chars}]" if len(chars) > 1 else re.escape(chars or "@")
    return [{"pattern": f"/^([^@{chars}]+)({tag}[^@]*)?@({names})$/", "value": "$1"}]


class _Here(t.NamedTuple):
    """The names of this host: domains of accounts and aliases, and addresses that are mailboxes themselves, some without a login."""

    domains: t.Collection[str]
    mailboxes: t.Collection[str]
    without_login: t.Collection[str]


def _logins(targets: Targets, everything: dict[str, Targets], here: _Here, seen: frozenset[str]) -> list[str]:
    logins: dict[str, None] = {}
    for target in _split(targets):
        name = _name_here(target, here)
        if name is None or name in seen:
            continue
        further = everything.get(target.lower()) or everything.get(name)
        if further is None:
            logins[name] = None
            continue
        # An alias that names itself (alice: [alice, bob]) keeps a copy for the account of that name.
        if name in (_name_here(item, here) for item in _split(further)):
            logins[name] = None
        logins.update(dict.fromkeys(_logins(further, everything, here, seen | {name})))
    return list(logins)


def _local_part(name: str) -> str:
    """Return the name of an alias as it stands in an address: in quotes where it needs them (RFC 5322)."""
    return f'"{name}"' if re.search(r"[\s(),:;<>@\[\]]", name) and not name.startswith('"') else name


def _split(targets: t.Any) -> list[str]:
    items = targets.split(",") if isinstance(targets, str) else targets if isinstance(targets, (list, tuple)) else [targets]
    return [text for text in (str(item).strip() for item in items) if text]


def _name_here(target: str, here: _Here) -> str | None:
    """Return the account, alias or mailbox that *target* names on this host; None for files, commands, includes and other hosts."""
    if target.startswith(("|", "/", ":", '"', "@")):
        return None
    if target.lower() in here.mailboxes:
        return None if target.lower() in here.without_login else target.lower()
    name, _at, domain = target.lstrip("\\").rpartition("@") if "@" in target else (target.lstrip("\\"), "", "")
    if domain and domain.lower() not in here.domains:
        return None
    return name.lower()
