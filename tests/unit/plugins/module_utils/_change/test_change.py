# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host is changed as a whole, or not at all."""

from __future__ import annotations

import errno
import os
import resource

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import NotPutBack, PutBack
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import MANIFEST, Damaged
from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import failing
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_scenario import Scenario, Steps, fixed_backups

PUT_BACK = " Everything was put back, and the daemons run with what they had before."


@pytest.fixture
def host(tmp_path, monkeypatch):
    fixed_backups(monkeypatch)
    return Scenario(tmp_path)


# When all goes well ---------------------------------------------------------------------------------------------------


def test_everything_is_done_in_order(host):
    outcome = host.carry_out(*host.works())
    assert host.order == ["stop", "add", "start", "apply", "prove"]
    assert (host.read("main.cf"), host.read("new/below/fresh"), host.read("sub/real")) == ("wanted\n",) * 3
    assert [host.mode(name) for name in ("main.cf", "new/below/fresh", "mode.cf", "new/below", "sub")] == [
        0o640,
        0o600,
        0o600,
        0o711,
        0o755,
    ]
    assert (host.read("table"), host.read("table.db"), host.read("main.cf.backup~")) == ("c d\n", "compiled c d\n", "former\n")
    assert not [name for name in host.tree() if "useless" in name or ".tmp" in name or ".postroom" in name]
    assert (host.kept(), outcome.changed, outcome.warnings) == ([], True, [])
    names = ["table", "table.db", "main.cf", "new/below/fresh", "mode.cf", "sub/real", "useless.cf", "useless link", "useless fifo"]
    assert outcome.files == list(map(host.path, names))


def test_a_converged_run_does_nothing_and_writes_nothing(host):
    host.carry_out(*host.works())
    before, place, host.order = host.stamps(), os.stat(host.journal.place), []
    outcome = host.carry_out(*host.works())
    after = os.stat(host.journal.place)
    assert (host.stamps(), after.st_mtime_ns, after.st_ctime_ns) == (before, place.st_mtime_ns, place.st_ctime_ns)
    assert (outcome.changed, outcome.files, host.order) == (False, [], ["apply"])


def test_the_daemons_are_told_what_was_done(host):
    told = []

    def apply(results, *, changed):
        told.append((dict(results), changed))
        return {"changed": False, "actions": [], "reasons": []}

    host.services.apply = apply
    host.carry_out(lambda: {"changed": False, "said": 1}, first=[lambda: {"changed": False}])
    host.carry_out(lambda: {"changed": False}, first=[lambda: {"changed": True}])
    assert told == [
        ({"mail_user": [{"changed": False}], "mail_file": [{"changed": False, "said": 1}]}, False),
        ({"mail_user": [{"changed": True}], "mail_file": [{"changed": False}]}, True),
    ]


def test_what_comes_first_is_done_at_once(host):
    seen = []
    host.carry_out(
        lambda: seen.append((host.read("main.cf"), host.read("right.cf"))),
        first=[lambda: host.update("main.cf", "first\n") and {"changed": True}],
    )
    assert seen == [("first\n", "right\n")]


def test_daemons_are_proved_when_only_they_were_changed(host):
    host.services.told = {"changed": True, "actions": ["reload postfix"], "reasons": ["It lags behind."]}
    outcome = host.carry_out()
    assert (host.order, outcome.changed) == (["apply", "prove"], True)
    host.services.fails["prove"] = HostError("It does not serve.")
    with pytest.raises(HostError, match=r"^It does not serve\.$"):
        host.carry_out()


def test_what_is_proved_later_comes_when_the_daemons_know(host):
    order = []
    host.services.on = {"apply": lambda: order.append("apply"), "prove": lambda: order.append("prove")}

    def work():
        host.update("main.cf", "wanted\n")
        assert staging.prove_later(lambda: order.append(host.read("main.cf")))

    host.carry_out(work)
    assert order == ["apply", "wanted\n", "prove"]
    host.carry_out(work)
    assert order[3:] == ["apply", "wanted\n"]


# Check mode -----------------------------------------------------------------------------------------------------------


def test_check_mode_does_nothing_at_all(host):
    before = host.stamps()
    outcome = host.carry_out(*host.works()[1:], check_mode=True)
    assert (host.stamps(), os.path.exists(host.journal.place), host.order) == (before, False, ["apply"])
    assert (outcome.changed, len(outcome.files)) == (True, 7)


def test_check_mode_tells_of_what_a_killed_run_has_left(host):
    host.services.fails["prove"] = SystemExit()
    with pytest.raises(SystemExit):
        host.carry_out(*host.works())
    before, kept = host.stamps(), host.kept()
    outcome = host.carry_out(*host.works(), check_mode=True)
    assert outcome.recovered == ["A run that was killed left the host half changed; what was there before would be put back."]
    assert (outcome.changed, host.stamps(), host.kept()) == (True, before, kept)


# When it is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_is_refused_while_it_is_gathered_leaves_everything(host, check_mode):
    def refuse():
        raise RejectedByDaemon("Postfix refuses it.")

    before = host.stamps()
    with pytest.raises(RejectedByDaemon):
        host.carry_out(*host.works(), refuse, check_mode=check_mode)
    del before["table"]
    assert {name: stamp for name, stamp in host.stamps().items() if name in before} == before
    # Neither is there a room with a copy of a table.
    assert sorted(host.tree()) == sorted([*before, "table"])
    assert (host.kept(), host.order) == ([], [])


def test_a_journal_that_cannot_be_written_changes_nothing(host):
    before = host.everything()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))

    try:
        with pytest.raises(HostError, match=r"^Cannot keep in .* what would be changed: File too large; nothing was changed\.$"):
            host.carry_out(*host.works(), fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (host.everything(), host.kept(), host.order) == (before, [], [])


# When it does not hold ------------------------------------------------------------------------------------------------


def steps_of(host):
    with Steps(host, 0, None) as steps:
        host.carry_out(*host.works())
    return steps.names


def refuse(kind):
    def happens(name):
        raise kind

    return happens


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), HostError("It does not work."), KeyError("services")],
    ids=["disk full", "cannot", "bug"],
)
def test_a_failure_in_any_step_leaves_everything_as_it_was(tmp_path, monkeypatch, error):
    """Whatever fails: a rename, a chmod, an effect, the daemons."""
    fixed_backups(monkeypatch)
    twin = Scenario(tmp_path / "twin")
    names = steps_of(twin)
    assert len(names) > 60
    last = names.index("prove") + 1
    failed = 0
    for number in range(1, last + 1):
        host = Scenario(tmp_path / str(number))
        before = host.everything()
        try:
            with Steps(host, number, refuse(error)):
                host.carry_out(*host.works())
        except (HostError, type(error)):
            failed += 1
            assert (host.everything(), host.kept()) == (before, []), (number, names[number - 1])
        else:
            # What only clears up may fail.
            assert (host.everything(), host.kept()) == (twin.everything(), []), (number, names[number - 1])
    assert failed > last - 5


@pytest.mark.parametrize(
    ("step", "undone"),
    [
        ("stop", ["start again"]),
        ("add", ["remove", "start again"]),
        ("start", ["stop again", "remove", "start again"]),
        ("apply", ["stop again", "remove", "start again"]),
        ("prove", ["stop again", "remove", "start again"]),
    ],
)
def test_effects_are_undone_in_the_opposite_order(host, step, undone):
    before, seen = host.everything(), []

    def happens(name):
        host.order.append(name)
        seen.append((name, host.read("main.cf")))
        if name == step:
            raise HostError("It does not work.")

    host.step = happens
    with pytest.raises(PutBack) as caught:
        host.carry_out(*host.works())
    assert str(caught.value) == f"It does not work.{PUT_BACK}"
    assert host.order[host.order.index(step) + 1 :] == ["withdraw", *undone, "apply_former"]
    # What was started with the new files is stopped while they are there; what was stopped before is started with the former ones.
    assert {name: text for name, text in seen if name in ("withdraw", "stop again", "remove", "start again", "apply_former")}.items() >= {
        "start again": "former\n",
        "apply_former": "former\n",
        **dict.fromkeys({"stop again", "remove"} & set(undone), "wanted\n"),
    }.items()
    assert (host.everything(), host.kept()) == (before, [])


def test_a_proof_that_fails_puts_everything_back(host):
    before = host.everything()

    def work():
        host.update("main.cf", "wanted\n")
        staging.prove_later(failing("The sample went elsewhere."))

    with pytest.raises(PutBack, match=f"^The sample went elsewhere.{PUT_BACK}$"):
        host.carry_out(work)
    assert (host.everything(), host.kept()) == (before, [])


def test_what_nobody_foresaw_is_called_so(host):
    host.services.fails["apply"] = KeyError("services")
    with pytest.raises(PutBack, match=r"^Something happened that nobody foresaw \(KeyError\('services'\)\)\. Everything was put back"):
        host.carry_out(*host.works())


# When putting back does not work either -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["withdraw", "stop again", "remove", "start again", "apply_former"])
@pytest.mark.parametrize("error", [HostError("Nor does this."), OSError(5, "Input/output error"), TypeError("bug")])
def test_a_failure_while_putting_back_stops_nothing_else_and_keeps_the_journal(host, step, error):
    before = host.tree()

    def happens(name):
        host.order.append(name)
        if name == step:
            raise error

    host.step = happens
    host.services.fails["prove"] = HostError("It does not serve.")
    with pytest.raises(NotPutBack) as caught:
        host.carry_out(*host.works())
    assert str(caught.value).startswith("It does not serve. The change was taken back, but not as a whole: ")
    assert str(caught.value).endswith(f" What was there before lies in {host.journal.directory}; the next run tries again.")
    assert [word in str(caught.value) for word in ("Nor does this.", "Input/output error.", "TypeError")].count(True) == 1
    assert host.order[-6:] == ["prove", "withdraw", "stop again", "remove", "start again", "apply_former"][-6:]
    assert (host.tree(), host.journal.is_left()) == (before, True)


def test_a_file_that_cannot_be_put_back_is_put_back_by_the_next_run(host):
    before = host.tree()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    host.write("large", "x" * 5000)

    def work():
        host.update("main.cf", "wanted\n")
        host.update("large", "small\n")

    def fill_the_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    host.services.on["withdraw"] = fill_the_disk
    host.services.fails["prove"] = HostError("It does not serve.")
    try:
        with pytest.raises(
            NotPutBack, match=r"not as a whole: .*/large could not be put back: File too large\. What was there before lies in"
        ):
            host.carry_out(work)
        assert (host.read("main.cf"), host.read("large"), host.journal.is_left()) == ("former\n", "small\n", True)
        # It is not thrown away by a run that cannot do it either.
        with pytest.raises(NotPutBack, match="^A run that was killed left the host half changed, and not everything could be put back: .*"):
            host.carry_out(lambda: pytest.fail("Nothing is changed before."))
        assert host.journal.is_left()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    host.services.fails.clear()
    outcome = host.carry_out()
    assert outcome.recovered == ["A run that was killed left the host half changed; what was there before was put back."]
    assert (host.read("large"), host.kept()) == ("x" * 5000, [])
    (host.root / "large").unlink()
    assert host.tree() == before


def test_what_somebody_changed_meanwhile_stays_and_is_told(host):
    def meddle():
        host.write("main.cf", "theirs\n")

    host.services.on["apply"] = meddle
    host.services.fails["prove"] = HostError("It does not serve.")
    with pytest.raises(NotPutBack, match=r"not as a whole: .*/main.cf stays as it is, because somebody else has changed it since\. What"):
        host.carry_out(*host.works())
    assert (host.read("main.cf"), host.read("table")) == ("theirs\n", "a b\n")
    host.services.on, host.services.fails = {}, {}
    outcome = host.carry_out()
    assert outcome.warnings == [f"{host.path('main.cf')} stays as it is, because somebody else has changed it since."]
    assert (host.read("main.cf"), host.kept()) == ("theirs\n", [])


def leave_half_changed(host):
    host.services.fails["prove"] = SystemExit()
    with pytest.raises(SystemExit):
        host.carry_out(*host.works())
    assert host.journal.is_left()
    host.services.fails.clear()
    host.services.calls.clear()


def test_a_damaged_journal_is_told_before_anything_is_done(host):
    leave_half_changed(host)
    with open(f"{host.journal.directory}/{MANIFEST}", "w") as f:
        f.write("{")
    before, kept = host.stamps(), host.kept()
    with pytest.raises(Damaged, match="put back by hand what you need of that"):
        host.carry_out(*host.works())
    assert (host.stamps(), host.kept(), host.services.calls) == (before, kept, [])


def test_daemons_that_do_not_come_up_with_what_was_there_keep_no_change_from_mending_that(host):
    leave_half_changed(host)
    host.services.fails["apply_former"] = HostError("The configuration was broken before.")
    outcome = host.carry_out(*host.works())
    assert host.services.calls == ["apply_former after a kill", "apply", "prove"]
    assert outcome.warnings == ["With what was there before a run that was killed: The configuration was broken before."]
    assert (host.read("main.cf"), host.kept()) == ("wanted\n", [])


def test_a_change_that_is_refused_after_one_that_was_killed_leaves_what_was_there_before_both(host):
    before = host.tree()
    leave_half_changed(host)
    with pytest.raises(HostError, match="It does not work"):
        host.carry_out(failing())
    assert (host.tree(), host.kept()) == (before, [])
    assert host.services.calls == ["apply_former after a kill"]


def test_a_journal_that_cannot_be_taken_away_is_told(host, monkeypatch):
    def refused():
        raise HostError("Cannot take it away: Read-only file system.")

    host.services.on["prove"] = lambda: monkeypatch.setattr(host.journal, "forget", refused)
    with pytest.raises(HostError, match=r"^Cannot take it away: Read-only file system\.$"):
        host.carry_out(*host.works())
