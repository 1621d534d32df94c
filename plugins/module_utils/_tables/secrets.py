# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secret options of a lookup table, and whether these are text. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password

# The secret parameters of a client configuration; the rest may be shown.
SECRET_PARAMETERS = ("password", "bind_pw", "uri")


def problems(table: t.Mapping[str, t.Any]) -> list[str]:
    """Report each secret of *table* that YAML does not read as text."""
    parameters = table.get("parameters")
    secrets = [(f"parameter '{name}'", parameters.get(name)) for name in SECRET_PARAMETERS] if isinstance(parameters, t.Mapping) else []
    entries = table.get("entries") if table.get("secret") else None
    if isinstance(entries, t.Mapping):
        secrets += [(f"value of '{key}'", value) for key, value in entries.items()]
    elif isinstance(entries, (list, tuple)):
        given = (entry for entry in entries if isinstance(entry, t.Mapping))
        secrets += [(f"value of '{entry.get('key', entry.get('pattern'))}'", entry.get("value")) for entry in given]
    return [
        f"The {what} of the secret table {table.get('path')} {password.not_text(item)}."
        for what, value in secrets
        for item in (value if isinstance(value, (list, tuple)) else [value])
        if item is not None and password.not_text(item)
    ]
