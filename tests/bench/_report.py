# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From seconds to a table that a reader can judge."""

from __future__ import annotations

import dataclasses
import statistics

from _cases import PING, SECONDS, Case

UNITS = {PING: "× ping", SECONDS: "s without the ping"}
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


@dataclasses.dataclass
class Sample:
    """The seconds of a case, round by round, and the floor measured right before each."""

    case: Case
    seconds: list[float] = dataclasses.field(default_factory=list)
    pings: list[float] = dataclasses.field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def net(self) -> float:
        """Return the median without the way to the host and back."""
        return self.median - statistics.median(self.pings)

    @property
    def in_pings(self) -> float:
        return statistics.median(mine / floor for mine, floor in zip(self.seconds, self.pings))


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    seconds: float
    low: float
    high: float
    in_pings: float | None
    ratio: float
    net_ratio: float | None
    against: str
    budget: float | None
    unit: str

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        over = self.ratio / self.budget - 1
        return "met" if over <= 0 else f"missed by {over:.0%}"


def rows(samples: list[Sample]) -> list[Row]:
    medians = {sample.case.name: sample.median for sample in samples}
    by_name = {sample.case.name: sample for sample in samples}
    return [
        Row(
            name=sample.case.name,
            seconds=sample.median,
            low=min(sample.seconds),
            high=max(sample.seconds),
            in_pings=None if sample.case.processor else sample.in_pings,
            ratio=_ratio(sample, by_name.get(sample.case.against)),
            net_ratio=None if sample.case.there or sample.case.processor else sample.net / medians.get(sample.case.against, sample.median),
            against=sample.case.against,
            budget=sample.case.budget,
            unit=UNITS.get(sample.case.against, sample.case.unit),
        )
        for sample in samples
    ]


def _ratio(sample: Sample, against: Sample | None) -> float:
    """Round by round, because a machine is not as busy in one as in the next."""
    if sample.case.against == PING:
        return sample.in_pings
    return sample.net if against is None else statistics.median(mine / theirs for mine, theirs in zip(sample.seconds, against.seconds))


def markdown(table: list[Row], floor: list[float], conditions: str) -> str:
    """Give the table with its head and the conditions it was measured under."""
    head = ["what", "median s", "lowest to highest", "× ping", "budget", "verdict"]
    body = [[f"`{PING}` (the floor)", f"{statistics.median(floor):.2f}", f"{min(floor):.2f} to {max(floor):.2f}", "1.0", "", ""]]
    for row in table:
        budget = ""
        verdict = row.verdict
        if row.against == SECONDS:
            verdict = f"{verdict}: {row.ratio:.2f} s"
        elif row.against != PING:
            compared = f"{row.ratio:.2f} × {row.against.split(',')[0]}"
            net = "" if row.net_ratio is None else f", {row.net_ratio:.2f} × without the ping"
            verdict = f"{verdict}: {compared}{net}" if verdict else compared
        if row.budget is not None:
            budget = f"≤ {row.budget:g} {row.unit}"
        in_pings = "" if row.in_pings is None else f"{row.in_pings:.1f}"
        body.append([row.name, f"{row.seconds:.2f}", f"{row.low:.2f} to {row.high:.2f}", in_pings, budget, verdict])
    widths = [max(len(line[n]) for line in [head, *body]) for n in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in [head, *body]]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([*lines, "", conditions])


def paste(document: str, table: str) -> str:
    """Give *document* with what stands between its two markers replaced by *table*."""
    before, rest = document.split(BEGIN)
    _old, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"
