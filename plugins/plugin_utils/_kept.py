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


def read_field(path: str, name: str) -> t.Any:
    """One value of the dictionary in the file, without a look at the others. Raises `LookupError`."""
    begin = f"{json.dumps(name)}: "
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith(begin):
                    return json.loads(line[len(begin) :].rstrip("\n").rstrip(","))
    except FileNotFoundError:
        pass
    raise LookupError(name)


def write(path: str, value: t.Mapping[str, t.Any]) -> None:
    """Keep a dictionary: as JSON, with a line for each key."""
    with open(f"{path}.new", "w", encoding="utf-8", opener=private) as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(key)}: {text(inner)}" for key, inner in value.items()) + "\n}\n")
    os.replace(f"{path}.new", path)


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
