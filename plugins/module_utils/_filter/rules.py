# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that sort mail, in the common form for both engines. Pure.

This module finds the problems that a rule has with either engine; ``procmailrc`` and ``sieve`` find those with one of them.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

SIEVE, PROCMAIL = "sieve", "procmail"
ENGINES = (SIEVE, PROCMAIL)

# The parts of a mail that a condition looks at; and its comparisons.
TEXTS = ("header", "address", "envelope", "body")
SIZES = ("larger", "smaller")
OTHERS = ("regexp", "program")
TESTS = ("is", "contains", "matches", "regex", "exists")
PARTS = ("all", "localpart", "domain")
BODIES = ("text", "raw")
ENVELOPES = ("from", "to")

# The action on the mail: one of these, and beside it perhaps a flag.
FATES = ("folder", "forward", "discard", "reject", "pipe", "rules")
RULE_KEYS = ("name", "match", "match_any", "copy", "flag", "vacation", "recipe_flags", "lock", *FATES)
VACATION_KEYS = ("text", "subject", "addresses", "days")

# As IMAP names them (RFC 3501, 2.3.2); in a Maildir each is a letter.
SYSTEM_FLAGS = {"\\answered": "R", "\\deleted": "T", "\\draft": "D", "\\flagged": "F", "\\seen": "S"}
_KEYWORD = re.compile(r'[^\x00-\x20\x7f-\uffff(){%*"\\\]]+')
_HEADER = re.compile(r"[!-9;-~]+")
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]\x00-\x1f]+@[^\s@<>(),;:\\\"\x00-\x1f]+")
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_HALF = re.compile("[\ud800-\udfff]")
# A depth that both engines follow with room to spare, unlike a list that contains itself.
DEEPEST = 10
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def spelled(flag: str) -> str:
    """Return a system's flag as IMAP spells it, and any other word unchanged."""
    return "\\" + flag[1:].capitalize() if flag.lower() in SYSTEM_FLAGS else flag


class BadRule(BadInput):
    """A rule is invalid for both engines, or for the engine of its user."""


class Condition(t.NamedTuple):
    """One condition: *values* are alternatives, and one of them is enough."""

    kind: str
    names: tuple[str, ...]
    test: str
    values: tuple[str, ...]
    part: str = "all"
    size: int = 0
    negated: bool = False


class Vacation(t.NamedTuple):
    text: str
    subject: str | None = None
    addresses: tuple[str, ...] = ()
    days: int | None = None


class Rule(t.NamedTuple):
    name: str
    every: tuple[Condition, ...] = ()
    some: tuple[Condition, ...] = ()
    fate: str | None = None
    folder: str = ""
    forward: tuple[str, ...] = ()
    reject: str = ""
    pipe: str = ""
    rules: tuple[Rule, ...] = ()
    copy: bool = False
    flag: tuple[str, ...] = ()
    vacation: Vacation | None = None
    recipe_flags: str = ""
    lock: bool | str | None = None

    def nested(self) -> t.Iterator[Rule]:
        """Yield this rule and all inside it."""
        yield self
        for rule in self.rules:
            yield from rule.nested()


def parse(given: t.Any, of: str, depth: int = 1) -> tuple[list[Rule], list[str]]:
    """Return the rules, and report each problem with the others; *of* names their owner."""
    if not isinstance(given, list):
        return [], [f"The rules {of} must be a list."]
    rules: list[Rule] = []
    problems: list[str] = []
    for number, options in enumerate(given, 1):
        try:
            rules.append(_rule(options, number, of, depth))
        except BadRule as e:
            problems.append(str(e))
    return rules, problems


def _rule(options: t.Any, number: int, of: str, depth: int) -> Rule:
    name = str(options.get("name") or number) if isinstance(options, dict) else str(number)
    who = f"The rule {name} {of}"
    if not isinstance(options, dict):
        raise BadRule(f"{who} must be a dictionary of conditions and an action.")
    if depth > DEEPEST:
        raise BadRule(f"{who} is inside more than {DEEPEST} others.")
    if _HALF.search(name):
        raise BadRule(f"{who!r} has an incomplete character in its name.")
    if _CONTROL.search(name):
        raise BadRule(f"{who!r} has a line break or another control character in its name.")
    for key in options:
        if key not in RULE_KEYS:
            raise BadRule(f"{who} has '{key}', which is not known; a rule has {', '.join(RULE_KEYS)}.")
    fates = [key for key in FATES if options.get(key) not in (None, False)]
    if len(fates) > 1:
        raise BadRule(f"{who} has {' and '.join(fates)}; a rule can have only one of these: write two rules, the first of them with copy.")
    vacation, flag = options.get("vacation"), _texts(options.get("flag"), f"{who} has a flag that")
    if not fates and not flag and not vacation:
        raise BadRule(f"{who} does not say what to do with the mail: write one of {', '.join(FATES)}, flag or vacation.")
    fate = fates[0] if fates else None
    copy = _flag(options.get("copy", False), f"{who} has a copy that")
    if copy and fate in (None, "discard", "reject"):
        raise BadRule(f"{who} has copy, which goes with folder, forward, pipe or rules.")
    if flag and fate not in (None, "folder"):
        raise BadRule(f"{who} has a flag beside {fate}; only what is kept on this host can have one: let it go with a folder or alone.")
    rule = Rule(
        name=name,
        every=_conditions(options.get("match"), who),
        some=_conditions(options.get("match_any"), who),
        fate=fate,
        folder=_folder(options["folder"], who) if fate == "folder" else "",
        forward=_addresses(options["forward"], who) if fate == "forward" else (),
        reject=_text(options["reject"], f"{who} has a reject that", lines=True) if fate == "reject" else "",
        pipe=_text(options["pipe"], f"{who} has a pipe that") if fate == "pipe" else "",
        rules=_nested(options["rules"], name, of, depth) if fate == "rules" else (),
        copy=copy,
        flag=tuple(_imap_flag(one, who) for one in flag),
        vacation=_vacation(vacation, who) if vacation else None,
        recipe_flags=_text(options.get("recipe_flags") or "", f"{who} has recipe_flags that", empty=True).replace(" ", ""),
        lock=_lock(options.get("lock"), who),
    )
    if fate == "discard":
        _flag(options["discard"], f"{who} has a discard that")
    return rule


def _nested(given: t.Any, name: str, of: str, depth: int) -> tuple[Rule, ...]:
    rules, problems = parse(given, f"inside {name} {of}", depth + 1)
    if problems:
        raise BadRule(" ".join(problems))
    if not rules:
        raise BadRule(f"The rule {name} {of} has no rules inside: write some, or remove it.")
    return tuple(rules)


# Conditions --------------------------------------------------------------------------------------------------------


def _conditions(given: t.Any, who: str) -> tuple[Condition, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not given:
        raise BadRule(f"{who} has conditions that are no list; without any, leave match out, and it is for every mail.")
    return tuple(_condition(one, who) for one in given)


def _condition(given: t.Any, who: str) -> Condition:
    if not isinstance(given, dict):
        raise BadRule(f"{who} has the condition {given!r}, which is no dictionary such as {{header: subject, contains: offer}}.")
    kinds = [key for key in (*TEXTS, *SIZES, *OTHERS) if key in given]
    if len(kinds) != 1:
        raise BadRule(f"{who} has the condition {given}, which must look at exactly one of {', '.join((*TEXTS, *SIZES, *OTHERS))}.")
    kind = kinds[0]
    negated = _flag(given.get("not", False), f"{who} has a 'not' that")
    known = {kind, "not", *({"variable"} if kind == "regexp" else TESTS if kind in TEXTS else ())}
    if kind in ("address", "envelope"):
        known.add("part")
    for key in given:
        if key not in known:
            raise BadRule(f"{who} has '{key}' in a condition with {kind}, where it means nothing.")
    if kind in SIZES:
        return Condition(kind, (), kind, (), size=_size(given[kind], who), negated=negated)
    if kind == "program":
        return Condition(kind, (), kind, (_text(given[kind], f"{who} has a program that"),), negated=negated)
    if kind == "regexp":
        variable = _text(given.get("variable", "H"), f"{who} has a variable that")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            raise BadRule(f"{who} has the variable '{variable}', which is no name of one.")
        names = (variable,) if "variable" in given else ()
        return Condition(kind, names, kind, (_text(given[kind], f"{who} has a regexp that"),), negated=negated)
    return _text_condition(kind, given, who, negated)


def _text_condition(kind: str, given: t.Mapping[str, t.Any], who: str, negated: bool) -> Condition:
    names = _texts(given[kind], f"{who} has a {kind} that")
    choices = {"envelope": ENVELOPES, "body": BODIES}.get(kind)
    for name in names:
        if choices and name not in choices:
            raise BadRule(f"{who} has the {kind} '{name}'; write {' or '.join(choices)}.")
        if not choices and not _HEADER.fullmatch(name):
            raise BadRule(f"{who} looks at the header '{name}', which is no name of one: write it without the colon.")
    tests = [test for test in TESTS if test in given]
    if not names or len(tests) != 1:
        raise BadRule(f"{who} has a condition with {kind} that needs exactly one of {', '.join(TESTS)}.")
    test = tests[0]
    part = given.get("part", "all")
    if part not in PARTS:
        raise BadRule(f"{who} has the part '{part}'; write one of {', '.join(PARTS)}.")
    if test == "exists":
        if kind != "header" or given[test] is not True:
            raise BadRule(f"{who} has an 'exists' that is not 'true' beside a header; for one that is not there, write not: true.")
        return Condition(kind, names, test, (), negated=negated)
    values = _texts(given[test], f"{who} has a {test} that")
    if not values or (test != "is" and not all(values)):
        raise BadRule(f"{who} has an empty {test}, which every mail has.")
    return Condition(kind, names, test, values, part, negated=negated)


def _size(given: t.Any, who: str) -> int:
    """Return bytes; K, M and G are powers of 1024, as in Sieve (RFC 5228, 2.4.1)."""
    match = re.fullmatch(r"([0-9]{1,15})\s*([KMG]?)", str(given).strip().upper())
    if not match or isinstance(given, bool):
        raise BadRule(f"{who} has the size '{given}': write bytes, or a number with K, M or G, such as 500K.")
    return int(match[1]) * _UNITS[match[2]]


# Values ------------------------------------------------------------------------------------------------------------


def _text(given: t.Any, what: str, *, lines: bool = False, empty: bool = False) -> str:
    if not isinstance(given, (str, int, float)) or isinstance(given, bool):
        raise BadRule(f"{what} is no text.")
    text = str(given)
    if not text.strip() and not empty:
        raise BadRule(f"{what} is empty.")
    if _CONTROL.search(text.replace("\n", "") if lines else text):
        raise BadRule(f"{what} has {'a' if lines else 'a line break or another'} control character in it.")
    if _HALF.search(text):
        raise BadRule(f"{what} has an incomplete character in it.")
    return text


def _texts(given: t.Any, what: str) -> tuple[str, ...]:
    """Return one text, or a list of them, as a tuple."""
    listed = [] if given is None else given if isinstance(given, list) else [given]
    return tuple(_text(one, what, empty=True) for one in listed)


def _flag(given: t.Any, what: str) -> bool:
    if not isinstance(given, bool):
        raise BadRule(f"{what} is neither true nor false.")
    return given


def _folder(given: t.Any, who: str) -> str:
    folder = _text(given, f"{who} has a folder that")
    parts = re.split(r"[/.]", folder)
    if folder.startswith(("/", "~", "$")) or ".." in folder or not all(part.strip() for part in parts) or "\t" in folder:
        raise BadRule(
            f"{who} has the folder '{folder}', which climbs out of the mailbox or has a level without a name: write it as mail programs"
            " show it, such as Lists.postfix."
        )
    return folder


def _addresses(given: t.Any, who: str, does: str = "forwards to") -> tuple[str, ...]:
    addresses = _texts(given, f"{who} {does} what")
    for address in addresses:
        if not _ADDRESS.fullmatch(address) or address.startswith("-") or not address.isascii():
            raise BadRule(f"{who} {does} '{address}', which is no address such as bob@example.org.")
    if not addresses:
        raise BadRule(f"{who} forwards to nobody: write an address.")
    return addresses


def _imap_flag(flag: str, who: str) -> str:
    if flag.startswith("\\"):
        if flag.lower() not in SYSTEM_FLAGS:
            names = ", ".join(name.title() for name in SYSTEM_FLAGS)
            raise BadRule(f"{who} has the flag '{flag}', which IMAP does not know: there are {names}, and words of your own without \\.")
        return spelled(flag)
    if not _KEYWORD.fullmatch(flag):
        raise BadRule(f"{who} has the flag '{flag}', which is no word of letters, digits and signs such as $ or -.")
    return flag


def _lock(given: t.Any, who: str) -> bool | str | None:
    if given is None or isinstance(given, bool):
        return given
    lock = _text(given, f"{who} has a lock that")
    if not re.fullmatch(r"[A-Za-z0-9_.$/{}-]+", lock) or ".." in lock:
        raise BadRule(f"{who} has the lock '{lock}': write true, false or the name of a lock file, such as work.lock.")
    return lock


def _vacation(given: t.Any, who: str) -> Vacation:
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, dict) or "text" not in given or set(given) - set(VACATION_KEYS):
        raise BadRule(f"{who} has a vacation that is neither a text nor a dictionary with text and {', '.join(VACATION_KEYS[1:])}.")
    days = given.get("days")
    if days is not None and (isinstance(days, bool) or not str(days).isdecimal() or not 1 <= int(days) <= 365):
        raise BadRule(f"{who} has a vacation with {days} days: the days between two answers to one sender must be 1 to 365.")
    subject = given.get("subject")
    return Vacation(
        text=_text(given["text"], f"{who} has a vacation whose text", lines=True),
        subject=None if subject is None else _text(subject, f"{who} has a vacation whose subject"),
        addresses=_addresses(given["addresses"], who, "has a vacation for") if given.get("addresses") else (),
        days=None if days is None else int(days),
    )
