# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Bring parameters of main.cf to their wanted values."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._postfix import values as postfix_values
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import (
    RELAY_PARAMETERS,
    Checker,
    UnknownParameter,
    UnknownTransport,
    check_on_host,
    check_transport,
    check_trusted,
    checker_for,
    new_name,
    stranger,
    tables,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, PostfixMissing, still_broken
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf
from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import MasterCf

Unknown = t.Literal["fail", "warn", "ignore"]

# master(8) looks at these only when it starts.
_RESTART = ("inet_interfaces", "inet_protocols", "hash_queue_names")
_SIZES = ("message_size_limit", "mailbox_size_limit", "virtual_mailbox_limit")
# Lookup tables that are files.
_FILE_TYPES = ("cidr", "ldap", "mongodb", "mysql", "pcre", "pgsql", "regexp", "sqlite", "texthash")
_COMPILED_SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The work that `configure` did, or would do in check mode."""

    change: files.Change
    changed_parameters: list[str]
    restart_required: bool
    warnings: list[str]


def configure(
    postfix: Postfix,
    parameters: t.Mapping[str, object],
    *,
    unknown: Unknown = "fail",
    coming_services: t.Sequence[str] = (),
    open_relay: bool = False,
    backup: bool = False,
    check_mode: bool = False,
) -> Outcome:
    """Set *parameters* (None removes one) in main.cf. Raises a `MailError` before anything is written.

    *coming_services* will be in master.cf before the change becomes live. With *open_relay* any network can be a trusted one.
    """
    wanted: dict[str, str | None] = {}
    for name, value in parameters.items():
        postfix_values.check_name(name)
        wanted[name] = None if value is None else postfix_values.render(name, value)
    defaults = postfix.defaults()
    if defaults is None and not check_mode:
        raise PostfixMissing(f"Postfix is not installed on this host (there is no postconf); install it before setting {postfix.main_cf}.")
    run = _Run(postfix, parameters, wanted, defaults or {}, unknown, coming_services, open_relay, check_mode)
    if defaults is None:
        # A host that has yet to get its Postfix: tell what would be set, as far as it can be judged from here.
        change = files.update(postfix.main_cf, run.render, check_mode=True)
    else:
        change = files.update(postfix.main_cf, run.render, validate=run.validate, backup=backup, check_mode=check_mode)
        if not change.changed:
            run.judge_unchanged()
        elif not check_mode:
            run.warn_of_missing_tables()
    return Outcome(change, run.changes(change.before), run.needs_restart(change), run.warnings)


class _Run:
    """The state of one call of `configure`."""

    def __init__(
        self,
        postfix: Postfix,
        parameters: t.Mapping[str, object],
        wanted: t.Mapping[str, str | None],
        defaults: t.Mapping[str, str],
        unknown: Unknown,
        coming_services: t.Sequence[str],
        open_relay: bool,
        check_mode: bool,
    ) -> None:
        self.postfix = postfix
        self.parameters = parameters
        self.wanted = wanted
        self.defaults = defaults
        self.unknown = unknown
        self.coming_services = coming_services
        self.open_relay = open_relay
        self.check_mode = check_mode
        self.warnings: list[str] = []
        self.strangers: list[str] = []
        self._before: str | None = None

    def render(self, before: str | None) -> str:
        """Return the wanted text; raise a `BadInput` for a value that Postfix cannot use."""
        self._before = before
        self.warnings = []
        if before is None and self.defaults:
            self.warnings = [f"There was no {self.postfix.main_cf}; it starts with '{self._fresh().strip()}'."]
        present = self._parse(before)
        former = self._checker(present.values())
        checker = self._checker({**present.values(), **{name: value for name, value in self.wanted.items() if value is not None}})
        for name, text in self.wanted.items():
            if text is not None:
                checker.check(name, self.parameters[name], text, before=former.expanded(name))
        self.strangers = [name for name, text in self.wanted.items() if text is not None and self.defaults and not checker.is_known(name)]
        self._warn_of_misspelt_removals(present.values())
        self.warnings.extend(
            f"Line {number} of {self.postfix.main_cf} is not 'name = value', for which Postfix refuses the whole file; repair it."
            for number in present.broken
        )
        return str(present.edit({name: self.wanted[name] for name in self.changes(before)}))

    def validate(self, after: str) -> None:
        """Raise when Postfix, or a rule of this collection, refuses the candidate."""
        changed = self.changes(self._before)
        checker = self._checker(MainCf(after).values())
        check_on_host(self.postfix, {name: text for name in changed for text in [self.wanted[name]] if text})
        if any(name in RELAY_PARAMETERS or name in checker.classes for name in changed):
            checker.check_relay()
        if not self.open_relay:
            check_trusted(self._checker(self._parse(self._before).values()).expanded, checker.expanded)
        if any(name in _SIZES for name in changed):
            checker.check_sizes()
        remarks = self.postfix.remarks(main_cf=after, without=str(MainCf(after).edit(dict.fromkeys(changed))))
        self._judge_strangers([name for name in self.strangers if name in remarks.unused or new_name(name, self.defaults)])
        self._check_transports(checker, changed)
        self.warnings.extend(f"{self.postfix.main_cf}: {message}." for message in remarks.others)
        self.warnings.extend(still_broken(remarks))
        left_over = [name for name in remarks.unused if name not in self.wanted]
        if left_over:
            self.warnings.append(f"{', '.join(left_over)} in {self.postfix.main_cf} will no longer be used by anything.")

    def judge_unchanged(self) -> None:
        """Check unknown names in the same way when the file already has the wanted text."""
        if self.strangers and self.unknown != "ignore":
            unused = self.postfix.live_remarks().unused
            self._judge_strangers([name for name in self.strangers if name in unused or new_name(name, self.defaults)])

    def changes(self, before: str | None) -> list[str]:
        """Return the parameters with another value in *before* than the wanted one."""
        values = self._parse(before).values()
        checker = self._checker({**values, **{name: text for name, text in self.wanted.items() if text is not None}})
        return [
            name
            for name, text in self.wanted.items()
            if (name in values if text is None else name not in values or not postfix_values.same(checker.kind(name), values[name], text))
        ]

    def needs_restart(self, change: files.Change) -> bool:
        """Return whether a setting really changes that master reads only when it starts."""
        if not change.changed:
            return False
        before, after = (self._checker(self._parse(text).values()) for text in (change.before, change.after))
        return any(set(words(before.expanded(name) or "")) != set(words(after.expanded(name) or "")) for name in _RESTART)

    def warn_of_missing_tables(self) -> None:
        """Warn of missing lookup tables: Postfix defers mail until they exist, and a later task may make them."""
        for name in self.changes(self._before):
            for table_type, path in tables(name, self.wanted[name] or ""):
                suffix = _COMPILED_SUFFIX.get(table_type, "")
                if (suffix or table_type in _FILE_TYPES) and path.startswith("/") and not files.exists(path + suffix):
                    self.warnings.append(
                        f"{name} uses {table_type}:{path}, and there is no {path}{suffix} yet; mail is deferred until there is."
                    )

    def _check_transports(self, checker: Checker, changed: list[str]) -> None:
        """Check the transports. In check mode a missing service is no error: an earlier task may add it."""
        text = files.read_text(self.postfix.master_cf)
        if text is None:
            return
        services = [*self.coming_services, *(name for name, type_ in MasterCf(text).services() if type_ == "unix")]
        for name in changed:
            value = checker.expanded(name) if self.wanted[name] else None
            try:
                check_transport(name, value or "", services, self.postfix.master_cf)
            except UnknownTransport as e:
                if not self.check_mode:
                    raise
                self.warnings.append(str(e))

    def _parse(self, text: str | None) -> MainCf:
        return MainCf(self._fresh() if text is None else text)

    def _fresh(self) -> str:
        """Return the first line of a new main.cf: the behaviour of the installed release, not of an ancient one."""
        version = self.defaults.get("mail_version", "").split(".")
        if len(version) < 2:
            return ""
        return f"compatibility_level = {version[0]}.{version[1]}\n"

    def _checker(self, values: t.Mapping[str, str]) -> Checker:
        return checker_for(self.postfix, self.defaults, values)

    def _warn_of_misspelt_removals(self, values: t.Mapping[str, str]) -> None:
        """Warn of a removal that removes nothing: the name may be misspelt, or may have been the administrator's own."""
        for name, text in self.wanted.items():
            if text is None and name not in values and name not in self.defaults and self.unknown != "ignore":
                near = difflib.get_close_matches(name, self.defaults, n=1, cutoff=0.9)
                if near:
                    self.warnings.append(f"There is no parameter '{name}' to remove; did you mean {near[0]}?")

    def _judge_strangers(self, names: list[str]) -> None:
        if not names or self.unknown == "ignore":
            return
        sentences = [stranger(self.postfix, self.defaults, name) for name in names]
        if self.unknown == "fail":
            raise UnknownParameter(f"{' '.join(sentences)} Nothing was changed.")
        self.warnings.extend(sentences)
