# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a Sieve script from rules. Pure.

Sources: RFC 5228 (Sieve), and for the extensions that a script must require, RFC 3894 (copy), 5173 (body), 5230 (vacation), 5232
(imap4flags), 5429 (reject), 5490 (mailbox) and draft-murchison-sieve-regex.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import Condition, Rule, Vacation

INDENT = "    "

# What procmail's rules, and Dovecot, write into a mail that they forward: what comes back with one's own address there is kept.
FORWARDED = ("X-Loop", "X-Sieve-Redirected-From")
OWN = "own"
# Who was answered once is not answered by a second rule of the same script, which would be an error (RFC 5230, 4.7).
ANSWERED = "answered"
# With variables, "${" begins one; this one is the sign itself.
DOLLAR = "dollar"


class Writer:
    """Writes the commands of one script, and collects their extensions; *own* is the user's address, None for a common script."""

    def __init__(self, own: str | None) -> None:
        self._own = own
        self._needed: set[str] = set()
        self._asks_whose = self._answers_once = False

    def script(self, rules: t.Sequence[Rule]) -> str:
        every = [rule for top in rules for rule in top.nested()]
        self._asks_whose = self._own is None and any(rule.fate == "forward" for rule in every)
        self._answers_once = sum(bool(rule.vacation) for rule in every) > 1
        if self._asks_whose:
            self._needed.add("envelope")
        if self._asks_whose or self._answers_once:
            self._needed.add("variables")
        lines = [line for rule in rules for line in self.rule(rule)]
        head = [f"require [{', '.join(map(quote, sorted(self._needed)))}];"] if self._needed else []
        if any(f"${{{DOLLAR}}}" in line for line in lines):
            head.append(f'set "{DOLLAR}" "$";')
        if self._asks_whose:
            head.append(f'if envelope :matches "to" "*" {{ set "{OWN}" "${{1}}"; }}')
        return managed.HEADER + "\n".join([*head, *lines]) + "\n"

    def rule(self, rule: Rule) -> list[str]:
        tests = [self._test(condition) for condition in rule.every]
        some = [self._test(condition) for condition in rule.some]
        if some:
            tests.append(some[0] if len(some) == 1 else f"anyof ({', '.join(some)})")
        if rule.fate == "forward":
            tests.append(f"not header :is {self._list(FORWARDED)} {self._whose()}")
        test = tests[0] if len(tests) == 1 else f"allof ({', '.join(tests)})" if tests else "true"
        inside = [f"{INDENT}{line}" if line else "" for line in self._commands(rule)]
        return ["", managed.comment(rule.name), f"if {test} {{", *inside, "}"]

    def _whose(self) -> str:
        if self._own is not None:
            return self._quote(self._own)
        return quote(f"${{{OWN}}}")

    def _quote(self, text: str) -> str:
        return quote(text.replace("${", f"${{{DOLLAR}}}{{") if "variables" in self._needed else text)

    def _list(self, texts: t.Sequence[str]) -> str:
        return self._quote(texts[0]) if len(texts) == 1 else f"[{', '.join(map(self._quote, texts))}]"

    def _commands(self, rule: Rule) -> t.Iterator[str]:
        if rule.flag:
            self._needed.add("imap4flags")
            yield f"addflag {self._list(rule.flag)};"
        if rule.vacation:
            self._needed.add("vacation")
            answer = self._vacation(rule.vacation)
            yield f'if not string "${{{ANSWERED}}}" "yes" {{ set "{ANSWERED}" "yes"; {answer} }}' if self._answers_once else answer
        copy = ":copy " if rule.copy else ""
        if copy:
            self._needed.add("copy")
        if rule.fate == "folder":
            self._needed |= {"fileinto", "mailbox"}
            yield f"fileinto :create {copy}{self._quote(rule.folder)};"
        elif rule.fate == "forward":
            yield from (f"redirect {copy}{self._quote(address)};" for address in rule.forward)
        elif rule.fate == "reject":
            self._needed.add("reject")
            yield f"reject {self._quote(rule.reject)};"
        elif rule.fate == "discard":
            yield "discard;"
        elif rule.fate == "rules":
            yield from [line for one in rule.rules for line in self.rule(one)][1:]
        if rule.fate not in (None, "rules") and not rule.copy:
            yield "stop;"

    def _vacation(self, vacation: Vacation) -> str:
        words = ["vacation"]
        if vacation.days is not None:
            words.append(f":days {vacation.days}")
        if vacation.subject is not None:
            words.append(f":subject {self._quote(vacation.subject)}")
        if vacation.addresses:
            words.append(f":addresses {self._list(vacation.addresses)}")
        return f"{' '.join([*words, self._quote(vacation.text)])};"

    def _test(self, condition: Condition) -> str:
        return f"{'not ' if condition.negated else ''}{self._positive(condition)}"

    def _positive(self, condition: Condition) -> str:
        if condition.kind in ("larger", "smaller"):
            return f"size :{'over' if condition.kind == 'larger' else 'under'} {condition.size}"
        if condition.test == "exists":
            # All of several must be there for Sieve, and one of them for a rule.
            each = [f"exists {self._quote(name)}" for name in condition.names]
            return each[0] if len(each) == 1 else f"anyof ({', '.join(each)})"
        if condition.test == "regex":
            self._needed.add("regex")
        if condition.kind == "body":
            self._needed.add("body")
            each = [f"body :{name} :{condition.test} {self._list(condition.values)}" for name in condition.names]
            return each[0] if len(each) == 1 else f"anyof ({', '.join(each)})"
        if condition.kind == "envelope":
            self._needed.add("envelope")
        part = f":{condition.part} " if condition.part != "all" else ""
        return f"{condition.kind} {part}:{condition.test} {self._list(condition.names)} {self._list(condition.values)}"


def quote(text: str) -> str:
    """Return *text* as a string of Sieve (RFC 5228, 2.4.2)."""
    return '"' + re.sub(r'["\\]', r"\\\g<0>", text) + '"'


def redirects(rules: t.Sequence[Rule]) -> int:
    """Return the most addresses to which *rules* forward one mail."""
    return sum(len(rule.forward) for top in rules for rule in top.nested())


def problems(rules: t.Sequence[Rule], separator: str, of: str) -> list[str]:
    """Report each part of *rules* that Sieve does not support."""
    return [sentence for top in rules for rule in top.nested() for sentence in _problems_of(rule, separator, f"The rule {rule.name} {of}")]


def _problems_of(rule: Rule, separator: str, who: str) -> t.Iterator[str]:
    if rule.fate == "pipe":
        yield f"{who} has a pipe, and Sieve starts no programs; procmail does (engine: procmail)."
    if rule.recipe_flags:
        yield f"{who} has recipe_flags, which only procmail has (engine: procmail)."
    if rule.lock is not None:
        yield f"{who} has a lock, which Dovecot sees to itself; only procmail needs to be told (engine: procmail)."
    if rule.copy and rule.fate == "rules":
        yield f"{who} has copy for the rules inside; Sieve takes it for each of these alone, and procmail for all (engine: procmail)."
    if rule.fate == "folder" and separator == "." and "/" in rule.folder:
        yield f"{who} has the folder '{rule.folder}', which has a '/': in a Maildir, levels are parted by '.'."
    for condition in (*rule.every, *rule.some):
        if condition.kind == "program":
            yield f"{who} asks a program, and Sieve starts none; procmail does (engine: procmail)."
        if condition.kind == "regexp":
            yield f"{who} has a regexp on the text of the mail, which only procmail has (engine: procmail): write header and regex."
