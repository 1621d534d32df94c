# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring services to a wanted state: decide once, validate before, prove after."""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children, process
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import facts as dovecot_facts
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._services import applied, former_auth, ready, running, running_daemon
from ansible_collections.postroom.mail.plugins.module_utils._services import services as _services

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

LOG_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/syslog", "/var/log/messages")
_LOG_LINES = 8
_SECRET = re.compile(r"(pass(?:word|wd|phrase)?|secret)(\s*[=:]\s*)\S+", re.IGNORECASE)


class NoServiceManager(HostError):
    """No program on this host can start the service."""


class CommandFailed(HostError):
    """The service manager failed."""


class Wanted(t.NamedTuple):
    """The wanted state of a service; None leaves the present value."""

    name: str
    state: str | None = None
    enabled: bool | None = None


def plan(wanted: Wanted, now: _services.State, need: applied.Need | None = None) -> list[str]:
    """Return the actions that bring a service from *now* to *wanted*, in order; *need* is the action that makes it follow its files."""
    actions = []
    if wanted.enabled is not None and wanted.enabled != now.enabled:
        actions.append("enable" if wanted.enabled else "disable")
    if wanted.state == "stopped" and now.running:
        actions.append("stop")
    elif wanted.state in ("started", "applied", "reloaded", "restarted") and not now.running:
        actions.append("start")
    elif wanted.state == "applied" and need and need.reload_required:
        actions.append("restart" if need.restart_required else "reload")
    elif wanted.state in ("reloaded", "restarted"):
        actions.append(wanted.state[: -len("ed")])
    return actions


class Control:
    """The services of one host."""

    def __init__(self, run: Run, timeout: float = 30.0, check_mode: bool = False) -> None:
        self.run = run
        self.timeout = timeout
        self.check_mode = check_mode
        self.manager = _services.manager()
        self.warnings: list[str] = []
        # What was done, and what failed in the end.
        self.begun: list[str] = []
        # Why the daemon that runs is not the installed one, by service.
        self.outdated: dict[str, str | None] = {}
        rc, stdout, _stderr = run(["postconf", "-hx", "queue_directory"])
        self.queue_directory = stdout.strip() if rc == 0 else _services.DEFAULT_QUEUE_DIRECTORY

    def bring(self, services: t.Sequence[Wanted]) -> dict[str, t.Any]:
        """Bring the services to the wanted states and return the changes; raise a `MailError` at the first one that fails."""
        names = [wanted.name for wanted in services]
        before = _services.states(self.run, names, self.queue_directory)
        self.outdated = {name: running_daemon.outdated(self._master(name)) for name in names}
        needs = {wanted.name: self._need(wanted, before[wanted.name]) for wanted in services}
        plans = {
            wanted: running_daemon.actions(plan(wanted, before[wanted.name], needs[wanted.name]), wanted.state, self.outdated[wanted.name])
            for wanted in services
        }
        # Everything is decided and validated before the first daemon is touched.
        for wanted, actions in plans.items():
            self._preflight(wanted.name, actions, before[wanted.name])
        done = []
        for wanted, actions in plans.items():
            for action in actions:
                if not self.check_mode:
                    self.begun.append(f"{action} {wanted.name}")
                    self._do(action, wanted.name)
                done.append(f"{action} {wanted.name}")
        # Mail that waited for a missing Dovecot, or for programs that a Postfix from before an upgrade could not use.
        awaited = {"start dovecot", "restart dovecot"} | ({"restart postfix"} if self.outdated.get("postfix") else set())
        if not self.check_mode and awaited & set(done) and self._flush():
            done.append("flush the queue")
        after = {wanted.name: _outcome(before[wanted.name], plans[wanted]) for wanted in services}
        return {
            "changed": bool(done),
            "actions": done,
            "reasons": [reason for need in needs.values() for reason in need.reasons],
            "services": {name: state._asdict() for name, state in after.items()},
            "diff": {"before": _lines(before, names, self.outdated), "after": _lines(after, names)},
        }

    def _need(self, wanted: Wanted, now: _services.State) -> applied.Need:
        if wanted.state != "applied" or not now.running or wanted.name not in _services.MASTERS:
            return applied.Need()
        if wanted.name == "postfix":
            return running.need_of_postfix(postfix_facts.ask(self.run))
        return running.need_of_dovecot(dovecot_facts.ask_settings(self.run))

    def _preflight(self, name: str, actions: list[str], state: _services.State) -> None:
        if not actions:
            return
        problem: Exception | None = None
        if not state.installed:
            problem = self._unknown(name)
        elif {"start", "reload", "restart"} & set(actions):
            problem = self._broken(name, actions[-1])
        if problem and not self.check_mode:
            raise problem
        # On a bare host, or before a repair, check mode cannot know what the play will have installed or written by then.
        if problem and state.installed:
            self.warnings.append(f"Unless the play mends it before: {problem}")

    def _unknown(self, name: str) -> HostError:
        if self.manager == "systemd":
            return NoServiceManager(
                f"There is no service '{name}' on this host (systemd knows no unit of that name); install its package first."
            )
        if self.manager == "sysvinit":
            return NoServiceManager(
                f"There is no service '{name}' on this host: systemd does not run here and there is no /etc/init.d/{name}."
                " Install a package that ships one, or run the host with systemd."
            )
        return NoServiceManager(
            f"Nothing on this host can start '{name}': systemd does not run here and there are no init scripts."
            " Run the host (or container) with systemd as its first process."
        )

    def _broken(self, name: str, action: str) -> RejectedByDaemon | None:
        """Return the errors that the daemon's own checker finds in its configuration."""
        commands = {"postfix": (["postconf", "-n"], ["postconf", "-M"], ["postfix", "check"]), "dovecot": (["doveconf", "-nx"],)}
        for command in commands.get(name, ()):
            rc, stdout, stderr = self.run(command)
            if rc != 0:
                left_alone = "" if action == "start" else ", and the running daemon was left alone"
                said = stderr if name == "dovecot" else f"{stderr}\n{stdout}"
                words = _fatal_lines(said) or f"{' '.join(command)} failed with status {rc}"
                return RejectedByDaemon(f"The configuration of {name} is broken, so there was no {action}{left_alone}: {words}")
        return None

    def _do(self, action: str, name: str) -> None:
        if action in ("enable", "disable"):
            self._command(self._enable_command(action, name), action, name)
            return
        if name == "postfix":
            # A queue manager that sleeps would hear neither of a reload nor of a stop.
            delivery_hold.release_abandoned(self._master(name), self.queue_directory)
        # The restart of an init script gives no chance to see that the old daemon is really gone. A daemon from before an upgrade may
        # run in a unit of before, with which systemd refuses to restart the new one.
        outdated = self.outdated.get(name) is not None
        stepwise = action == "restart" and (self.manager != "systemd" or outdated) and name in _services.MASTERS
        if outdated and self.manager == "systemd":
            self._command(["systemctl", "daemon-reload"], action, name)
        with self._held(action, name) as postfix:
            if postfix.deliveries or postfix.messages:
                self.warnings.append(postfix.warning(action))
            for step in ("stop", "start") if stepwise else (action,):
                old = self._generation(name)
                auth = former_auth.of(self._master(name)) if (name, step) == ("dovecot", "reload") else []
                self._command(self._command_for(step, name), step, name)
                postfix.wake()
                self._prove(step, name, old)
                former_auth.end(auth, self._master(name))

    def _held(self, action: str, name: str) -> contextlib.AbstractContextManager[delivery_hold.Rest]:
        """Hold Postfix while the *action* could have it deliver or accept a message twice."""
        postfix, limit = self._master("postfix"), 2 * self.timeout + 30
        if name == "dovecot" and action in ("reload", "restart", "stop"):
            return delivery_hold.held(postfix, limit=limit)
        if name == "postfix" and action in ("restart", "stop"):
            services = postfix_facts.parse_services(self.run(["postconf", "-M"])[1], chroot_default=False)
            return delivery_hold.at_rest(postfix, self.queue_directory, delivery_hold.sockets(services), limit=limit)
        return contextlib.nullcontext(delivery_hold.Rest())

    def _command(self, command: list[str], action: str, name: str) -> None:
        started = time.time()
        rc, stdout, stderr = self.run(command)
        if rc != 0:
            words = _one_line(stderr or stdout) or f"status {rc}"
            raise CommandFailed(f"Cannot {action} {name}: {' '.join(command)} said: {words}{self._log(name, started)}")

    def _command_for(self, action: str, name: str) -> list[str]:
        if self.manager != "systemd":
            if name == "dovecot" and action == "stop":
                # Where the first process of a container does not reap its orphans, the init script takes the dead daemon
                # for a living one, and waits for it until it fails.
                return ["doveadm", "stop"]
            # Not invoke-rc.d: a policy-rc.d that keeps packages from starting daemons is not about an explicit wish.
            return [f"/etc/init.d/{name}", action]
        if action == "stop" and self.outdated.get(name):
            return running_daemon.stop_command(name, self._master(name))
        if action in ("start", "restart"):
            # An explicit wish is no crash loop: without this systemd refuses the sixth start within ten seconds.
            # A unit from before an upgrade, such as postfix@-.service, would stay failed for good.
            self.run(["systemctl", "reset-failed", "--", f"{name}*" if self.outdated.get(name) else name])
        if action == "start":
            unit = _services.parse_systemctl_show(self.run(["systemctl", "show", "--property=ActiveState", "--", name])[1])
            if unit and unit[0].get("ActiveState") == "active":
                # Debian 12's postfix.service is "active" without a Postfix that runs; to start it would do nothing.
                action = "restart"
        return ["systemctl", action, "--", name]

    def _enable_command(self, action: str, name: str) -> list[str]:
        if self.manager == "systemd":
            return ["systemctl", action, "--", name]
        if os.access("/usr/sbin/update-rc.d", os.X_OK):
            return ["update-rc.d", name, "defaults" if action == "enable" and not _services.has_links(name) else action]
        return ["chkconfig", name, "on" if action == "enable" else "off"]

    def _generation(self, name: str) -> int | None:
        """Return the process id of a part of the daemon that is another one after a restart and, with Dovecot, after a reload."""
        master = self._master(name)
        if name == "dovecot" and master:
            # One of before a reload may stay beside the new one for as long as its clients do.
            logs = [child.pid for child in children(master) if child.name == "log"]
            return max(logs, key=lambda pid: running.started_at(pid) or 0.0, default=master)
        return master

    def _master(self, name: str) -> int | None:
        return _services.master(name, self.queue_directory) if name in _services.MASTERS else None

    def _prove(self, action: str, name: str, old: int | None) -> None:
        """Wait until the action has had its effect, and the daemon serves (or is gone)."""
        started = time.time()
        deadline = time.monotonic() + self.timeout
        wanted = action != "stop"
        problem = f"{name} is not {'running' if wanted else 'stopped'} {self.timeout:g} s after the {action}."
        reached = ready.wait_until(lambda: self._runs(name) == wanted, deadline)
        if reached and action == "stop" and old:
            reached = ready.wait_until(lambda: process(old) is None, deadline)
        # A reload of Dovecot and a restart are over when the old part of the daemon is gone.
        if reached and old and (action == "restart" or (name == "dovecot" and action == "reload")):
            reached = ready.wait_until(lambda: self._generation(name) not in (old, None), deadline)
        if not reached:
            raise ready.NotServing(f"{problem}{self._log(name, started)}")
        if not wanted or name not in _services.MASTERS:
            return
        expected = ready.expected_of_postfix if name == "postfix" else ready.expected_of_dovecot
        try:
            ready.wait_for(expected(self.run), deadline)
        except ready.NotServing as e:
            raise ready.NotServing(f"{e}, {self.timeout:g} s after the {action} of {name}.{self._log(name, started)}") from e

    def _runs(self, name: str) -> bool:
        return _services.states(self.run, [name], self.queue_directory)[name].running

    def _flush(self) -> bool:
        """Have Postfix try the deferred mail again now: it waits for minutes once Dovecot could not be reached."""
        if not _services.is_running("postfix", self.queue_directory) or not postfix_facts.count_queue(self.queue_directory)["deferred"]:
            return False
        return self.run(["postqueue", "-f"])[0] == 0

    def _log(self, name: str, since: float) -> str:
        """Return the last lines that the daemon logged, as the end of an error message."""
        lines = self._journal(name, since) if self.manager == "systemd" else []
        if not lines:
            lines = _log_file_tail(name)
        return f" Its log says: {' | '.join(map(_without_secrets, lines[-_LOG_LINES:]))}" if lines else ""

    def _journal(self, name: str, since: float) -> list[str]:
        units = [f"--unit={name}", f"--unit={name}@*"]
        rc, stdout, _stderr = self.run(["journalctl", "--quiet", "--no-pager", "--output=cat", f"--since=@{int(since) - 1}", *units])
        return [line.strip() for line in stdout.splitlines() if line.strip()] if rc == 0 else []


def _outcome(before: _services.State, actions: list[str]) -> _services.State:
    """Return the state after the actions."""
    effects = {"enable": {"enabled": True}, "disable": {"enabled": False}, "stop": {"running": False}}
    for action in actions:
        # In check mode the package may not be there yet; by then it will be.
        before = before._replace(installed=True, **effects.get(action, {"running": True}))
    return before


def _lines(states: dict[str, _services.State], names: t.Sequence[str], outdated: t.Mapping[str, str | None] | None = None) -> str:
    reasons = {name: f", {reason}" for name, reason in (outdated or {}).items() if reason}
    return "".join(
        f"{name}: {'running' if states[name].running else 'stopped'}, {'enabled' if states[name].enabled else 'disabled'}"
        f"{reasons.get(name, '')}\n"
        for name in names
    )


def _fatal_lines(text: str) -> str:
    """Return the lines that explain a refusal of a checker; without any, all its lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if re.search(r"\b(fatal|error|panic)\b", line, re.IGNORECASE)]
    return " | ".join(dict.fromkeys(fatal or lines))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _log_file_tail(name: str) -> list[str]:
    for path in LOG_FILES:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as f:
            f.seek(max(0, os.path.getsize(path) - 65536))
            lines = [line.strip() for line in f if f"{name}" in line]
            if lines:
                return lines
    return []


def _without_secrets(line: str) -> str:
    return _SECRET.sub(r"\1\2[hidden]", line)
