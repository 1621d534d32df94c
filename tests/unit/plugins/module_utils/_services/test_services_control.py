# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold
from ansible_collections.postroom.mail.plugins.module_utils._services import control as services_control
from ansible_collections.postroom.mail.plugins.module_utils._services import ready, running_daemon, services
from ansible_collections.postroom.mail.plugins.module_utils._services.applied import Need
from ansible_collections.postroom.mail.plugins.module_utils._services.control import CommandFailed, Control, NoServiceManager, Wanted
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.services_host import DOWN, UP, Host


@pytest.mark.parametrize(
    ("state", "enabled", "now", "actions"),
    [
        ("started", None, UP, []),
        ("started", None, DOWN, ["start"]),
        ("started", True, DOWN, ["enable", "start"]),
        ("stopped", None, UP, ["stop"]),
        ("stopped", False, UP, ["disable", "stop"]),
        ("stopped", False, DOWN, []),
        ("reloaded", None, UP, ["reload"]),
        ("reloaded", None, DOWN, ["start"]),
        ("restarted", True, UP, ["restart"]),
        ("restarted", None, DOWN, ["start"]),
        (None, True, UP, []),
        (None, None, DOWN, []),
    ],
)
def test_plan(state, enabled, now, actions):
    assert services_control.plan(Wanted("postfix", state, enabled), now) == actions


@pytest.mark.parametrize(
    ("now", "need", "actions"),
    [
        pytest.param(UP, Need(), [], id="nothing to apply"),
        pytest.param(UP, Need(True, False, ("read",)), ["reload"], id="a file was not read"),
        pytest.param(UP, Need(True, True, ("listens",)), ["restart"], id="a reload does not reach it"),
        pytest.param(DOWN, Need(), ["start"], id="it reads everything when it starts"),
    ],
)
def test_plan_of_what_is_to_be_applied(now, need, actions):
    assert services_control.plan(Wanted("postfix", "applied"), now, need) == actions


def test_nothing_to_do(monkeypatch):
    host = Host(monkeypatch, postfix=UP, dovecot=UP)
    result = host.bring(Wanted("postfix", "started", True), Wanted("dovecot", "started", True))
    assert (result["changed"], result["actions"]) == (False, [])
    assert host.changing_calls() == []
    assert result["diff"]["before"] == result["diff"]["after"]


def test_start_under_systemd(monkeypatch):
    host = Host(monkeypatch, postfix=DOWN)
    result = host.bring(Wanted("postfix", "started", True))
    assert result["actions"] == ["enable postfix", "start postfix"]
    assert host.changing_calls()[-1] == "systemctl start -- postfix"
    assert result["services"]["postfix"] == {"installed": True, "running": True, "enabled": True}
    assert result["diff"] == {"before": "postfix: stopped, disabled\n", "after": "postfix: running, enabled\n"}


def test_an_active_unit_without_a_daemon_is_restarted(monkeypatch):
    host = Host(monkeypatch, postfix=DOWN)
    host.answers["systemctl show --property=ActiveState -- postfix"] = (0, "ActiveState=active\n", "")
    assert host.bring(Wanted("postfix", "started"))["actions"] == ["start postfix"]
    assert host.changing_calls()[-1] == "systemctl restart -- postfix"


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_daemon_of_before_an_upgrade_is_replaced_in_its_unit_of_before(monkeypatch, check_mode):
    host = Host(monkeypatch, postfix=UP)
    monkeypatch.setattr(running_daemon, "outdated", lambda pid: "it still runs the old one")
    monkeypatch.setattr(
        running_daemon, "stop_command", lambda name, pid: ["systemctl", "stop", "--", "postfix@-.service", "postfix.service", name]
    )
    result = host.bring(Wanted("postfix", "started", True), check_mode=check_mode)
    assert result["actions"] == ["restart postfix"]
    assert result["diff"]["before"] == "postfix: running, enabled, it still runs the old one\n"
    assert result["diff"]["after"] == "postfix: running, enabled\n"
    assert host.changing_calls() == (
        []
        if check_mode
        else [
            "systemctl daemon-reload",
            "systemctl stop -- postfix@-.service postfix.service postfix",
            "systemctl reset-failed -- postfix*",
            "systemctl show --property=ActiveState -- postfix",
            "systemctl start -- postfix",
        ]
    )


def test_init_scripts(monkeypatch):
    host = Host(monkeypatch, manager="sysvinit", dovecot=UP, postfix=DOWN)
    host.bring(Wanted("postfix", "started"), Wanted("dovecot", "restarted"))
    assert host.changing_calls() == ["/etc/init.d/postfix start", "doveadm stop", "/etc/init.d/dovecot start"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_broken_configuration_touches_nothing(monkeypatch, check_mode):
    host = Host(monkeypatch, postfix=DOWN, dovecot=UP)
    host.answers["doveconf -nx"] = (
        89,
        "",
        "doveconf: Fatal: Error in configuration file /etc/dovecot/dovecot.conf line 3: Unknown setting: x\n",
    )
    control = Control(host.run, check_mode=check_mode)
    wanted = [Wanted("postfix", "started"), Wanted("dovecot", "reloaded")]
    if check_mode:
        assert control.bring(wanted)["actions"] == ["start postfix", "reload dovecot"]
        assert "dovecot.conf line 3" in control.warnings[0]
    else:
        with pytest.raises(RejectedByDaemon, match="no reload, and the running daemon was left alone: .*line 3: Unknown setting: x"):
            control.bring(wanted)
    assert host.changing_calls() == []


def test_postfix_is_asked_with_its_own_checkers(monkeypatch):
    host = Host(monkeypatch, postfix=UP)
    host.answers["postfix check"] = (1, "", "postfix: warning: x\npostfix/postfix-script: fatal: bad\n")
    with pytest.raises(RejectedByDaemon, match=r"there was no restart, .*: postfix/postfix-script: fatal: bad$"):
        host.bring(Wanted("postfix", "restarted"))


def test_a_stop_needs_no_valid_configuration(monkeypatch):
    host = Host(monkeypatch, dovecot=UP)
    host.answers["doveconf -nx"] = (89, "", "Fatal: x")
    assert host.bring(Wanted("dovecot", "stopped"))["actions"] == ["stop dovecot"]


@pytest.mark.parametrize(
    ("manager", "sentence"),
    [("systemd", "no service 'x' .*install its package"), ("sysvinit", "no /etc/init.d/x"), ("none", "Nothing on this host can start 'x'")],
)
def test_unknown_service(monkeypatch, manager, sentence):
    with pytest.raises(NoServiceManager, match=sentence):
        Host(monkeypatch, manager=manager).bring(Wanted("x", "started"))


def test_check_mode_where_nothing_is_installed_yet(monkeypatch):
    host = Host(monkeypatch)
    result = host.bring(Wanted("postfix", "started", True), check_mode=True)
    assert result["actions"] == ["enable postfix", "start postfix"]
    assert result["services"]["postfix"] == {"installed": True, "running": True, "enabled": True}
    assert host.changing_calls() == []


def test_the_failure_of_the_service_manager_is_told_with_the_log(monkeypatch):
    host = Host(monkeypatch, dovecot=DOWN)
    host.answers["systemctl start -- dovecot"] = (1, "", "Job for dovecot.service failed.\nSee journalctl.\n")
    run = host.run

    def with_journal(args, data=None):
        return (0, "Fatal: port in use\nuser=x password=geheim\n", "") if args[0] == "journalctl" else run(args)

    host.run = with_journal
    with pytest.raises(CommandFailed) as e:
        host.bring(Wanted("dovecot", "started"))
    assert "Job for dovecot.service failed. See journalctl. Its log says: Fatal: port in use" in str(e.value)
    assert "geheim" not in str(e.value)


def test_a_daemon_that_does_not_come_up_is_told(monkeypatch):
    host = Host(monkeypatch, manager="sysvinit", dovecot=DOWN)
    monkeypatch.setattr(services_control, "_log_file_tail", lambda name: ["dovecot: Fatal: no"])
    run = host.run
    host.run = lambda args, data=None: (0, "", "") if "init.d" in args[0] else run(args)
    with pytest.raises(ready.NotServing, match=r"dovecot is not running 0.2 s after the start. Its log says: dovecot: Fatal: no"):
        host.bring(Wanted("dovecot", "started"))


@pytest.mark.parametrize(
    ("deferred", "actions"),
    [(3, ["start dovecot", "flush the queue"]), (0, ["start dovecot"]), (None, ["start dovecot"])],
)
def test_mail_that_waited_for_dovecot_is_flushed(monkeypatch, deferred, actions):
    host = Host(monkeypatch, dovecot=DOWN)
    monkeypatch.setattr(services, "is_running", lambda name, queue: True)
    monkeypatch.setattr(services_control.postfix_facts, "count_queue", lambda queue: {"deferred": deferred})
    assert host.bring(Wanted("dovecot", "started"))["actions"] == actions
    assert ("postqueue -f" in host.calls) is ("flush the queue" in actions)


@pytest.mark.parametrize(("wanted", "held"), [("reloaded", True), ("restarted", True), ("stopped", True), ("started", False)])
def test_postfix_delivers_nothing_while_dovecot_goes(monkeypatch, wanted, held):
    host = Host(monkeypatch, dovecot=DOWN if wanted == "started" else UP)
    monkeypatch.setattr(services, "master", lambda name, queue=None: 4711 if name == "postfix" else None)
    holds = []

    @contextlib.contextmanager
    def hold(postfix, limit):
        holds.append(postfix)
        host.calls.append("hold")
        yield services_control.delivery_hold.Rest()
        host.calls.append("let go")

    monkeypatch.setattr(services_control.delivery_hold, "held", hold)
    host.bring(Wanted("dovecot", wanted))
    assert holds == [4711] * held
    commands = [
        call for call in host.calls if call in ("hold", "let go") or call.split()[1:2] in (["reload"], ["restart"], ["stop"], ["start"])
    ]
    assert [call.split()[0] for call in commands] == (["hold", "systemctl", "let"] if held else ["systemctl"])


@pytest.mark.parametrize("manager", ["systemd", "sysvinit"])
@pytest.mark.parametrize(("wanted", "rests"), [("restarted", True), ("stopped", True), ("reloaded", False), ("started", False)])
def test_postfix_rests_before_it_is_stopped(monkeypatch, manager, wanted, rests):
    host = Host(monkeypatch, manager=manager, postfix=DOWN if wanted == "started" else UP)
    host.answers["postconf -hx queue_directory"] = (0, "/queue\n", "")
    host.answers["postconf -M"] = (0, "lmtp unix - - y - - lmtp\ncleanup unix n - y - 0 cleanup\n", "")
    asked = []

    class Resting(delivery_hold.Rest):
        def wake(self):
            host.calls.append("wake")

    @contextlib.contextmanager
    def at_rest(*args, **kwargs):
        asked.append(args)
        host.calls.append("rest")
        yield Resting(4711, deliveries=3)
        host.calls.append("let go")

    monkeypatch.setattr(services, "master", lambda name, queue=None: None if name == "dovecot" else 4710)
    monkeypatch.setattr(Control, "_prove", lambda *args: host.calls.append("prove"))
    monkeypatch.setattr(delivery_hold, "release_abandoned", lambda *args: host.calls.append("released"))
    monkeypatch.setattr(delivery_hold, "at_rest", at_rest)
    control = Control(host.run)
    control.bring([Wanted("postfix", wanted)])
    of = delivery_hold.Sockets(frozenset({"private/lmtp"}), frozenset({"public/cleanup"}))
    assert asked == ([(4710, "/queue", of)] if rests else [])
    told = {"rest", "wake", "let go", "prove", "released"}
    steps = [call for call in host.calls if call in told or {"stop", "start", "restart"} & set(call.split())]
    if wanted == "restarted":
        stepwise = [f"/etc/init.d/postfix {step}" for step in ("stop", "start")]
        commands = ["systemctl restart -- postfix"] if manager == "systemd" else stepwise
        assert steps == ["released", "rest", *(step for command in commands for step in (command, "wake", "prove")), "let go"]
    assert len(control.warnings) == rests
    assert all("3 deliveries and 0 messages" in warning for warning in control.warnings)


def test_an_explicit_wish_is_no_crash_loop(monkeypatch):
    host = Host(monkeypatch, postfix=DOWN)
    host.bring(Wanted("postfix", "started"))
    assert host.changing_calls().index("systemctl reset-failed -- postfix") < host.changing_calls().index("systemctl start -- postfix")


@pytest.mark.parametrize("pids", [[512, 1878], [1878, 512]])
def test_a_reload_is_over_although_clients_keep_the_old_part_of_dovecot(monkeypatch, pids):
    host = Host(monkeypatch, dovecot=UP)
    started = {512: 10.0, 1878: 20.0}
    there = [512]
    monkeypatch.setattr(services, "master", lambda name, queue=None: 1 if name == "dovecot" else None)
    monkeypatch.setattr(services_control, "children", lambda master: [Process(pid, "log", master) for pid in there])
    monkeypatch.setattr(services_control.running, "started_at", started.get)

    def run(args, data=None):
        if args[:2] == ["systemctl", "reload"]:
            there[:] = pids
        return host.run(args, data)

    host.answers["doveconf -n"] = (0, "# 2.4.1\n", "")
    assert Control(run, timeout=0.2).bring([Wanted("dovecot", "reloaded")])["actions"] == ["reload dovecot"]


@pytest.mark.parametrize(("wanted", "ended"), [("reloaded", [([512], 1)]), ("restarted", [([], 1)])])
def test_after_a_reload_no_auth_process_of_before_is_asked(monkeypatch, wanted, ended):
    host = Host(monkeypatch, dovecot=UP)
    asked = []
    monkeypatch.setattr(services, "master", lambda name, queue=None: 1 if name == "dovecot" else None)
    monkeypatch.setattr(services_control.former_auth, "of", lambda master: [512])
    monkeypatch.setattr(services_control.former_auth, "end", lambda former, master: asked.append((list(former), master)))
    monkeypatch.setattr(Control, "_prove", lambda *args: None)
    host.bring(Wanted("dovecot", wanted))
    assert asked == ended
