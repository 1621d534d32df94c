# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Without a stage everything is done at once; with one, it is asked to do it later."""

from __future__ import annotations

import contextlib
import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.stage import Stage
from ansible_collections.postroom.mail.plugins.module_utils._core import files, staging


def test_a_stage_is_open_to_the_end_of_its_block():
    outer, inner = Stage(), Stage()
    assert staging.current() is None
    with staging.gathered_in(outer):
        with staging.gathered_in(inner):
            assert staging.current() is inner
        assert staging.current() is outer
    assert staging.current() is None


def test_a_stage_is_closed_by_a_failure():
    with pytest.raises(ValueError, match="odd"), staging.gathered_in(Stage()):
        raise ValueError("odd")
    assert staging.current() is None


def test_an_effect_is_done_at_once_or_gathered():
    done = []
    staging.effect(lambda: done.append("now"), lambda: done.append("undone"), before_files=True)
    stage = Stage()
    with staging.gathered_in(stage):
        staging.effect(lambda: done.append("later"), lambda: done.append("undone"), before_files=True)
        staging.effect(lambda: done.append("last"))
    assert done == ["now"]
    assert [(effect.before_files, bool(effect.undo)) for effect in stage.effects] == [(True, True), (False, False)]
    for effect in stage.effects:
        effect.do()
    assert done == ["now", "later", "last"]


def test_a_proof_has_its_moment_only_in_a_stage():
    assert not staging.prove_later(lambda: pytest.fail("Nothing is proved."))
    stage, done = Stage(), []
    with staging.gathered_in(stage):
        assert staging.prove_later(lambda: done.append(1))
    assert (done, len(stage.proofs)) == ([], 1)


def test_the_texts_that_wait(tmp_path):
    assert staging.texts() == {}
    with staging.gathered_in(Stage()):
        files.update(str(tmp_path / "a"), lambda _before: "x")
        assert staging.texts() == {str(tmp_path / "a"): "x"}
    assert staging.texts() == {}


class Room(contextlib.AbstractContextManager):
    def __init__(self, order, name):
        self.order, self.name = order, name

    def __enter__(self):
        self.order.append(f"enter {self.name}")

    def __exit__(self, *error):
        self.order.append(f"leave {self.name}")


def test_a_room_stays_to_the_end_of_the_block_or_of_the_stage():
    order = []
    with staging.until_in_place() as stack:
        stack.enter_context(Room(order, 1))
    assert order == ["enter 1", "leave 1"]
    stage = Stage()
    with stage.rooms:
        with staging.gathered_in(stage), staging.until_in_place() as stack:
            stack.enter_context(Room(order, 2))
        assert order[2:] == ["enter 2"]
    assert order[2:] == ["enter 2", "leave 2"]


def test_a_lock_is_held_once_in_a_stage():
    order = []

    def lock(name):
        with staging.until_in_place() as stack:
            staging.enter_once(stack, name, lambda: Room(order, name))

    lock("a")
    lock("a")
    assert order == ["enter a", "leave a"] * 2
    for _stage in range(2):
        order.clear()
        stage = Stage()
        with stage.rooms, staging.gathered_in(stage):
            lock("a")
            lock("a")
            lock("b")
            assert order == ["enter a", "enter b"]
        assert order == ["enter a", "enter b", "leave b", "leave a"]


def test_without_a_stage_files_are_changed_at_once(tmp_path):
    path = str(tmp_path / "d/file")
    files.make_directory(str(tmp_path / "d"), mode=0o700)
    assert files.is_directory(str(tmp_path / "d"))
    files.make(path, lambda: (tmp_path / "d/file").write_text("x") and None)
    assert files.exists(path)
    files.set_attributes(path, -1, -1, 0o604)
    assert os.stat(path).st_mode & 0o777 == 0o604
    files.remove(path, check_mode=True)
    assert files.exists(path)
    files.remove(path)
    files.remove(path)
    assert not files.exists(path)


def test_a_directory_that_is_right_is_not_touched(tmp_path):
    (tmp_path / "d").mkdir(0o750)
    before = os.stat(tmp_path / "d")
    files.make_directory(str(tmp_path / "d"), uid=os.getuid(), mode=0o750)
    assert os.stat(tmp_path / "d").st_ctime_ns == before.st_ctime_ns
    files.make_directory(str(tmp_path / "d"), mode=0o711)
    assert os.stat(tmp_path / "d").st_mode & 0o777 == 0o711
