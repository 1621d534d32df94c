# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switch between changes that are made at once, and changes that are gathered for being made together.

The functions of `_core.files` ask here. A module that works alone changes each file as soon as it is judged; the one change of
a whole host has the same functions gather all of them first (`_change.stage`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.files import Change, Wanted


class Stage(t.Protocol):
    """The place that gathers changes of files for being made together (`_change.stage`)."""

    rooms: contextlib.ExitStack
    directories: dict[str, tuple[int, int, int]]

    def read(self, path: str) -> tuple[bool, str | None]: ...

    def will_exist(self, path: str) -> bool | None: ...

    def texts(self) -> dict[str, str]: ...

    def update(self, path: str, render: t.Callable[[str | None], str], wanted: Wanted, read: t.Callable[[str], str | None]) -> Change: ...

    def remove(self, path: str) -> None: ...

    def make(self, path: str, make: t.Callable[[], None]) -> None: ...

    def attributes(self, path: str, uid: int, gid: int, mode: int | None) -> None: ...

    def directory(self, path: str, uid: int, gid: int, mode: int) -> None: ...

    def effect(self, effect: Effect) -> None: ...

    def proof(self, proof: t.Callable[[], None]) -> None: ...


class _Open:
    """The stage that is open; without one each change is made at once."""

    stage: Stage | None = None
    # What is entered until the changes are made.
    entered: t.ClassVar[set[str]] = set()


def current() -> Stage | None:
    """The stage in which changes are gathered; None: they are made at once."""
    return _Open.stage


def texts() -> dict[str, str]:
    """The texts that wait for being put in place, by their paths."""
    stage = current()
    return {} if stage is None else stage.texts()


@contextlib.contextmanager
def gathered_in(stage: Stage) -> t.Iterator[None]:
    """Gather all changes of files in *stage* until the end of the block."""
    former = _Open.stage, _Open.entered
    _Open.stage, _Open.entered = stage, set()
    try:
        yield
    finally:
        _Open.stage, _Open.entered = former


@dataclasses.dataclass(frozen=True)
class Effect:
    """Something beside files that a change has to do, before or after the files are in place, and how it is undone.

    Everything is undone in the opposite order: what came after the files while they are still in place, what came before them when the
    former ones are back.
    """

    do: t.Callable[[], None]
    undo: t.Callable[[], None] | None = None
    before_files: bool = False


def effect(do: t.Callable[[], None], undo: t.Callable[[], None] | None = None, *, before_files: bool = False) -> None:
    """Do something beside files, at once or when the change is made; *undo* is for a change that does not hold."""
    stage = current()
    if stage is not None:
        stage.effect(Effect(do, undo, before_files))
    else:
        do()


def prove_later(proof: t.Callable[[], None]) -> bool:
    """Have *proof*, which raises when it fails, come after the daemons know what is new; False: there is no such moment."""
    stage = current()
    if stage is not None:
        stage.proof(proof)
    return stage is not None


@contextlib.contextmanager
def until_in_place() -> t.Iterator[contextlib.ExitStack]:
    """Keep all that is entered here until the changes are made: to the end of the block, or of the stage."""
    stage = current()
    if stage is not None:
        yield stage.rooms
    else:
        with contextlib.ExitStack() as stack:
            yield stack


def enter_once(stack: contextlib.ExitStack, name: str, make: t.Callable[[], contextlib.AbstractContextManager[None]]) -> None:
    """Enter what *make* gives until *stack* ends; in a stage only once by each *name*, for a lock is held against its own holder, too."""
    if current() is not None:
        if name in _Open.entered:
            return
        _Open.entered.add(name)
    stack.enter_context(make())
