# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both parts of the translation need: the variables of Dovecot's two languages, and the word for what neither has."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

Settings = dict[str, t.Any]


class Untranslatable(BadInput):
    """A neutral setting that has no counterpart in this version of Dovecot, or is written wrongly."""


def names(value: t.Any) -> list[str]:
    """A list of words, which may be written as a text with commas or spaces between them."""
    return re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else [str(item) for item in value]


def without(item: t.Mapping[str, t.Any], *keys: str) -> Settings:
    return {key: value for key, value in item.items() if key not in keys}


# Variables ---------------------------------------------------------------------------------------------------------

_LONG = {"u": "user", "n": "user|username", "d": "user|domain", "h": "home", "s": "protocol"}
_SHORT = {("user",): "u", ("user", "username"): "n", ("user", "domain"): "d", ("home",): "h", ("protocol",): "s"}
_CASES = {"L": "lower", "U": "upper"}


def variables(text: str, to_24: bool) -> str:
    """Write ``%Ln`` as ``%{user|username|lower}`` for 2.4, and the other way round for 2.3; others stay as they are."""
    if to_24:
        return re.sub(r"%%|%([LU]?)([undhs])", _long, text)
    return re.sub(r"%\{([^{}]*)\}", _short, text)


def _long(match: re.Match[str]) -> str:
    case, name = match.groups()
    if name is None:  # a percent sign that stands for itself
        return match.group(0)
    return "%{" + "|".join(filter(None, (_LONG[name], _CASES.get(case)))) + "}"


def _short(match: re.Match[str]) -> str:
    parts = [part.strip() for part in match.group(1).split("|")]
    case = next((letter for letter, word in _CASES.items() if parts[-1] == word), "")
    name = _SHORT.get(tuple(parts[:-1] if case else parts))
    return f"%{case}{name}" if name else match.group(0)
