# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Values that wait on the controller from one task to the next, in files that nobody else can read."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

from ansible import constants


def directory() -> str:
    """The one that Ansible makes for each run, and removes when the run ends."""
    return str(vars(constants)["DEFAULT_LOCAL_TMP"])


def read(path: str) -> t.Any:
    """The value in the file; None if there is no file."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def write(path: str, value: t.Any) -> None:
    with open(f"{path}.new", "w", encoding="utf-8", opener=private) as f:
        f.write(text(value))
    os.replace(f"{path}.new", path)


def write_fields(path: str, fields: t.Mapping[str, t.Any]) -> None:
    """Keep a dictionary, of which each value can be read by itself."""
    with open(f"{path}.new", "w", encoding="utf-8", opener=private) as f:
        f.writelines(f"{name}={text(value)}\n" for name, value in fields.items())
    os.replace(f"{path}.new", path)


def read_fields(path: str, only: str | None = None) -> dict[str, t.Any] | None:
    """The dictionary, or one value of it; None if there is no file."""
    try:
        with open(path, encoding="utf-8") as f:
            lines = (line.partition("=") for line in f)
            return {name: json.loads(value) for name, _equals, value in lines if only in (None, name)}
    except FileNotFoundError:
        return None


def text(value: t.Any) -> str:
    """*value* as JSON, on one line."""
    return json.dumps(value, default=_plain)


def private(path: str, flags: int) -> int:
    """An opener for a file that only its owner can read."""
    return os.open(path, flags, 0o600)


def _plain(value: t.Any) -> t.Any:
    """Give a value without a form in JSON as a module gets it from Ansible: a set as a list, a date as in ISO 8601, others as text."""
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
