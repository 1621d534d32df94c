# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables in the one change of a host: they are in the end what they are alone, and as they were when the change does not hold."""

from __future__ import annotations

import itertools
import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import PutBack
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._postfix.config import configure
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix
from ansible_collections.postroom.mail.plugins.module_utils._tables import compiled_table
from ansible_collections.postroom.mail.plugins.module_utils._tables.postmap import Postmap, TableRejected
from ansible_collections.postroom.mail.plugins.module_utils._tables.request import Table
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postmap_host import Postfix as Compiler

OPEN, CLOSED = files.Attributes(mode=0o644), files.Attributes(mode=0o600)
STATES = {
    "none": {"type": "", "present": False},
    "hash": {"type": "hash", "text": "a b\n"},
    "other text": {"type": "hash", "text": "a c\n"},
    "closed": {"type": "hash", "text": "a b\n", "attributes": CLOSED},
    "closed, other text": {"type": "hash", "text": "a c\n", "attributes": CLOSED},
    "lmdb": {"type": "lmdb", "text": "a b\n", "attributes": OPEN},
    "regexp": {"type": "regexp", "text": "a c\n"},
}
PAIRS = list(itertools.product(STATES, repeat=2))


class Host(ChangeHost):
    def table(self, state, name="table"):
        return Table(self.path(name), style="table", **STATES[state])

    def alone(self, *tables, backup=False, check_mode=False, run=None):
        outcomes = Postmap(run or Compiler(), "/etc/postfix", check_mode=check_mode, backup=backup).apply(list(tables))
        return {"changed": any(outcome.changed for outcome in outcomes)}

    def bring(self, state, **options):
        return self.carry_out(lambda: self.alone(self.table(state), **options), check_mode=options.get("check_mode", False))

    def times(self):
        return {path.name: path.stat().st_mtime_ns for path in self.root.iterdir()}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_a_table_is_what_it_is_alone(host, tmp_path, former, wanted):
    for one in (host, twin := Host(tmp_path / "twin")):
        one.alone(one.table(former))
    twin.alone(twin.table(wanted))
    assert host.bring(wanted, check_mode=True).changed is host.bring(wanted).changed
    assert host.tree() == twin.tree()
    before = host.stamps()
    outcome = host.bring(wanted)
    assert (outcome.changed, outcome.files, host.stamps()) == (False, [], before)


@pytest.mark.parametrize(("former", "wanted"), PAIRS)
def test_a_table_is_what_it_was_when_the_change_does_not_hold(host, former, wanted):
    host.alone(host.table(former))
    before, times = host.tree(), host.times()
    host.services.fails["apply"] = HostError("It does not come up.")
    with pytest.raises(HostError, match="It does not come up"):
        host.bring(wanted)
    # Also as old as its source, for which Postfix would warn.
    assert (host.tree(), host.times(), host.kept()) == (before, times, [])


def test_roles_with_and_without_backups_build_tables_in_one_directory(host, monkeypatch):
    """The lock on the directory is held against who holds it, too."""
    monkeypatch.setattr(compiled_table, "LOCK_TIMEOUT", 0.1)
    host.write("first", "theirs\n")
    host.carry_out(
        lambda: host.alone(host.table("hash", "first"), backup=True),
        lambda: host.alone(host.table("hash", "second")),
    )
    assert [host.read(name) for name in ("first", "second")] == ["a b\n"] * 2
    assert len([name for name in host.tree() if name.endswith("~")]) == 1


def test_a_table_that_is_refused_leaves_the_others(host):
    host.alone(host.table("hash", "first"))
    before = host.stamps()
    bad = Table(host.path("second"), "hash", "table", text="bad b\n")
    with pytest.raises(TableRejected):
        host.carry_out(lambda: host.alone(host.table("other text", "first")), lambda: host.alone(bad))
    assert (host.stamps(), host.kept()) == (before, [])


def test_main_cf_finds_the_tables_that_come_with_it(host):
    host.write("main.cf", "myhostname = a\n")
    told = []

    def configured(name):
        def work():
            postfix = Postfix(PostfixHost(), str(host.root))
            told.append(configure(postfix, {"virtual_alias_maps": f"hash:{host.path(name)}"}).warnings)

        return work

    host.carry_out(lambda: host.alone(host.table("hash")), configured("table"))
    assert told == [[]]
    host.carry_out(configured("other"))
    assert told[1] == [
        f"virtual_alias_maps uses hash:{host.path('other')}, and there is no {host.path('other')}.db yet; mail is deferred until there is."
    ]


def test_a_form_that_is_put_in_place_and_then_taken_back(host):
    host.alone(host.table("hash"))
    before = host.tree()

    def work():
        os.unlink(host.path("table.db"))
        return host.alone(host.table("hash"))

    host.services.fails["prove"] = HostError("It does not serve.")
    with pytest.raises(PutBack):
        host.carry_out(work)
    del before["table.db"]
    assert host.tree() == before
