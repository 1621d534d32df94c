# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source text of a Postfix lookup table: rendered from entries, or edited in place. No disk, no commands.

A source is written in one of five styles: ``key value`` (postmap(1)); ``/pattern/ value`` and ``network value``, both in
order (regexp_table(5), cidr_table(5)); ``name: value`` (aliases(5)); and ``parameter = value`` (the client configurations
of mysql_table(5) and its like). In all of them a line that starts with white space continues the one before, and
comments and empty lines may stand anywhere, even in the middle of a continued line.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.yaml_kind import yaml_kind

Style = t.Literal["table", "regexp", "cidr", "aliases", "parameters"]

# Compiled forms: the suffixes that postmap(1) appends to the name of the source.
SUFFIXES: dict[str, tuple[str, ...]] = {
    "hash": (".db",),
    "btree": (".db",),
    "lmdb": (".lmdb",),
    "cdb": (".cdb",),
    "dbm": (".pag", ".dir"),
    "sdbm": (".pag", ".dir"),
}
ORDERED_TYPES = ("regexp", "pcre", "cidr")
TEXT_TYPES = (*ORDERED_TYPES, "texthash")
CLIENT_TYPES = ("mysql", "pgsql", "ldap", "sqlite", "memcache", "mongodb")
FILE_TYPES = (*SUFFIXES, *TEXT_TYPES, *CLIENT_TYPES)

# Without these a client table fails at its first lookup, and every mail is deferred; without a host Postfix would ask its own,
# which is as likely a mistake and worth a word. Alternatives are separated by "|".
REQUIRED_PARAMETERS: dict[str, tuple[str, ...]] = {
    "mysql": ("hosts", "dbname", "query|table"),
    "pgsql": ("hosts", "dbname", "query|table"),
    "sqlite": ("dbpath", "query|table"),
    "ldap": ("server_host", "search_base"),
}

# The form of nearly every key and value, in the largest tables as well: nothing in it has a meaning of its own.
_PLAIN = re.compile(r"[\w.+@-]+", re.ASCII)

MANAGED = "# Managed by postroom.mail: this table is written whole, and changes made here by hand are lost.\n"


class DuplicateKey(BadInput):
    """Two entries have one key, so that Postfix would never find one of them."""


class BadEntry(BadInput):
    """An entry cannot be written as a line of the table."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One lookup key (or pattern, alias, parameter) and its result; None: it must not be in the table."""

    key: str
    value: str | None


# --- entries as the user gives them --------------------------------------------------------------------------------


def entries_from(given: t.Any, style: Style) -> list[Entry]:
    """Check *given* (a dict, or a list of ``{key|pattern, value}``) and put it into the words of *style*.

    Raises `BadEntry` and `DuplicateKey`.
    """
    entries = [_entry(key, value, style) for key, value in _pairs(given, style)]
    seen: dict[str, str] = {}
    for entry in entries:
        if _is_conditional(entry.key, style):
            continue
        folded = fold(entry.key, style)
        if folded in seen:
            twice = "" if seen[folded] == entry.key else f" (as '{seen[folded]}' and '{entry.key}', and case does not count)"
            raise DuplicateKey(f"The key '{entry.key}' stands twice in the entries{twice}; leave only one of them.")
        seen[folded] = entry.key
    return entries


def fold(key: str, style: Style) -> str:
    """Fold a key as Postfix does for comparison: names and addresses without case, patterns and parameters unchanged."""
    if style == "aliases" and _is_quoted(key):
        key = re.sub(r"\\(.)", r"\1", key[1:-1])
    if style in ("table", "aliases"):
        return key.lower() if key.isascii() else "".join(c.lower() if c.isascii() else c for c in key)
    return key


def _pairs(given: t.Any, style: Style) -> t.Iterator[tuple[t.Any, t.Any]]:
    if isinstance(given, dict):
        yield from given.items()
        return
    if not isinstance(given, list):
        raise BadEntry(f"Entries are a dictionary, or a list of dictionaries with 'key' and 'value', not {yaml_kind(given)}.")
    for number, item in enumerate(given, 1):
        if not isinstance(item, dict):
            raise BadEntry(f"Entry {number} is {yaml_kind(item)}; it must be a dictionary with 'key' (or 'pattern') and 'value'.")
        names = set(item)
        if len(names & {"key", "pattern"}) != 1 or names - {"key", "pattern", "value"}:
            raise BadEntry(f"Entry {number} has {_names(names)}; it needs either 'key' or 'pattern', and 'value'.")
        key = item.get("key", item.get("pattern"))
        if "value" not in item and not _is_conditional(str(key), style):
            raise BadEntry(f"Entry {number} ('{key}') has no value.")
        yield key, item.get("value", "")


def _entry(key: t.Any, value: t.Any, style: Style) -> Entry:
    if style == "table" and isinstance(key, str) and isinstance(value, str) and _PLAIN.fullmatch(key) and _PLAIN.fullmatch(value):
        return Entry(key, value)
    if isinstance(key, (int, float)) and not isinstance(key, bool):
        key = str(key)
    if not isinstance(key, str):
        raise BadEntry(f"The key {key!r} is {yaml_kind(key)}; put it in quotes so that it stays the text that was meant.")
    if "\n" in key or "\r" in key or "\0" in key:
        raise BadEntry(f"The key {key!r} has a line break in it, which would make two lines of one entry.")
    key = key.strip()
    if not key:
        raise BadEntry("There is an entry with an empty key.")
    text = None if value is None else _value(key, value, style)
    if style == "aliases":
        return Entry(alias_name(key), text)
    if key.startswith("#"):
        raise BadEntry(f"The key '{key}' starts with '#', so that its line would be a comment.")
    if style == "parameters":
        if not re.fullmatch(r"[A-Za-z0-9_]+", key):
            raise BadEntry(f"The parameter name '{key}' is not a word of letters, digits and '_'.")
    elif not _is_conditional(key, style) and _split(f"{key} x", style) != (key, "x"):
        way_out = "write it between delimiters, as in /pattern/" if style == "regexp" else "a key with white space must be in double quotes"
        raise BadEntry(f"Postfix would not read the key '{key}' as a whole: {way_out}.")
    if style == "table" and key.endswith(":"):
        raise BadEntry(f"The key '{key}' ends in a colon, as in an aliases file; leave the colon out, or set format to 'aliases'.")
    return Entry(key, text)


def _value(key: str, value: t.Any, style: Style) -> str:
    is_list = isinstance(value, list)
    texts = [_item(key, item, style, in_list=is_list) for item in (value if is_list else [value])]
    may_be_empty = _is_conditional(key, style) or (style == "parameters" and not is_list)
    if not may_be_empty and not (texts and all(texts)):
        raise BadEntry(f"The value of '{key}' is empty; Postfix wants a result for every key.")
    return ", ".join(texts)


def _item(key: str, item: t.Any, style: Style, *, in_list: bool) -> str:
    if isinstance(item, bool) and style == "parameters":
        return "yes" if item else "no"
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return str(item)
    if not isinstance(item, str):
        raise BadEntry(f"The value of '{key}' is {yaml_kind(item)}; put it in quotes so that it stays the text that was meant.")
    if "\n" in item or "\r" in item or "\0" in item:
        raise BadEntry(f"The value of '{key}' has a line break in it; an entry is one line.")
    text: str = item.strip()
    if style != "aliases":
        return text
    # A value that is one string stays as it is written, but for a command: unquoted, its arguments would be addresses.
    return alias_target(text) if in_list else _quoted(text) if text.startswith("|") else text


def _names(names: set[t.Any]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(map(str, names))) or "nothing"


# --- aliases(5) ----------------------------------------------------------------------------------------------------

_ATOM = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,\".#][^\x00-\x20\x7f()<>\[\]:;@\\,\"]*")


def alias_name(name: str) -> str:
    """Return the name on the left of an alias, in quotes where its characters need them."""
    if _is_quoted(name) or _ATOM.fullmatch(name):
        return name
    if "@" in name:
        raise BadEntry(f"The alias '{name}' has a domain, but aliases are names of this host; put it into a table of virtual aliases.")
    return _quoted(name)


def alias_target(target: str) -> str:
    """Return one item on the right of an alias: an address, ``|command``, ``/file`` or ``:include:/file``."""
    if _is_quoted(target):
        return target
    if target.startswith("|") or (target.startswith(("/", ":include:")) and re.search(r"[\s\",()<>;\\]", target)):
        return _quoted(target)
    local, at, domain = target.partition("@")
    if re.search(r"\s", local) and not re.search(r"[\",()<>:;\\]", local):
        return f"{_quoted(local)}{at}{domain}"
    return target


def _is_quoted(text: str) -> bool:
    return re.fullmatch(r'"(?:[^"\\]|\\.)*"', text) is not None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- lines ---------------------------------------------------------------------------------------------------------


_LINES = re.compile(r"[^\n]*\n|[^\n]+")


def line(entry: Entry, style: Style) -> str:
    """Return the line of the source for *entry*, with its line end."""
    if style == "aliases":
        return f"{entry.key}: {entry.value}\n"
    if style == "parameters":
        return f"{entry.key} = {entry.value}\n"
    return f"{entry.key} {entry.value}".rstrip() + "\n"


def render(entries: t.Iterable[Entry], style: Style) -> str:
    """Return the whole source."""
    return MANAGED + "".join(line(entry, style) for entry in entries if entry.value is not None)


def merge(text: str, entries: t.Iterable[Entry], style: Style) -> str:
    """Set *entries* in *text* and leave every other byte as it is; a value of None takes the entry out.

    An entry that is there already, however it is laid out, is not touched; one whose value differs is replaced where
    it stands, and further entries with its key go; a new one is appended.
    """
    lines = _LINES.findall(text)
    places: dict[str, list[_Place]] = {}
    for place in _places(lines, style):
        places.setdefault(fold(place.key, style), []).append(place)
    appended: list[str] = []
    for entry in entries:
        found = places.get(fold(entry.key, style), [])
        if not found and entry.value is not None:
            appended.append(line(entry, style))
        for number, place in enumerate(found):
            if number == 0 and entry.value is not None:
                if place.value.split() != entry.value.split():
                    _put(lines, place, line(entry, style))
            else:
                _put(lines, place, "")
    merged = "".join(lines)
    if appended and merged and not merged.endswith("\n"):
        merged += "\n"
    return merged + "".join(appended)


def parse(text: str, style: Style) -> list[Entry]:
    """Return the entries of a source, in their order."""
    return [Entry(place.key, place.value) for place in _places(_LINES.findall(text), style)]


@dataclasses.dataclass
class _Place:
    """The place of an entry: the numbers of its first and its continuation lines."""

    key: str
    value: str
    lines: list[int]


def _places(lines: list[str], style: Style) -> list[_Place]:
    logical: list[list[int]] = []
    for number, text in enumerate(lines):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if text[0].isspace() and logical:
            logical[-1].append(number)
        else:
            logical.append([number])
    places = []
    for numbers in logical:
        key, value = _split("".join(lines[number].rstrip("\r\n") for number in numbers).strip(), style)
        places.append(_Place(key, value, numbers))
    return places


def _put(lines: list[str], place: _Place, text: str) -> None:
    first, *continuations = place.lines
    lines[first] = text
    for number in continuations:
        lines[number] = ""


def _split(text: str, style: Style) -> tuple[str, str]:
    """Return key and value of a logical line, by the rules of the program that reads it."""
    if style == "parameters":
        name, _equals, value = text.partition("=")
        return name.strip(), value.strip()
    if style == "aliases":
        found = re.match(r'((?:"(?:[^"\\]|\\.)*"|[^":])*):(.*)', text, re.DOTALL)
        return (found.group(1).strip(), found.group(2).strip()) if found else (text, "")
    if _is_conditional(text, style):
        return text, ""
    if style == "regexp":
        # Any delimiter, the pattern with a backslash before a delimiter of its own, flags.
        found = re.match(r"(!*\s*(?P<d>[^\w\s\\])(?:\\.|(?!(?P=d))[^\\])*(?P=d)\S*)\s*(.*)", text, re.DOTALL)
        return (found.group(1), found.group(3).strip()) if found else (text, "")
    found = re.match(r'((?:\\.|"(?:\\.|[^"\\])*"|[^\s"\\])+)(?:\s+(.*))?$', text, re.DOTALL)
    return (found.group(1), (found.group(2) or "").strip()) if found else (text, "")


def _is_conditional(text: str, style: Style) -> bool:
    """Return whether a line is ``if PATTERN`` or ``endif``: these of the ordered tables have no value and may repeat."""
    return style in ("regexp", "cidr") and re.match(r"(?:if\s|endif\b)", text, re.IGNORECASE) is not None
