# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that sort mail on this host, tried before they are live.

procmail's are /etc/procmailrc and the ``~/.procmailrc`` of each user. Sieve's are below /etc/dovecot/sieve, where users can
read only their own and change none. They are compiled there, because a delivering process could not write beside them.
The users' own scripts, ``~/.dovecot.sieve``, run after the rules of the site and of the inventory.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import shutil
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, managed, rooms, staging
from ansible_collections.postroom.mail.plugins.module_utils._core import homes as core_homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._filter import plan, procmail_trial, sieve_trial
from ansible_collections.postroom.mail.plugins.module_utils._filter.plan import FOR_ALL, Plan, User
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import PROCMAIL, SIEVE
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import Fate, Sample, Unexpected, unexpected

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

PROCMAIL_FILE = "/etc/procmailrc"
USER_FILE = ".procmailrc"
SIEVE_DIRECTORY = "/etc/dovecot/sieve"
SIEVE_USERS = f"{SIEVE_DIRECTORY}/users"
BEFORE, AFTER = f"{SIEVE_DIRECTORY}/before.sieve", f"{SIEVE_DIRECTORY}/after.sieve"

# The user who tries the rules of the site: they apply to all users.
ANYBODY = "nobody"
NO_SIEVEC = "There is no sievec on this host to compile scripts with; install the package dovecot-sieve."
FIRST_UID = 1000


class Foreign(HostError):
    """A file exists that the collection did not write."""


class NoUser(BadInput):
    """A user of the filter rules does not exist on the host."""


class Outcome:
    def __init__(self) -> None:
        self.changed = False
        self.paths: list[str] = []
        self.diff: list[dict[str, str]] = []
        self.samples: list[dict[str, t.Any]] = []
        self.skipped_users: list[str] = []

    def add(self, change: files.Change) -> None:
        if change.changed:
            self.changed = True
            self.paths.append(change.path)
            self.diff.append(files.diff(change))


class Filters:
    """The files of one host, below *root*. *virtual_account* is the system account of the mailboxes without accounts."""

    def __init__(self, run: Run, *, check_mode: bool, virtual_account: str | None = None, replace: bool = False, root: str = "/") -> None:
        self.run = run
        self.check_mode = check_mode
        self.virtual_account = virtual_account
        self.replace = replace
        self.root = root
        self.warnings: list[str] = []
        self.outcome = Outcome()
        self.homes = core_homes.Visits(self.warnings)
        self.outcome.skipped_users = self.homes.skipped

    def bring(self, wanted: Plan, samples: t.Sequence[Sample]) -> Outcome:
        """Bring the files to *wanted*. Raises a `MailError` before it writes, also if a sample has an unexpected result.

        A user with a home that refuses the recipes is left out, and keeps the present files.
        """
        scripts = self._sieve_texts(wanted)
        self._check_readers(scripts)
        system = plan.procmail_site(wanted)
        recipes = [(user, text) for user in wanted.users if (text := plan.procmail_user(wanted, user)) is not None]
        homes = {user.name: self._home(user.name) for user, _text in recipes}
        self._check_recipes(wanted, system, recipes, homes)
        self._check_scripts(wanted, scripts, samples)
        self._try_recipes(wanted, samples)
        if system is not None:
            self._write(PROCMAIL_FILE, system, files.Attributes("root", "root", 0o644))
        for user, text in recipes:
            if user.name not in self.homes.skipped:
                self._write_own(user.name, homes[user.name], text)
        for path, (text, whose) in scripts.items():
            self._write_script(path, text, whose)
        self._tidy(system is None, {user.name for user, _text in recipes}, set(scripts))
        return self.outcome

    # Recipes -----------------------------------------------------------------------------------------------------

    def _home(self, name: str) -> str | None:
        """Return the home of a user; None in check mode, where an earlier task may make the user."""
        try:
            home = pwd.getpwnam(name).pw_dir
            if os.path.isdir(self._path(home)):
                return home
            problem = f"The user '{name}' gets mail that procmail must sort, and has no home directory {home}; make it."
        except KeyError:
            problem = f"There is no user '{name}' on this host, so procmail cannot sort its mail; add the user to mail_users."
        if not self.check_mode:
            raise NoUser(problem)
        self.warnings.append(f"Unless the play mends it before: {problem}")
        return None

    def _check_recipes(
        self, wanted: Plan, system: str | None, recipes: t.Sequence[tuple[User, str]], homes: t.Mapping[str, str | None]
    ) -> None:
        if system is not None and self._is_new(PROCMAIL_FILE, system):
            self._check(wanted, ANYBODY, wanted.rules, FOR_ALL)
        for user, text in recipes:
            home = homes[user.name]
            if home is not None:
                new = False
                with self.homes.to(user.name):
                    new = self._is_new(os.path.join(home, USER_FILE), text, core_homes.read_text)
                if new:
                    self._check(wanted, user.name, user.rules, user.of)

    def _is_new(self, path: str, text: str, read: t.Callable[[str], str | None] = files.read_text) -> bool:
        """Return whether *path* differs from *text*. Raises `Foreign` when the collection did not write the file."""
        live = read(self._path(path))
        if live and live.strip() and not managed.is_managed(live) and not self.replace:
            raise Foreign(
                f"{path} was written by somebody else, and would be lost: carry its rules over into the inventory and move it away, or set"
                " 'replace', which keeps a copy beside it."
            )
        return live != text

    def _check(self, wanted: Plan, user: str, rules: t.Sequence[t.Any], of: str) -> None:
        try:
            procmail_trial.Bench(self.run, user, wanted.location, wanted.domain).check(rules, of)
        except procmail_trial.NoTrial as e:
            self._later(e)

    def _try_recipes(self, wanted: Plan, samples: t.Sequence[Sample]) -> None:
        for sample in samples:
            if wanted.engine_of(sample.user) != PROCMAIL:
                continue
            user = wanted.user(sample.user)
            try:
                bench = procmail_trial.Bench(self.run, sample.user, wanted.location, wanted.domain)
                self._judge(sample, PROCMAIL, bench.try_sample([*wanted.rules, *user.rules], user.variables, sample.message))
            except KeyError:
                self._later(NoUser(f"There is no user '{sample.user}' on this host to try the sample {sample.name} with."))
            except procmail_trial.NoTrial as e:
                self._later(e)

    def _judge(self, sample: Sample, engine: str, fate: Fate) -> None:
        wrong = unexpected(sample, fate)
        if wrong:
            raise Unexpected(f"{wrong.rstrip('.')}; nothing was changed.")
        self.outcome.samples.append(
            {
                "name": sample.name,
                "user": sample.user,
                "engine": engine,
                **fate.result(),
                "summary": f"{sample.name} ({sample.user}, {engine}): {fate}",
            }
        )

    def _later(self, problem: Exception) -> None:
        """Warn of a missing user in check mode, where an earlier task may make one."""
        if not self.check_mode:
            raise problem
        self.warnings.append(f"Unless the play mends it before: {problem}")

    def _write_own(self, name: str, home: str | None, text: str) -> None:
        if home is None:
            self.outcome.changed = True
            self.outcome.paths.append(f"~{name}/{USER_FILE}")
            return
        with self.homes.to(name):
            self.outcome.add(core_homes.update(self._path(os.path.join(home, USER_FILE)), text, check_mode=self.check_mode))

    def _write(self, path: str, text: str, attributes: files.Attributes) -> bool:
        live = files.read_text(self._path(path))
        foreign = bool(live and live.strip()) and not managed.is_managed(live or "")
        change = files.update(self._path(path), lambda _before: text, check_mode=self.check_mode, attributes=attributes, backup=foreign)
        self.outcome.add(change)
        return change.changed

    # Scripts -----------------------------------------------------------------------------------------------------

    def _sieve_texts(self, wanted: Plan) -> dict[str, tuple[str, User | None]]:
        texts: dict[str, tuple[str, User | None]] = {}
        for path, rules in ((BEFORE, wanted.rules), (AFTER, wanted.rules_after)):
            text = plan.sieve_site(wanted, rules)
            if text is not None:
                texts[path] = text, None
        for user in wanted.users:
            text = plan.sieve_user(wanted, user)
            if text is not None:
                texts[f"{SIEVE_USERS}/{user.name}.sieve"] = text, user
        return texts

    def _check_readers(self, scripts: t.Mapping[str, tuple[str, User | None]]) -> None:
        """Refuse a user's script that no process of that user could read: it would have to be one for everybody."""
        for _text, user in scripts.values():
            if user is None or self._group_of(user):
                continue
            if "@" not in user.name:
                self._later(NoUser(f"There is no user '{user.name}' on this host to sort mail for by Sieve; add the user to mail_users."))
            elif self.virtual_account:
                self._later(
                    NoUser(
                        f"There is no account '{self.virtual_account}' on this host, which must be the only one that reads the rules of"
                        f" '{user.name}'; make the account, or name the one of the virtual mailboxes in 'virtual_account'."
                    )
                )
            else:
                raise NoUser(
                    f"The option 'virtual_account' is missing, and only the account that it names may read the rules of '{user.name}';"
                    " name the one that the virtual mailboxes belong to."
                )

    def _check_scripts(self, wanted: Plan, scripts: t.Mapping[str, tuple[str, User | None]], samples: t.Sequence[Sample]) -> None:
        """Compile new scripts, and try the samples with all scripts of the wanted state."""
        tried = [sample for sample in samples if wanted.engine_of(sample.user) == SIEVE]
        new = {path for path, (text, _user) in scripts.items() if self._is_new(path, text)}
        if not new and not tried:
            return
        with self._staged(scripts, None) as staged:
            for path, copy in staged.items():
                text, user = scripts[path]
                if (path in new or tried) and not sieve_trial.compile_script(self.run, copy, text, user.of if user else FOR_ALL):
                    self._later(sieve_trial.NoTrial(NO_SIEVEC))
                    return
        for sample in tried:
            self._try_scripts(wanted, scripts, sample)

    @contextlib.contextmanager
    def _staged(self, scripts: t.Mapping[str, tuple[str, User | None]], reader: User | None) -> t.Iterator[dict[str, str]]:
        """Write copies of *scripts*, by their paths, to a directory for root and *reader* alone."""
        group = self._group_of(reader) if reader else None
        with rooms.room("sieve") as directory:
            if group:
                os.chown(directory, -1, int(group))
                os.chmod(directory, 0o710)
            yield {path: sieve_trial.stage(directory, f"{number}", text) for number, (path, (text, _user)) in enumerate(scripts.items())}

    def _try_scripts(self, wanted: Plan, scripts: t.Mapping[str, tuple[str, User | None]], sample: Sample) -> None:
        paths = (BEFORE, f"{SIEVE_USERS}/{sample.user}.sieve", AFTER)
        own = {path: scripts[path] for path in paths if path in scripts}
        if not own:
            fate = Fate()
            fate.folder.append("INBOX")
            self._judge(sample, SIEVE, fate)
            return
        with self._staged(own, wanted.user(sample.user)) as staged:
            for path, copy in staged.items():
                # sieve-test, which becomes the user before it reads, could not write beside it.
                text, user = scripts[path]
                sieve_trial.compile_script(self.run, copy, text, user.of if user else FOR_ALL)
            some_copy = next(iter(staged.values()))
            message = sieve_trial.stage(os.path.dirname(some_copy), "message", sample.message)
            try:
                self._judge(sample, SIEVE, sieve_trial.try_sample(self.run, list(staged.values()), sample, message, wanted.domain))
            except sieve_trial.NoTrial as e:
                # It asks a Dovecot that runs who the user is, and that may have yet to be told.
                if self.check_mode or not staging.prove_later(lambda: self._try_scripts(wanted, scripts, sample)):
                    self._later(e)

    def _write_script(self, path: str, text: str, user: User | None) -> None:
        # Only a check meets a user who is yet to be made.
        group = (self._group_of(user) if user else None) or "root"
        if not self.check_mode:
            self._make_directories()
        attributes = files.Attributes("root", group, 0o640 if user else 0o644)
        written = self._write(path, text, attributes)
        binary = self._path(path).removesuffix(".sieve") + ".svbin"
        if written or self._is_stale(binary, self._path(path)):
            self.outcome.changed = True
            files.make(binary, functools.partial(self._compile, path, text, user, attributes), check_mode=self.check_mode)

    def _compile(self, path: str, text: str, user: User | None, attributes: files.Attributes) -> None:
        """Compile with Dovecot's compiler, whose output everybody can read: it works in a directory that only root can open."""
        binary = self._path(path).removesuffix(".sieve") + ".svbin"
        with rooms.room("sieve") as directory:
            made = os.path.join(directory, os.path.basename(binary))
            if not sieve_trial.compile_script(self.run, self._path(path), text, user.of if user else FOR_ALL, made):
                raise sieve_trial.NoTrial(NO_SIEVEC)
            compiled = files.read_text(made)
        if compiled is None:
            return
        files.update(binary, lambda _before: compiled, attributes=attributes)
        os.utime(binary)

    def _make_directories(self) -> None:
        """Make the directories, which the process of every user must pass, whatever the umask of this one."""
        for directory in map(self._path, (SIEVE_DIRECTORY, SIEVE_USERS)):
            if not os.path.isdir(directory):
                files.make_directory(directory, parents=True)

    def _group_of(self, user: User) -> str | None:
        """Return the group that may read the script of *user* beside root: the group of the user's process alone."""
        account = self.virtual_account if "@" in user.name else user.name
        try:
            return str(pwd.getpwnam(account).pw_gid) if account else None
        except KeyError:
            return None

    def _is_stale(self, binary: str, script: str) -> bool:
        """Return whether Dovecot would compile the script again at each delivery, in vain since it may not write there."""
        sievec = shutil.which(sieve_trial.SIEVEC)
        try:
            compiled = os.stat(binary).st_mtime
            return compiled < os.stat(script).st_mtime or bool(sievec and compiled < os.stat(sievec).st_ctime)
        except FileNotFoundError:
            return True

    # What nobody needs any more ----------------------------------------------------------------------------------

    def _tidy(self, no_system: bool, users: t.Collection[str], scripts: t.Collection[str]) -> None:
        if no_system:
            self._remove(PROCMAIL_FILE)
        for account in pwd.getpwall():
            if account.pw_uid >= FIRST_UID and account.pw_name not in users:
                path = os.path.join(account.pw_dir, USER_FILE)
                if os.path.lexists(self._path(path)):
                    with self.homes.to(account.pw_name):
                        self._remove_own(path)
        present = [f"{SIEVE_USERS}/{name}" for name in self._listed(SIEVE_USERS)] + [BEFORE, AFTER]
        for path in present:
            if path.endswith(".sieve") and path not in scripts and self._remove(path):
                files.remove(self._path(path).removesuffix(".sieve") + ".svbin", check_mode=self.check_mode)

    def _listed(self, directory: str) -> list[str]:
        try:
            return sorted(os.listdir(self._path(directory)))
        except FileNotFoundError:
            return []

    def _remove_own(self, path: str) -> None:
        try:
            live = core_homes.read_text(self._path(path))
        except HostError:
            return  # Of what we did not write, nothing is to be said.
        if live is not None and managed.is_managed(live):
            self.outcome.add(core_homes.remove(self._path(path), live, check_mode=self.check_mode))

    def _remove(self, path: str) -> bool:
        """Remove a file of this collection; a file of another source stays."""
        live = files.read_text(self._path(path))
        if live is None or not managed.is_managed(live):
            return False
        self.outcome.add(core_homes.remove(self._path(path), live, check_mode=self.check_mode))
        return True

    def _path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))
