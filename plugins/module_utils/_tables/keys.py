# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Keys that Postfix never looks up in an indexed table, with the right ones. Pure.

A table of that kind knows no patterns: Postfix asks it for a short list of exact texts, made from the address or the client. The
manual of each kind of table lists them. Postfix accepts any other key without a warning, and never looks it up.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

Kind = t.Literal["client", "access", "address", "transport", "name", "domain", "recipient"]

_DOMAIN = r"(?P<d>[^@*<>\[\]/\s.][^@*<>\[\]/\s]*)"
_LOCAL = r"(?P<l>[^@*<>\s]+)"
_EACH = "no key means everybody at the domains below {d}: name each of them, as in {}"
_CLIENTS_ONLY = "it is no address of mail: put clients into postfix_client_access"
_EVERYBODY = "no key means everybody"

# The form of nearly every key, in the largest inventories as well: Postfix looks it up wherever there are addresses of mail.
_PLAIN = re.compile(r"[\w.+-]+@\w[\w.-]*", re.ASCII)

# For each kind, the patterns of what is never looked up, and what to write instead; the first that fits is told.
_NEVER: dict[Kind, list[tuple[str, str]]] = {
    # access(5): a host's name, a domain with all below it, an address, or its first numbers.
    "client": [
        (rf"\*?\.{_DOMAIN}", "write '{d}', which holds for all hosts below it, too"),
        (r".*@.*", "a client has a name or an address, and none of mail: put senders into postfix_sender_access"),
        (r"\*", f"{_EVERYBODY}: say that in smtpd_client_restrictions, with postfix_parameters"),
        (r"\[(?P<d>.*)\]", "write '{d}'"),
        (r"(?P<d>[0-9]+(\.[0-9]+){0,2})\.(\*|x)?", "write '{d}', which holds for all addresses that begin so"),
    ],
    # access(5): user@domain, a domain with all below it, or user@.
    "access": [
        (rf"(\*?@(\*?\.)?|\*?\.){_DOMAIN}", "write '{d}', which holds for everybody there and at the domains below it"),
        (rf"{_LOCAL}@\*", "write '{l}@', which holds at every domain"),
        (rf"{_LOCAL}@\*?\.{_DOMAIN}", _EACH.replace("{}", "'{l}@{d}'") + ", or write '{l}@' for every domain"),
        (r"\*(@\*?)?|@", f"{_EVERYBODY}: say that in smtpd_sender_restrictions or smtpd_recipient_restrictions, with postfix_parameters"),
        (r"<(?P<d>[^<>]+)>", "write '{d}'"),
        (r"\[?([0-9]+\.){1,3}[0-9]*\]?(/[0-9]+)?|\[?[0-9a-f]*:[0-9a-f:]*\]?(/[0-9]+)?", _CLIENTS_ONLY),
    ],
    # virtual(5), canonical(5), generic(5), relocated(5): user@domain, user, or @domain.
    "address": [
        (rf"\*@{_DOMAIN}", "write '@{d}', which holds for everybody there"),
        (rf"(\*?@)?\*?\.{_DOMAIN}", _EACH.replace("{}", "'@{d}'")),
        (rf"{_LOCAL}@\*?\.{_DOMAIN}", _EACH.replace("{}", "'{l}@{d}'")),
        (rf"{_LOCAL}@\*?", "write it with its domain, as in '{l}@example.org', or '{l}' for the host's own"),
        (r"\*(@\*?)?|@", f"{_EVERYBODY}: write '@example.org' for everybody at one domain"),
        (r"<(?P<d>[^<>]+)>", "write '{d}'"),
    ],
    # transport(5): user@domain, a domain, .domain for those below it, or * for all mail.
    "transport": [
        (rf"\*?@{_DOMAIN}", "write '{d}', which holds for everybody there"),
        (rf"(\*?@\*?\.|\*\.){_DOMAIN}", "write '.{d}', which holds for all domains below it"),
        (rf"{_LOCAL}@\*?", "write it with its domain, as in '{l}@example.org'"),
        (rf"{_LOCAL}@\*?\.{_DOMAIN}", _EACH.replace("{}", "'{l}@{d}'")),
        (r"<(?P<d>[^<>]+)>", "write '{d}'"),
    ],
    # aliases(5), mailbox_transport_maps: the name of a user.
    "name": [
        (r"\*", f"{_EVERYBODY}: write '@' and the domain, in mail_virtual_aliases"),
        (rf"{_LOCAL}@.*", "write '{l}', for it is about users of this host"),
    ],
    # virtual_alias_domains, virtual_mailbox_domains, mydestination: domains, each by itself.
    "domain": [
        (rf"(\*?@)?\*?\.{_DOMAIN}", "those below {d} are not meant with it: name each of them, as in '{d}'"),
        (rf"(\*|[^@:]*)@{_DOMAIN}", "write '{d}'"),
        (r"\*", "name each domain"),
    ],
    # relay_recipient_maps, sender_dependent_default_transport_maps: user@domain or @domain.
    "recipient": [
        (rf"\*@{_DOMAIN}", "write '@{d}', which holds for everybody there"),
        (r".*\*.*", "no key is a pattern: name each address"),
    ],
}


def problems(variable: str, keys: t.Iterable[t.Any], kind: Kind, parents: bool = True) -> t.Iterator[str]:
    """Report each of *keys* that Postfix never looks up.

    With *parents*, as Postfix has it unless it is told otherwise (``parent_domain_matches_subdomains``), an access table is asked for a
    domain on behalf of those below it; without, for ``.domain``.
    """
    for key in keys:
        if isinstance(key, float):
            yield f"{variable}: the key {key} is a number, of which YAML drops trailing zeros (192.10 becomes 192.1); put it in quotes."
            continue
        way_out = instead(str(key), kind, parents)
        if way_out:
            yield f"{variable}: Postfix would never look up '{key}': {way_out}."


def instead(key: str, kind: Kind, parents: bool = True) -> str | None:
    """Return the text to write instead of *key*; None where Postfix looks it up."""
    if kind in ("access", "address", "transport", "recipient") and _PLAIN.fullmatch(key):
        return None
    if not parents and kind in ("client", "access") and re.fullmatch(rf"\.{_DOMAIN}", key):
        return None
    network = _network(key) if kind == "client" else None
    if network:
        return network
    for pattern, way_out in _NEVER[kind]:
        matched = re.fullmatch(pattern, key, re.IGNORECASE)
        if matched:
            return way_out.format(**matched.groupdict())
    return None


def _network(key: str) -> str | None:
    """Return the text to write instead of a network, or of an address that Postfix writes otherwise."""
    bare = re.sub(r"[\[\]]", "", key)
    if re.fullmatch(r"([0-9a-f]{1,4}:)+:?", bare, re.IGNORECASE):
        # The first numbers of an IPv6 address, with the colons that follow.
        return f"write '{bare.rstrip(':').lower()}', which holds for all addresses that begin so"
    try:
        network = ipaddress.ip_network(bare, strict=False)
    except ValueError:
        return None
    address = str(network.network_address)
    if "/" not in bare or network.prefixlen == network.max_prefixlen:
        return None if key.lower() == address else f"write '{address}'"
    size, sign = (8, ".") if network.version == 4 else (16, ":")
    numbers = [number.lstrip("0") or "0" for number in network.network_address.exploded.split(sign)][: network.prefixlen // size]
    # In the middle of an IPv6 address zeros may be left out, or not.
    if network.prefixlen % size or not numbers or (network.version == 6 and "0" in numbers):
        return (
            "a table of this kind knows no networks: put it into a table of the type cidr (postfix_tables), and name that in"
            " smtpd_client_restrictions (postfix_parameters)"
        )
    return f"a table of this kind knows no networks: write '{sign.join(numbers)}', which holds for all addresses that begin so"
