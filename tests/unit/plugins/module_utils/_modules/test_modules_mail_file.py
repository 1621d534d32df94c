# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole files, alone and in a change."""

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, completed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_file import DOOR
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost, Gathered, put_in_place

OURS = {"owner": str(os.getuid()), "group": str(os.getgid())}


class Host(ChangeHost):
    def bring(self, *files, absent=(), check_mode=False, diff=True):
        files = [{"path": self.path(name), "content": content, **OURS, **more} for name, content, more in files]
        given, wrong = completed(DOOR, {"files": files, "absent": [self.path(name) for name in absent]})
        assert wrong == []
        call = Call(given, check_mode=check_mode, diff=diff, make_run=lambda: pytest.fail("Nothing is run."), make_tmpdir=str)
        return DOOR.work(call)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_files_are_written_and_taken_away(host):
    host.write("same", "s")
    host.write("former", "f")
    told = host.bring(("a", "x", {}), ("same", "s", {}), ("b", "y", {"mode": "0600"}), absent=["former", "never"])
    assert told["changed_files"] == [host.path(name) for name in ("a", "b", "former")]
    assert {name: (host.read(name), host.mode(name)) for name in os.listdir(host.root)} == {
        "a": ("x", 0o644),
        "same": ("s", 0o644),
        "b": ("y", 0o600),
    }


def test_a_second_call_touches_nothing(host):
    files = [("a", "x", {}), ("b", "y", {"mode": "0600", "service": "dovecot"})]
    host.bring(*files, absent=["former"])
    before = host.stamps()
    assert host.bring(*files, absent=["former"]) == {"changed": False, "changed_files": [], "services": [], "diff": []}
    assert host.stamps() == before


@pytest.mark.parametrize(
    ("services", "told"),
    [(("spamd", "dovecot"), ["spamd"]), (("", "dovecot"), []), (("spamd", "spamd"), ["spamd"]), (("", ""), [])],
)
def test_only_a_file_that_changed_has_its_service_told(host, services, told):
    host.write("same", "s")
    files = [("a", "x", {"service": services[0]}), ("same", "s", {"service": services[1]})]
    assert host.bring(*files)["services"] == told


def test_a_service_is_told_once(host):
    files = [(name, "x", {"service": "spamd"}) for name in ("a", "b")]
    assert host.bring(*files)["services"] == ["spamd"]


def test_a_mode_alone_is_a_change(host):
    host.write("a", "x", 0o600)
    assert host.bring(("a", "x", {}))["changed_files"] == [host.path("a")]
    assert host.mode("a") == 0o644


def test_check_mode_writes_nothing_also_where_no_directory_is(host):
    host.write("former", "f")
    before = host.stamps()
    told = host.bring(("not/there/yet", "x", {}), ("a", "y", {}), absent=["former"], check_mode=True)
    assert told["changed_files"] == [host.path(name) for name in ("not/there/yet", "a", "former")]
    assert host.stamps() == before


def test_without_a_directory_it_is_refused(host):
    with pytest.raises(HostError, match=r"^Cannot write .*/not/there\.tmp: No such file or directory; .* was left as it is\.$"):
        host.bring(("not/there", "x", {}))


@pytest.mark.parametrize("secret", [True, False])
def test_the_diff_shows_no_secret(host, secret):
    (diff,) = host.bring(("a", "s3cret", {"secret": secret}))["diff"]
    assert ("s3cret" in str(diff)) is not secret
    assert DOOR.judge("content", "s3cret", {"secret": secret}) == (None if secret else ("s3cret", set()))


@pytest.mark.parametrize(
    ("files", "absent", "words"),
    [
        ([("../../../etc/x", "x", {})], [], None),
        ([("a", "x", {}), ("a", "y", {})], [], "is listed twice, in 'files' or in 'absent': list it once"),
        ([("a", "x", {})], ["a"], "is listed twice"),
        ([], ["a", "a"], "is listed twice"),
        ([("a", "x", {"mode": "644"})], [], "The mode 644 of .* is not understood"),
        ([("a", "x", {"owner": "no-such-user"})], [], "There is no user 'no-such-user'"),
    ],
)
def test_what_is_refused(host, files, absent, words):
    if words is None:
        with pytest.raises(BadInput, match=r"^'etc/x' is no place for a file: give an absolute path\.$"):
            DOOR.work(Call({"files": [{"path": "etc/x"}], "absent": []}, check_mode=True, diff=False, make_run=None, make_tmpdir=None))
        return
    with pytest.raises(BadInput, match=words):
        host.bring(*files, absent=absent)
    assert os.listdir(host.root) == []


def test_in_a_change_it_waits(host):
    host.write("former", "f")
    before = host.stamps()
    with Gathered() as stage:
        host.bring(("a", "x", {}), absent=["former"])
        # What another wish of the change takes for granted.
        assert host.bring(("a", "x", {}))["changed"] is False
    assert host.stamps() == before
    put_in_place(stage)
    assert {name: host.read(name) for name in os.listdir(host.root)} == {"a": "x"}
