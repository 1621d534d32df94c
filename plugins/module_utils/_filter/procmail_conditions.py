# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conditions of a rule in procmail's form: lines that start with ``*``. Pure.

procmail knows no headers, only regular expressions on the text of the mail, with folded lines joined: see procmailrc(5).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import SIZES, Condition, Rule

BLANK = "[ \t]*"
# Where a header is folded, its joined lines have one more than Sieve sees.
GAP = "[ \t]+"
# In the name that an address is shown with, and in a comment, there is no address, however it looks.
_QUOTED, _COMMENT = '"([^"\\\\]|\\\\.)*"', "[(]([^()\\\\]|\\\\.)*[)]"
# The text that can stand before and behind an address in a header.
BEFORE, BEHIND = f'(({_QUOTED}|{_COMMENT}|[^"(])*[<,:])?({BLANK}{_COMMENT})*{BLANK}', f"{BLANK}([>,;(].*)?$"
ONE_OF_ADDRESS = '[^] \t<>,;:@"()]'

# Characters with another meaning at the beginning of a condition.
_MEANS_MORE = re.compile(r"[!$?<>\\ \t]|\w+\s*\?\?")
# Of a regular expression, what is no sign of its own.
_TAKEN_LITERALLY = re.compile(r"\\.|\[\^?\]?[^]]*\]")

ANY = "POSTROOM_ANY"


def literal(text: str) -> str:
    """Return *text* as a regular expression that matches it alone."""
    escaped = re.sub(r"[.*+?()|$\[]", r"[\g<0>]", re.sub(r"[\\^\]]", r"\\\g<0>", text))
    # Blanks at the end of a line are cut off.
    return re.sub(r"^ | $", "[ ]", escaped)


def all_of(rule: Rule, flags: str) -> tuple[list[str], list[str]]:
    """Return the recipes that must come before the one of *rule*, and the lines of its conditions."""
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
    """Return whether alternative conditions cannot be joined into one regular expression."""
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
        return f"{condition.names[0]} ?? {_guarded(regexp)}" if condition.names else _guarded(regexp)
    if condition.kind == "body":
        return f"B ?? {_guarded(_one_of(value if condition.test == 'regex' else literal(value) for value in condition.values))}"
    names = _one_of(map(literal, condition.names))
    if condition.test == "exists":
        return f"^{names}:"
    value = _address if condition.kind == "address" else _header
    return _guarded(f"^{names}:{_one_of(value(condition, one) for one in condition.values)}")


def _guarded(regex: str) -> str:
    """Return *regex* without a special meaning for procmail, and without a continuation line."""
    return f"{'()' if _MEANS_MORE.match(regex) else ''}{regex}{'()' if regex.endswith(chr(92)) else ''}"


def _one_of(patterns: t.Iterable[str]) -> str:
    listed = list(patterns)
    return listed[0] if len(listed) == 1 else f"({'|'.join(listed)})"


def _in_header(text: str) -> str:
    return GAP.join(map(literal, re.split(r"[ \t]", text)))


def _glob(value: str, many: str = ".*", one: str = ".") -> str:
    """Translate ``*`` and ``?`` as in Sieve, where a backslash makes them literal (RFC 5228, 2.7.1)."""
    parts = re.findall(r"\\.|[*?]|[^*?\\]+|\\$", value)
    return "".join(many if part == "*" else one if part == "?" else _in_header(re.sub(r"^\\(?=.)", "", part)) for part in parts)


def _header(condition: Condition, value: str) -> str:
    if condition.test == "contains":
        return f".*{_in_header(value)}"
    if condition.test == "regex":
        return _regex(value)
    return f"{BLANK}{_glob(value) if condition.test == 'matches' else _in_header(value)}{BLANK}$"


def _regex(value: str) -> str:
    start, inner = (BLANK, value[1:]) if value.startswith("^") else (".*", value)
    words = [one[0] for one in re.finditer(rf"{_TAKEN_LITERALLY.pattern}|[ \t](?![*+?])|\$$|.", inner)]
    inner = "".join(GAP if word in (" ", "\t") else f"{BLANK}$" if word == "$" else word for word in words)
    return f"{start}({inner})" if "|" in inner else f"{start}{inner}"


def _address(condition: Condition, value: str) -> str:
    # Where all of it is compared, the sign that parts an address may be one of many.
    one = f"({ONE_OF_ADDRESS}|@)" if condition.part == "all" else ONE_OF_ADDRESS
    if condition.test == "contains":
        pattern = f"{one}*{literal(value)}{one}*"
    else:
        pattern = _glob(value, f"{one}*", one) if condition.test == "matches" else literal(value)
    if condition.part == "localpart":
        return f"{BEFORE}{pattern}@"
    if condition.part == "domain":
        return f"{BEFORE}({_QUOTED}|{ONE_OF_ADDRESS}+)@{pattern}{BEHIND}"
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
        if condition.kind == "body" and condition.test in ("is", "matches"):
            yield (
                f"{who} compares the whole body by {condition.test}, which procmail cannot; Sieve can (engine: sieve), or write contains"
                " for a part of it."
            )
        if condition.test in ("regex", "regexp"):
            # procmail says nothing of it, and matches nothing.
            yield from (
                f"{who} has the {condition.test} '{value}', whose [ is never closed: close it, or write \\[ for the sign itself."
                for value in condition.values
                if "[" in _TAKEN_LITERALLY.sub("x", value)
            )
        if condition.test == "regex" and condition.kind == "address":
            yield f"{who} has a regex for an address, which procmail cannot; Sieve can (engine: sieve), or write matches or header."
        elif condition.test == "regex":
            yield from (
                f"{who} has the regex '{value}'{wrong}" for value in condition.values for wrong in _wrong_with(value, condition.kind)
            )


def _wrong_with(regex: str, kind: str) -> t.Iterator[str]:
    """Tell where procmail reads an expression differently than Sieve, in words to follow the expression."""
    plain = _TAKEN_LITERALLY.sub("x", regex)
    if re.search(r"\[[:.=]", regex) or re.search(r"\{[\d,]", plain):
        yield ", and procmail knows no {n} and no [:class:]; Sieve does (engine: sieve)."
    elif re.search(r"\\[\w<>`']", regex):
        yield ", and procmail knows no backslash before a letter, a digit, < and >; Sieve does (engine: sieve)."
    elif kind == "body":
        if re.search(r"[$^]", plain):
            yield (
                " with a ^ or a $, which is about the body to Sieve and about a line to procmail: leave it out, or write regexp with"
                " 'variable: B' (engine: procmail)."
            )
    elif "^" in plain[1:] or "$" in plain[:-1] or (plain.startswith("^") and _has_alternatives(plain)):
        yield " with a ^ or a $ that is not about all of it: write its parts as a list."


def _has_alternatives(plain: str) -> bool:
    depth = 0
    for sign in plain:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and depth == 0:
            return True
    return False
