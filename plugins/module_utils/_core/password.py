# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Limits of passwords that hold in every store. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t

LONGEST = 511  # Bytes; crypt(3) takes no longer phrase.


_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool,), "a truth value"),
    ((int, float), "a number"),
    ((datetime.date,), "a date"),
    ((dict,), "a dictionary"),
    ((list, tuple), "a list"),
)


def not_text(password: t.Any) -> str | None:
    """Tell why *password* is no text, in words to follow it: YAML reads 0123456 as 42798, and yes as true. None: it is text."""
    if isinstance(password, str):
        return None
    kind = next((kind for types, kind in _KINDS if isinstance(password, types)), "not text")
    return f"is {kind} to YAML, which reads it otherwise than it is written; put it in quotes"


def problem_with(password: t.Any, without: str, longest: int = LONGEST) -> str | None:
    """Tell why *password* cannot be one, in words to follow it; *without* says when to leave it out. None: it can."""
    if not isinstance(password, str):
        return not_text(password)
    if not password:
        return f"is empty; leave the option out {without}"
    if re.search(r"[\n\r\0]", password):
        return "has a line break or a null character in it, which no mail client could send"
    try:
        length = len(password.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "has an incomplete character in it, which no mail client could send"
    return f"is longer than {longest} bytes" if length > longest else None
