# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is wanted, in whatever order: it is as if each file had been changed by itself, or as if nothing had been wanted."""

from __future__ import annotations

import pathlib
import tempfile

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import NotForgotten
from ansible_collections.postroom.mail.plugins.module_utils._core import files, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_scenario import Steps, killed_at
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["a", "b", "d/a", "d/b", "new/a", "link", "fresh"]
texts = st.sampled_from(["", "former\n", "x\n", "\udcff\udcfe\r\n", "long\n" * 5000])
modes = st.sampled_from([None, 0o600, 0o644, 0o640])
names = st.sampled_from(NAMES)
operations = st.one_of(
    st.tuples(st.just("update"), names, texts, modes),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("attributes"), names, st.sampled_from([0o600, 0o604])),
    st.tuples(st.just("directory"), st.sampled_from(["d", "new", "new/below"]), st.sampled_from([0o755, 0o711])),
    st.tuples(st.just("make"), st.sampled_from(["compiled", "d/compiled"]), texts),
)
sequences = st.lists(operations, max_size=12)
SOME = settings(max_examples=100)


class Host(ChangeHost):
    """A host whose daemons are proved as a last step."""

    def __init__(self, directory):
        pathlib.Path(directory).mkdir()
        super().__init__(pathlib.Path(directory))
        for name in ("a", "b", "d/a"):
            self.write(name, "former\n")
        (self.root / "b").chmod(0o640)
        (self.root / "link").symlink_to("d/a")
        self.step = lambda name: None
        self.services.on = {name: lambda name=name: self.step(name) for name in ("apply", "prove")}

    def do(self, sequence):
        """Each operation as a module does it, which looks first whether it can."""
        for kind, name, *more in sequence:
            path = self.path(name)
            if kind == "directory":
                files.make_directory(path, mode=more[0], parents=True)
            elif kind == "make":
                files.make(path, lambda path=path, text=more[0]: files.update(path, lambda _before: text) and None)
            elif kind == "remove":
                files.remove(path)
            elif kind == "attributes" and files.read_text(path) is not None:
                files.set_attributes(path, -1, -1, more[0])
            elif kind == "update" and files.is_directory(self.path(name.rpartition("/")[0] or ".")):
                self.update(name, more[0], more[1])


def effect(host):
    def do(name):
        staging.effect(lambda: host.step(name), lambda: host.step(f"undo {name}"), before_files=name == "before")

    do("before")
    do("after")


@SOME
@given(sequences)
def test_a_change_leaves_what_one_change_after_the_other_would_leave(sequence):
    # What is made of other files comes after all of them.
    sequence = sorted(sequence, key=lambda operation: operation[0] == "make")
    with tempfile.TemporaryDirectory() as directory:
        twin, host = Host(f"{directory}/twin"), Host(f"{directory}/host")
        twin.do(sequence)
        host.carry_out(lambda: host.do(sequence))
        assert host.tree() == twin.tree()
        assert host.kept() == []


@SOME
@given(sequences)
def test_a_change_that_was_made_touches_nothing(sequence):
    # What is wanted through a link is something else when the link is gone; and who makes looks first whether there is anything to be made.
    sequence = [operation for operation in sequence if operation[1] != "link" and operation[0] != "make"]
    with tempfile.TemporaryDirectory() as directory:
        host = Host(f"{directory}/host")
        # A file is written only where there is a directory by then, and a mode set only where there is a file.
        for _round in range(3):
            host.carry_out(lambda: host.do(sequence))
        before = host.stamps()
        outcome = host.carry_out(lambda: host.do(sequence))
        assert (host.stamps(), outcome.files) == (before, [])


@SOME
@given(sequences, st.integers(1, 60))
def test_a_failure_at_any_step_leaves_everything_as_it_was(sequence, number):
    def fail(name):
        raise OSError(28, "No space left on device")

    with tempfile.TemporaryDirectory() as directory:
        twin, host = Host(f"{directory}/twin"), Host(f"{directory}/host")
        before = host.tree()
        twin.carry_out(lambda: twin.do(sequence))
        try:
            with Steps(host, number, fail):
                host.carry_out(lambda: host.do(sequence), lambda: effect(host))
        except NotForgotten:
            # The first step of all, or the last.
            assert host.tree() in (before, twin.tree())
        except HostError:
            assert (host.tree(), host.kept()) == (before, [])
        else:
            assert (host.tree(), host.kept()) == (twin.tree(), [])


@settings(max_examples=60)
@given(sequences, st.integers(1, 80), st.integers(1, 40))
def test_a_death_at_any_step_leaves_nothing_that_the_next_run_does_not_put_right(sequence, number, again):
    with tempfile.TemporaryDirectory() as directory:
        host = Host(f"{directory}/host")
        before = host.tree()

        def change():
            host.carry_out(lambda: host.do(sequence), lambda: effect(host))

        if not killed_at(host, number, change):
            return
        killed_at(host, again, host.carry_out)
        host.carry_out()
        found = host.tree()
        assert host.kept() == []
        if found != before:
            # It had come to its end.
            twin = Host(f"{directory}/twin")
            twin.carry_out(lambda: twin.do(sequence))
            assert found == twin.tree()
