# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup tables on the host: the source and its compiled forms, kept in step.

postmap(1) rewrites a ``.db`` in place: every lookup waits until it has finished, and if it is cut short, half a table is
left. Here the table is compiled in a private directory beside the live one, and both source and compiled form are renamed
into place. Daemons notice by themselves: before each client they look at the time stamp and the link count of the file
that they have open.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import grp
import os
import pwd
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files as core_files
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy
from ansible_collections.postroom.mail.plugins.module_utils._tables import compiled_table
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import CLIENT_TYPES, FILE_TYPES, SUFFIXES

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run
    from ansible_collections.postroom.mail.plugins.module_utils._tables.request import Table


DIFF_LIMIT = 200_000  # characters; nobody reads the diff of a larger table
LARGE_TABLE = 4_000_000  # characters; from there on it is worth more memory to be compiled in
MOST_MEMORY = 256 * 1024 * 1024  # bytes


class TypeNotSupported(HostError):
    """This Postfix does not support the table's type."""


class PostfixMissing(HostError):
    """There is no Postfix on the host to compile the table."""


class TableRejected(RejectedByDaemon):
    """postmap or postalias found an error in the candidate."""


@dataclasses.dataclass
class Outcome:
    """The work on one table, done or only planned in check mode."""

    table: Table
    change: core_files.Change | None = None
    removed: list[str] = dataclasses.field(default_factory=list)
    built: dict[str, str] = dataclasses.field(default_factory=dict)
    attributes_changed: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.removed or self.built or self.attributes_changed or (self.change and self.change.changed))

    @property
    def reload_required(self) -> bool:
        """Return whether a daemon needs a reload.

        It notices by itself that a compiled table it has open was replaced. A text file it reads only once; and a
        table that it could not open stays "unavailable" until a reload.
        """
        if not self.table.present:
            return self.removed == [self.table.path]
        if self.table.type in SUFFIXES:
            return self.built.get(self.table.type) in (compiled_table.MISSING, compiled_table.OTHER_TYPE)
        return bool(self.change and self.change.content_changed)


class Postmap:
    """The host's postmap and postalias, and the features of this Postfix; asked at most once, and only when needed."""

    def __init__(self, run: Run, config_directory: str, *, check_mode: bool, backup: bool = False, tmpdir: str | None = None) -> None:
        self.run = run
        self.config_directory = config_directory
        self.check_mode = check_mode
        self.backup = backup
        self.tmpdir = tmpdir
        self.warnings: list[str] = []
        self.type_known = True
        self._default_type: str | None = None
        self._types: list[str] | None = None

    def default_type(self) -> str:
        """Return the host's default_database_type; without Postfix, check mode goes on with the usual one."""
        if self._default_type is None:
            answer = self._postconf("-h", "default_database_type")
            self.type_known = answer is not None
            self._default_type = answer[0].strip() if answer else "hash"
        return self._default_type

    def owner_for(self, owner: str) -> str | None:
        """Return *owner*, or None where check mode comes before the package that makes the account."""
        return owner if self._is_there(pwd.getpwnam, owner) else None

    def group_for(self, group: str) -> str | None:
        """Return *group*, or None likewise."""
        return group if self._is_there(grp.getgrnam, group) else None

    def _is_there(self, look_up: t.Callable[[str], t.Any], name: str) -> bool:
        try:
            look_up(name)
        except KeyError:
            return not self.check_mode or self.supported_types() is not None
        return True

    def supported_types(self) -> list[str] | None:
        """Return the types that ``postconf -m`` lists; None without Postfix (only in check mode)."""
        if self._types is None:
            self._types = self._postconf("-m")
        return self._types

    def _postconf(self, *args: str) -> list[str] | None:
        rc, stdout, stderr = self.run(["postconf", "-c", self.config_directory, *args])
        if rc == 127:
            if self.check_mode:
                return None
            raise PostfixMissing("There is no postconf program on this host: install Postfix before its tables are built.")
        if rc != 0 or not stdout.strip():
            raise HostError(f"postconf cannot read the configuration in {self.config_directory}: {stderr.strip() or 'no answer'}.")
        return stdout.splitlines()

    def apply(self, tables: list[Table]) -> list[Outcome]:
        """Bring all *tables* up to date: first every candidate is built and checked, only then the first is put in place."""
        with staging.until_in_place() as stack:
            outcomes = [Outcome(table) for table in tables]
            todo = [outcome for outcome in outcomes if not self._is_converged(outcome)]
            if not self.check_mode:
                for directory in sorted({os.path.dirname(table.path) for table in tables}):
                    rooms.clear_up(directory)
                for directory in sorted({os.path.dirname(outcome.table.path) for outcome in todo}):
                    lock = functools.partial(compiled_table.directory_lock, directory)
                    staging.enter_once(stack, f"the tables in {directory}", lock)
            staged = [(outcome, _Staged(self, outcome.table, stack)) for outcome in todo if outcome.table.present]
            for _outcome, candidate in staged:
                candidate.build()
            for outcome in todo:
                if not outcome.table.present:
                    self._remove(outcome)
            for outcome, candidate in staged:
                candidate.commit(outcome)
            return outcomes

    def _is_converged(self, outcome: Outcome) -> bool:
        """Return whether nothing but owner and mode, which are set at once, must change. Runs no command."""
        table = outcome.table
        if not table.present:
            return not any(map(os.path.lexists, compiled_table.all_files(table.path)))
        before = core_files.read_text(table.path)
        kinds = compiled_table.kinds_of(table.path, table.type)
        if before is None or table.wanted(before) != before:
            return False
        files = table.files_named_in(before)
        if any(compiled_table.staleness(table.path, kind, files) for kind in kinds):
            return False
        if table.attributes != core_files.Attributes():
            outcome.change = core_files.update(table.path, table.wanted, check_mode=self.check_mode, attributes=table.attributes)
        outcome.attributes_changed = compiled_table.follow_attributes(table.path, kinds, table.attributes, check_mode=self.check_mode)
        return True

    def _remove(self, outcome: Outcome) -> None:
        for path in compiled_table.all_files(outcome.table.path):
            if os.path.lexists(path):
                outcome.removed.append(path)
                core_files.remove(path, check_mode=self.check_mode)

    def check_support(self, table: Table) -> bool:
        """Return whether *table* can be compiled here; False: there is no Postfix yet. Raises `TypeNotSupported`."""
        types = self.supported_types()
        if types is None:
            return False
        if table.type not in types:
            others = ", ".join(kind for kind in types if kind in FILE_TYPES)
            raise TypeNotSupported(
                f"This Postfix cannot read tables of type '{table.type}' ({table.path}): install the package"
                f" postfix-{table.type} if the distribution has it, or use one of {others}."
            )
        return True


class _Staged:
    """A candidate in a private directory, under its final name, so that no complaint needs translation."""

    def __init__(self, host: Postmap, table: Table, stack: contextlib.ExitStack) -> None:
        self.host = host
        self.table = table
        self.stack = stack
        self.text: str | None = None
        self.directory = ""
        self.source: str | None = None
        self.kinds: list[str] = []
        self.files: list[str] = []
        self.newest = 0

    def build(self) -> None:
        """Write the wanted source into a private directory and compile it there. Raises `TableRejected`."""
        table, host = self.table, self.host
        self.text = table.text if table.text is not None else table.wanted(core_files.read_text(table.path))
        self.kinds = compiled_table.kinds_of(table.path, table.type)
        self.files = table.files_named_in(self.text)
        # Asked before they are read: what changes meanwhile is newer.
        self.newest = compiled_table.newest(self.files)
        if table.style == "parameters" and table.text is not None:
            table.check_parameters(self.text)
        if not host.check_support(table):
            return
        types = host.supported_types() or []
        self.kinds = [kind for kind in self.kinds if kind in types]
        try:
            place = host.tmpdir if host.check_mode else os.path.dirname(table.path)
            self.directory = self.stack.enter_context(rooms.room(os.path.basename(table.path), place))
            source = self.source = os.path.join(self.directory, os.path.basename(table.path))
            with open(os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as f:
                f.write(self.text.encode(core_files.ENCODING, core_files.ERRORS))
        except OSError as e:
            raise HostError(f"Cannot stage {table.path} in {os.path.dirname(table.path)}: {e.strerror}; it was left as it is.") from e
        self._compile(source)

    def _compile(self, source: str) -> None:
        table = self.table
        program = "postalias" if table.style == "aliases" else "postmap"
        if table.type in SUFFIXES:
            contents = ["-F"] if table.file_contents else []
            args = [program, "-c", self._configuration(), *contents, *(f"{kind}:{source}" for kind in self.kinds)]
        elif table.type in CLIENT_TYPES:
            return  # A lookup would connect to the database, which may be down or not be there yet.
        else:
            args = [program, "-c", self.host.config_directory, "-q", "postroom.invalid", f"{table.type}:{source}"]
        rc, _stdout, stderr = self.host.run(args)
        complaints = complaints_about(stderr, source, table.path)
        if rc != 0 and (table.type in SUFFIXES or "fatal:" in stderr):
            cause = "; ".join(complaints) or stderr.strip().replace(source, table.path) or f"exit code {rc}"
            raise TableRejected(f"{program} does not take {table.name}: {cause}.")
        if complaints and table.text is not None:
            raise TableRejected(f"{program} finds fault with {table.name}: {'; '.join(self._with_lines(complaints))}.")
        # A source that is not wholly ours may have its oddities; they are told, and serve as they did before.
        self.host.warnings += [f"{program}: {complaint}" for complaint in complaints]

    def _configuration(self) -> str:
        """Return the configuration directory for the compiler: for a large Berkeley DB table, one that allows it more memory.

        With Postfix's 16 MB, less than the table has, pages are written and read again many times over (postconf(5),
        berkeley_db_create_buffer_size).
        """
        size = len(self.text or "")
        main_cf = core_files.read_text(os.path.join(self.host.config_directory, "main.cf"))
        if size < LARGE_TABLE or main_cf is None or not set(self.kinds) <= {"hash", "btree"}:
            return self.host.config_directory
        text = f"{main_cf}\nberkeley_db_create_buffer_size = {min(5 * size, MOST_MEMORY)}\n"
        core_files.write_aged(os.path.join(self.directory, "main.cf"), text)
        return self.directory

    def _with_lines(self, complaints: list[str]) -> list[str]:
        lines = (self.text or "").split("\n")
        if self.table.secret:
            return complaints
        told = []
        for complaint in complaints:
            found = re.search(r"line (\d+)", complaint)
            number = int(found.group(1)) if found else 0
            told.append(f"{complaint} (the line is: {lines[number - 1].strip()})" if 0 < number <= len(lines) else complaint)
        return told

    def commit(self, outcome: Outcome) -> None:
        """Put the source and the compiled forms in place, or report the change in check mode."""
        table, host = self.table, self.host
        stale = {kind: compiled_table.staleness(table.path, kind, self.files) for kind in self.kinds}
        outcome.change = core_files.update(
            table.path,
            self._same_text,
            check_mode=host.check_mode,
            attributes=table.attributes,
            backup=host.backup,
            written=self.source,
        )
        touched = outcome.change.content_changed
        outcome.built = {kind: reason or "its source changed" for kind, reason in stale.items() if reason or touched}
        for suffix in (suffix for kind in outcome.built for suffix in SUFFIXES[kind]):
            staged = os.path.join(self.directory, os.path.basename(table.path) + suffix)
            put_in_place = functools.partial(compiled_table.put_in_place, staged, table.path, suffix, self.newest)
            core_files.make(table.path + suffix, put_in_place, check_mode=host.check_mode)
        if host.check_mode:
            return
        if staging.current():
            # Those compiled forms that are new get what their source has when they are put in place.
            kept = [kind for kind in self.kinds if kind not in outcome.built]
            if kept:
                outcome.attributes_changed = compiled_table.follow_attributes(table.path, kept, table.attributes, check_mode=False)
            return
        core_files.fsync_directory(os.path.dirname(table.path))
        outcome.attributes_changed = compiled_table.follow_attributes(table.path, self.kinds, table.attributes, check_mode=False)

    def _same_text(self, before: str | None) -> str:
        """Return the compiled text. If an editor changed the file meanwhile, raise an error and do not overwrite it."""
        if self.table.wanted(before) != self.text:
            raise FileBusy(f"{self.table.path} was changed by somebody else while it was being compiled; run the task again.")
        return self.text


def complaints_about(stderr: str, source: str, path: str) -> list[str]:
    """Return the warnings in *stderr* about the staged *source*, each once, in the words they would have for *path*.

    Other warnings (about main.cf, or about a deprecated type) are no fault of the table.
    """
    found: dict[str, None] = {}
    for text in stderr.splitlines():
        if source in text:
            found[re.sub(r"^\S+: (?:(?:warning|error|fatal): )?", "", text).replace(source, path)] = None
    return list(found)


def result_of(outcome: Outcome) -> dict[str, t.Any]:
    """Return the result of one table."""
    table = outcome.table
    result = {
        "path": table.path,
        "type": table.type,
        "table": table.name,
        "changed": outcome.changed,
        "rebuilt": bool(outcome.built) and table.type in SUFFIXES,
        "reload_required": outcome.reload_required,
    }
    if outcome.change and outcome.change.backup_file:
        result["backup_file"] = outcome.change.backup_file
    return result


def diff_of(outcome: Outcome) -> t.Iterator[dict[str, str]]:
    """Return the parts of the diff that *outcome* has."""
    for path in outcome.removed:
        yield {"before_header": path, "after_header": path, "before": "present\n", "after": "absent\n"}
    change = outcome.change
    if change and change.content_changed:
        texts = (change.before or "", change.after)
        if max(map(len, texts)) > DIFF_LIMIT and not outcome.table.secret:
            before, after = (f"[{text.count(chr(10))} lines, {len(text)} characters: too many to show]\n" for text in texts)
            yield {"before_header": change.path, "after_header": change.path, "before": before, "after": after}
        else:
            yield core_files.diff(change, secret=outcome.table.secret)
    for kind, reason in outcome.built.items():
        if not (change and change.content_changed):
            path = outcome.table.path + SUFFIXES[kind][0]
            yield {"before_header": path, "after_header": path, "before": f"[{reason}]\n", "after": "[compiled]\n"}
    if outcome.attributes_changed or (change and change.attributes_changed):
        path = outcome.table.path
        yield {"before_header": path, "after_header": path, "before": "[owner, group or mode differ]\n", "after": "[as wanted]\n"}
