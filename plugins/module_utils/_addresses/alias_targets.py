# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The targets of an alias, in the words of aliases(5) and virtual(5). Pure."""

from __future__ import annotations

import functools
import re
import typing as t

Kind = t.Literal["address", "command", "file", "include", "unclear"]

# A comma or white space ends a target, save inside quotes or angle brackets.
_TARGET = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|\\.|[^\s,"<])+')

# The form of nearly every target, in the largest inventories as well.
_PLAIN = re.compile(r"(?=.)[\w.+-]*(?:@[\w.-]+)?", re.ASCII)


class Target(t.NamedTuple):
    """One target; an address stands here as Postfix compares it, without quotes and in lower case."""

    kind: Kind
    text: str


def targets(given: t.Any) -> list[Target]:
    """Return the targets in an entry of an inventory, or on the right side of a line of aliases(5).

    The check of the entries themselves reports a value that is neither a text nor a list of texts.
    """
    if isinstance(given, str) and not given.lstrip().startswith("|"):
        return list(_of_text(given))
    return [_target(item.strip()) for item in (given if isinstance(given, (list, tuple)) else [given]) if isinstance(item, str)]


@functools.lru_cache(maxsize=2**16)
def _of_text(given: str) -> tuple[Target, ...]:
    """The targets in a text. Each check of the addresses asks for those of every alias."""
    if _PLAIN.fullmatch(given):
        return (Target("address", given.lower()),)
    return tuple(_target(text) for text in _split(given))


def _split(text: str) -> t.Iterator[str]:
    """Cut at commas. White space separates, too, but not a name from the address in angle brackets that follows it."""
    for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', text):
        if "<" in part:
            yield part.strip()
        else:
            yield from (found.group() for found in _TARGET.finditer(part))


def _target(text: str) -> Target:
    if _PLAIN.fullmatch(text):
        return Target("address", text.lower())
    bare = _unquoted(text)
    if bare.startswith("|"):
        return Target("command", bare)
    if bare.startswith("/"):
        return Target("file", bare)
    if bare.lower().startswith(":include:"):
        return Target("include", bare)
    in_brackets = re.search(r"<([^>]*)>", text)
    # local(8) knows \name as "name, without .forward"; aliases are looked up all the same.
    address = _unquoted(in_brackets.group(1) if in_brackets else text).lstrip("\\")
    local, at, domain = address.rpartition("@")
    address = f"{_unquoted(local)}@{domain}" if at else address
    # $1 of a table of patterns, routes, other hosts' notations: nothing that can be followed from here.
    if not address or "$" in address or address.startswith(":") or re.search(r"[\s%!()]", address):
        return Target("unclear", text)
    return Target("address", address.lower())


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if re.fullmatch(r'"(?:[^"\\]|\\.)*"', text) else text


def split_address(address: str) -> tuple[str, str]:
    """Return local part and domain; the domain is empty where there is none."""
    local, at, domain = address.rpartition("@")
    return (local, domain) if at else (address, "")


def without_tag(local: str, delimiter: str) -> str:
    """Return the local part that Postfix asks for when the whole is unknown: ``alice`` of ``alice+lists``."""
    cuts = [found for found in (local.find(char, 1) for char in delimiter) if found > 0]
    return local[: min(cuts)] if cuts else local
