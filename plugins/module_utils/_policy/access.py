# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict of smtpd's access restrictions for a kind of client and a kind of destination. Pure.

This module walks the lists as smtpd(8) does. If the answer to a word depends on a table, a policy server or DNS, it differs
between clients of one kind; a word that could let the client through becomes a condition.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.restrictions import stops

Verdict = t.Literal["accepted", "refused", "deferred"]
Destination = t.Literal["own", "relay", "elsewhere"]

_LISTS = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data")
# Restrictions that are followed by a word of their own.
_TAKES_A_WORD = re.compile(
    r"check_\w+_access|check_policy_service|permit_dnswl_client|permit_rhswl_client|reject_rbl|reject_rbl_client|reject_rhsbl_\w+|sleep"
)
_TABLE = re.compile(r"[A-Za-z]\w*:.+", re.DOTALL)
# Conditions that only some clients meet.
_SOME_CLIENTS = ("permit_tls_clientcerts", "permit_tls_all_clientcerts")


class Client(t.NamedTuple):
    """A kind of client: in mynetworks or not, logged in or not."""

    trusted: bool = False
    authenticated: bool = False


class Decision(t.NamedTuple):
    """The verdict, its list and word, and the conditions under which another client gets through."""

    verdict: Verdict
    by: str = ""
    unless: tuple[str, ...] = ()


class Access:
    """The restrictions of one smtpd service; *entries_of* returns the contents of a lookup table, or None when it cannot."""

    def __init__(
        self, parameters: t.Mapping[str, str], entries_of: t.Callable[[str], t.Mapping[str, str] | None] = lambda _table: None
    ) -> None:
        self.parameters = parameters
        self._entries_of = entries_of
        self._classes = frozenset(words(parameters.get("smtpd_restriction_classes", "")))

    def lists(self) -> list[tuple[str, str]]:
        """Return the lists of restrictions that are not empty, in the order in which smtpd walks them."""
        order = list(_LISTS)
        if self.parameters.get("smtpd_relay_before_recipient_restrictions", "yes") == "no":
            order[3], order[4] = order[4], order[3]
        named = [(name, self.parameters.get(f"smtpd_{name}_restrictions", "")) for name in order]
        return [(name, value) for name, value in named if value]

    def starts(self) -> bool:
        """Return whether smtpd starts at all: without any stop it refuses, because it would be an open relay."""
        return any(
            stops(self.parameters.get(f"smtpd_{name}_restrictions", ""), self.parameters.get, self._classes)
            for name in ("relay", "recipient")
        )

    def decide(self, client: Client, destination: Destination) -> Decision:
        if not self.starts():
            return Decision("deferred", "smtpd does not start")
        refusals: list[Decision] = []
        for name, value in self.lists():
            walk = _Walk(self, client, destination)
            verdict, word = walk.list(value)
            if verdict in ("refused", "deferred"):
                refusals.append(Decision(verdict, f"{word} in smtpd_{name}_restrictions", tuple(walk.conditions)))
        if not refusals:
            return Decision("accepted")
        # A client gets through only if every list that refuses the others permits it.
        escapes = all(refusal.unless for refusal in refusals)
        unless = tuple(dict.fromkeys(word for refusal in refusals for word in refusal.unless)) if escapes else ()
        return refusals[0]._replace(unless=unless)

    def is_class(self, word: str) -> bool:
        return word in self._classes

    def permitted(self, table: str) -> list[str] | None:
        """Return the keys of an access table that let a client through; None when the table cannot be listed."""
        entries = self._entries_of(table)
        return None if entries is None else [key for key, result in entries.items() if self.permits(result)]

    def permits(self, result: str) -> bool:
        """Return whether *result* of an access table lets a client through."""
        first = (words(result) or [""])[0]
        # A reply code refuses; any other number is taken for a time stamp of a client that has proved its identity.
        return self.is_class(first) or bool(re.fullmatch(r"ok|relay|permit\w*|(?![45]\d\d$)\d+", first.lower()))

    def code(self, parameter: str, default: str) -> Verdict:
        """Return whether a refusal with the reply code in *parameter* is permanent."""
        temporary = self.parameters.get(parameter, default).startswith("4") or self.parameters.get("soft_bounce") == "yes"
        return "deferred" if temporary else "refused"


class _Walk:
    """One list, walked for one kind of client."""

    def __init__(self, access: Access, client: Client, destination: Destination) -> None:
        self.access = access
        self.client = client
        self.destination = destination
        self.conditions: list[str] = []
        self._deferring = False

    def list(self, value: str, seen: frozenset[str] = frozenset()) -> tuple[Verdict | None, str]:
        """Return the verdict of a list and the word that gave it; None when the list ends without one."""
        remaining = words(value)
        only_warns = False
        while remaining:
            word = remaining.pop(0)
            name = word.lower()
            if name == "warn_if_reject":
                only_warns = True
                continue
            verdict: Verdict | None
            if self.access.is_class(word):
                verdict = None
                if word not in seen:
                    verdict, _inner = self.list(self.access.parameters.get(word, ""), seen | {word})
            elif _TAKES_A_WORD.fullmatch(name) and remaining:
                verdict = self._asked(name, remaining.pop(0))
            elif _TABLE.fullmatch(word):
                verdict = self._asked("", word)
            else:
                verdict = self._verdict(name)
            if verdict == "accepted":
                return ("deferred" if self._deferring else "accepted"), word
            if verdict and not only_warns:
                return verdict, word
            only_warns = False
        return ("deferred", "defer_if_permit") if self._deferring and not seen else (None, "")

    def _verdict(self, name: str) -> Verdict | None:
        elsewhere = self.destination == "elsewhere"
        if name == "permit":
            return "accepted"
        if name == "permit_mynetworks":
            return "accepted" if self.client.trusted else None
        if name == "permit_sasl_authenticated":
            return "accepted" if self.client.authenticated else None
        if name == "permit_auth_destination":
            return None if elsewhere else "accepted"
        if name == "reject":
            return self.access.code("reject_code", "554")
        if name == "defer":
            return "deferred"
        if name == "reject_unauth_destination" and elsewhere:
            return self.access.code("relay_domains_reject_code", "554")
        if name == "defer_unauth_destination" and elsewhere:
            return "deferred"
        if name == "defer_if_permit":
            self._deferring = True
        if name in _SOME_CLIENTS or (name == "permit_mx_backup" and elsewhere):
            self.conditions.append(name)
        return None

    def _asked(self, name: str, argument: str) -> Verdict | None:
        """Return the answer of a table that has only one; note for other tables that they may let some clients through."""
        if name.startswith(("reject_", "sleep")):
            return None
        if _TABLE.fullmatch(argument) and not name.startswith(("check_policy", "permit_")):
            if argument.startswith("static:"):
                result = argument.partition(":")[2].strip("{} ")
                return "accepted" if self.access.permits(result) else self._refusal(result)
            if self.access.permitted(argument) == []:
                return None
        self.conditions.append(f"{name} {argument}".strip())
        return None

    def _refusal(self, result: str) -> Verdict | None:
        first = (words(result) or [""])[0].lower()
        if first == "reject" or re.fullmatch(r"5\d\d", first):
            return self.access.code("access_map_reject_code", "554")
        return "deferred" if first == "defer" or re.fullmatch(r"4\d\d", first) else None
