# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Tell the accounts that have mail from the others, by the line that ``unix:passwd.byname`` answers. Pure.

Dovecot keeps mail for user ids in a range only. Postfix must know the same at RCPT, or it accepts mail that it can only
return, and must know an account that is made later without another run. So the range becomes a regular expression,
and a table of patterns behind the accounts themselves (``pipemap:``) judges each answer.
"""

from __future__ import annotations

import re
import typing as t

# nobody's, on every distribution, and the one that is no uid in sixteen bits.
NOBODIES = (65534, 65535)


class MailUids(t.NamedTuple):
    """User ids from *first* to *last* (0 is no limit). Nobody reads the mail of the accounts in *without*."""

    first: int = 1000
    last: int = 0
    without: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """Return the beginning of the line of an account with a uid in the range."""
        return f"^([^:]+):[^:]*:({'|'.join(self._numbers())}):"

    def rows(self, value: str) -> list[dict[str, str]]:
        """Return the table that answers *value* for an account that has mail."""
        rows = [{"pattern": f"/{self.pattern}/", "value": value}]
        return [{"pattern": f"if !/{self._names()}/"}, *rows, {"pattern": "endif"}] if self.without else rows

    def other_rows(self, value: str) -> list[dict[str, str]]:
        """Return the table that answers *value* for an account that has no mail."""
        others = [{"pattern": f"/{self._names()}/", "value": value}] if self.without else []
        return [*others, {"pattern": f"!/{self.pattern}/", "value": value}]

    def _names(self) -> str:
        # A hyphen needs no escape, and POSIX knows none.
        names = "|".join(re.escape(name).replace("\\-", "-") for name in self.without)
        return f"^({names}):"

    def _numbers(self) -> list[str]:
        """Split the range into pieces that hold no number of an excluded account."""
        first = self.first
        pieces: list[str] = []
        for number in NOBODIES:
            if first <= number and (not self.last or number <= self.last):
                pieces += decimals(first, number - 1)
                first = number + 1
        return [*pieces, *decimals(first, self.last or None)]


def decimals(first: int, last: int | None) -> list[str]:
    """Return regular expressions for the range; a decimal number in it matches one of them as a whole. None is no end."""
    if last is not None and first > last:
        return []
    lowest = str(first)
    digits = len(lowest)
    if last is None:
        return [*_of_one_length(lowest, "9" * digits), f"[1-9][0-9]{{{digits},}}"]
    if digits == len(str(last)):
        return _of_one_length(lowest, str(last))
    return [*_of_one_length(lowest, "9" * digits), *decimals(10**digits, last)]


def _of_one_length(low: str, high: str) -> list[str]:
    if low == high:
        return [low]
    rest = len(low) - 1
    if low[0] == high[0]:
        return [low[0] + piece for piece in _of_one_length(low[1:], high[1:])]
    bottom, top = int(low[0]), int(high[0])
    found = []
    if set(low[1:]) - {"0"}:
        found += [low[0] + piece for piece in _of_one_length(low[1:], "9" * rest)]
        bottom += 1
    ends = []
    if set(high[1:]) - {"9"}:
        ends = [high[0] + piece for piece in _of_one_length("0" * rest, high[1:])]
        top -= 1
    if bottom <= top:
        found.append((f"[{bottom}-{top}]" if bottom < top else str(bottom)) + (f"[0-9]{{{rest}}}" if rest else ""))
    return found + ends
