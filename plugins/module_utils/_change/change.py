# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of a host as a whole: gather, judge, keep, put in place, apply, prove; or put back.

Up to the first rename nothing of any daemon is touched, so that whatever refuses leaves every file as it is. From then on the
journal knows what was there. When a daemon does not come up with what is new, or does not serve, everything is put back, and the
daemons are told again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._change.stage import Placing, Stage
from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, MailError

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.staging import Effect

PATIENCE = 120.0


class PutBack(HostError):
    """The change did not hold, and what was there before is there again."""


class NotPutBack(HostError):
    """The change did not hold, and not everything could be put back."""


@dataclasses.dataclass(frozen=True)
class Work:
    """One wish as it is carried out: what it is called, and the call, which gives what the module returns."""

    name: str
    do: t.Callable[[], dict[str, t.Any]]


class Services(t.Protocol):
    """The daemons of the host (`_change.daemons`)."""

    def apply(self, results: t.Mapping[str, t.Sequence[dict[str, t.Any]]], *, changed: bool) -> dict[str, t.Any]: ...

    def apply_former(self) -> None: ...

    def prove(self) -> None: ...


@dataclasses.dataclass
class Outcome:
    """What was done, or would be in check mode."""

    results: dict[str, list[dict[str, t.Any]]] = dataclasses.field(default_factory=dict)
    files: list[str] = dataclasses.field(default_factory=list)
    services: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    recovered: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        done = any(result.get("changed") for results in self.results.values() for result in results)
        return bool(done or self.recovered or self.services.get("changed"))


class Change:
    """The change of one host."""

    def __init__(self, services: Services, *, check_mode: bool = False, journal: Journal | None = None, patience: float = PATIENCE) -> None:
        self.services = services
        self.check_mode = check_mode
        self.journal = journal or Journal()
        self.patience = patience
        self.outcome = Outcome()

    def carry_out(self, first: t.Sequence[Work], works: t.Sequence[Work]) -> Outcome:
        """Carry out *first*, which is not put back, and then *works* as one. Raises a `MailError`.

        In check mode everything is gathered and judged, and nothing is done.
        """
        if self.check_mode:
            if self.journal.is_left():
                self.outcome.recovered.append("A run that was killed left the host half changed; what was there before would be put back.")
            self._gather(first, works)
            self.outcome.services = self.services.apply(self.outcome.results, changed=self.outcome.changed)
            return self.outcome
        with self.journal.locked(self.patience):
            self._recover()
            stage = self._gather(first, works)
            stage.clear_up()
            with stage.rooms:
                self._put_in_place(stage)
        return self.outcome

    def _recover(self) -> None:
        """Put back what a run that was killed has left half done."""
        if not self.journal.is_left():
            # Killed before it touched anything.
            self.journal.forget()
            return
        problems = self.journal.put_back()
        self.outcome.recovered.append("A run that was killed left the host half changed; what was there before was put back.")
        self.outcome.warnings += problems
        self.services.apply_former()
        self.journal.forget()

    def _gather(self, first: t.Sequence[Work], works: t.Sequence[Work]) -> Stage:
        for work in first:
            self.outcome.results.setdefault(work.name, []).append(work.do())
        stage = Stage()
        with staging.gathered_in(stage):
            for work in works:
                self.outcome.results.setdefault(work.name, []).append(work.do())
        self.outcome.files = list(stage.entries)
        return stage

    def _put_in_place(self, stage: Stage) -> None:
        if stage.is_empty:
            self.outcome.services = self._applied(stage)
            return
        placing = Placing(stage)
        with contextlib.ExitStack() as locks:
            try:
                placing.prepare(locks)
                kept = [(entry.target, entry.after if entry.is_text else None, entry.owner) for entry in placing.entries]
                self.journal.keep(kept, placing.made_directories)
            except BaseException:
                _remove_directories(placing.made_directories)
                raise
            done: list[Effect] = []
            try:
                self._place(placing, done)
            except (MailError, OSError) as e:
                raise self._put_back(e, done) from e
        self.outcome.warnings += stage.warnings
        try:
            self.outcome.services = self._applied(stage)
        except (MailError, OSError) as e:
            raise self._put_back(e, done) from e
        self.journal.forget()

    def _place(self, placing: Placing, done: list[Effect]) -> None:
        for effect in placing.stage.effects:
            if effect.before_files:
                done.append(effect)
                effect.do()
        placing.settle_directories()
        for entry in placing.in_order():
            placing.place(entry)
        for effect in placing.stage.effects:
            if not effect.before_files:
                done.append(effect)
                effect.do()

    def _applied(self, stage: Stage) -> dict[str, t.Any]:
        """Have the daemons do what the files say, and prove that they do."""
        result = self.services.apply(self.outcome.results, changed=self.outcome.changed)
        if not stage.is_empty or result["changed"]:
            for proof in stage.proofs:
                proof()
            self.services.prove()
        return result

    def _put_back(self, cause: Exception, done: t.Sequence[Effect]) -> MailError:
        """Put everything back, and give the error that says so."""
        problems = self.journal.put_back()
        for effect in reversed(done):
            if effect.undo:
                try:
                    effect.undo()
                except (MailError, OSError) as e:
                    problems.append(str(e))
        try:
            self.services.apply_former()
        except (MailError, OSError) as e:
            problems.append(str(e))
        said = str(cause).strip().rstrip(".")
        if problems:
            return NotPutBack(f"{said}. The change was taken back, but not as a whole: {' '.join(problems)}")
        self.journal.forget()
        return PutBack(f"{said}. Everything was put back, and the daemons run with what they had before.")


def _remove_directories(directories: t.Sequence[str]) -> None:
    for directory in reversed(directories):
        with contextlib.suppress(OSError):
            os.rmdir(directory)
