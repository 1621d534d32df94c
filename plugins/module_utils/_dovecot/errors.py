# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error of a Dovecot configuration: doveconf stops at the first, so each is taken out and the rest is asked again."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf

# A file with more errors than this is no configuration of Dovecot.
MAX_ERRORS = 50

# Takes the text of some files, by path, and gives the first error of the configuration with them; empty when there is none.
Judge = t.Callable[[t.Mapping[str, str]], str]


def all_errors(judge: Judge, files: t.Mapping[str, str]) -> list[str]:
    """The errors in the order in which doveconf finds them. *files* are the texts, by path, that the configuration consists of."""
    texts = dict(files)
    found: list[str] = []
    exchanged: dict[str, str] = {}
    while len(found) < MAX_ERRORS:
        error = judge(exchanged)
        if not error:
            break
        found.append(error)
        place = re.match(r"(\S+) line (\d+): ", error)
        text = texts.get(place.group(1), "") if place else ""
        rest = _without(text, int(place.group(2))) if place else text
        if not place or rest == text:
            # Behind an error that is in no line nothing more can be found.
            break
        texts[place.group(1)] = exchanged[place.group(1)] = rest
    return found


def same(sentence: str) -> str:
    """The error without the number of its line, which changes with every line that is written above."""
    return re.sub(r"( line |:)\d+\b", "", sentence)


def _without(text: str, number: int) -> str:
    """*text* with line *number* empty; what opens or closes a block goes with all that is in it."""
    return _emptied(conf.parse(text), number, 1)[0]


def _emptied(nodes: t.Iterable[conf.Node], number: int, at: int) -> tuple[str, int]:
    """The text of *nodes*, the first of which begins in line *at*, and the line behind them."""
    parts = []
    for node in nodes:
        raw = conf.render([node])
        behind = at + raw.count("\n")
        if isinstance(node, conf.Block) and at + node.head.raw.count("\n") <= number < behind - (
            node.tail.raw.count("\n") if node.tail else 0
        ):
            body, _behind = _emptied(node.body, number, at + node.head.raw.count("\n"))
            raw = node.head.raw + body + (node.tail.raw if node.tail else "")
        elif at <= number < max(behind, at + 1):
            raw = "\n" * raw.count("\n")
        parts.append(raw)
        at = behind
    return "".join(parts), at
