# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Bring services in master.cf to their wanted state."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._postfix import values as postfix_values
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import (
    RELAY_PARAMETERS,
    UnknownParameter,
    check_on_host,
    check_transport,
    check_trusted,
    checker_for,
    missing_transport,
    new_name,
    stranger,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.config import Unknown
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, PostfixMissing, still_broken
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf
from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import (
    COLUMNS,
    TYPES,
    MasterCf,
    Service,
    check_override,
    render_args,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.ports import check_listener, known_ports

State = t.Literal["present", "absent", "disabled"]


class BadService(BadInput):
    """master.cf cannot hold a service, or master(8) could not start it."""


class NoMasterCf(HostError):
    """Postfix is installed, but its services are not."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One wanted service; None, and a missing column or override, leaves the present value."""

    name: str
    type: str
    state: State = "present"
    columns: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    command: str | None = None
    args: tuple[str, ...] | None = None
    overrides: t.Mapping[str, object] = dataclasses.field(default_factory=dict)
    exclusive_overrides: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.type

    @property
    def label(self) -> str:
        return f"{self.name}/{self.type}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The work that `configure` did, or would do in check mode."""

    change: files.Change
    changed_services: list[str]
    warnings: list[str]


def wanted_from(options: t.Mapping[str, t.Any]) -> Wanted:
    """Read one element of the module's ``services``. Raises a `BadInput` if no master.cf can hold it."""
    name, type_ = options["name"], options["type"]
    label = f"{name}/{type_}"
    if not re.fullmatch(r"[^\s#={}][^\s={}]*", name):
        raise BadService(f"'{name}' cannot be the name of a service: it is one word, without braces or equal signs.")
    if type_ != "inet" and "/" in name:
        raise BadService(f"{label}: the name of a service of type {type_} is a file name without a directory.")
    if type_ not in TYPES:
        raise BadService(f"{label}: a service is of type {', '.join(TYPES)}.")
    columns = {column: _column(label, column, options[column]) for column in COLUMNS if options.get(column) is not None}
    if type_ == "inet" and columns.get("private", "n") != "n":
        raise BadService(f"{label}: a service of type inet cannot be private, as it is by Postfix's default; set private to false.")
    command = options.get("command")
    if command is not None and not re.fullmatch(r"[\w.-]+", command):
        raise BadService(
            f"{label}: '{command}' cannot be a command: it is the name of a program in Postfix's daemon_directory, without arguments."
        )
    overrides = options.get("overrides") or {}
    for parameter, value in overrides.items():
        postfix_values.check_name(parameter)
        if value is not None:
            check_override(parameter, render_override(parameter, value))
    args: list[str] | None = options.get("args")
    for arg in args or []:
        if "\n" in arg or not arg.strip():
            raise BadService(f"{label}: an element of args is empty or contains a line break.")
    for arg in itertools.takewhile(lambda arg: arg.startswith("-"), args or []):
        if arg.startswith("-o"):
            raise BadService(f"{label}: give '-o name=value' as overrides, not as args.")
    return Wanted(
        name=name,
        type=type_,
        state=options.get("state") or "present",
        columns=columns,
        command=command,
        args=None if args is None else render_args(args),
        overrides=overrides,
        exclusive_overrides=bool(options.get("exclusive_overrides")),
    )


def render_override(name: str, value: object) -> str:
    """Return the text of an override; a list of plain words needs no spaces."""
    if isinstance(value, (list, tuple)):
        compact = postfix_values.render(name, value, separator=",")
        return compact if not re.search(r"\s", compact) else postfix_values.render(name, value)
    return postfix_values.render(name, value)


def configure(
    postfix: Postfix,
    services: t.Sequence[Wanted],
    *,
    unknown: Unknown = "fail",
    backup: bool = False,
    check_mode: bool = False,
) -> Outcome:
    """Bring *services* in master.cf to their wanted state. Raises a `MailError` before anything is written."""
    seen = set()
    for service in services:
        if service.key in seen:
            raise BadService(f"The service {service.label} is listed twice; describe it in one place only.")
        seen.add(service.key)
    defaults = postfix.defaults()
    if defaults is None and not check_mode:
        raise PostfixMissing(
            f"Postfix is not installed on this host (there is no postconf); install it before changing {postfix.master_cf}."
        )
    run = _Run(postfix, services, defaults or {}, unknown, check_mode)
    change = files.update(
        postfix.master_cf, run.render, validate=None if defaults is None else run.validate, backup=backup, check_mode=check_mode
    )
    if defaults is not None and not change.changed:
        run.judge_unchanged()
    return Outcome(change, run.changed, run.warnings)


class _Run:
    """The state of one call of `configure`."""

    def __init__(
        self, postfix: Postfix, services: t.Sequence[Wanted], defaults: t.Mapping[str, str], unknown: Unknown, check_mode: bool
    ) -> None:
        self.postfix = postfix
        self.services = services
        self.defaults = defaults
        self.unknown = unknown
        self.check_mode = check_mode
        self.warnings: list[str] = []
        self.changed: list[str] = []
        self.strangers: list[str] = []
        self._values = MainCf(files.read_text(postfix.main_cf) or "").values()
        self._checker = checker_for(postfix, defaults, self._values)
        self._touched: list[tuple[Wanted, Service | None, Service]] = []

    def render(self, before: str | None) -> str:
        """Return the wanted text; raise a `BadInput` for anything that Postfix cannot use."""
        self.changed, self.strangers, self._touched, self.warnings = [], [], [], []
        master_cf = MasterCf(self._fresh() if before is None else before)
        for service in self.services:
            after = self._apply(master_cf, service)
            if str(after) != str(master_cf):
                self.changed.append(service.label)
            master_cf = after
        return str(master_cf)

    def _fresh(self) -> str:
        """Return the first text of a new master.cf: the distribution's, for nothing runs without its services."""
        if not self.defaults:
            return ""
        proto = f"{self.postfix.master_cf}.proto"
        text = files.read_text(proto)
        if text is None:
            raise NoMasterCf(
                f"There is neither {self.postfix.master_cf} nor {proto} to start from; reinstall Postfix's configuration files."
            )
        self.warnings.append(f"There was no {self.postfix.master_cf}; it starts as a copy of {proto}.")
        return text

    def validate(self, after: str) -> None:
        """Raise when Postfix, or a rule of this collection, refuses the candidate."""
        transports = [name for name, type_ in MasterCf(after).services() if type_ == "unix"]
        for wanted, before, service in self._touched:
            changed = {name: value for name, value in service.overrides if before is None or (name, value) not in before.overrides}
            check_on_host(self.postfix, {name: value for name, value in changed.items() if name in wanted.overrides})
            for name in changed:
                check_transport(name, self._checker.expanded(name, dict(service.overrides)) or "", transports, self.postfix.master_cf)
            if service.command == "smtpd" and set(RELAY_PARAMETERS) & set(changed):
                self._checker.check_relay(dict(service.overrides))
            there = dict(before.overrides) if before else {}
            check_trusted(*(functools.partial(self._checker.expanded, overrides=said) for said in (there, dict(service.overrides))))
            if before is None or before.command != service.command:
                self._check_command(service)
            if before is None and service.type == "inet":
                self._check_listener(service, MasterCf(after))
        rest = MasterCf(after)
        for _wanted, _before, service in self._touched:
            rest = rest.remove(service.name, service.type)
        remarks = self.postfix.remarks(master_cf=after, without=str(rest))
        self._judge_strangers([name for name in self.strangers if name in remarks.unused or new_name(name, self.defaults)])
        for name in remarks.undefined:
            self.warnings.append(
                f"{self.postfix.master_cf} refers to ${name}, which nothing sets yet; it counts as empty until something does."
            )
        self.warnings.extend(f"{self.postfix.master_cf}: {message}." for message in remarks.others)
        self.warnings.extend(still_broken(remarks))
        # In check mode a task before this one may be about to change the parameter.
        if not self.check_mode:
            self._warn_of_lost_transports(transports)

    def _warn_of_lost_transports(self, transports: list[str]) -> None:
        """Warn of transports without a service: a later task may change the parameter as well."""
        going = [service.name for service in self.services if service.state != "present" and service.type == "unix"]
        for name in self._values:
            lost = missing_transport(name, self._checker.expanded(name) or "", transports)
            if lost in going:
                self.warnings.append(
                    f"{self.postfix.main_cf} still names the transport '{lost}' in {name}; mail for it stays in the queue."
                )

    def judge_unchanged(self) -> None:
        """Check unknown names in the same way when the file already has the wanted text."""
        if self.strangers and self.unknown != "ignore":
            unused = self.postfix.live_remarks().unused
            self._judge_strangers([name for name in self.strangers if name in unused or new_name(name, self.defaults)])

    def _apply(self, master_cf: MasterCf, wanted: Wanted) -> MasterCf:
        present = master_cf.services().get(wanted.key)
        if wanted.state == "absent":
            return master_cf.remove(*wanted.key) if present else master_cf
        if wanted.state == "disabled":
            return master_cf.comment_out(*wanted.key) if present else master_cf
        service = self._merge(present, wanted)
        self._check_overrides(wanted, service, dict(present.overrides) if present else {})
        if present and self._same(present, service):
            return master_cf
        self._touched.append((wanted, present, service))
        return master_cf.put(service)

    def _merge(self, present: Service | None, wanted: Wanted) -> Service:
        command = wanted.command or (present.command if present else None)
        if command is None:
            raise BadService(f"The service {wanted.label} is new, so its command must be given, such as 'smtpd'.")
        columns = dict(zip(COLUMNS, present.columns)) if present else dict.fromkeys(COLUMNS, "-")
        if not present and wanted.type == "inet":
            columns["private"] = "n"
        columns.update(wanted.columns)
        overrides: dict[str, str] = {}
        if present:
            overrides = {name: value for name, value in present.overrides if not wanted.exclusive_overrides or name in wanted.overrides}
        for name, value in wanted.overrides.items():
            if value is None:
                overrides.pop(name, None)
                continue
            text = render_override(name, value)
            if name not in overrides or not postfix_values.same(self._checker.kind(name), overrides[name], text):
                overrides[name] = text
        options, args = (present.options, present.args) if present else ((), ())
        if wanted.args is not None:
            # A hyphen behind the first word without one belongs to the program that is run, as in pipe(8)'s argv=.
            plain = [i for i, arg in enumerate(wanted.args) if not arg.startswith("-")]
            first = plain[0] if plain else len(wanted.args)
            options, args = wanted.args[:first], wanted.args[first:]
        return Service(
            wanted.name, wanted.type, tuple(columns[column] for column in COLUMNS), command, tuple(overrides.items()), options, args
        )

    @staticmethod
    def _same(present: Service, service: Service) -> bool:
        """Return whether nothing has to be written; of an override that stands twice the last counts."""
        return dataclasses.replace(present, overrides=tuple(dict(present.overrides).items())) == service

    def _check_overrides(self, wanted: Wanted, service: Service, before: t.Mapping[str, str]) -> None:
        overrides = dict(service.overrides)
        for name, value in wanted.overrides.items():
            if value is not None:
                self._checker.check(name, value, overrides[name], overrides, self._checker.expanded(name, before))
                if self.defaults and not self._checker.is_known(name) and name not in self._values:
                    self.strangers.append(name)

    def _check_command(self, service: Service) -> None:
        directory = self._checker.expanded("daemon_directory")
        if directory and not os.path.exists(os.path.join(directory, service.command)):
            names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
            raise BadService(
                f"The service {service.name}/{service.type} must run '{service.command}', and there is no such program in"
                f" {directory}{postfix_values.nearest(service.command, names)}"
            )

    def _check_listener(self, service: Service, after: MasterCf) -> None:
        beside, running = (
            [other.name for other in master_cf.services().values() if other.type == "inet" and other.key != service.key]
            for master_cf in (after, MasterCf(files.read_text(self.postfix.master_cf) or ""))
        )
        interfaces = self._checker.expanded("inet_interfaces") or ""
        check_listener(service.name, beside, running, interfaces, known_ports(self._checker.expanded("known_tcp_ports") or ""))

    def _judge_strangers(self, names: list[str]) -> None:
        if not names or self.unknown == "ignore":
            return
        sentences = [stranger(self.postfix, self.defaults, name) for name in dict.fromkeys(names)]
        if self.unknown == "fail":
            raise UnknownParameter(f"{' '.join(sentences)} Nothing was changed.")
        self.warnings.extend(sentences)


def _column(label: str, column: str, value: object) -> str:
    """Return the text of one column. Raises `BadService`."""
    if value == "-":
        return "-"
    if column in ("private", "unprivileged", "chroot"):
        text = str(value).lower()
        if text in ("true", "yes", "y"):
            return "y"
        if text in ("false", "no", "n"):
            return "n"
        raise BadService(f"{label}: {column} is true, false, or '-' for Postfix's default, not '{value}'.")
    pattern, takes = (
        (r"\d+\??", "seconds, with a question mark to wake up only a running service") if column == "wakeup" else (r"\d+", "a number")
    )
    if isinstance(value, bool) or not re.fullmatch(pattern, str(value)):
        raise BadService(f"{label}: {column} is {takes}, or '-' for Postfix's default, not '{value}'.")
    return str(value)
