# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module does as part of a change what it does alone, or nothing at all."""

from __future__ import annotations

import stat

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import FIRST, KINDS
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._modules import carry_out
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import FakeServices
from ansible_collections.postroom.mail.tests.unit.plugins.modules.case import always_with
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import CASES, KEEP_SECRETS, of

PARTS = [name for name in CASES if name in KINDS and name != "mail_service"]
# These come first, and are not put back.
LATER = [name for name in PARTS if name not in FIRST]


def contents(case):
    """Everything that a call may change, but for the inodes and the times of what is written anew."""
    found, more = case.state()
    return {path: (content, mode) for path, (content, mode, _inode, _mtime) in found.items()}, more


def stamps(case):
    """By which it shows that a file was written; a directory has another time when something lay in it for a while."""
    found, more = case.state()
    return {path: what for path, what in found.items() if not stat.S_ISDIR(what[1])}, more


@pytest.fixture
def services(monkeypatch, tmp_path):
    services = FakeServices()
    always_with(monkeypatch, Journal, place=str(tmp_path / "journal"))
    monkeypatch.setattr(carry_out, "Daemons", lambda *arguments, **options: services)
    return services


@pytest.fixture
def change(call, name, case, services):
    """The change whose only wish is the call of the case."""

    def change(wrong=False, **more):
        given = {**case.options, **case.wrong} if wrong else case.options
        return call("mail_change", {"wishes": [{"module": name, "options": given, "role": "sasl"}]}, case.run, **more)

    return change


@of(*PARTS)
def test_check_change_check_change(call, change, name, case, services, tmp_path):
    before = stamps(case)
    would = change(check_mode=True)
    assert (would.code, would.result.get("msg"), would.result["changed"]) == (0, None, True)
    assert stamps(case) == before
    assert not (tmp_path / "journal").exists()
    did = change()
    assert (did.code, did.result.get("msg"), did.result["changed"]) == (0, None, True)
    (told,) = did.result["modules"][name]
    assert {key: told[key] for key in case.result if key in told and key != "table"} == {
        key: value for key, value in case.result.items() if key in told and key != "table"
    }
    case.afterwards(told)
    after = case.state()
    assert stamps(case) != before
    for check_mode in (True, False):
        again = change(check_mode=check_mode)
        assert (again.code, again.result.get("msg"), again.result["changed"]) == (0, None, False)
        assert again.result["changed_files"] == []
        assert case.state() == after
    assert [path.name for path in (tmp_path / "journal").rglob("*")] == ["lock"]
    # It is as if the module had been called by itself.
    alone = call(name, case.options, case.run)
    assert (alone.code, alone.result["changed"]) == (0, False)
    assert case.state() == after


@of(*LATER)
def test_a_change_leaves_what_the_module_leaves(call, change, name, monkeypatch, tmp_path, services):
    places = [tmp_path / "alone", tmp_path / "change"]
    left = []
    for place in places:
        place.mkdir()
        with monkeypatch.context() as patched:
            case = CASES[name](place, patched)
            wish = {"wishes": [{"module": name, "options": case.options}]}
            told = call(name, case.options, case.run) if place is places[0] else call("mail_change", wish, case.run)
            assert told.code == 0, told.result["msg"]
            left.append(contents(case))
    here, there = map(str, places)
    assert [path.replace(there, here) for path in left[1][0]] == list(left[0][0])
    for (path, (content, mode)), (alone, mode_alone) in zip(left[1][0].items(), left[0][0].values()):
        assert mode == mode_alone, path
        # A salt is another each time.
        assert name == "dovecot_user" or (content or b"").replace(there.encode(), here.encode()) == (alone or b""), path
    assert left[1][1].replace(there, here) == left[0][1]


@of(*LATER)
@pytest.mark.parametrize("step", ["apply", "prove"])
def test_a_change_that_does_not_hold_leaves_nothing_of_it(change, name, case, services, step, tmp_path):
    before = contents(case)
    services.fails[step] = HostError("It does not serve.")
    told = change()
    assert (told.code, told.result["error"]) == (1, "PutBack"), told.result["msg"]
    assert told.result["msg"].startswith("It does not serve. Everything was put back")
    assert contents(case) == before
    assert [path.name for path in (tmp_path / "journal").rglob("*")] == ["lock"]
    # And nothing of it is in the way of the next.
    services.fails.clear()
    assert (change().code, contents(case) == before) == (0, False)


@of(*LATER)
def test_files_that_are_told_are_the_same_in_check_mode(change, name, case):
    would, did = change(check_mode=True), change()
    assert would.result["changed_files"] == did.result["changed_files"]


@of(*LATER)
def test_the_diff_is_the_one_of_the_module(change, name, case):
    would = change(check_mode=True, diff=True)
    did = change(diff=True)
    assert case.diff in str(would.result["diff"])
    assert did.result["diff"] == would.result["diff"]


@of(*PARTS)
def test_what_is_refused_changes_nothing(change, name, case, services):
    before = case.state()
    told = change(wrong=True)
    assert (told.code, case.message in told.result["msg"]) == (1, True), told.result["msg"]
    assert case.state() == before
    assert services.calls == []


@of(*(name for name in KEEP_SECRETS if name in PARTS))
@pytest.mark.parametrize("wrong", [False, True])
def test_no_secret_is_shown_or_logged(change, name, case, wrong):
    told = change(wrong=wrong, diff=True)
    assert (told.code, bool(told.logged)) == (int(wrong), True)
    assert case.is_hidden(told.everything)
