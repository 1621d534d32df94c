# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import config, fetchmailrc
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.config import Foreign, NotInstalled, NoUser, Refused
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import CommandFailed
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.fetchmail_host import (
    ALICE,
    BOB,
    DAEMON,
    FOREIGN,
    PACKAGED,
    ROOT_WARNING,
    SETTINGS,
    SHARED,
    SWITCH,
    SYSTEM,
    UNIT,
    WANTS,
    FakeHost,
    service,
)

# The user fetchmail has no mailbox.
OF_HOST = {**SETTINGS, "postmaster": "postmaster"}


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def test_accounts_of_the_host(host):
    before = host.tree()
    outcome = host.bring(SHARED)
    assert host.tree_when_asked == before
    assert host.calls == ["fetchmail --version --nosyslog --fetchmailrc -", "systemctl daemon-reload"]
    assert host.read_by_fetchmail == [host.read(SYSTEM)] == [fetchmailrc.render([SHARED], OF_HOST)]
    assert host.mode(SYSTEM) == 0o600
    assert "\nUser=fetchmail\nExecStart=/usr/bin/fetchmail --nodetach --fetchmailrc /etc/fetchmailrc\n" in host.read(DAEMON)
    # The init script, whose place the unit takes, stays switched off.
    assert host.read(SWITCH) == PACKAGED
    assert (outcome.changed, host.paths(outcome)) == (True, [f"/{DAEMON}", f"/{SYSTEM}"])
    assert outcome.services == [service("fetchmail", "restarted")]
    assert host.warnings == []


def test_what_is_for_nobody_goes_to_whom_the_settings_name(host):
    host.bring(SHARED, ALICE, settings={**SETTINGS, "postmaster": "bob"})
    assert all('set postmaster "bob"' in host.read(name) for name in ("home/alice/.fetchmailrc", SYSTEM))
    host.bring(SHARED, ALICE, settings={**SETTINGS, "postmaster": None})
    assert 'set postmaster "postmaster"' in host.read(SYSTEM)
    assert "postmaster" not in host.read("home/alice/.fetchmailrc")


def test_two_owners_have_two_files_and_two_daemons(host):
    outcome = host.bring(ALICE, BOB, SHARED)
    files = {"home/alice/.fetchmailrc": ALICE, "home/bob/.fetchmailrc": BOB, SYSTEM: SHARED}
    for name, account in files.items():
        assert host.read(name) == fetchmailrc.render([account], OF_HOST if name == SYSTEM else SETTINGS)
        assert host.mode(name) == 0o600
    assert "\nUser=%i\nExecStart=/usr/bin/fetchmail --nodetach\n" in host.read(UNIT)
    assert managed.is_managed(host.read(UNIT))
    assert host.mode(UNIT) == 0o644
    assert host.calls.count("systemctl daemon-reload") == 1
    assert host.paths(outcome) == [f"/{DAEMON}", f"/{UNIT}", *(f"/{name}" for name in files)]
    assert [call for call in host.calls if "enable" in call] == [
        f"systemctl enable -- postroom-fetchmail@{name}" for name in ("alice", "bob")
    ]
    names = ["postroom-fetchmail@alice", "postroom-fetchmail@bob", "fetchmail"]
    assert outcome.services == [service(name, "restarted") for name in names]


def test_files_that_are_named_once_are_for_one_daemon(host):
    files = {"logfile": "/var/log/f", "idfile": "/var/lib/f", "pidfile": "/run/f"}
    host.bring(SHARED, ALICE, settings={**SETTINGS, **files})
    assert all(f'set {name} "{path}"\n' in host.read(SYSTEM) for name, path in files.items())
    assert not any(name in host.read("home/alice/.fetchmailrc") for name in files)
    assert "set daemon 300\n" in host.read("home/alice/.fetchmailrc")


def test_an_owner_who_is_nobody_is_the_host(host):
    host.bring({**SHARED, "owner": ""}, {**BOB, "owner": None})
    assert host.read(SYSTEM).count("\npoll ") == 2


@pytest.mark.parametrize("accounts", [[SHARED], [ALICE, BOB], [SHARED, ALICE], []])
def test_a_second_run_changes_nothing(host, accounts):
    host.converge(*accounts)
    before = host.tree()
    outcome = host.bring(*accounts)
    assert (outcome.changed, outcome.paths, outcome.services, outcome.diff) == (False, [], [], [])
    assert all(call.startswith("fetchmail ") for call in host.calls)
    assert host.tree() == before


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([], [SHARED]),
        ([], [ALICE, BOB]),
        ([SHARED, ALICE], [BOB]),
        ([SHARED, ALICE], []),
        ([SHARED, ALICE], [SHARED, {**ALICE, "keep": True}]),
    ],
)
def test_check_mode_tells_and_does_nothing(host, first, then):
    host.converge(*first)
    before, units = host.tree(), dict(host.units)
    foretold = host.bring(*then, check_mode=True)
    assert (host.tree(), host.units) == (before, units)
    assert all(call.startswith(("fetchmail ", "postconf ")) for call in host.calls)
    done = host.bring(*then)
    assert foretold.changed
    assert vars(foretold) == vars(done)


def test_only_the_daemon_whose_file_is_another_is_restarted(host):
    host.converge(SHARED, ALICE, BOB)
    outcome = host.bring(SHARED, ALICE, {**BOB, "keep": True})
    assert host.paths(outcome) == ["/home/bob/.fetchmailrc"]
    assert outcome.services == [service("postroom-fetchmail@bob", "restarted")]


def test_a_daemon_that_does_not_run_is_started(host):
    host.converge(SHARED, ALICE)
    host.units["fetchmail"] = services.State(installed=True, running=True)
    host.units["postroom-fetchmail@alice"] = services.State(installed=True, enabled=True)
    outcome = host.bring(SHARED, ALICE)
    assert (outcome.changed, outcome.paths) == (True, [])
    assert outcome.services == [service("fetchmail", "started"), service("postroom-fetchmail@alice", "started")]


def test_another_unit_restarts_whom_it_runs(host):
    host.converge(SHARED, ALICE)
    host.write(UNIT, managed.HEADER + "[Unit]\n")
    outcome = host.bring(SHARED, ALICE)
    assert host.paths(outcome) == [f"/{UNIT}"]
    assert "systemctl daemon-reload" in host.calls
    assert outcome.services == [service("postroom-fetchmail@alice", "restarted")]


def test_who_may_read_a_file_is_mended_without_showing_it(host):
    host.converge(SHARED, ALICE)
    for name in (SYSTEM, "home/alice/.fetchmailrc"):
        (host.root / name).chmod(0o644)
    outcome = host.bring(SHARED, ALICE)
    assert (host.mode(SYSTEM), host.mode("home/alice/.fetchmailrc")) == (0o600, 0o600)
    assert host.paths(outcome) == [f"/{SYSTEM}", "/home/alice/.fetchmailrc"]
    assert "s3cret" not in str(outcome.diff)


def test_a_diff_shows_no_password(host):
    host.write(SYSTEM, FOREIGN)
    outcomes = [host.converge(*accounts, replace=True) for accounts in ([SHARED, ALICE], [{**SHARED, "password": "s3cret2"}, BOB], [])]
    for outcome in outcomes:
        assert not re.search("s3cret|theirs", str(outcome.diff))
        assert [shown["before_header"] for shown in outcome.diff if "before_header" in shown] == outcome.paths
    assert "ExecStart=" in str(outcomes[0].diff)


def test_what_somebody_else_wrote_for_the_host_stays(host):
    host.write(SYSTEM, FOREIGN, 0o600)
    before = host.tree()
    for check_mode in (True, False):
        with pytest.raises(Foreign, match=r"^/etc/fetchmailrc was written by somebody else, and would be lost: "):
            host.bring(BOB, SHARED, check_mode=check_mode)
    assert host.tree() == before


@pytest.mark.parametrize(("account", "name"), [(SHARED, SYSTEM), (ALICE, "home/alice/.fetchmailrc")])
def test_what_somebody_else_wrote_is_kept_beside_it(host, account, name):
    host.write(name, FOREIGN, 0o600)
    host.converge(account, replace=True)
    assert managed.is_managed(host.read(name))
    kept = list((host.root / name).parent.glob("*fetchmailrc.*~"))
    assert [(path.read_text(), path.stat().st_mode & 0o777) for path in kept] == [(FOREIGN, 0o600)]
    # Our own file needs no copy.
    host.bring({**account, "keep": True}, replace=True)
    assert list((host.root / name).parent.glob("*fetchmailrc.*~")) == kept


def test_an_empty_file_is_nobodys(host):
    host.write(SYSTEM, "\n")
    host.bring(SHARED)
    assert host.mode(SYSTEM) == 0o600
    assert list(host.root.glob("etc/fetchmailrc.*")) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_account_that_cannot_be_right_leaves_all_alone(host, check_mode):
    host.converge(SHARED, ALICE)
    before = host.tree()
    with pytest.raises(fetchmailrc.BadAccount) as caught:
        host.bring({**SHARED, "is": []}, {**ALICE, "limit": -1}, BOB, settings={"daemon": 0}, check_mode=check_mode)
    assert re.findall("whose mail|limit -1|daemon is 0", str(caught.value)) == ["whose mail", "daemon is 0", "limit -1"]
    assert "s3cret" not in str(caught.value)
    assert (host.calls, host.tree()) == ([], before)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((5, "", f"{ROOT_WARNING}fetchmail:-:3: syntax error at foo\nand more\n\n"), "-:3: syntax error at foo | and more"),
        ((2, "", ROOT_WARNING), "status 2"),
    ],
)
def test_what_fetchmail_refuses_leaves_all_alone(host, answer, words, check_mode):
    host.converge(SHARED, ALICE)
    before = host.tree()
    host.answer = answer
    message = f"fetchmail does not take what /home/bob/.fetchmailrc would hold, which was left as it is: {words}."
    with pytest.raises(Refused, match=f"^{re.escape(message)}$"):
        host.bring(BOB, {**SHARED, "keep": True}, check_mode=check_mode)
    assert host.tree() == before


def test_what_fetchmail_warns_of_is_passed_on(host):
    host.answer = (0, "", f"{ROOT_WARNING}fetchmail: WARNING: the sky is low\nLogfile is not there\n")
    host.bring({**SHARED, "sslcertck": False})
    assert host.warnings == [
        "The account al at pop.example takes any certificate: an attacker between the two hosts gets its password.",
        "fetchmail says of /etc/fetchmailrc: the sky is low",
        "fetchmail says of /etc/fetchmailrc: Logfile is not there",
    ]


def test_a_host_without_fetchmail(host):
    host.answer = (127, "", "fetchmail: No such file or directory")
    host.users.remove("fetchmail")
    before = host.tree()
    with pytest.raises(NotInstalled, match="There is no fetchmail on this host to check its accounts with; install the package"):
        host.bring(SHARED, ALICE)
    outcome = host.bring(SHARED, ALICE, check_mode=True)
    assert host.paths(outcome) == [f"/{DAEMON}", f"/{UNIT}", f"/{SYSTEM}", "/home/alice/.fetchmailrc"]
    assert (host.warnings, host.tree()) == ([], before)


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("carol", "There is no user 'carol' on this host to own accounts of fetchmail; add the user to mail_users."),
        ("bob", "The user 'bob' owns accounts of fetchmail, and has no home directory /home/bob; make it."),
    ],
)
def test_an_owner_without_a_home(host, owner, words):
    (host.root / "home/bob").rmdir()
    before = host.tree()
    with pytest.raises(NoUser, match=f"^{re.escape(words)}$"):
        host.bring(SHARED, {**BOB, "owner": owner})
    outcome = host.bring({**BOB, "owner": owner}, check_mode=True)
    assert host.warnings == [f"Unless the play mends it before: {words}"]
    assert host.paths(outcome) == [f"/{UNIT}", f"~{owner}/.fetchmailrc"]
    assert outcome.services == [service(f"postroom-fetchmail@{owner}", "restarted")]
    assert host.tree() == before


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_owner_needs_systemd(host, check_mode):
    (host.root / "run/systemd/system").rmdir()
    before = host.tree()
    with pytest.raises(HostError, match="Accounts of fetchmail with an owner need systemd, which does not run here: leave 'owner' out"):
        host.bring(SHARED, ALICE, check_mode=check_mode)
    assert host.tree() == before
    assert host.bring(SHARED, check_mode=check_mode).changed


def test_a_former_owner_keeps_nothing(host):
    host.converge(ALICE, BOB)
    outcome = host.converge(BOB)
    assert host.read("home/alice/.fetchmailrc") is None
    assert host.paths(outcome) == ["/home/alice/.fetchmailrc"]
    assert (outcome.services, host.state("postroom-fetchmail@alice")) == ([], (True, False, False))
    assert not host.bring(BOB).changed


def test_a_file_that_a_broken_run_left_is_known(host, monkeypatch):
    def full(*_arguments, **_options):
        raise HostError("The disk is full.")

    host.bring()
    update = config.files.update
    monkeypatch.setattr(config.files, "update", lambda path, *rest, **more: (full if "/home/" in path else update)(path, *rest, **more))
    assert host.bring(ALICE).skipped_users == ["alice"]
    assert host.warnings == ["The user 'alice' was left out, and all others were served: The disk is full."]
    monkeypatch.undo()
    # Whether or not the file was written: the link says whose it would be.
    assert (host.root / WANTS / "postroom-fetchmail@alice.service").is_symlink()


def test_a_former_owner_who_is_gone_or_wrote_his_own(host):
    host.converge(ALICE, BOB)
    host.users.remove("alice")
    host.write("home/bob/.fetchmailrc", FOREIGN)
    outcome = host.bring()
    # The unit is nobody's any more.
    assert host.paths(outcome) == [f"/{UNIT}"]
    assert host.read(UNIT) is None
    assert host.read("home/bob/.fetchmailrc") == FOREIGN
    assert [host.state(f"postroom-fetchmail@{name}") for name in ("alice", "bob")] == [(True, False, False)] * 2


@pytest.mark.parametrize("manager", ["systemd", "sysvinit"])
def test_without_accounts_nothing_is_left(host, manager):
    if manager == "sysvinit":
        (host.root / "run/systemd/system").rmdir()
        host.write("etc/init.d/fetchmail", "", 0o755)
    before = {name: entry[:2] for name, entry in host.tree().items()}
    host.converge(SHARED)
    files = (host.read(SYSTEM), host.read(SWITCH))
    assert ("START_DAEMON=yes" in files[1]) == (manager == "sysvinit")
    outcome = host.bring()
    # An init script stops nothing without them.
    assert host.seen_at_stop == files
    assert host.paths(outcome) == ([f"/{SYSTEM}", f"/{DAEMON}"] if manager == "systemd" else [f"/{SWITCH}", f"/{SYSTEM}"])
    assert (outcome.services, host.state("fetchmail")) == ([], (True, False, False))
    assert {name: entry[:2] for name, entry in host.tree().items()} == before
    assert not host.bring().changed


def test_a_daemon_that_cannot_be_stopped_keeps_its_file(host, monkeypatch):
    host.converge(SHARED)
    before = host.tree()
    run = host.run
    monkeypatch.setattr(host, "run", lambda args, data=None: (1, "", "no") if "stop" in args else run(args, data))
    with pytest.raises(CommandFailed, match="Cannot stop fetchmail"):
        host.bring()
    assert host.tree() == before


def test_a_daemon_that_does_not_run_is_not_stopped(host):
    host.converge(SHARED)
    host.units["fetchmail"] = services.State(installed=True, enabled=True)
    outcome = host.bring(ALICE)
    assert host.seen_at_stop is None
    assert outcome.services == [service("postroom-fetchmail@alice", "restarted")]
    assert host.state("fetchmail") == (True, False, False)
    assert host.read(SYSTEM) is None


@pytest.mark.parametrize("accounts", [[], [ALICE]])
def test_a_daemon_of_somebody_elses_is_left_alone(host, accounts):
    host.write(SYSTEM, FOREIGN, 0o600)
    host.write(SWITCH, "START_DAEMON=yes\n")
    host.units["fetchmail"] = services.State(True, True, True)
    outcome = host.bring(*accounts)
    assert host.state("fetchmail") == (True, True, True)
    assert "fetchmail" not in [wanted["name"] for wanted in outcome.services]
    assert (host.read(SYSTEM), host.read(SWITCH)) == (FOREIGN, "START_DAEMON=yes\n")


def test_a_package_without_a_switch_gets_none(host):
    (host.root / SWITCH).unlink()
    assert host.paths(host.converge(SHARED)) == [f"/{DAEMON}", f"/{SYSTEM}"]
    assert host.paths(host.bring()) == [f"/{SYSTEM}", f"/{DAEMON}"]
    assert host.read(SWITCH) is None


@pytest.mark.parametrize("fails", [True, False])
def test_root_is_the_user_in_his_home(host, monkeypatch, fails):
    done = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getgroups", lambda: [0, 7])
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, name])
    for name in ("setgroups", "setegid", "seteuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: done.append((name, value)))
    if fails:
        host.write("home/alice/.fetchmailrc/in-the-way", "")
        assert host.bring(ALICE).skipped_users == ["alice"]
    else:
        host.bring(ALICE)
    uid, gid = os.getuid(), os.getgid()
    became = [("setgroups", [gid, "alice"]), ("setegid", gid), ("seteuid", uid)]
    assert done == [*became, ("seteuid", 0), ("setegid", 0), ("setgroups", [0, 7])] * (1 if fails else 2)
