# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans wait in files of the controller, for nobody else, until the next play."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import File, Part
from ansible_collections.postroom.mail.plugins.plugin_utils import _kept
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans, Record

HOST = {"os_family": "Debian", "package_lists": True}
RECORD = Record(
    "play",
    {"host": HOST},
    {"packages": ["postfix"]},
    "print",
    ["postfix"],
    {"postfix": {"running": True}},
    {"/etc/postfix/main.cf": "1 2 3"},
)
SMTP, IMAP, MESSAGE = ({"name": name} for name in ("smtp", "imap", "message"))
PARTS = {
    "postfix": Part(packages=["postfix"], parameters={"myhostname": "m"}, probes=[SMTP]),
    "dovecot": Part(files=[File("/a", "geheim", "0600", secret=True)], probes=[IMAP], delivery=[MESSAGE]),
    "host": Part(),
}


@pytest.fixture
def plans(tmp_path):
    return Plans("mail", str(tmp_path))


@pytest.fixture
def planned(plans):
    plans.keep_parts(PARTS, {"postfix": ["postfix"], "dovecot": [], "host": []}, HOST)
    return plans


def test_a_record_is_of_one_host_in_one_play(plans, tmp_path):
    assert plans.record("play") is None
    plans.keep(RECORD)
    assert plans.record("play") == RECORD
    assert plans.record("other") is None
    assert Plans("other", str(tmp_path)).record("play") is None


def test_nobody_else_can_read_it_and_nothing_lies_beside_it(planned, tmp_path):
    planned.keep(RECORD)
    former = os.umask(0)
    try:
        planned.keep(RECORD)
    finally:
        os.umask(former)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 4


def test_a_part_in_the_words_of_the_modules(planned):
    postfix, dovecot = planned.part("postfix"), planned.part("dovecot")
    assert (postfix["parameters"], postfix["missing_packages"], postfix["os_family"]) == ({"myhostname": "m"}, ["postfix"], "Debian")
    assert dovecot["files"] == [{"path": "/a", "content": "geheim", "mode": "0600", "secret": True, "service": ""}]
    assert postfix["sasl_user"] is None


def test_a_role_that_nobody_planned_for(planned):
    with pytest.raises(LookupError, match=r"^Nothing was planned for the role sasl: begin its tasks with postroom\.mail\.mail_plan\.$"):
        planned.part("sasl")


@pytest.mark.parametrize(
    ("roles", "probes"),
    [
        ([], None),
        (["host"], None),
        (["postfix"], [SMTP]),
        (["host", "dovecot"], [IMAP]),
        # A message passes through both.
        (["postfix", "dovecot"], [SMTP, IMAP, MESSAGE]),
    ],
)
def test_the_proof_is_for_those_who_take_part(planned, roles, probes):
    assert planned.proof(roles) == ({"probes": probes, "validate_certs": False} if probes else {})


def test_what_was_said_of_the_services_and_files_counts_once(plans):
    nothing = {"services": {}, "files": {}}
    assert plans.known_now("play") == nothing
    plans.keep(RECORD)
    assert plans.known_now("play") == {"services": RECORD.services, "files": RECORD.files}
    assert plans.known_now("play") == nothing
    assert plans.record("play").facts == RECORD.facts


def test_what_a_task_of_the_play_has_written_is_no_surprise(plans):
    plans.forget_files("play")
    plans.keep(RECORD)
    plans.forget_files("another play")
    assert plans.record("play") == RECORD
    plans.forget_files("play")
    assert plans.known_now("play") == {"services": RECORD.services, "files": {}}


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    path = str(tmp_path / "kept")
    _kept.write(path, {"a": 1})
    monkeypatch.setattr(_kept.json, "dumps", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _kept.write(path, {"a": 2})
    monkeypatch.undo()
    assert _kept.read(path) == {"a": 1}
