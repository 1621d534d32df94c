# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The Postfix on this host: its vocabulary, and its verdict on a candidate before that becomes the configuration."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._core.files import ENCODING, ERRORS, read_text, write_aged
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf, expand, references

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# The names of the packages with lookup table types; both families name them alike, save as noted.
_PACKAGED_TYPES = {"cdb": "postfix-cdb", "ldap": "postfix-ldap", "lmdb": "postfix-lmdb", "mongodb": "postfix-mongodb"}
_PACKAGED_TYPES.update({"mysql": "postfix-mysql", "pcre": "postfix-pcre", "pgsql": "postfix-pgsql", "sqlite": "postfix-sqlite"})

# The parameters whose defaults Postfix makes from what the machine is called.
_OF_THE_MACHINE = ("mydomain", "myhostname")


class PostfixMissing(HostError):
    """There is no Postfix on this host."""


class PostfixFailed(HostError):
    """A Postfix program gave an unexpected answer."""


class Rejected(RejectedByDaemon):
    """Postfix refuses the candidate; the live configuration is unchanged."""


@dataclasses.dataclass(frozen=True)
class Remarks:
    """Postfix's remarks on a candidate that it does not make on the live configuration."""

    unused: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    # Errors that Postfix finds with the change and without it.
    broken: str = ""


@dataclasses.dataclass(frozen=True)
class _Texts:
    """The two files of a configuration."""

    main_cf: str
    master_cf: str


def package_of(table_type: str) -> str | None:
    """Return the package that brings a lookup table type."""
    return _PACKAGED_TYPES.get(table_type)


class Postfix:
    """One instance of Postfix, identified by its configuration directory."""

    def __init__(self, run: Run, config_directory: str) -> None:
        self._run = run
        self.config_directory = config_directory
        self.main_cf = os.path.join(config_directory, "main.cf")
        self.master_cf = os.path.join(config_directory, "master.cf")

    def defaults(self) -> dict[str, str] | None:
        """Return every parameter that this Postfix knows, with its raw default; None when it is not installed.

        The names derived from the services in master.cf (``smtp_destination_concurrency_limit``) are among them.
        """
        rc, stdout, stderr = self._run(["postconf", "-c", self.config_directory, "-d"])
        if rc == 127:
            return None
        if rc:
            # A master.cf that postconf cannot read must not keep anyone from repairing it: ask without it.
            with rooms.room("postfix") as empty:
                rc, stdout, _stderr = self._run(["postconf", "-c", empty, "-d"])
        nameless: dict[str, str] = {}
        if rc:
            # A machine that is called by a number has no name that Postfix takes. It can tell all defaults but these.
            nameless = dict.fromkeys(_OF_THE_MACHINE, "")
            names = set(self._run(["postconf", "-c", self.config_directory, "-H"])[1].split()) - set(nameless)
            rc, stdout, _stderr = self._run(["postconf", "-c", self.config_directory, "-d", *sorted(names)]) if names else (1, "", "")
        if rc:
            raise PostfixFailed(f"postconf -d failed: {_last_line(stderr)}.")
        found = nameless
        for line in stdout.splitlines():
            name, _equals, value = line.partition(" =")
            found[name] = value.strip()
        return found

    def table_types(self) -> list[str]:
        """Return the lookup table types that are installed."""
        return self._words("-m")

    def sasl_types(self, *, client: bool) -> list[str]:
        """Return the SASL implementations that are built in."""
        return self._words("-A" if client else "-a")

    def _words(self, option: str) -> list[str]:
        rc, stdout, stderr = self._run(["postconf", option])
        if rc:
            raise PostfixFailed(f"postconf {option} failed: {_last_line(stderr)}.")
        return stdout.split()

    def knows_restriction(self, name: str, daemon_directory: str) -> bool:
        """Return whether this host's smtpd contains *name*, which our own table does not: the program is newer than the table."""
        try:
            with open(os.path.join(daemon_directory, "smtpd"), "rb") as f:
                return b"\0" + name.encode(ENCODING, ERRORS) + b"\0" in f.read()
        except OSError:
            return False

    def remarks(self, *, main_cf: str | None = None, master_cf: str | None = None, without: str | None = None) -> Remarks:
        """Return the remarks of postconf and ``postfix check`` on the candidate texts (None: unchanged), beyond those on the live ones.

        *without* is the candidate without the changes. Raises `Rejected` for an error of the change. An error that Postfix also
        finds in the live configuration, or *without* the changes, is an old one: it becomes `Remarks.broken`.
        """
        after = _Texts(_text(main_cf, self.main_cf), _text(master_cf, self.master_cf))
        before = [_Texts(_text(None, self.main_cf), _text(None, self.master_cf))]
        if without is not None:
            before.append(_Texts(after.main_cf, without) if main_cf is None else _Texts(without, after.master_cf))
        try:
            found, failure = self._said(after)
            live = self._postconf(before[0])[0] if found else []
            if failure:
                is_old = failure in [self._said(texts)[1] for texts in before]
                hidden = self._failure_alone(after, without) if is_old and main_cf is not None and without is not None else ""
                if hidden or not is_old:
                    raise Rejected(f"Postfix refuses the new configuration: {hidden or failure}. Nothing was changed.")
        except OSError as e:
            raise HostError(f"Cannot try the new configuration on a copy in {rooms.PLACE}: {e.strerror}; nothing was changed.") from e
        fresh = _sort([message for message in found if message not in live and message != failure])
        return dataclasses.replace(fresh, broken=failure)

    def _said(self, texts: _Texts) -> tuple[list[str], str]:
        """Return postconf's remarks on *texts*, and the reason if Postfix would refuse them."""
        found, failure = self._postconf(texts)
        # postfix(1) is for root only; without, nothing can be written either.
        return found, failure or (self._check(texts) if os.geteuid() == 0 else "")

    def _failure_alone(self, after: _Texts, without: str) -> str:
        """Return the reason to refuse the changed parameters if no older error hides it: they are checked with their references alone."""
        values, others = MainCf(after.main_cf).values(), MainCf(without).values()
        changed = {name: value for name, value in values.items() if others.get(name) != value}
        needed, queue = dict[str, str](), list(changed.values())
        while queue:
            new = {name: values[name] for name in references(queue.pop()) & set(values) - set(needed) - set(changed)}
            needed.update(new)
            queue += new.values()
        failures = [
            self._said(_Texts("".join(f"{name} = {text}\n" for name, text in part.items()), after.master_cf))[1]
            for part in ({**needed, **changed}, needed)
        ]
        return failures[0] if failures[0] != failures[1] else ""

    def live_remarks(self) -> Remarks:
        """Return postconf's remarks on the live configuration."""
        _rc, _stdout, stderr = self._run(["postconf", "-c", self.config_directory, "-n"])
        return _sort(_messages(stderr, self.config_directory))

    def _postconf(self, texts: _Texts) -> tuple[list[str], str]:
        """Return postconf's remarks on *texts*, and those of them with which it refuses the texts."""
        with self._staged(texts) as staged:
            rc, _stdout, stderr = self._run(["postconf", "-c", staged, "-n"])
            found = _messages(stderr, staged)
        return found, (found or [f"postconf failed with exit code {rc}"])[-1] if rc else ""

    def _check(self, texts: _Texts) -> str:
        """Return the last words of a failed ``postfix check``, which runs on a queue directory of its own: it would repair the live one."""
        with self._staged(texts) as staged, rooms.room("queue") as queue:
            # The script behind it complains to the host's mail log about every link. It wants none of what they lead to.
            for name in os.listdir(staged):
                if os.path.islink(os.path.join(staged, name)):
                    os.unlink(os.path.join(staged, name))
            os.chmod(queue, 0o755)
            values = MainCf(texts.main_cf).values()
            self._mirror_queue(expand(values.get("queue_directory", "/var/spool/postfix"), values, {}), queue)
            overrides: dict[str, str | None] = {"queue_directory": queue, "config_directory": None}
            # With several instances postfix(1) would hand over to the wrapper, which looks at the live ones.
            overrides.update({"multi_instance_wrapper": None, "multi_instance_directories": None})
            main_cf = os.path.join(staged, "main.cf")
            write_aged(main_cf, str(MainCf(texts.main_cf).edit(overrides)))
            # Every Postfix program reads the parameters that they share; before 3.9 postfix(1) itself tells its reasons only to a
            # terminal and to the log.
            rc, _stdout, stderr = self._run(["postmap", "-c", staged, "-q", "probe", "static:answer"])
            if not rc:
                rc, _stdout, stderr = self._run(["postfix", "-c", staged, "check"])
            if rc and not _fatal(_messages(stderr, staged)):
                log = os.path.join(queue, "log")
                overrides.update({"maillog_file": log, "maillog_file_prefixes": queue})
                write_aged(main_cf, str(MainCf(texts.main_cf).edit(overrides)))
                self._run(["postfix", "-c", staged, "check"])
                stderr += "\n" + re.sub(r"^\w{3} [ \d]\d [\d:]{8} \S+ ([\w/-]+)\[\d+\]: ", r"\1: ", read_text(log) or "", flags=re.M)
            messages = _messages(stderr.replace(f"{queue}/", ""), staged)
        return (_fatal(messages) or messages or [f"postfix check failed with exit code {rc}"])[-1] if rc else ""

    @staticmethod
    def _mirror_queue(live: str | None, queue: str) -> None:
        """Make the subdirectories of the live queue in *queue*: ``postfix check`` takes two seconds to create them."""
        if live is None:
            return
        with contextlib.suppress(OSError), os.scandir(live) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    st = entry.stat(follow_symlinks=False)
                    copy = os.path.join(queue, entry.name)
                    os.mkdir(copy)
                    os.chown(copy, st.st_uid, st.st_gid)
                    os.chmod(copy, st.st_mode & 0o7777)

    @contextlib.contextmanager
    def _staged(self, texts: _Texts) -> t.Iterator[str]:
        """Make a copy of the configuration directory with *texts* in it, readable by its owner only.

        All other files are symbolic links in it: nothing large or secret is copied.
        """
        with rooms.room("postfix") as staged:
            for name, text in (("main.cf", texts.main_cf), ("master.cf", texts.master_cf)):
                write_aged(os.path.join(staged, name), text)
            with contextlib.suppress(FileNotFoundError):
                for name in os.listdir(self.config_directory):
                    if name not in ("main.cf", "master.cf"):
                        os.symlink(os.path.join(os.path.abspath(self.config_directory), name), os.path.join(staged, name))
            yield staged


def still_broken(remarks: Remarks) -> list[str]:
    """Return the warning about an error that is older than the change."""
    return [f"Postfix refused the configuration before this change, and still does: {remarks.broken}; repair it."] if remarks.broken else []


def _text(candidate: str | None, path: str) -> str:
    return candidate if candidate is not None else read_text(path) or ""


def _messages(stderr: str, directory: str) -> list[str]:
    """Return the distinct messages in *stderr*, without program, severity, directory and line number."""
    found: dict[str, None] = {}
    for line in stderr.splitlines():
        message = re.sub(r"^[\w/-]+: (?:fatal: |error: )?", "", line).replace(f"{directory}/", "")
        message = re.sub(r"(main|master)\.cf, line \d+: ", r"\1.cf: ", message)
        found.setdefault(message)
    return list(found)


def _fatal(messages: list[str]) -> list[str]:
    return [message for message in messages if not message.startswith("warning: ")]


def _sort(messages: list[str]) -> Remarks:
    unused: list[str] = []
    undefined: list[str] = []
    others: list[str] = []
    for message in messages:
        match = re.match(r"warning: (?:main|master)\.cf: (unused|undefined) parameter: ([^=\s]+)", message)
        if match:
            (unused if match[1] == "unused" else undefined).append(match[2])
        else:
            others.append(re.sub(r"^warning: ", "", message))
    return Remarks(tuple(unused), tuple(undefined), tuple(others))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
