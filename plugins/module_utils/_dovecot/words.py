# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words for all parts of the translation: variables in both ways of writing them, and the word for a thing that a language lacks."""

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


def long_variables(text: str) -> str:
    """Write ``%Ln`` as ``%{user|username|lower}``, which is how neutral settings and 2.4 have it; others stay as they are."""
    return re.sub(r"%%|%([LU]?)([undhs])", _long, text)


def short_variables(text: str) -> str:
    """The other way round, for 2.3."""
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
