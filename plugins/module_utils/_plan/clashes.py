# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contradictions of two roles. Pure.

The part of the role postfix holds the values of postfix_parameters and postfix_services, and the others leave these out of theirs.
`_change.wishes`, which judges the tasks of a role once more, compares and shows values in the same way.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Options, Part
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import render

# Lists of things, and the options by which one is known.
_KEYS = {"accounts": ("name",), "virtual_users": ("name",), "tables": ("path",), "services": ("name", "type")}
# What these are called, and what holds where nothing is said.
_NOUNS = {"accounts": "account", "virtual_users": "virtual user", "tables": "table", "services": "service"}
_DEFAULTS = {"state": "present"}
_LONGEST = 100


class Claim(t.NamedTuple):
    """A value that one role wants something to have."""

    value: t.Any
    # What it is called, by which it can be a secret; None for what always is one.
    name: str | None = None

    @property
    def secret(self) -> bool:
        """Tell if messages must not show it. Asked only of two values that differ: a table can have ten thousand entries."""
        return self.name is None or _is_secret(self.name, self.value)


def clashes(parts: t.Mapping[str, Part]) -> t.Iterator[str]:
    """Give a sentence for each thing of which two roles want different values."""
    first: dict[str, tuple[str, Claim]] = {}
    # One role alone contradicts nobody, and a thousand users take time.
    shared = {field: noun for field, noun in _NOUNS.items() if sum(bool(getattr(part, field)) for part in parts.values()) > 1}
    for role, part in parts.items():
        # A role that contradicts itself is not for this to tell.
        for thing, claim in dict(reversed(list(_claims(part, shared)))).items():
            other, before = first.setdefault(thing, (role, claim))
            if before.value != claim.value:
                yield (
                    f"The roles {other} and {role} want different values of {thing}, {shown(before, claim)}:"
                    " change the variables of one of them."
                )


def _claims(part: Part, nouns: t.Mapping[str, str]) -> t.Iterator[tuple[str, Claim]]:
    for name, value in part.parameters.items():
        yield f"the parameter {name} of main.cf", of_postfix(name, value)
    for field, noun in nouns.items():
        for item in getattr(part, field):
            yield from _of_item(f"the {noun} {'/'.join(_key(item, _KEYS[field]))}", {**_DEFAULTS, **item}, _KEYS[field])
    yield from _of_settings(part.settings)
    for file in part.files:
        # Files of databases hold passwords.
        yield f"the file {file.path}", Claim((file.content, file.mode))
    for path in part.former_files:
        yield f"the file {path}", Claim(None)
    for single in (field.name for field in dataclasses.fields(part) if field.default is None):
        for option, value in (getattr(part, single) or {}).items():
            yield f"the option {option} of {single}", Claim(value, option)


def _key(item: Options, names: t.Sequence[str]) -> tuple[str, ...]:
    return tuple(str(item.get(name, "")) for name in names)


def _of_item(label: str, item: Options, key: t.Sequence[str]) -> t.Iterator[tuple[str, Claim]]:
    for option, value in item.items():
        if option == "overrides":
            for name, override in (value or {}).items():
                yield f"the parameter {name} of {label}", of_postfix(name, override)
        elif option not in key:
            in_secret = bool(item.get("secret")) and option in ("entries", "content")
            yield f"the option {option} of {label}", Claim(value, None if in_secret else option)


def of_postfix(name: str, value: t.Any) -> Claim:
    """Return the claim on a parameter by the value that Postfix reads; a value that it cannot read stands for itself."""
    try:
        return Claim(None if value is None else render(name, value), name)
    except BadInput:
        return Claim(value, name)  # The module names the mistake.


def _of_settings(settings: t.Mapping[str, t.Any], above: t.Sequence[str] = ()) -> t.Iterator[tuple[str, Claim]]:
    for name, value in settings.items():
        path = (*above, str(name))
        is_block = isinstance(value, t.Mapping)
        yield f"the setting {' > '.join(path)} of Dovecot", Claim("a block" if is_block else value, str(name))
        if is_block:
            yield from _of_settings(value, path)


def _is_secret(name: str, value: t.Any) -> bool:
    """Tell if the value holds a secret at any depth."""
    if isinstance(value, t.Mapping):
        return any(_is_secret(str(inner), item) for inner, item in value.items())
    if isinstance(value, (list, tuple)):
        return any(_is_secret(name, item) for item in value)
    return name == "password_hash" or secrets.is_secret(name, value)


def shown(one: Claim, other: Claim) -> str:
    """Return both values for a message, or words that stand for them if one is secret."""
    if one.secret or other.secret:
        return "which are not shown"
    return f"{_short(one.value)} and {_short(other.value)}"


def _short(value: t.Any) -> str:
    if isinstance(value, str):
        return f"'{value}'" if len(value) < _LONGEST - 1 else f"'{value[: _LONGEST - 1]}...'"
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
