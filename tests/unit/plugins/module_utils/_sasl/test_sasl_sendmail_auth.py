# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_auth, sendmail_mc
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_auth import ForeignConfiguration, NotInstalled
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_daemon import NotServing
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.sendmail_host import OWN, WANTED, FakeHost


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def test_auth_is_set_up_and_read_by_the_daemon(host):
    outcome = host.auth()
    assert outcome.actions == [f"write {host.paths.cf}", f"write {host.paths.mc}", "reload sendmail"]
    assert host.mc().startswith(OWN + sendmail_mc.BLOCK.begin)
    assert "O AuthMechanisms=PLAIN LOGIN\n" in host.cf()
    assert host.read == [host.cf()]
    assert [diff["before_header"] for diff in outcome.diff] == [host.paths.mc]


def test_a_second_run_touches_nothing(host):
    host.auth()
    before = host.inodes()
    assert host.auth() == ([], [])
    assert host.inodes() == before
    assert len(host.read) == 1


def test_to_make_the_built_file_is_the_newer_one(host):
    host.auth()
    assert os.stat(host.paths.cf).st_mtime >= os.stat(host.paths.mc).st_mtime


def test_check_mode_tells_and_writes_nothing(host):
    before = host.inodes()
    assert host.auth(check_mode=True).actions == [f"write {host.paths.cf}", f"write {host.paths.mc}", "reload sendmail"]
    assert host.inodes() == before
    assert host.read == []


def test_it_is_taken_away_again(host):
    host.auth()
    host.auth(None)
    assert host.mc() == OWN
    assert sendmail_mc.effective(host.cf()) == ["O LogLevel=9"]
    assert host.auth(None) == ([], [])


def test_a_daemon_that_is_behind_starts_anew(host):
    host.auth()
    host.behind = True
    assert host.auth().actions == ["reload sendmail"]


def test_a_sendmail_that_does_not_run_is_started(host):
    host.pid = None
    assert host.auth().actions[-1] == "start sendmail"
    assert host.read == [host.cf()]


def test_a_sendmail_that_does_not_run_is_not_started_for_nothing(host):
    host.pid = None
    assert host.auth(None) == ([], [])


def test_a_built_file_that_was_lost_is_built_again(host):
    host.auth()
    text = host.mc()
    os.unlink(host.paths.cf)
    assert host.auth().actions == [f"write {host.paths.cf}", "reload sendmail"]
    assert host.mc() == text


def test_a_run_that_was_interrupted_between_the_files_is_completed(host):
    host.auth()
    host.write(OWN)
    assert host.auth().actions == [f"write {host.paths.mc}", "reload sendmail"]


def test_a_file_that_m4_does_not_understand_stops_it(host):
    host.write(f"{OWN}BROKEN\n")
    before = host.cf()
    with pytest.raises(RejectedByDaemon, match=r"line 7: ERROR: end of file in string; .*sendmail.cf was left as it is"):
        host.auth()
    assert host.cf() == before


def test_a_file_that_sendmail_does_not_take_is_not_written(host):
    host.write(f"{OWN}OPTION Nonsense=1\n")
    before = host.cf()
    with pytest.raises(RejectedByDaemon, match=r"sendmail.cf: line 3: unknown option name Nonsense"):
        host.auth(replace=True)
    assert host.cf() == before
    assert "AUTH" not in host.mc()


def test_a_built_file_that_was_changed_by_hand_stops_it(host):
    host.make("O MaxHopCount=77\n")
    with pytest.raises(ForeignConfiguration, match=r"it has the line 'O MaxHopCount=77'.*sasl_replace_config"):
        host.auth()
    assert host.mc() == OWN


def test_it_is_replaced_on_request_and_kept(host, tmp_path):
    host.make("O MaxHopCount=77\n")
    host.auth(replace=True)
    kept = [path for path in tmp_path.iterdir() if path.name.endswith("~")]
    assert [path.name.split(".2")[0] for path in kept] == ["sendmail.cf"]
    assert "MaxHopCount=77" in kept[0].read_text()
    assert "MaxHopCount" not in host.cf()


def test_auth_of_somebody_else_stops_it_and_nothing_else(host):
    host.write(f"{OWN}define(`confAUTH_MECHANISMS', `EXTERNAL')dnl\n")
    host.make()
    with pytest.raises(ForeignConfiguration, match=r"sets up AUTH already \('O AuthMechanisms=EXTERNAL'"):
        host.auth()
    assert host.auth(None) == ([], [])
    assert host.auth(replace=True).actions[-1] == "reload sendmail"


def test_backups_are_made_on_request(host, tmp_path):
    host.auth(backup=True)
    assert sum(path.name.endswith("~") for path in tmp_path.iterdir()) == 2


def test_what_does_not_serve_is_undone(host):
    host.refuses = "sendmail offers no STARTTLS on port 587; its log may say why."
    before = host.mc(), host.cf()
    with pytest.raises(NotServing, match=r"no STARTTLS on port 587; its log may say why; .* are again what they were before"):
        host.auth()
    assert (host.mc(), host.cf()) == before
    assert host.read[-1] == before[1]


def test_what_was_there_before_is_not_undone(host):
    host.auth()
    host.refuses, host.behind = "sendmail offers no AUTH on port 587.", True
    before = host.inodes()
    with pytest.raises(NotServing, match="no AUTH"):
        host.auth()
    assert host.inodes() == before


@pytest.mark.parametrize(("program", "said"), [("m4", "There is no m4"), ("sendmail", "There is no program sendmail")])
def test_a_program_that_is_missing_is_named(host, program, said):
    host.missing = (program,)
    with pytest.raises(NotInstalled, match=said):
        host.auth()
    assert host.mc() == OWN


def test_a_host_without_sendmail_is_told(host):
    os.unlink(host.paths.mc)
    with pytest.raises(NotInstalled, match="install sendmail"):
        host.auth()


def test_bad_input_is_found_first(host):
    with pytest.raises(BadInput, match="realm"):
        host.auth(WANTED._replace(realm="a b"))


@pytest.mark.parametrize(
    ("mode", "sasldb", "words"),
    [
        (0o600, False, []),
        (0o640, False, ["GroupReadableKeyFile"]),
        (0o600, True, ["GroupReadableSASLDBFile"]),
        (None, False, []),
    ],
)
def test_sendmail_is_told_not_to_mind_a_group(tmp_path, mode, sasldb, words):
    key = tmp_path / "mail.key"
    if mode is not None:
        key.touch()
        key.chmod(mode)
    assert sendmail_auth.blamed(str(key), sasldb) == words
