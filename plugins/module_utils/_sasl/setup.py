# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set up one of the providers of Cyrus SASL on a host, and remove the files of the former one."""

from __future__ import annotations

import contextlib
import grp
import os
import socket
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files as core_files
from ansible_collections.postroom.mail.plugins.module_utils._core import managed as core_managed
from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import File, Foreign, Place, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Wanted as Service

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run


class NotInstalled(HostError):
    """saslauthd, which must be set up, is not installed."""


class NotAnswering(HostError):
    """saslauthd runs, but does not answer."""


class Outcome:
    """The work that was done, or would be in check mode."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.diff: list[dict[str, str]] = []
        # The file that the mail server read when it started.
        self.reload_required = False

    def did(self, action: str, before: str = "", after: str = "") -> None:
        self.actions.append(action)
        self.diff.append({"before": before, "after": after})


def _attributes(path: str) -> tuple[int, int, int] | None:
    """Return mode, owner and group of a directory."""
    if not os.path.isdir(path):
        return None
    st = os.stat(path)
    return stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid


class Setup:
    """The providers on one host, with files below *root*."""

    def __init__(self, run: Run, place: Place, check_mode: bool = False, root: str = "/", timeout: float = 30.0) -> None:
        self.run = run
        self.place = place
        self.check_mode = check_mode
        self.root = root
        self.timeout = timeout
        self.outcome = Outcome()
        # Whether it is to be started anew.
        self.is_stopped = False

    def bring(self, wanted: Wanted) -> Outcome:
        """Set up the *wanted* provider. Raises a `MailError` before anything changes if that is impossible."""
        installed = os.access(self._path(sasl_facts.PROGRAM), os.X_OK)
        now = services.states(self.run, ["saslauthd"])["saslauthd"] if installed else services.State()
        texts = sasl_facts.texts_at(self.place, self.root)
        self._check(wanted, installed, sasl_facts.foreign(self.place, texts, now.running))
        serves = wanted.provider == "saslauthd"
        managed = sasl_facts.is_managed(texts)
        served = core_managed.SETTINGS.is_in(texts[self.place.settings_file])
        # An init script finds the daemon that runs only as long as it has the settings with which it was started.
        if served and not serves and installed:
            self._service(Service("saslauthd", "stopped", False), now, before_files=True)
        elif now.running and serves and self._is_new_to_daemon(wanted, texts):
            self._service(Service("saslauthd", "stopped"), now, before_files=True)
        self._files(wanted, texts)
        self._directory(serves and self.place.chrooted, served)
        self._membership(wanted.provider in provider.SERVED, managed)
        if serves:
            was_stopped = self.is_stopped
            self._service(Service("saslauthd", "started", True), now)
            if installed and not self.check_mode and (was_stopped or self.outcome.actions or staging.current() is None):
                staging.effect(self._ask)
        return self.outcome

    def _check(self, wanted: Wanted, installed: bool, foreign: Foreign) -> None:
        known = provider.parse_saslauthd_version("\n".join(self.run(["saslauthd", "-v"])[1:])) if installed else []
        wrong = provider.problems(wanted, known, self.place.mta)
        wrong += provider.conflicts(wanted, foreign, self.place.config_path)
        if wrong:
            raise BadInput(" ".join(wrong))
        if wanted.provider == "saslauthd" and not installed and not self.check_mode:
            package = provider.packages(wanted, self.place.os_family)[0]
            raise NotInstalled(f"There is no saslauthd on this host; install its package {package} first.")

    def _is_new_to_daemon(self, wanted: Wanted, texts: sasl_facts.Texts) -> bool:
        """Return whether saslauthd must be restarted: a file has changed that it, or its unit, reads at its start."""
        files = {file.path: file for file in provider.files(wanted, self.place)}
        block, settings = files[self.place.settings_file].text, texts[self.place.settings_file]
        return core_managed.SETTINGS.put(settings, block) != settings or any(
            texts[path] != (files[path].text if path in files else "")
            for path in (provider.DROP_IN, provider.LDAP_FILE)
            if path in files or core_managed.is_managed(texts[path])
        )

    def _files(self, wanted: Wanted, texts: sasl_facts.Texts) -> None:
        files = {file.path: file for file in provider.files(wanted, self.place)}
        for path, text in texts.items():
            ours = core_managed.is_managed(text)
            if path in files:
                # PAM services of somebody else's serve as they are.
                if not (path == provider.PAM_FILE and text.strip() and not ours):
                    self._write(files[path], backup=bool(text.strip()) and not ours and not files[path].block)
            elif core_managed.SETTINGS.is_in(text):
                self._write(File(path, "", block=True))
            elif ours:
                self._remove(path)
        copy_is_used = wanted.provider == "sasldb" and self.place.chrooted
        if sasl_facts.is_managed(texts) and not copy_is_used and os.path.exists(self._path(self.place.database_copy)):
            self._remove(self.place.database_copy)

    def _write(self, file: File, backup: bool = False) -> None:
        def render(before: str | None) -> str:
            return core_managed.SETTINGS.put(before or "", file.text) if file.block else file.text

        if not self.check_mode and not os.path.isdir(os.path.dirname(self._path(file.path))):
            core_files.make_directory(os.path.dirname(self._path(file.path)), parents=True)
        attributes = core_files.Attributes() if file.block else core_files.Attributes(mode=file.mode)
        change = core_files.update(self._path(file.path), render, check_mode=self.check_mode, attributes=attributes, backup=backup)
        if change.changed:
            self.outcome.actions.append(f"write {file.path}")
            self.outcome.diff.append(core_files.diff(change, secret=file.secret))
            self._changed(file.path)

    def _remove(self, path: str) -> None:
        self.outcome.did(f"remove {path}", f"{path}\n", "")
        core_files.remove(self._path(path), check_mode=self.check_mode)
        if path == provider.DROP_IN and not self.check_mode:
            staging.effect(lambda: self._remove_empty(os.path.dirname(path)))
        self._changed(path)

    def _changed(self, path: str) -> None:
        self.outcome.reload_required |= path == self.place.config_path
        if path == provider.DROP_IN and not self.check_mode and services.manager() == "systemd":
            services.reload_units(self.run)

    def _remove_empty(self, *paths: str) -> None:
        with contextlib.suppress(OSError):
            for path in paths:
                os.rmdir(self._path(path))

    def _directory(self, wanted: bool, served: bool) -> None:
        """Make the place of the socket below the queue directory; the one elsewhere is the package's own."""
        directory = f"{self.place.queue_directory}/var/run/saslauthd"
        path = self._path(directory)
        live = _attributes(path)
        owner = (0, self._group())
        if wanted and live != (0o710, *owner):
            self.outcome.did(f"make {directory}", "", f"{directory}\n")
            if not self.check_mode:
                core_files.make_directory(path, uid=owner[0], gid=owner[1], mode=0o710, parents=True)
                if live is None:
                    # A saslauthd that is stopped again leaves its socket there.
                    staging.effect(lambda: None, lambda: self._remove_directory(directory))
        elif not wanted and served and live:
            self.outcome.did(f"remove {directory}", f"{directory}\n", "")
            if not self.check_mode:
                staging.effect(
                    lambda: self._remove_directory(directory),
                    lambda: core_files.make_directory(path, uid=live[1], gid=live[2], mode=live[0], parents=True),
                )

    def _remove_directory(self, directory: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._path(directory)):
                os.unlink(entry.path)
        self._remove_empty(directory, os.path.dirname(directory), os.path.dirname(os.path.dirname(directory)))

    def _group(self) -> int:
        with contextlib.suppress(KeyError):
            return grp.getgrnam(provider.GROUP).gr_gid
        # Without such a group, as on Red Hat, Postfix's own serves.
        with contextlib.suppress(KeyError):
            return grp.getgrnam(self.place.user).gr_gid
        return 0

    def _membership(self, wanted: bool, managed: bool) -> None:
        """Set the membership of the group sasl, which owns the socket and the database; root, as which sendmail asks, needs none."""
        group, user = provider.GROUP, self.place.user
        try:
            is_member = user in grp.getgrnam(group).gr_mem
        except KeyError:
            return
        if not user:
            return
        add, remove = ["usermod", "--append", "--groups", group, user], ["gpasswd", "--delete", user, group]
        if wanted and not is_member:
            self._member(add, remove, f"add {user} to the group {group}")
        elif not wanted and managed and is_member:
            self._member(remove, add, f"remove {user} from the group {group}")

    def _member(self, command: list[str], back: list[str], action: str) -> None:
        self.outcome.did(action, "", f"{action}\n")
        # A smtpd that runs keeps the groups that it was started with.
        self.outcome.reload_required = True
        if not self.check_mode:
            staging.effect(lambda: self._command(command, action), lambda: self._command(back, f"undo to {action}"))

    def _command(self, command: list[str], action: str) -> None:
        rc, stdout, stderr = self.run(command)
        if rc != 0:
            raise HostError(f"Cannot {action}: {' '.join(command)} said: {' '.join((stderr or stdout).split()) or f'status {rc}'}")

    def _service(self, wanted: Service, now: services.State, *, before_files: bool = False) -> None:
        """Bring saslauthd from what it is *now* to what is wanted of it: at once, or before or after the files are in place."""
        is_gathered = staging.current() is not None
        done = Control(self.run, self.timeout, self.check_mode or is_gathered).bring([wanted])
        self.outcome.actions += done["actions"]
        if done["changed"]:
            self.outcome.diff.append(done["diff"])
        if is_gathered and not self.check_mode and (done["changed"] or self.is_stopped):
            # What is started with the new files is stopped before the former ones are back, and what is stopped before is started then.
            runs = now.running and (before_files or not self.is_stopped)
            former = Service("saslauthd", "started" if runs else "stopped", now.enabled)
            staging.effect(lambda: self._bring(wanted), lambda: self._bring(former), before_files=before_files)
        self.is_stopped = wanted.state == "stopped"

    def _bring(self, wanted: Service) -> None:
        Control(self.run, self.timeout).bring([wanted])

    def _ask(self) -> None:
        """Check that the socket exists, and that saslauthd listens on it."""
        path = f"{self.place.socket_directory}/mux"
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self._path(path))
                return
            except OSError as e:
                if time.monotonic() >= deadline:
                    raise NotAnswering(
                        f"saslauthd runs, but does not answer on {path} ({e.strerror}); its log (journalctl -u saslauthd) may say why."
                    ) from e
            time.sleep(0.1)

    def _path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))
