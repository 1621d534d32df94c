# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of main.cf: read it as Postfix does, change single values, leave everything else as it is."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import (
    WHITESPACE,
    LogicalLine,
    complete,
    line_end,
    logical_lines,
    split,
)

# "name = value" as Postfix cuts a logical line in two; the value is stripped afterwards.
_ENTRY = re.compile(r"([^\s=]+)\s*=(.*)", re.ASCII | re.DOTALL)
# "$name", "${name}" or "$(name)"; "$$" is a literal dollar sign.
_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\}|\((\w+)\))", re.ASCII)


class MainCf:
    """A parsed main.cf; `str` of an untouched one is the text it was made from."""

    def __init__(self, text: str) -> None:
        self.lines = split(text)
        self._entries: dict[str, list[tuple[LogicalLine, str]]] = {}
        self.broken: list[int] = []
        for line in logical_lines(self.lines):
            match = None if line.orphan else _ENTRY.fullmatch(line.text)
            if match:
                self._entries.setdefault(match[1], []).append((line, match[2].strip(WHITESPACE)))
            elif not line.orphan:
                # Postfix refuses the whole file for such a line ("missing '=' after attribute name").
                self.broken.append(line.first + 1)

    def __str__(self) -> str:
        return "".join(self.lines)

    def values(self) -> dict[str, str]:
        """Return the raw value of every parameter that the file sets; of several entries the last one counts."""
        return {name: entries[-1][1] for name, entries in self._entries.items()}

    def edit(self, changes: t.Mapping[str, str | None]) -> MainCf:
        """Set the parameters in *changes*, in place where they stand and at the end otherwise; None removes one.

        Where a parameter stands several times, its last entry (the one that counts) gets the value and the others go.
        Comments between the lines of a folded value stay.
        """
        lines: list[str | None] = list(self.lines)
        end_of_line = line_end(self.lines)
        appended: list[str] = []
        for name, value in changes.items():
            entries = self._entries.get(name, [])
            for line, _value in entries:
                for number in line.physical:
                    lines[number] = None
            if value is None:
                continue
            entry = f"{name} = {value}".rstrip(" ") + end_of_line
            if entries:
                lines[entries[-1][0].first] = entry
            else:
                appended.append(entry)
        kept = [line for line in lines if line is not None]
        if appended:
            complete(kept)
        return MainCf("".join(kept + appended))


def expand(value: str, values: t.Mapping[str, str], defaults: t.Mapping[str, str]) -> str | None:
    """Replace every plain ``$name`` in *value*, recursively, as Postfix does before it uses a value.

    None means that the result cannot be determined here: a conditional (``${name?text}``), a name that is set nowhere
    (such as the macros of a single message), or a circle.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name is None:
            return "$$"
        inner = values.get(name, defaults.get(name))
        if inner is None or name in open_names:
            raise _CannotTellError
        open_names.append(name)
        result = visit(inner)
        open_names.pop()
        return result

    def visit(text: str) -> str:
        if re.search(r"\$(?![\w$]|\{\w+\}|\(\w+\))", text, re.ASCII):
            raise _CannotTellError
        return _REFERENCE.sub(replaced, text)

    open_names: list[str] = []
    try:
        return visit(value).replace("$$", "$")
    except _CannotTellError:
        return None


def references(value: str) -> set[str]:
    """Return the names that *value* refers to by ``$name``, in any of its forms."""
    return set(re.findall(r"\$[{(]?(\w+)", value, re.ASCII))


class _CannotTellError(Exception):
    """The value depends on something that main.cf does not set."""
