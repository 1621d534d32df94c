# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes of several roles, merged into one of each kind. Pure.

A wish is a call of one of the collection's modules that waits to be carried out: its name, its options, and the role that made it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import KINDS
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._plan.clashes import Claim, of_postfix, shown

Options = t.Mapping[str, t.Any]

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
# Options of a call that several roles can want differently, and what the one call then gets.
_JOINED: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "backup": lambda one, other: one or other,
    "open_relay": lambda one, other: one or other,
    "timeout": max,
    "coming_services": lambda one, other: list(dict.fromkeys([*one, *other])),
    "absent": lambda one, other: list(dict.fromkeys([*one, *other])),
}


class Contradiction(BadInput):
    """Two roles want different values of one thing."""


class Wish(t.NamedTuple):
    """One call that waits, with options that its module takes; *role* is who made it."""

    module: str
    options: Options
    role: str = ""


def merged(wishes: t.Iterable[Wish], specs: t.Mapping[str, Options] | None = None) -> list[Wish]:
    """One wish for each thing, in the order in which they are carried out. Raises `Contradiction`.

    *specs* are the argument specs of the modules, whose defaults count as if they had been given.
    """
    groups: dict[tuple[str, t.Any], list[Wish]] = {}
    everything: dict[tuple[str, t.Any], list[Wish]] = {}
    for wish in wishes:
        spec = (specs or {}).get(wish.module, {})
        one = _as_list(wish, spec)
        place = _place(one, spec)
        groups.setdefault((one.module, place), []).append(one)
        everything.setdefault((one.module, place[0]), []).append(one)
    for (module, _place_of), group in everything.items():
        if module in _LISTS:
            # Those that are carried out apart are about the same things, too.
            _items(group, *_LISTS[module])
            _see_that_none_goes(group)
    found = [_one(group, (specs or {}).get(module, {})) for (module, _place_of), group in groups.items()]
    found = [_with_services(wish, found) if wish.module == "postfix_config" else wish for wish in found]
    return sorted(found, key=lambda wish: KINDS.index(wish.module))


def _as_list(wish: Wish, spec: Options) -> Wish:
    """The wish with its list, where the module takes a single thing by itself, too; each item with its defaults."""
    option = _LISTS.get(wish.module, ("", ()))[0]
    if not option:
        return wish
    items = wish.options.get(option)
    options = {key: value for key, value in wish.options.items() if key in _OF_THE_CALL and value is not None}
    if items is None:
        item = {key: value for key, value in wish.options.items() if key not in (*_OF_THE_CALL, option)}
        items = [item] if item else []
    defaults = spec.get(option, {}).get("options", {})
    return wish._replace(options={**options, option: [_completed(item, defaults) for item in items]})


def _completed(options: Options, spec: Options) -> dict[str, t.Any]:
    """*options* with the defaults of *spec*, and without those that were given as nothing."""
    defaults = {name: option["default"] for name, option in spec.items() if option.get("default") is not None}
    return {**defaults, **{name: value for name, value in options.items() if value is not None}}


def _place(wish: Wish, spec: Options) -> tuple[t.Any, bool]:
    """Return the place that a call is about as a whole, and tell if it makes backups."""
    option = _PLACES.get(wish.module, "config_directory")
    place = wish.options.get(option)
    # A backup is one of all the files of a call, or of none.
    return spec.get(option, {}).get("default") if place is None else place, wish.module in _LISTS and bool(wish.options.get("backup"))


def _one(group: t.Sequence[Wish], spec: Options) -> Wish:
    first = group[0]
    if len(group) == 1:
        return first
    if first.module in _LISTS:
        option, keys = _LISTS[first.module]
        return first._replace(options={**_of_the_call(group, option), option: _items(group, option, keys)})
    if first.module == "postfix_config":
        return first._replace(options={**_of_the_call(group, "parameters"), "parameters": _parameters(group)})
    for other in group[1:]:
        if _completed(other.options, spec) != _completed(first.options, spec):
            raise Contradiction(f"{_both(first, other)} want {first.module}, each with other options: leave one of them out.")
    return first


def _items(group: t.Sequence[Wish], option: str, keys: tuple[str, ...]) -> list[t.Any]:
    found: dict[tuple[t.Any, ...], tuple[t.Any, Wish]] = {}
    items = []
    for wish in group:
        for item in wish.options[option]:
            name = tuple(item.get(key) for key in keys)
            present, former = found.setdefault(name, (item, wish))
            if former is wish:
                # What one task lists twice, the module refuses.
                items.append(item)
            elif present != item:
                raise Contradiction(
                    f"{_both(former, wish)} want different things of {'/'.join(map(str, name))} ({wish.module}):"
                    " take it out of the variables of one of them."
                )
    return items


def _see_that_none_goes(group: t.Sequence[Wish]) -> None:
    """Raise `Contradiction` when a file is wanted and not wanted."""
    present = {item.get("path"): wish for wish in group for item in wish.options.get("files", ())}
    for wish in group:
        for path in wish.options.get("absent", ()):
            if path in present:
                raise Contradiction(
                    f"{_both(present[path], wish)} want different things of {path} ({wish.module}), which one writes and the other takes"
                    " away: take it out of the variables of one of them."
                )


def _parameters(group: t.Sequence[Wish]) -> Options:
    found: dict[str, tuple[t.Any, Wish]] = {}
    for wish in group:
        for name, value in wish.options["parameters"].items():
            present, former = found.setdefault(name, (value, wish))
            one, other = of_postfix(name, present), of_postfix(name, value)
            if one.value != other.value:
                raise Contradiction(
                    f"{_both(former, wish)} want different values of the parameter {name}, {shown(one, other)}:"
                    " take it out of the variables of one of them."
                )
    return {name: value for name, (value, _wish) in found.items()}


def _of_the_call(group: t.Sequence[Wish], option: str) -> dict[str, t.Any]:
    """The other options of calls that become one."""
    found: dict[str, tuple[t.Any, Wish]] = {}
    for wish in group:
        for name, value in wish.options.items():
            if name == option or value is None:
                continue
            present, former = found.setdefault(name, (value, wish))
            if name in _JOINED:
                found[name] = (_JOINED[name](present, value), wish)
            elif present != value:
                one, other = (Claim(given, name) for given in (present, value))
                raise Contradiction(
                    f"{_both(former, wish)} want {wish.module} with different values of the option {name}, {shown(one, other)}:"
                    " take it out of one of them."
                )
    return {name: value for name, (value, _wish) in found.items()}


def _with_services(wish: Wish, wishes: t.Sequence[Wish]) -> Wish:
    """The services that the same change brings are there when a parameter needs them."""
    names = [
        item["name"]
        for other in wishes
        if other.module == "postfix_service"
        for item in other.options["services"]
        if item.get("state", "present") == "present" and item["type"] == "unix"
    ]
    coming = list(dict.fromkeys([*(wish.options.get("coming_services") or []), *names]))
    return wish._replace(options={**wish.options, "coming_services": coming}) if coming else wish


def _both(one: Wish, other: Wish) -> str:
    """The subject of a sentence about two wishes."""
    if one.role == other.role:
        return f"Two tasks of the role {one.role}" if one.role else "Two wishes of the task"
    return (
        f"The roles {one.role} and {other.role} both" if one.role and other.role else f"The role {one.role or other.role} and the task both"
    )
