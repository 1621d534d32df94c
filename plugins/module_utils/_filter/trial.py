# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fate of a sample message, and the comparison with the expected one. Pure.

``procmail_trial`` and ``sieve_trial`` ask the engines.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

LISTS, SIGNS = ("folder", "forward", "flag", "pipe"), ("discard", "reject", "vacation")

DEFAULT_SENDER = "sender@elsewhere.example"


class Unexpected(BadInput):
    """A sample message goes elsewhere than expected."""


class BadSample(BadInput):
    """A sample message is unusable."""


class Sample(t.NamedTuple):
    name: str
    user: str
    message: str
    sender: str
    expect: t.Mapping[str, t.Any]


class Fate:
    """The fate of a mail in a trial; *folder*, *forward*, *flag* and *pipe* are in the order of the events."""

    def __init__(self) -> None:
        self.folder: list[str] = []
        self.forward: list[str] = []
        self.flag: list[str] = []
        self.pipe: list[str] = []
        self.discard = self.reject = self.vacation = False

    def result(self) -> dict[str, t.Any]:
        return {key: getattr(self, key) for key in (*LISTS, *SIGNS)}

    def __str__(self) -> str:
        parts = [f"{key} {', '.join(getattr(self, key))}" for key in LISTS if getattr(self, key)]
        return " and ".join([*parts, *(sign for sign in SIGNS if getattr(self, sign))]) or "nothing"


def samples_from(given: t.Sequence[t.Mapping[str, t.Any]]) -> list[Sample]:
    """Read the samples. Raises `BadSample` with all problems."""
    found: list[Sample] = []
    wrong: list[str] = []
    for number, options in enumerate(given, 1):
        name = str(options.get("name") or number)
        try:
            found.append(
                Sample(
                    name=name,
                    user=str(options["user"]),
                    message=_message(str(options["mail"]), name),
                    sender=str(options.get("sender") or DEFAULT_SENDER),
                    expect=_expected(options.get("expect") or {}, name),
                )
            )
        except BadSample as e:
            wrong.append(str(e))
    if wrong:
        raise BadSample(" ".join(wrong))
    return found


def _message(text: str, name: str) -> str:
    head = text.lstrip("\n").split("\n", 1)[0]
    if ":" not in head:
        raise BadSample(f"The sample {name} does not begin with a header such as 'From: bob@example.org'.")
    return text.lstrip("\n").rstrip("\n") + "\n"


def _expected(given: t.Any, name: str) -> dict[str, t.Any]:
    if not isinstance(given, dict) or set(given) - {*LISTS, *SIGNS}:
        raise BadSample(f"The sample {name} has an 'expect' that is no dictionary of {', '.join((*LISTS, *SIGNS))}.")
    expected: dict[str, t.Any] = {}
    for key, value in given.items():
        if key in SIGNS and not isinstance(value, bool):
            raise BadSample(f"The sample {name} expects '{key}', which is true or false.")
        listed = [] if value is None else value if isinstance(value, list) else [value]
        if key in LISTS and not all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in listed):
            raise BadSample(f"The sample {name} expects a {key} that is neither a text nor a list of them.")
        expected[key] = value if key in SIGNS else [str(one) for one in listed]
    return expected


def unexpected(sample: Sample, fate: Fate) -> str | None:
    """Return a sentence when *fate* is not the expected one; results that the sample does not mention may be any."""
    for key, value in sample.expect.items():
        found = getattr(fate, key)
        if (found != value) if key in SIGNS else (_comparable(key, found) != _comparable(key, value)):
            wanted = value if key in SIGNS else ", ".join(value) or "none"
            return f"The sample {sample.name} of {sample.user} expects {key} {wanted}, but the rules give: {fate}."
    return None


def _comparable(key: str, values: t.Sequence[str]) -> list[str]:
    """Return values without their order; INBOX and flags are the same in any case (RFC 3501)."""
    if key == "flag":
        return sorted(value.lower() for value in values)
    return sorted("INBOX" if value.upper() == "INBOX" else value for value in values)
