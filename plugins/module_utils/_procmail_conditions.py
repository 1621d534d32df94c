# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The conditions of a rule as procmail has them: lines that start with ``*``. Pure.

procmail knows no headers, only regular expressions on the text of the mail, with folded lines joined: see procmailrc(5).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._filter_rules import SIZES, Condition, Rule

BLANK = "[ \t]*"
# What may stand before and behind an address in a header.
BEFORE, BEHIND = f"(.*[<,:])?{BLANK}", f"{BLANK}([>,;(].*)?$"
ONE_OF_ADDRESS = '[^] \t<>,;:@"]'

ANY = "POSTROOM_ANY"


def literal(text: str) -> str:
    """*text* as a regular expression that matches it alone."""
    escaped = re.sub(r"[.*+?()|$\[]", r"[\g<0>]", re.sub(r"[\\^\]]", r"\\\g<0>", text))
    # Blanks at the end of a line are cut off.
    return re.sub(r"^ | $", "[ ]", escaped)


def all_of(rule: Rule, flags: str) -> tuple[list[str], list[str]]:
    """The recipes that must come before the one of *rule*, and the lines of its conditions."""
    lines = [f"* {line(condition)}" for condition in rule.every]
    if not rule.some:
        return [], lines
    if len(rule.some) == 1:
        return [], [*lines, f"* {line(rule.some[0])}"]
    if not needs_helper(rule):
        return [], [*lines, f"* ({'|'.join(line(condition) for condition in rule.some)})"]
    start = f":0{' ' if flags else ''}{flags}"
    helper = [f"{ANY}=no"]
    for condition in rule.some:
        helper += [start, f"* {line(condition)}", f"{{ {ANY}=yes }}"]
    return helper, [*lines, f"* {ANY} ?? yes"]


def needs_helper(rule: Rule) -> bool:
    """Whether several conditions of which one is enough are no single regular expression."""
    return len(rule.some) > 1 and not all(one.kind in ("header", "address") and not one.negated for one in rule.some)


def line(condition: Condition) -> str:
    return f"{'! ' if condition.negated else ''}{_positive(condition)}"


def _positive(condition: Condition) -> str:
    if condition.kind in SIZES:
        return f"{'>' if condition.kind == 'larger' else '<'} {condition.size}"
    if condition.kind == "program":
        return f"? {condition.values[0]}"
    if condition.kind == "regexp":
        regexp = condition.values[0]
        if condition.names:
            return f"{condition.names[0]} ?? {regexp}"
        # What would mean something else at the beginning.
        return f"(){regexp}" if re.match(r"[!$?<>\\]|\w+\s*\?\?", regexp) else regexp
    if condition.kind == "body":
        return f"B ?? {_one_of(_search(condition.test, value) for value in condition.values)}"
    names = _one_of(map(literal, condition.names))
    if condition.test == "exists":
        return f"^{names}:"
    value = _address if condition.kind == "address" else _header
    return f"^{names}:{_one_of(value(condition, one) for one in condition.values)}"


def _one_of(patterns: t.Iterable[str]) -> str:
    listed = list(patterns)
    return listed[0] if len(listed) == 1 else f"({'|'.join(listed)})"


def _search(test: str, value: str) -> str:
    return value if test == "regex" else _glob(value) if test == "matches" else literal(value)


def _glob(value: str, many: str = ".*", one: str = ".") -> str:
    """``*`` and ``?`` as in Sieve, where a backslash takes their meaning away (RFC 5228, 2.7.1)."""
    parts = re.findall(r"\\.|[*?]|[^*?\\]+|\\$", value)
    return "".join(many if part == "*" else one if part == "?" else literal(re.sub(r"^\\(?=.)", "", part)) for part in parts)


def _header(condition: Condition, value: str) -> str:
    if condition.test == "contains":
        return f".*{literal(value)}"
    if condition.test == "regex":
        return f"{BLANK}{_grouped(value[1:])}" if value.startswith("^") else f".*{_grouped(value)}"
    return f"{BLANK}{_glob(value) if condition.test == 'matches' else literal(value)}{BLANK}$"


def _grouped(regex: str) -> str:
    return f"({regex})" if "|" in regex else regex


def _address(condition: Condition, value: str) -> str:
    if condition.test in ("contains", "regex"):
        return _header(condition, value)
    pattern = _glob(value, f"{ONE_OF_ADDRESS}*", ONE_OF_ADDRESS) if condition.test == "matches" else literal(value)
    if condition.part == "localpart":
        return f"{BEFORE}{pattern}@"
    if condition.part == "domain":
        return f".*@{pattern}{BEHIND}"
    if condition.test == "matches":
        # Here the sign that parts an address may be one of many.
        pattern = _glob(value, f"({ONE_OF_ADDRESS}|@)*", f"({ONE_OF_ADDRESS}|@)")
    return f"{BEFORE}{pattern}{BEHIND}"


# What procmail cannot -----------------------------------------------------------------------------------------------


def problems(rule: Rule, who: str) -> t.Iterator[str]:
    for condition in (*rule.every, *rule.some):
        if condition.kind == "envelope":
            yield f"{who} looks at the envelope, which procmail does not see; Sieve does (engine: sieve)."
        if condition.kind == "body" and "text" in condition.names:
            yield f"{who} looks at the text of the body, which procmail cannot decode; Sieve can (engine: sieve), or look at it raw."
        if condition.kind in ("header", "address") and not all(value.isascii() for value in condition.values):
            yield f"{who} looks for more than ASCII in a header, which procmail cannot decode; Sieve can (engine: sieve)."
        if condition.test == "regex":
            for value in condition.values:
                if re.search(r"\{\d|\[\[:", value):
                    yield f"{who} has the regex '{value}', and procmail knows no {{n}} and no [:class:]; Sieve does (engine: sieve)."
                elif condition.kind != "body" and "^" in re.sub(r"\[\^|\\\^", "", value[1:]):
                    yield f"{who} has the regex '{value}' with a ^ that is not at its beginning: write its parts as a list."
                elif condition.kind == "address" and condition.part != "all":
                    yield f"{who} has a regex for a part of an address, which procmail cannot; Sieve can (engine: sieve)."
        if condition.test == "contains" and condition.part != "all":
            yield f"{who} has a contains for a part of an address, which procmail cannot; Sieve can (engine: sieve), or write is."
