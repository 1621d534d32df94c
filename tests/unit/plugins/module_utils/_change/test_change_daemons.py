# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each daemon is told once, if what changed or what runs needs it, and has what it had when the change does not hold."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change import daemons as change_daemons
from ansible_collections.postroom.mail.plugins.module_utils._change.daemons import Daemons, NotProved
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._services import running_daemon, services
from ansible_collections.postroom.mail.plugins.module_utils._services.applied import Need
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State

UP, DOWN, ABSENT = State(True, True, True), State(True, False, True), State()
OFF = State(True, False, False)
RIGHT = {"running": True, "enabled": True, "outdated": None, "reload_required": False, "restart_required": False}
STARTED = Wanted("postfix", "started", True)
QUEUE = "/var/spool/elsewhere"


class Host:
    """Services that do what they are told; *fails* are the actions that fail."""

    def __init__(self, monkeypatch, **states):
        self.states = {name.replace("_", "-"): state for name, state in states.items()}
        self.done = []
        self.fails = {}
        self.asked = []
        monkeypatch.setattr(services, "manager", lambda root="/": "systemd")
        monkeypatch.setattr(services, "states", self._states)
        monkeypatch.setattr(services, "master", lambda name, queue_directory=None: (name, queue_directory))
        monkeypatch.setattr(Control, "_do", lambda control, action, name: self._do(action, name))
        monkeypatch.setattr(Control, "_need", lambda control, wanted, now: change_need(wanted, now, self.needs))
        monkeypatch.setattr(Control, "_broken", lambda control, name, action: None)
        monkeypatch.setattr(Control, "_flush", lambda control: False)
        monkeypatch.setattr(running_daemon, "outdated", lambda pid: self.outdated.get(pid and pid[0]))
        self.needs = {}
        self.outdated = {}
        self.probed = []

    def _states(self, run, names, queue_directory=None):
        self.asked.append((tuple(names), queue_directory))
        return {name: self.states.get(name, ABSENT) for name in names}

    def _do(self, action, name):
        self.done.append(f"{action} {name}")
        if f"{action} {name}" in self.fails:
            # It is dead by then.
            self.states[name] = self.states[name]._replace(running=False)
            raise self.fails[f"{action} {name}"]
        effects = {"enable": {"enabled": True}, "disable": {"enabled": False}, "stop": {"running": False}}
        self.states[name] = self.states[name]._replace(**effects.get(action, {"running": True}))

    def run(self, args, data=None):
        return (0, QUEUE + "\n", "") if "queue_directory" in args else (0, "", "")

    def daemons(self, *wanted, known=None, check_mode=False, wrong=""):
        def probe():
            self.probed.append(list(self.done))
            return wrong

        return Daemons(self.run, wanted, known or {}, probe, timeout=30, check_mode=check_mode)


def change_need(wanted, now, needs):
    return needs.get(wanted.name, Need()) if wanted.state == "applied" and now.running else Need()


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch, postfix=UP, dovecot=UP)


# What is asked of a daemon --------------------------------------------------------------------------------------------

CHANGED = {"postmap": [{"changed": True}]}
RELOAD = {"postfix_config": [{"changed": True, "reload_required": True}]}
RESTART = {"postfix_config": [{"changed": True, "restart_required": True}, {"changed": True, "reload_required": True}]}
FILE = {"mail_file": [{"changed": True, "services": ["postfix"]}]}
OTHERS = {"dovecot_setting": [{"changed": True, "reload_required": True}], "sasl_user": [{"changed": True}]}


@pytest.mark.parametrize(
    ("wanted", "known", "results", "changed", "state"),
    [
        pytest.param(STARTED, RIGHT, {}, False, None, id="it runs as it should"),
        pytest.param(STARTED, RIGHT, {}, True, "applied", id="something changed, perhaps its certificate"),
        pytest.param(STARTED, {}, {}, False, "applied", id="nobody has asked"),
        pytest.param(STARTED, {**RIGHT, "running": False}, {}, False, "applied", id="it does not run"),
        pytest.param(STARTED, {**RIGHT, "enabled": False}, {}, False, "applied", id="it is not enabled"),
        pytest.param(STARTED, {**RIGHT, "outdated": "it is old"}, {}, False, "applied", id="it is one of before an upgrade"),
        pytest.param(STARTED, {**RIGHT, "reload_required": True}, {}, False, "reloaded", id="it lags behind"),
        pytest.param(STARTED, {**RIGHT, "restart_required": True, "reload_required": True}, {}, False, "restarted", id="far behind"),
        pytest.param(STARTED, RIGHT, CHANGED, True, "applied", id="a table"),
        pytest.param(STARTED, RIGHT, RELOAD, True, "reloaded", id="main.cf"),
        pytest.param(STARTED, RIGHT, RESTART, True, "restarted", id="what only a restart reaches"),
        pytest.param(STARTED, RIGHT, FILE, True, "reloaded", id="a file that it reads when it is told to"),
        pytest.param(STARTED, RIGHT, OTHERS, True, "applied", id="what another daemon reads"),
        pytest.param(None, RIGHT, {}, False, None, id="nobody wants it to run"),
        pytest.param(None, RIGHT, OTHERS, True, None, id="nobody wants it, and what changed is another's"),
        pytest.param(None, RIGHT, CHANGED, True, "applied", id="nobody wants it, and it runs, and a table changed"),
        pytest.param(None, RIGHT, RELOAD, True, "reloaded", id="nobody wants it, and it runs, and main.cf changed"),
        pytest.param(None, {**RIGHT, "running": False}, RELOAD, True, None, id="nobody wants it, and it does not run"),
        pytest.param(None, {}, RELOAD, True, "reloaded", id="nobody wants it or has asked, and it runs"),
        pytest.param(Wanted("postfix", "stopped"), RIGHT, RELOAD, True, "stopped", id="it has to stop"),
        pytest.param(Wanted("postfix", "restarted"), RIGHT, {}, False, "restarted", id="it has to be restarted"),
        pytest.param(Wanted("postfix", "reloaded"), RIGHT, RESTART, True, "restarted", id="a restart is a reload, too"),
        pytest.param(Wanted("postfix", "applied"), RIGHT, RELOAD, True, "reloaded", id="it has to have everything"),
        pytest.param(Wanted("postfix", "started"), {**RIGHT, "enabled": False}, {}, False, None, id="it may be disabled"),
    ],
)
def test_what_is_asked_of_postfix(host, wanted, known, results, changed, state):
    daemons = host.daemons(*([wanted] if wanted else []), known={"postfix": known} if known else {})
    asked = daemons._todo("postfix", results, changed)
    assert [one.state for one in asked] == ([state] if state else [])
    assert {one.enabled for one in asked} <= {wanted.enabled if wanted else None}


@pytest.mark.parametrize(
    ("wanted", "running", "services", "state"),
    [
        (Wanted("spamd", "started", True), True, ["spamd"], "restarted"),
        (Wanted("spamd", "started", True), False, ["spamd"], "restarted"),
        (Wanted("spamd", "started", True), True, ["dovecot"], "started"),
        (Wanted("spamd", None, True), False, ["spamd"], None),
        (Wanted("spamd", "stopped"), True, ["spamd"], "stopped"),
        (None, True, ["spamd"], "restarted"),
    ],
)
def test_what_is_asked_of_a_service_that_is_no_mail_server(host, wanted, running, services, state):
    host.states["spamd"] = UP if running else DOWN
    daemons = host.daemons(*([wanted] if wanted else []))
    (asked,) = daemons._todo("spamd", {"mail_file": [{"changed": True, "services": services}]}, True)
    assert asked == Wanted("spamd", state, wanted.enabled if wanted else None)


@pytest.mark.parametrize(("running", "actions"), [(True, ["restart spamd"]), (False, [])])
def test_whose_file_changes_is_told_also_if_nobody_else_speaks_of_it(host, running, actions):
    host.states["spamd"] = UP if running else DOWN
    daemons = host.daemons(known={"postfix": RIGHT, "dovecot": RIGHT})
    assert daemons.apply({"mail_file": [{"changed": True, "services": ["spamd"]}]}, changed=False)["actions"] == actions


def test_who_is_only_enabled_is_not_started(host):
    host.states["postfix"] = OFF
    daemons = host.daemons(Wanted("postfix", None, True), known={"postfix": {**RIGHT, "running": False, "enabled": False}})
    assert daemons.apply(RELOAD, changed=True)["actions"] == ["enable postfix"]
    assert host.states["postfix"] == DOWN


@pytest.mark.parametrize("module", sorted(change_daemons.READERS))
def test_who_reads_what(host, module):
    readers = change_daemons.READERS[module]
    daemons = host.daemons(known=dict.fromkeys(services.MASTERS, RIGHT))
    results = {module: [{"changed": False}, {"changed": True, "reload_required": True}]}
    assert daemons.apply(results, changed=True)["actions"] == [f"reload {name}" for name in services.MASTERS if name in readers]


def test_nothing_is_asked_where_there_is_nothing_to_do(host):
    told = host.daemons(STARTED, known={"postfix": RIGHT}).apply({}, changed=False)
    assert told == {"changed": False, "actions": [], "reasons": []}
    assert (host.done, host.asked) == ([], [])


def test_postfix_comes_before_dovecot_and_both_before_what_fetches_mail(host):
    host.states["fetchmail"] = OFF
    results = {
        **RELOAD,
        **OTHERS,
        "fetchmail_config": [{"changed": True, "services": [{"name": "fetchmail", "state": "restarted", "enabled": True}]}],
    }
    told = host.daemons().apply(results, changed=True)
    assert told["actions"] == host.done == ["reload postfix", "reload dovecot", "enable fetchmail", "start fetchmail"]
    assert told["changed"]
    assert len(told["diff"]) == 2


@pytest.mark.parametrize(
    ("state", "now", "actions"),
    [("started", OFF, ["enable saslauthd", "start saslauthd"]), ("stopped", UP, ["stop saslauthd"]), ("started", UP, [])],
)
def test_a_service_that_is_neither_is_brought_too(host, state, now, actions):
    host.states["saslauthd"] = now
    told = host.daemons(Wanted("saslauthd", state, True)).apply({}, changed=False)
    assert told["actions"] == actions


def test_why_a_daemon_is_told(host):
    known = {"postfix": {**RIGHT, "reload_required": True, "reasons": ["It has not read main.cf."]}, "dovecot": {**RIGHT, "reasons": ["x"]}}
    told = host.daemons(STARTED, known=known).apply({}, changed=False)
    assert told["reasons"] == ["It has not read main.cf."]


def test_check_mode_does_nothing(host):
    host.states["dovecot"] = OFF
    told = host.daemons(STARTED, Wanted("dovecot", "started", True), check_mode=True).apply(RELOAD, changed=True)
    assert told["actions"] == ["reload postfix", "enable dovecot", "start dovecot"]
    assert host.done == []


# What was there before ------------------------------------------------------------------------------------------------


def failed(host, daemons, results, action, error="It does not come up."):
    host.fails[action] = HostError(error)
    with pytest.raises(HostError, match=error):
        daemons.apply(results, changed=True)
    host.fails.clear()
    host.done.clear()


def put_back(daemons):
    daemons.withdraw()
    daemons.apply_former()


def test_before_anything_is_told_only_what_runs_is_told_again(host):
    """A file could not be put in place. Who stopped Dovecot had a reason."""
    host.states["dovecot"] = DOWN
    daemons = host.daemons(STARTED, Wanted("dovecot", "started", True))
    host.needs["postfix"] = Need(True, False, ("It has not read main.cf.",))
    put_back(daemons)
    assert host.done == ["reload postfix"]
    assert host.states["dovecot"] == DOWN


def test_after_a_kill_all_that_are_enabled_have_to_run(host):
    host.states.update(postfix=DOWN, dovecot=OFF)
    host.daemons().apply_former(after_kill=True)
    assert host.done == ["start postfix"]


@pytest.mark.parametrize("action", ["restart postfix", "restart dovecot"])
def test_what_was_restarted_is_restarted_with_what_was_there(host, action):
    results = {**RESTART, "dovecot_setting": [{"changed": True, "restart_required": True}]}
    daemons = host.daemons()
    failed(host, daemons, results, action)
    put_back(daemons)
    assert host.states == {"postfix": UP, "dovecot": UP}
    # The one that failed does not run, and the one before runs with what is new.
    name = action.split()[1]
    assert host.done == (["start postfix"] if name == "postfix" else ["restart postfix", "start dovecot"])


def test_what_did_not_run_before_is_stopped_while_its_unit_is_there(host):
    host.states.update({"dovecot": OFF, "postroom-fetchmail@a": OFF})
    results = {"fetchmail_config": [{"changed": True, "services": [{"name": "postroom-fetchmail@a", "state": "started", "enabled": True}]}]}
    daemons = host.daemons(STARTED, Wanted("dovecot", "started", True))
    daemons.apply({**results, **RELOAD}, changed=True)
    host.done.clear()
    daemons.withdraw()
    assert host.done == ["disable dovecot", "stop dovecot", "disable postroom-fetchmail@a", "stop postroom-fetchmail@a"]
    daemons.apply_former()
    assert {name: state for name, state in host.states.items() if name != "postfix"} == {"dovecot": OFF, "postroom-fetchmail@a": OFF}


def test_a_unit_that_was_there_for_a_while_only_needs_no_former_state(host):
    results = {"fetchmail_config": [{"changed": True, "services": [{"name": "gone", "state": "started", "enabled": True}]}]}
    daemons = host.daemons()
    host.states["gone"] = OFF
    daemons.apply(results, changed=True)
    daemons.withdraw()
    # With its file.
    del host.states["gone"]
    daemons.apply_former()
    assert "gone" not in host.states


def test_what_fetches_mail_and_ran_is_started_anew(host):
    host.states["fetchmail"] = UP
    results = {"fetchmail_config": [{"changed": True, "services": [{"name": "fetchmail", "state": "restarted", "enabled": True}]}]}
    daemons = host.daemons()
    daemons.apply(results, changed=True)
    host.done.clear()
    put_back(daemons)
    assert host.done == ["restart fetchmail"]


def test_who_was_enabled_is_disabled_again(host):
    host.states["postfix"] = State(True, True, False)
    daemons = host.daemons(STARTED)
    daemons.apply({}, changed=True)
    assert host.states["postfix"].enabled
    put_back(daemons)
    assert host.states["postfix"] == State(True, True, False)


def test_one_that_does_not_come_up_keeps_no_other_from_it(host):
    daemons = host.daemons()
    daemons.apply({**RESTART, "dovecot_setting": [{"changed": True, "restart_required": True}]}, changed=True)
    host.fails["restart postfix"] = HostError("Postfix does not come up.")
    host.done.clear()
    with pytest.raises(HostError, match=r"^Postfix does not come up\.$"):
        daemons.apply_former()
    assert host.done == ["restart postfix", "restart dovecot"]


def test_postfix_is_asked_for_where_its_queue_is(host):
    """One whose queue lies elsewhere would not be found running, and be stopped in the end."""
    daemons = host.daemons(STARTED)
    daemons.apply({}, changed=True)
    daemons.apply_former()
    assert {queue_directory for _names, queue_directory in host.asked} == {QUEUE}


# The proof ------------------------------------------------------------------------------------------------------------


def test_the_probe_decides(host):
    host.daemons(STARTED).prove()
    assert host.probed == [[]]
    with pytest.raises(NotProved, match=r"^1 of 7 probes failed\.$"):
        host.daemons(STARTED, wrong="1 of 7 probes failed.").prove()


def test_a_daemon_of_before_an_upgrade_serves_and_is_no_proof(host):
    host.outdated["dovecot"] = "it still runs the /usr/sbin/dovecot of before an upgrade"
    host.daemons(STARTED).prove()
    with pytest.raises(NotProved, match=r"^dovecot is not the installed one: it still runs the /usr/sbin/dovecot of before an upgrade\.$"):
        host.daemons(Wanted("dovecot", "started")).prove()
    assert len(host.probed) == 1
