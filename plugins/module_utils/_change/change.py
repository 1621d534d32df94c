# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of a host as a whole: gather, judge, keep, put in place, apply, prove; or put back.

Up to the first rename nothing of any daemon is touched, so that whatever refuses leaves every file as it is. By then the journal
knows what was there. When a daemon does not come up with what is new, or does not serve, everything is put back, and the
daemons are told again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import types
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._change.placing import Placing
from ansible_collections.postroom.mail.plugins.module_utils._change.stage import Stage
from ansible_collections.postroom.mail.plugins.module_utils._core import changed_at, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, MailError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy

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

    def withdraw(self) -> None: ...

    def apply_former(self, *, after_kill: bool = False) -> None: ...

    def prove(self) -> None: ...


@dataclasses.dataclass
class Outcome:
    """The deeds of a change, or in check mode those that it would do."""

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

    def __init__(
        self,
        services: Services,
        *,
        check_mode: bool = False,
        journal: Journal | None = None,
        patience: float = PATIENCE,
        asked: t.Mapping[str, str] = types.MappingProxyType({}),
    ) -> None:
        """*asked* has the stamps of files at the time when the host was asked about what they say (`_core.changed_at`)."""
        self.services = services
        self.asked = asked
        self.check_mode = check_mode
        self.journal = journal or Journal()
        self.patience = patience
        self.outcome = Outcome()

    def carry_out(self, first: t.Sequence[Work], works: t.Sequence[Work]) -> Outcome:
        """Carry out *first*, which is not put back, and then *works* as one. Raises a `MailError`.

        In check mode everything is gathered and judged, and nothing is done.
        """
        stage = Stage()
        with contextlib.ExitStack() as stack:
            stack.enter_context(stage.rooms)
            if not self.check_mode:
                stack.enter_context(self.journal.locked(self.patience))
                self._recover()
            elif self.journal.is_left():
                self.outcome.recovered.append("A run that was killed left the host half changed; what was there before would be put back.")
            self._gather(stage, first, works)
            if self.check_mode:
                self.outcome.services = self.services.apply(self.outcome.results, changed=self.outcome.changed)
            else:
                stage.clear_up()
                self._put_in_place(stage)
        return self.outcome

    def _recover(self) -> None:
        """Put back what a run that was killed has left half done."""
        if not self.journal.is_left():
            # Killed before it touched anything.
            self.journal.forget()
            return
        told = self.journal.put_back()
        if told.failed:
            raise NotPutBack(
                f"A run that was killed left the host half changed, and not everything could be put back: {' '.join(told.failed)} What was"
                f" there before lies in {self.journal.directory}: put it back by hand, take the directory away, and run the play again."
            )
        self.outcome.recovered.append("A run that was killed left the host half changed; what was there before was put back.")
        self.outcome.warnings += told.stays
        try:
            self.services.apply_former(after_kill=True)
        except (MailError, OSError) as e:
            # The change that comes now may be what mends it.
            self.outcome.warnings.append(f"With what was there before a run that was killed: {e}")
        self.journal.forget()

    def _gather(self, stage: Stage, first: t.Sequence[Work], works: t.Sequence[Work]) -> None:
        for work in first:
            self.outcome.results.setdefault(work.name, []).append(work.do())
        with staging.gathered_in(stage):
            for work in works:
                self.outcome.results.setdefault(work.name, []).append(work.do())
        stage.settle()
        self._see_that_it_is_as_the_host_said(stage)
        self.outcome.files = list(stage.entries)

    def _see_that_it_is_as_the_host_said(self, stage: Stage) -> None:
        """Raise `FileBusy` when a file would be replaced that somebody has changed since the wishes were made from what it says.

        After a run that was killed they were made from what that has left.
        """
        now = changed_at.stamps(self.asked)
        for path, stamp in () if self.outcome.recovered else self.asked.items():
            if now.get(path) != stamp and os.path.realpath(path) in stage.entries:
                raise FileBusy(f"{path} was changed by somebody else since the host was asked; nothing was changed: run the play again.")

    def _put_in_place(self, stage: Stage) -> None:
        if stage.is_empty:
            self.outcome.services = self._applied(stage)
            return
        placing = Placing(stage)
        locks = self._prepare(placing)
        done: list[Effect] = []
        try:
            with locks:
                self._place(placing, done)
            self.outcome.services = self._applied(stage)
        except Exception as e:
            raise self._put_back(e, placing, done) from e
        self.journal.forget()
        placing.finish()
        self.outcome.warnings += stage.warnings

    def _prepare(self, placing: Placing) -> contextlib.ExitStack:
        """Keep what is there, and write everything beside it; gives the locks. Nothing is left when that fails."""
        skipped = self.journal.keep(placing.touches(), placing.new_directories, placing.old_directories)
        with contextlib.ExitStack() as refused:
            # In the opposite order, so that no lock holds a file in a directory that goes.
            refused.callback(self.journal.forget)
            refused.callback(placing.remove_directories)
            locks = refused.enter_context(contextlib.ExitStack())
            for touch, why in skipped:
                placing.leave_out(touch, why)
            placing.prepare(locks)
            refused.pop_all()
        return locks

    def _place(self, placing: Placing, done: list[Effect]) -> None:
        self._bring(placing.stage.effects, done, before_files=True)
        placing.settle_directories()
        for entry in placing.in_order():
            placing.place(entry)
        self._bring(placing.stage.effects, done, before_files=False)

    @staticmethod
    def _bring(effects: t.Sequence[Effect], done: list[Effect], *, before_files: bool) -> None:
        for effect in effects:
            if effect.before_files == before_files:
                done.append(effect)
                effect.do()

    def _applied(self, stage: Stage) -> dict[str, t.Any]:
        """Have the daemons do what the files say, and prove that they do."""
        result = self.services.apply(self.outcome.results, changed=self.outcome.changed)
        # Something that could not be seen before it is seen now, also where nothing has changed.
        for proof in stage.proofs:
            proof()
        if not stage.is_empty or result["changed"]:
            self.services.prove()
        return result

    def _put_back(self, cause: Exception, placing: Placing, done: t.Sequence[Effect]) -> MailError:
        """Put everything back, in the opposite order, and give the error that says so."""
        problems: list[str] = []
        self._try(self.services.withdraw, problems)
        self._undo(done, problems, before_files=False)
        self._try(lambda: problems.extend(self._files_put_back(placing)), problems)
        self._undo(done, problems, before_files=True)
        self._try(self.services.apply_former, problems)
        self.outcome.warnings += placing.stage.warnings
        said = _said(cause).strip().rstrip(".")
        if problems:
            return NotPutBack(
                f"{said}. The change was taken back, but not as a whole: {' '.join(problems)} What was there before lies in"
                f" {self.journal.directory}; the next run tries again."
            )
        self._try(self.journal.forget, problems)
        return PutBack(f"{said}. Everything was put back, and the daemons run with what they had before.{''.join(problems)}")

    def _files_put_back(self, placing: Placing) -> list[str]:
        told = self.journal.put_back(placing.touched)
        return [*told.stays, *told.failed]

    def _undo(self, done: t.Sequence[Effect], problems: list[str], *, before_files: bool) -> None:
        for effect in reversed(done):
            if effect.undo and effect.before_files == before_files:
                self._try(effect.undo, problems)

    @staticmethod
    def _try(do: t.Callable[[], None], problems: list[str]) -> None:
        try:
            do()
        except Exception as e:
            problems.append(_said(e))


def _said(error: Exception) -> str:
    """A sentence about *error*; one that nobody foresaw says of which kind it is."""
    if isinstance(error, MailError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'The system says'}: {error.strerror or error}."
    return f"Something happened that nobody foresaw ({error!r})."
