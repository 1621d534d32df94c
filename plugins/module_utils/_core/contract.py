# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Check values of an inventory against the contracts of the roles, their argument specifications. Pure.

Ansible converts only a copy when it validates them, and filters see the values as they were written: in the text
``10.1.0.0/16`` where a list belongs a filter would see eleven items. So a value of another type than the promised one is refused.
"""

from __future__ import annotations

import re
import typing as t

Option = t.Mapping[str, t.Any]

# Most of what an inventory has, and nothing in it to look into. Ten thousand users are as many dictionaries: to ask for these by their own
# type takes a fifth of the time that typing's takes.
_SINGLE = (str, int, float, type(None))
_MAPPING = (dict, t.Mapping)

_WANTED = {
    "list": "a list: write it as [...], also around one item",
    "dict": "a dictionary: write it as {name: value}",
    "bool": "true or false: write it without quotes, and on the command line as -e '{\"%s\": true}'",
    "int": "a whole number",
}
# Postfix takes a list as text, too. Inside of other values there are none of its lists.
_OF_POSTFIX = re.compile(r"(postfix|relay_policy)_\w+|mail_networks")
_TEXTS = ("str", "path")
_EMPTY = {"list": "write [] where there is none", "dict": "write {} where there is none"}


def problems(values: t.Mapping[str, t.Any], contracts: t.Mapping[str, Option]) -> list[str]:
    """Report those of *values* that break the *contracts*, which are options by the name of the variable."""
    found: list[str] = []
    for name, value in values.items():
        found += _problems(name, value, contracts[name])
        found += (
            f"{name} has the key '{key}', and Ansible fills in no variables there: write the whole dictionary as a template, as in"
            " \"{{ {'info@' ~ mail_domain: 'alice'} }}\"."
            for key in _templates(value)
        )
    return found


def as_promised(name: str, value: t.Any, option: Option) -> t.Any:
    """*value* of the variable *name*, in which nothing is wrong, of the type that its contract promises."""
    return [word for word in re.split(r"[,\s]+", value) if word] if _is_list_of_postfix(name, value, option) else value


def _is_list_of_postfix(name: str, value: t.Any, option: Option) -> bool:
    is_list = option.get("type") == "list" and option.get("elements") == "str"
    return is_list and isinstance(value, str) and _OF_POSTFIX.fullmatch(name) is not None


def _problems(name: str, value: t.Any, option: Option) -> t.Iterator[str]:
    kind, value = option.get("type", "str"), as_promised(name, value, option)
    if value is None and kind in _WANTED:
        yield f"{name} is empty: {_EMPTY.get(kind, 'give it a value')}, or leave it out."
    elif value is not None and not _fits(value, kind):
        wanted = _WANTED.get(kind, "one text")
        yield f"{name} is {_kind(value)}, and must be {wanted % name.partition('[')[0] if '%s' in wanted else wanted}."
    elif kind == "list" and value is not None:
        inner = {**option, "type": option.get("elements", "raw")}
        is_right = _quickly(inner)
        for number, item in enumerate(value):
            if not is_right(item):
                yield from _item(f"{name}[{number}]", item, inner)
    elif kind == "dict" and "options" in option:
        yield from _members(name, value, option["options"])
    elif value is not None and "choices" in option and str(value) not in map(str, option["choices"]):
        yield f"The value of {name} must be one of {', '.join(map(str, option['choices']))}; it is '{value}'."


def _quickly(option: Option) -> t.Callable[[t.Any], bool]:
    """Return a quick test of an item: what passes it breaks nothing, what fails it has to be looked at."""
    if option["type"] in _TEXTS and "choices" not in option:
        return lambda item: isinstance(item, str)
    if option["type"] != "dict" or "options" not in option:
        return lambda _item: False
    required = {key for key, inner in option["options"].items() if inner.get("required")}
    texts = {key for key, inner in option["options"].items() if inner.get("type", "str") in _TEXTS and "choices" not in inner}

    def is_right(item: t.Any) -> bool:
        return isinstance(item, dict) and required <= item.keys() <= texts and all(isinstance(value, str) for value in item.values())

    return is_right


def _item(name: str, item: t.Any, option: Option) -> t.Iterator[str]:
    if item is None and option["type"] != "raw":
        yield f"{name} is empty: leave the item out."
    else:
        yield from _problems(name, item, option)


def _members(name: str, value: t.Mapping[str, t.Any], options: t.Mapping[str, Option]) -> t.Iterator[str]:
    for key in value:
        if str(key) not in options:
            yield f"{name} has '{key}', which is none of {', '.join(options)}: correct the name."
    for key, option in options.items():
        if value.get(key) is not None:
            yield from _problems(f"{name}.{key}", value[key], option)
        elif option.get("required"):
            yield f"{name} has no {key}: add it."


def _fits(value: t.Any, kind: str) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if kind == "list":
        return isinstance(value, (list, tuple))
    if kind == "dict":
        return isinstance(value, t.Mapping)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return is_number or (isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]+\s*", value) is not None)
    return kind == "raw" or not isinstance(value, (list, tuple, t.Mapping))


def _kind(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a dictionary" if isinstance(value, t.Mapping) else "a number"


def _templates(value: t.Any) -> t.Iterator[str]:
    """Yield the keys of dictionaries, at any depth, that look like templates."""
    if isinstance(value, _SINGLE):
        return
    if isinstance(value, _MAPPING):
        for key, inner in value.items():
            if isinstance(key, str) and "{{" in key and "}}" in key:
                yield key
            if not isinstance(inner, _SINGLE):
                yield from _templates(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _templates(item)
