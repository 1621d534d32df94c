# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The type of a value in words of YAML. Ansible passes subclasses of its own, so neither ``type()`` nor a class name tells it."""

from __future__ import annotations

import datetime
import typing as t

# A boolean is a whole number to Python, so it comes before.
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a decimal number"),
    (str, "text"),
    (t.Mapping, "a dictionary"),
    ((list, tuple, set), "a list"),
    (datetime.date, "a date"),
)


def yaml_kind(value: t.Any) -> str:
    """Return the words for the type of *value*, for use behind "is"."""
    if value is None:
        return "empty"
    return next((words for types, words in _KINDS if isinstance(value, types)), "no value that YAML has")
