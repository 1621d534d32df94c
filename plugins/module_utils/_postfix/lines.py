# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Lines as Postfix reads them, in main.cf and master.cf alike.

Comment lines and blank lines do not count, wherever they stand. A line that starts with whitespace continues the
logical line before it, even when comments lie between the two. Everything works on lists of physical lines that keep
their line ends, so that joining them gives the text back, byte for byte.
"""

from __future__ import annotations

import dataclasses
import typing as t

# The characters of C's isspace() in the C locale; str.isspace() would also accept U+00A0 and others.
WHITESPACE = " \t\n\v\f\r"


@dataclasses.dataclass(frozen=True)
class LogicalLine:
    """One logical line: its text without line ends, and the physical lines that hold it (not the comments between)."""

    text: str
    physical: tuple[int, ...]

    @property
    def first(self) -> int:
        return self.physical[0]

    @property
    def end(self) -> int:
        """Return the index after the last physical line."""
        return self.physical[-1] + 1

    @property
    def orphan(self) -> bool:
        """Return whether it starts with whitespace, with nothing before it to continue: Postfix warns and skips it."""
        return self.text[:1] in WHITESPACE


def split(text: str) -> list[str]:
    """Cut *text* into physical lines that keep their line feed; joined they are *text* again."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def is_comment(line: str) -> bool:
    """Return whether Postfix skips this physical line: blank, or a comment."""
    return line.lstrip(WHITESPACE)[:1] in ("", "#")


def logical_lines(lines: t.Sequence[str]) -> list[LogicalLine]:
    """Find the logical lines in a file's physical *lines*."""
    found: list[list[int]] = []
    for number, line in enumerate(lines):
        if is_comment(line):
            continue
        if line[0] in WHITESPACE and found:
            found[-1].append(number)
        else:
            found.append([number])
    return [LogicalLine("".join(lines[n].rstrip("\n") for n in numbers), tuple(numbers)) for numbers in found]


def line_end(lines: t.Sequence[str]) -> str:
    """Return the line end that the file uses."""
    return "\r\n" if lines and lines[0].endswith("\r\n") else "\n"


def complete(lines: list[str]) -> None:
    """Give the last line its line feed, so that another can follow."""
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += line_end(lines)


def words(value: str, separators: str = f",{WHITESPACE}") -> list[str]:
    """Cut *value* at commas and whitespace, as Postfix cuts its lists: text in balanced braces stays together."""
    found: list[str] = []
    word = ""
    depth = 0
    for char in value:
        if depth == 0 and char in separators:
            if word:
                found.append(word)
            word = ""
            continue
        depth = max(0, depth + (char == "{") - (char == "}"))
        word += char
    return [*found, word] if word else found
