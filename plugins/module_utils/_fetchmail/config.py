# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fetchmail on this host: the places of the run control files, the check by fetchmail itself, and the daemons.

Accounts of the host are in /etc/fetchmailrc, which a daemon reads as the package's own user. Accounts of one user are in
``~/.fetchmailrc``, which a daemon of that user reads: no daemon sees the accounts of another user.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, managed, staging
from ansible_collections.postroom.mail.plugins.module_utils._core import homes as core_homes
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import fetchmailrc
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Wanted as Service

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

SYSTEM_FILE = "/etc/fetchmailrc"
USER_FILE = ".fetchmailrc"
SERVICE = "fetchmail"  # The package's, and the name of the user that it runs as.
TEMPLATE = "postroom-fetchmail@"
UNITS = "/etc/systemd/system"
LINKS = f"{UNITS}/*.wants/{TEMPLATE}*.service"
# Where systemd does not run, Debian's init script asks here whether it shall do anything.
SETTINGS_FILE = "/etc/default/fetchmail"
FILES = ("logfile", "idfile", "pidfile")  # Settings that name one.

NOT_FOUND = 127


def unit(owner: str, user: str, arguments: str) -> str:
    """Return a systemd unit; fetchmail stays in the foreground, and keeps its list of seen messages in the home of *user*.

    The host's daemon has the name of the package's, and stands in its place: an init script cannot tell in a container without
    CAP_SYS_PTRACE that its daemon is fetchmail, so that it stops nothing, and starts a second one.
    """
    return f"""\
{managed.HEADER}[Unit]
Description=fetchmail for {owner}
Documentation=man:fetchmail(1)
Wants=network-online.target
After=network-online.target nss-lookup.target postfix.service dovecot.service

[Service]
User={user}
ExecStart=/usr/bin/fetchmail --nodetach{arguments}
Restart=on-failure
RestartSec=60

[Install]
WantedBy=multi-user.target
"""


class Foreign(HostError):
    """A run control file exists that the collection did not write."""


class NoUser(BadInput):
    """An owner of accounts does not exist on the host, or has no home."""


class NotInstalled(HostError):
    """fetchmail is not installed on this host."""


class Refused(RejectedByDaemon):
    """fetchmail refuses the file that would be written."""


class Request(t.NamedTuple):
    accounts: t.Sequence[t.Mapping[str, t.Any]]
    settings: t.Mapping[str, t.Any]
    replace: bool = False


class Outcome:
    """The work that was done, or would be in check mode; *services* are the daemons that must still be started or restarted."""

    def __init__(self) -> None:
        self.changed = False
        self.paths: list[str] = []
        self.skipped_users: list[str] = []
        self.services: list[dict[str, t.Any]] = []
        self.diff: list[dict[str, str]] = []

    def add(self, change: files.Change, *, secret: bool) -> None:
        if change.changed:
            self.changed = True
            self.paths.append(change.path)
            self.diff.append(files.diff(change, secret=secret))


class Fetchmail:
    """The run control files of one host, below *root*."""

    def __init__(self, run: Run, *, check_mode: bool, root: str = "/") -> None:
        self.run = run
        self.check_mode = check_mode
        self.root = root
        self.warnings: list[str] = []
        self.outcome = Outcome()
        self.homes = core_homes.Visits(self.warnings)
        self.outcome.skipped_users = self.homes.skipped

    def bring(self, wanted: Request) -> Outcome:
        """Bring the files and units to *wanted*. Raises a `MailError` before anything is written if a file of the inventory is wrong.

        An owner with a home that refuses the file is left out, and keeps the present files.
        """
        wrong = fetchmailrc.all_problems(wanted.accounts, wanted.settings)
        if wrong:
            raise fetchmailrc.BadAccount(" ".join(wrong))
        by_owner = fetchmailrc.by_owner(wanted.accounts)
        self.warnings += fetchmailrc.warnings(wanted.accounts)
        homes = {owner: self._home(owner) for owner in by_owner if owner}
        if homes and services.manager(self.root) != "systemd":
            raise HostError(
                "Accounts of fetchmail with an owner need systemd, which does not run here: leave 'owner' out, so that the host's own"
                " daemon fetches their mail too."
            )
        # Files that are named once are for one daemon; that of an owner has its own in the owner's home.
        of_owners = {name: value for name, value in wanted.settings.items() if name not in FILES}
        # Without a word fetchmail gives what is for nobody to its own user: an owner gets it, and the user fetchmail has no mailbox.
        of_host = {**wanted.settings, "postmaster": wanted.settings.get("postmaster") or "postmaster"}
        texts = {owner: fetchmailrc.render(accounts, of_owners if owner else of_host) for owner, accounts in by_owner.items()}
        for owner, text in texts.items():
            if owner is None or homes[owner]:
                with self.homes.to(owner):
                    self._check_place(self._path_of(owner, homes), owner, wanted.replace)
            self._ask(text, self._path_of(owner, homes))
        texts = self._served(texts)
        renewed = self._write_units(texts)
        # The link that starts a user's daemon at boot tells whose files are ours, so it is there before the file.
        self._enable([owner for owner in texts if owner and owner not in self._former()])
        changed = {owner for owner, text in texts.items() if self._write(owner, text, homes)} | renewed
        gone = [owner for owner in self._former() if owner not in homes]
        # First of all: an init script that finds no file, or its switch at "no", leaves the daemon running.
        self._stop(gone, daemon=None not in texts)
        for owner in gone:
            self._remove(owner)
        self._switch(None in texts)
        self._tidy(by_owner)
        self._start(self._served(texts), changed)
        return self.outcome

    def _served(self, texts: dict[str | None, str]) -> dict[str | None, str]:
        return {owner: text for owner, text in texts.items() if owner not in self.homes.skipped}

    def _home(self, owner: str) -> str | None:
        """Return the home of *owner*; None in check mode, where an earlier task may make the user."""
        try:
            home = pwd.getpwnam(owner).pw_dir
            if os.path.isdir(self._path(home)):
                return home
            problem = f"The user '{owner}' owns accounts of fetchmail, and has no home directory {home}; make it."
        except KeyError:
            problem = f"There is no user '{owner}' on this host to own accounts of fetchmail; add the user to mail_users."
        if not self.check_mode:
            raise NoUser(problem)
        self.warnings.append(f"Unless the play mends it before: {problem}")
        return None

    def _path_of(self, owner: str | None, homes: t.Mapping[str, str | None]) -> str:
        return SYSTEM_FILE if owner is None else os.path.join(homes[owner] or f"~{owner}", USER_FILE)

    def _check_place(self, path: str, owner: str | None, replace: bool) -> None:
        text = core_homes.read_text(self._path(path)) if owner else files.read_text(self._path(path))
        if text and text.strip() and not managed.is_managed(text) and not replace:
            raise Foreign(
                f"{path} was written by somebody else, and would be lost: carry its accounts over into the inventory and move it away, or"
                " set 'replace', which keeps a copy beside it."
            )

    def _ask(self, text: str, path: str) -> None:
        """Have fetchmail read *text* from its standard input: no copy with passwords lies on disk, and no server is asked."""
        rc, _stdout, stderr = self.run([SERVICE, "--version", "--nosyslog", "--fetchmailrc", "-"], data=text)
        if rc == NOT_FOUND:
            if not self.check_mode:
                raise NotInstalled("There is no fetchmail on this host to check its accounts with; install the package fetchmail first.")
            return
        said = [line.removeprefix("fetchmail:").strip() for line in stderr.splitlines() if "Running as root" not in line and line.strip()]
        if rc != 0:
            words = " | ".join(said).rstrip(".") or f"status {rc}"
            raise Refused(f"fetchmail does not take what {path} would hold, which was left as it is: {words}.")
        self.warnings += [f"fetchmail says of {path}: {re.sub('^WARNING: ', '', line)}" for line in said]

    def _write(self, owner: str | None, text: str, homes: t.Mapping[str, str | None]) -> bool:
        path = self._path_of(owner, homes)
        if path.startswith("~"):
            self.outcome.changed = True
            self.outcome.paths.append(path)
            return True
        if owner is None:
            live = files.read_text(self._path(path))
            change = files.update(
                self._path(path),
                lambda _before: text,
                check_mode=self.check_mode,
                attributes=files.Attributes(self._daemon_user(), "root", core_homes.PRIVATE),
                backup=bool(live and live.strip()) and not managed.is_managed(live or ""),
            )
            self.outcome.add(change, secret=True)
            return change.changed
        done: list[files.Change] = []
        with self.homes.to(owner):
            done.append(core_homes.update(self._path(path), text, check_mode=self.check_mode))
        for change in done:
            self.outcome.add(change, secret=True)
        return any(change.changed for change in done)

    def _daemon_user(self) -> str:
        """Return the user of fetchmail's daemon, who must own the file that it reads."""
        try:
            return pwd.getpwnam(SERVICE).pw_name
        except KeyError:
            return "root"

    def _write_units(self, owners: t.Collection[str | None]) -> set[str | None]:
        """Write the units that *owners* need; return the owners with a changed unit."""
        if services.manager(self.root) != "systemd":
            return set()
        daemon = unit("this host", self._daemon_user(), f" --fetchmailrc {SYSTEM_FILE}")
        renewed: set[str | None] = set()
        for name, text, users in (
            (SERVICE, daemon, {None} & set(owners)),
            (TEMPLATE, unit("%i", "%i", ""), set(owners) - {None}),
        ):
            if users and self._write_unit(f"{UNITS}/{name}.service", text):
                renewed |= users
        if renewed and not self.check_mode:
            services.reload_units(self.run)
        return renewed

    def _write_unit(self, path: str, text: str) -> bool:
        change = files.update(self._path(path), lambda _before: text, check_mode=self.check_mode)
        self.outcome.add(change, secret=False)
        return change.content_changed

    def _enable(self, owners: t.Sequence[str]) -> None:
        if owners:
            self._later([Service(unit_of(owner), enabled=True) for owner in owners])
            self.outcome.changed = True

    def _former(self) -> list[str]:
        """Return the users with a unit of this collection that starts at boot."""
        names = (os.path.basename(link)[len(TEMPLATE) : -len(".service")] for link in glob.glob(self._path(LINKS)))
        return sorted(set(filter(None, names)))

    def _remove(self, owner: str) -> None:
        """Remove the file of a former owner, unless it went with the user."""
        with contextlib.suppress(KeyError):
            path = os.path.join(pwd.getpwnam(owner).pw_dir, USER_FILE)
            with self.homes.to(owner):
                text = core_homes.read_text(self._path(path))
                if text is not None and managed.is_managed(text):
                    self.outcome.add(core_homes.remove(self._path(path), text, check_mode=self.check_mode), secret=True)

    def _switch(self, wanted: bool) -> None:
        """Set the init script's own switch, which is off where a unit takes its place."""
        settings = files.read_text(self._path(SETTINGS_FILE))
        if settings is not None:
            lines = "START_DAEMON=yes\n" if wanted and services.manager(self.root) != "systemd" else ""
            change = files.update(
                self._path(SETTINGS_FILE), lambda text: managed.SETTINGS.put(text or "", lines), check_mode=self.check_mode
            )
            self.outcome.add(change, secret=False)

    def _tidy(self, owners: t.Collection[str | None]) -> None:
        """Remove everything that none of *owners* needs: the host's run control file, and the units."""
        daemon, template = f"{UNITS}/{SERVICE}.service", f"{UNITS}/{TEMPLATE}.service"
        useless = [*([] if None in owners else [SYSTEM_FILE, daemon]), *([] if set(owners) - {None} else [template])]
        gone = []
        for path in useless:
            live = files.read_text(self._path(path))
            if live is not None and managed.is_managed(live):
                gone.append(path)
                self.outcome.add(files.Change(self._path(path), live, ""), secret=path == SYSTEM_FILE)
                files.remove(self._path(path), check_mode=self.check_mode)
        if {daemon, template} & set(gone) and not self.check_mode:
            services.reload_units(self.run)

    def _stop(self, gone: t.Sequence[str], *, daemon: bool) -> None:
        """Stop the daemons without accounts; the host's own *daemon* unless it reads a file of another source."""
        ours = daemon and managed.is_managed(files.read_text(self._path(SYSTEM_FILE)) or "")
        names = [*([SERVICE] if ours else []), *map(unit_of, gone)]
        if names:
            done = self._later([Service(name, "stopped", False) for name in names], before_files=True)
            self.outcome.changed |= done["changed"]
            self.outcome.diff += [done["diff"]] if done["changed"] else []

    def _later(self, wanted: list[Service], before_files: bool = False) -> dict[str, t.Any]:
        """Bring services to what is *wanted*: at once, or before or after the files are in place."""
        is_gathered = staging.current() is not None
        states = services.states(self.run, [service.name for service in wanted]) if is_gathered else {}
        former = [
            Service(
                service.name, service.state and ("started" if states[service.name].running else "stopped"), states[service.name].enabled
            )
            for service in wanted
            if states
        ]
        done = Control(self.run, check_mode=self.check_mode or is_gathered).bring(wanted)
        if is_gathered and not self.check_mode and done["changed"]:

            def bring(services: list[Service]) -> None:
                Control(self.run).bring(services)

            staging.effect(lambda: bring(wanted), lambda: bring(former), before_files=before_files)
        return done

    def _start(self, texts: t.Mapping[str | None, str], changed: t.Collection[str | None]) -> None:
        """List the actions that the daemons need: none for those in the wanted state."""
        names = {unit_of(owner): owner for owner in texts}
        now = services.states(self.run, list(names)) if names else {}
        for name, owner in names.items():
            state = now.get(name, services.State())
            if owner in changed or not (state.running and state.enabled):
                self.outcome.services.append({"name": name, "state": "restarted" if owner in changed else "started", "enabled": True})
        self.outcome.changed |= bool(self.outcome.services)

    def _path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))


def unit_of(owner: str | None) -> str:
    return SERVICE if owner is None else f"{TEMPLATE}{owner}"
