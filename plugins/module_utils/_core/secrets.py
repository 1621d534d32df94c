# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets: the names of settings that hold one, the secret options of a module, and the spellings of a secret. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
import urllib.parse

from ansible_collections.postroom.mail.plugins.module_utils._core import password

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"  # As Ansible has it.
MASK = "********"

# More users, accounts or tables than these are counted, not shown: to look for the passwords of ten thousand users in ten thousand
# users would take minutes.
MANY = 100

# Bytes. What base64 makes of fewer may be part of an ordinary word.
SHORTEST_ENCODED = 6

# Settings that hold a secret: of Dovecot, of its databases and the fields that these give a user, of Cyrus SASL.
_NAME = re.compile(r"(pass(word|wd|phrase)?|secret|token|nonce|_pw|key|api_header)$", re.IGNORECASE)
# Not these: the first two say who may log in and what the cache tells apart, the others name a setting of a lookup.
_OTHER_NAME = re.compile(r"(nopassword|cache_key|^key)$", re.IGNORECASE)
# A value that carries one, whatever its name: "host=h password=x", "//user:x@host".
_PARTS = (re.compile(r"""\bpass(?:word|wd)?\s*=\s*("[^"]*"|'[^']*'|\S+)""", re.IGNORECASE), re.compile(r"://[^/\s:@]*:([^/\s@]+)@"))
# What is looked up about a user is no secret, nor is a question in which a password is asked for.
_QUESTION = re.compile(r"(query|filter|attrs)$", re.IGNORECASE)
# A file that is read for the secret, a variable that stands for it; of a key, the path of its file as well, and whether there is one.
_ELSEWHERE = re.compile(r"</.*|%\{[^{}]*\}|%\w|")
_KEY_ELSEWHERE = re.compile(r"/.*|yes|no")

# The part of an option's value that may be shown, and the secrets in it; None: all of it is secret.
Judge = t.Callable[[str, t.Any, t.Mapping[str, t.Any]], t.Optional[tuple[t.Any, set[str]]]]
Options = t.Mapping[str, t.Any]


# Settings ----------------------------------------------------------------------------------------------------------


def is_secret(name: str, value: t.Any) -> bool:
    """Return whether a setting of this *name* and *value* shows a secret to its reader."""
    if isinstance(value, (list, tuple)):
        return any(is_secret(name, item) for item in value)
    text = "" if value is None or isinstance(value, bool) else str(value)
    if has_secret_name(name):
        is_key = name.lower().endswith("key")
        return not (_ELSEWHERE.fullmatch(text) or (is_key and _KEY_ELSEWHERE.fullmatch(text)))
    return not _QUESTION.search(name) and any(not _ELSEWHERE.fullmatch(part) for part in _passwords(text))


def has_secret_name(name: str) -> bool:
    """Return whether the value of a setting of this *name* is a secret, unless it is a path to one."""
    return bool(_NAME.search(name)) and not _OTHER_NAME.search(name)


def misread(name: str, value: t.Any) -> str | None:
    """Tell why the *value* of a setting of this *name* cannot be the intended secret, in words to follow it; None where it can."""
    is_block = " " in name.strip()
    is_flag = isinstance(value, bool) and name.lower().endswith("key")
    if value is None or is_block or is_flag or not has_secret_name(name):
        return None
    return password.not_text(value)


def in_dictionary(settings: Options, more: t.Collection[str] = ()) -> tuple[dict[str, t.Any], set[str]]:
    """Return *settings* as they may be shown, and the secrets among them; those named in *more* are secret, too."""
    secret = {name: value for name, value in settings.items() if name in more or is_secret(str(name), value)}
    return {**settings, **dict.fromkeys(secret, HIDDEN)}, texts(list(secret.values()))


def texts(value: t.Any) -> set[str]:
    """Return every text in *value*, and the password alone in a text that holds more."""
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return set().union(*map(texts, value)) if value else set()
    if value is None or isinstance(value, bool) or value == "":
        return set()
    text = str(value)
    return {text, *_passwords(text)} - {""}


def _passwords(text: str) -> list[str]:
    return [found.strip("\"'") for pattern in _PARTS for found in pattern.findall(text)]


# A module's options ------------------------------------------------------------------------------------------------


def parted(options: Options, spec: Options, judge: Judge | None = None) -> tuple[dict[str, t.Any], set[str]]:
    """Return a module's *options* as they may be shown, and the secrets among them.

    *spec* is its argument spec: an option with ``no_log`` and without suboptions is secret, unless *judge* knows better.
    """
    shown, secrets = dict(options), set[str]()
    for name, option in spec.items():
        for key in (name, *option.get("aliases", ())):
            value = options.get(key)
            if value is None or not _may_hold_a_secret(option):
                continue
            shown[key], found = _parted(name, value, option, options, judge)
            secrets |= found
    return shown, secrets


def _may_hold_a_secret(option: Options) -> bool:
    return bool(option.get("no_log")) or any(map(_may_hold_a_secret, option.get("options", {}).values()))


def _parted(name: str, value: t.Any, option: Options, options: Options, judge: Judge | None) -> tuple[t.Any, set[str]]:
    if "options" not in option:
        return (judge and judge(name, value, options)) or (HIDDEN, texts(value))
    if isinstance(value, t.Mapping):
        return parted(value, option["options"], judge)
    items = [parted(item, option["options"], judge) for item in value]
    secrets = set().union(*(found for _shown, found in items)) if items else set()
    return f"[{len(items)} {name}, not shown]" if len(items) > MANY else [shown for shown, _found in items], secrets


# Spellings ---------------------------------------------------------------------------------------------------------


def _escapes(secret: str) -> set[str]:
    """Yield *secret* as programs write it between quotes, into a command, a URL or a page."""
    backslashed = secret.replace("\\", "\\\\")
    return {
        secret,
        repr(secret)[1:-1],
        backslashed,
        backslashed.replace('"', '\\"'),
        backslashed.replace("'", "\\'"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace('"', '""'),
        secret.replace("'", "''"),
        secret.replace("'", "'\\''"),
        secret.replace("'", "'\"'\"'"),
        secret.replace("%{", "%%{"),
        urllib.parse.quote(secret, errors="replace"),
        urllib.parse.quote(secret, "", errors="replace"),
        urllib.parse.quote_plus(secret, errors="replace"),
        html.escape(secret, quote=False),
        html.escape(secret),
    }


def _encodings(secret: str) -> set[str]:
    """Yield *secret* in base64 and hexadecimal digits, also from the middle of a longer text."""
    data = secret.encode("utf-8", "replace")
    if len(data) < SHORTEST_ENCODED:
        return set()
    found = {data.hex(), data.hex().upper()}
    for before in range(3):
        # Of the characters that tell of the bytes beside it, too, nothing is known.
        text = base64.b64encode(b"\0" * before + data).decode()[-(-8 * before // 6) : 8 * (before + len(data)) // 6]
        found |= {text, text.replace("+", "-").replace("/", "_")}
    return found


def spellings(secret: str) -> set[str]:
    """Return *secret* in every spelling in which a program may repeat it; a text in quotes may be quoted once more."""
    once = _escapes(secret)
    return (once.union(*map(_escapes, once - {secret})) | _encodings(secret)) - {""}


def all_spellings(secrets: t.Iterable[str]) -> set[str]:
    return set().union(*map(spellings, secrets))


def without(text: str, spelled: t.Iterable[str]) -> str:
    """Return *text* with a mask in the place of each of the *spelled* secrets, the longest first."""
    for spelling in sorted(spelled, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return text
