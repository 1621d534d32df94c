# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes of several roles, merged into one of each kind. Pure.

A wish is a call of one of the collection's modules that waits to be carried out: its name, its options, and the role that made it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

Options = t.Mapping[str, t.Any]

# In this order they are carried out. The first ones make what the others need to be judged, and are not put back.
FIRST = ("mail_certificate", "mail_user")
KINDS = (
    *FIRST,
    "mail_file",
    "postmap",
    "postfix_config",
    "postfix_service",
    "dovecot_user",
    "dovecot_setting",
    "sasl_user",
    "sasl_provider",
    "fetchmail_config",
    "mail_filter",
    "mail_service",
)
# The option that holds a list, and what tells one of its items from the next.
_LISTS = {
    "mail_user": ("users", ("name",)),
    "mail_file": ("files", ("path",)),
    "postmap": ("tables", ("path",)),
    "postfix_service": ("services", ("name", "type")),
    "mail_service": ("services", ("name",)),
}
# What of the options is about the call and not about one of its things.
_OF_THE_CALL = ("config_directory", "backup", "unknown", "timeout", "absent")
# Of the others, what tells one call from another that has nothing to do with it.
_PLACES = {"dovecot_user": "path", "dovecot_setting": "path", "sasl_user": "database", "mail_certificate": "certificate"}


class Contradiction(BadInput):
    """Two roles want different values of one thing."""


class Wish(t.NamedTuple):
    """One call that waits; *role* is who made it."""

    module: str
    options: Options
    role: str = ""


def merged(wishes: t.Iterable[Wish]) -> list[Wish]:
    """One wish for each thing, in the order in which they are carried out. Raises `Contradiction`."""
    groups: dict[tuple[str, t.Any], list[Wish]] = {}
    for wish in map(_as_list, wishes):
        groups.setdefault((wish.module, _place(wish)), []).append(wish)
    found = [_one(group) for group in groups.values()]
    names = [item["name"] for wish in found if wish.module == "postfix_service" for item in wish.options["services"]]
    found = [_with_services(wish, names) if wish.module == "postfix_config" and names else wish for wish in found]
    return sorted(found, key=lambda wish: KINDS.index(wish.module))


def _as_list(wish: Wish) -> Wish:
    """The wish with its list, where the module takes a single thing by itself, too."""
    option = _LISTS.get(wish.module, ("", ()))[0]
    if not option or wish.options.get(option) is not None:
        return wish
    item = {key: value for key, value in wish.options.items() if key not in _OF_THE_CALL and key != option}
    of_the_call = {key: wish.options[key] for key in _OF_THE_CALL if key in wish.options}
    return wish._replace(options={**of_the_call, option: [item] if item else []})


def _place(wish: Wish) -> t.Any:
    if wish.module in _PLACES:
        return wish.options.get(_PLACES[wish.module])
    # A backup is one of all the files of a call, or of none.
    return wish.options.get("config_directory"), bool(wish.options.get("backup")) if wish.module in _LISTS else None


def _one(group: t.Sequence[Wish]) -> Wish:
    first = group[0]
    if len(group) == 1:
        return first
    if first.module in _LISTS:
        options = {**first.options, _LISTS[first.module][0]: _items(group, *_LISTS[first.module])}
        absent = [path for wish in group for path in wish.options.get("absent", ())]
        return first._replace(options={**options, "absent": absent} if absent else options)
    if first.module == "postfix_config":
        return first._replace(options=_parameters(group))
    for other in group[1:]:
        if other.options != first.options:
            raise Contradiction(
                f"The roles {first.role} and {other.role} both want {first.module}, each with other options: leave one of them out."
            )
    return first


def _items(group: t.Sequence[Wish], option: str, keys: tuple[str, ...]) -> list[t.Any]:
    found: dict[tuple[t.Any, ...], tuple[t.Any, str]] = {}
    for wish in group:
        for item in wish.options[option]:
            name = tuple(item.get(key) for key in keys)
            present, role = found.setdefault(name, (item, wish.role))
            if present != item:
                raise Contradiction(
                    f"The roles {role} and {wish.role} want different things of {'/'.join(map(str, name))} ({wish.module}):"
                    " take it out of the variables of one of them."
                )
    return [item for item, _role in found.values()]


def _parameters(group: t.Sequence[Wish]) -> Options:
    found: dict[str, tuple[t.Any, str]] = {}
    options: dict[str, t.Any] = {}
    for wish in group:
        for name, value in wish.options["parameters"].items():
            present, role = found.setdefault(name, (value, wish.role))
            if present != value:
                raise Contradiction(
                    f"The roles {role} and {wish.role} want different values of the parameter {name}: {present!r} and {value!r}."
                    " Take it out of the variables of one of them."
                )
        options.update({key: value for key, value in wish.options.items() if value or key not in options})
    return {**options, "parameters": {name: value for name, (value, _role) in found.items()}}


def _with_services(wish: Wish, names: t.Sequence[str]) -> Wish:
    """The services that the same change brings are there when a parameter needs them."""
    coming = [*wish.options.get("coming_services", []), *names]
    return wish._replace(options={**wish.options, "coming_services": list(dict.fromkeys(coming))})
