# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The text of master.cf: read its services as master(8) does, change one, leave everything else as it is."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import (
    WHITESPACE,
    LogicalLine,
    complete,
    line_end,
    logical_lines,
    split,
    words,
)

TYPES = ("inet", "unix", "fifo", "pass", "unix-dgram")
COLUMNS = ("private", "unprivileged", "chroot", "wakeup", "process_limit")
# An entry that somebody commented out, as the distributions ship some: strict, so that prose does not look like one.
_COMMENTED_ENTRY = re.compile(
    rf"#[ \t]*(\S+)[ \t]+({'|'.join(TYPES)})([ \t]+[yn-]){{3}}[ \t]+(-|\d+\??)[ \t]+(-|\d+)[ \t]+[\w.-]+([ \t].*)?", re.DOTALL
)
_COMMENTED_CONTINUATION = re.compile(r"#(\t|[ ][ \t])[ \t]*\S.*", re.DOTALL)


class BadOverride(BadInput):
    """A text cannot stand behind ``-o`` in master.cf."""


@dataclasses.dataclass(frozen=True)
class Service:
    """One entry; `columns` are the five between type and command, as written."""

    name: str
    type: str
    columns: tuple[str, ...]
    command: str
    overrides: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    args: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.type

    def column(self, name: str) -> str:
        return self.columns[COLUMNS.index(name)]

    def render(self) -> list[str]:
        """Return the physical lines, without line ends: columns and command, one line an override, the other arguments."""
        name_and_type = f"{self.name:<9} {self.type:<5} " + " ".join(f"{column:<7}" for column in self.columns)
        lines = [" ".join([name_and_type, self.command, *self.options])]
        lines += [f"  -o {_render_override(name, value)}" for name, value in self.overrides]
        return lines + ([f"  {' '.join(self.args)}"] if self.args else [])


def parse_service(text: str) -> Service | None:
    """Read one logical line; None when it is not a service, which makes master(8) refuse the whole file."""
    fields = words(text, WHITESPACE)
    if len(fields) < 8:
        return None
    options, overrides = [], []
    rest = fields[8:]
    # As getopt(3) reads a command line: the first word without a hyphen, or "--", ends the options.
    while rest and rest[0].startswith("-") and rest[0] != "--":
        word = rest.pop(0)
        if word == "-o" and rest:
            overrides.append(_parse_override(rest.pop(0)))
        elif word.startswith("-o") and word != "-o":
            overrides.append(_parse_override(word[2:]))
        else:
            options.append(word)
    return Service(fields[0], fields[1], tuple(fields[2:7]), fields[7], tuple(overrides), tuple(options), tuple(rest))


def render_args(args: t.Iterable[str]) -> tuple[str, ...]:
    """Turn arguments into words of master.cf: one with spaces goes into braces, except pipe(8)'s ``argv=``."""
    found: list[str] = []
    for arg in args:
        if arg.startswith("argv=") or len(words(arg, WHITESPACE)) == 1:
            found.extend(words(arg, WHITESPACE))
        else:
            found.append(f"{{{arg}}}")
    return tuple(found)


class MasterCf:
    """A parsed master.cf; `str` of an untouched one is the text it was made from."""

    def __init__(self, text: str) -> None:
        self.lines = split(text)
        self._entries: list[tuple[LogicalLine, Service]] = []
        self._logical = logical_lines(self.lines)
        for line in self._logical:
            service = None if line.orphan else parse_service(line.text)
            if service:
                self._entries.append((line, service))

    def __str__(self) -> str:
        return "".join(self.lines)

    def services(self) -> dict[tuple[str, str], Service]:
        """Return the services by name and type; of several entries the last."""
        return {service.key: service for _line, service in self._entries}

    def put(self, service: Service) -> MasterCf:
        """Write *service* over its entry, or as a new one: behind a commented-out entry of its name, else at the end.

        Of several entries for the name and type the last is written over and the others go. Comments stay.
        """
        lines: list[str | None] = list(self.lines)
        rendered = [line + line_end(self.lines) for line in service.render()]
        mine = [line for line, present in self._entries if present.key == service.key]
        for line in mine[:-1]:
            self._drop(lines, line)
        if mine:
            self._write_over(lines, mine[-1], rendered)
            return MasterCf("".join(line for line in lines if line is not None))
        place = self._behind_commented(*service.key)
        kept = list(self.lines)
        if place is None or place == len(kept):
            complete(kept)
            place = len(kept)
        return MasterCf("".join(kept[:place] + rendered + kept[place:]))

    def remove(self, name: str, type_: str) -> MasterCf:
        """Remove the entries of a service; comments between their lines stay."""
        lines: list[str | None] = list(self.lines)
        for line, service in self._entries:
            if service.key == (name, type_):
                self._drop(lines, line)
        return MasterCf("".join(line for line in lines if line is not None))

    def comment_out(self, name: str, type_: str) -> MasterCf:
        """Turn the entries of a service into comments; an entry that already stands there as the same comment is only removed."""
        lines = list(self.lines)
        documented = {"".join(lines[start:end]) for start, end in self._commented(name, type_)}
        for line, service in self._entries:
            if service.key != (name, type_):
                continue
            comments = {n: self._as_comment(lines[n]) for n in line.physical}
            if "".join(comments.values()) in documented:
                comments = dict.fromkeys(line.physical, "")
            for number, comment in comments.items():
                lines[number] = comment
        return MasterCf("".join(lines))

    @staticmethod
    def _as_comment(line: str) -> str:
        # A continuation keeps two spaces, so that it can be told from prose.
        return f"#{' ' if line[0] in WHITESPACE and line[1:2] not in tuple(WHITESPACE) else ''}{line}"

    @staticmethod
    def _drop(lines: list[str | None], line: LogicalLine) -> None:
        for number in line.physical:
            lines[number] = None

    def _write_over(self, lines: list[str | None], line: LogicalLine, rendered: list[str]) -> None:
        """Replace the entry's own lines; a comment stays before the line it stood before, as long as there is one."""
        block: list[str] = list(rendered)
        stripped = [text.strip(WHITESPACE) for text in rendered]
        own = [self.lines[number].strip(WHITESPACE) for number in line.physical]
        for index, number in reversed(list(enumerate(line.physical))[1:]):
            comments = self.lines[line.physical[index - 1] + 1 : number]
            if not comments:
                continue
            # Of several lines that are the same it is the one as far down as before.
            same = [place for place, text in enumerate(stripped) if place and text == own[index]]
            place = same[min(own[1:index].count(own[index]), len(same) - 1)] if same else min(index, len(block))
            block[place:place] = comments
            stripped[place:place] = [""] * len(comments)
        for number in range(line.first, line.end):
            lines[number] = None
        lines[line.first] = "".join(block)

    def _behind_commented(self, name: str, type_: str) -> int | None:
        """Return the index behind the last commented-out entry of the name, where a new entry cuts no other one in two."""
        blocks = self._commented(name, type_)
        if not blocks:
            return None
        place = blocks[-1][1]
        for line in self._logical:
            # Nor may an orphaned continuation at the head of the file become one of the new entry.
            if line.first < place < line.end or (line.orphan and place <= line.first):
                return line.end
        return place

    def _commented(self, name: str, type_: str) -> list[tuple[int, int]]:
        found = []
        for start, line in enumerate(self.lines):
            match = _COMMENTED_ENTRY.fullmatch(line.rstrip(WHITESPACE))
            if not match or (match[1], match[2]) != (name, type_):
                continue
            end = start + 1
            while end < len(self.lines) and _COMMENTED_CONTINUATION.fullmatch(self.lines[end]):
                end += 1
            found.append((start, end))
        return found


def _parse_override(text: str) -> tuple[str, str]:
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    name, _equals, value = text.partition("=")
    return name.strip(WHITESPACE), value.strip(WHITESPACE)


def _render_override(name: str, value: str) -> str:
    if any(char in WHITESPACE for char in value):
        return f"{{ {name} = {value} }}"
    return f"{name}={value}"


def check_override(name: str, value: str) -> None:
    """Raise `BadOverride` when *value* cannot be written behind ``-o``: braces must be in pairs there."""
    depth = 0
    for char in value:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            break
    if depth:
        raise BadOverride(f"The value of {name} ({value}) has a brace without its partner, which master.cf cannot hold.")
