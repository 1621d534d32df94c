# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let the sendmail of a host offer AUTH, or stop offering it: sendmail.mc, the sendmail.cf made from it, and the daemon."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, MailError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_daemon, sendmail_mc
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_mc import Wanted
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Wanted as Service

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

_WORDS = 300


class NotInstalled(HostError):
    """sendmail, or a program that builds its configuration, is not on this host."""


class ForeignConfiguration(HostError):
    """The configuration comes from another source than this collection."""


class Paths(t.NamedTuple):
    """The two files; *reads* are others that the daemon reads at its start."""

    mc: str = "/etc/mail/sendmail.mc"
    cf: str = "/etc/mail/sendmail.cf"
    reads: t.Sequence[str] = ()


class Outcome(t.NamedTuple):
    actions: list[str]
    diff: list[dict[str, str]]


class Auth:
    """SMTP AUTH in one host's sendmail."""

    def __init__(self, run: Run, paths: Paths, check_mode: bool = False, timeout: float = 30.0) -> None:
        self.run = run
        self.paths = paths
        self.check_mode = check_mode
        self.timeout = timeout

    def bring(self, wanted: Wanted | None, replace: bool = False, backup: bool = False) -> Outcome:
        """Set AUTH up as *wanted*, or remove every trace of it; raise a `MailError` before anything changes."""
        if wanted:
            sendmail_mc.check(wanted)
        before = files.read_text(self.paths.mc)
        live = files.read_text(self.paths.cf) or ""
        if before is None:
            raise NotInstalled(
                f"There is no {self.paths.mc} on this host, so sendmail is not its mail server, or is configured otherwise:"
                " install sendmail (Debian) or sendmail and sendmail-cf (Red Hat) first."
            )
        plain = sendmail_mc.BLOCK.without(before)
        built_plain = self._build(plain)
        own = sendmail_mc.own_auth(built_plain)
        if wanted and own and not replace:
            raise ForeignConfiguration(
                f"{self.paths.mc} sets up AUTH already ('{own}' in {self.paths.cf}): take that out,"
                " or set sasl_replace_config to true to override it."
            )
        after = sendmail_mc.BLOCK.put(plain, sendmail_mc.block(wanted, sendmail_mc.family(built_plain)) if wanted else "")
        built = built_plain if after == plain else self._build(after)
        is_built = sendmail_mc.effective(built) == sendmail_mc.effective(live)
        drift = ""
        if not is_built:
            drift = self._drift(built_plain if before == plain else self._build(before), live)
            if drift and not replace:
                raise ForeignConfiguration(drift)
            self._validate(built)
        cf = live if is_built else sendmail_mc.built(after, built, live, self.paths.mc)
        return self._apply(self._write(cf, after, backup, keep=backup or bool(drift)), built, bool(wanted))

    def _build(self, mc: str) -> str:
        """Return the output of m4 for a sendmail.mc."""
        rc, stdout, stderr = self.run(["m4", "-I", os.path.dirname(self.paths.mc), "-"], data=mc)
        if rc == 127:
            raise NotInstalled("There is no m4 on this host to build sendmail.cf with: install m4 and sendmail-cf.")
        if rc != 0 or re.search(r"\bERROR\b", stderr):
            words = re.sub(r"m4:stdin:(\d+):", r"line \1:", stderr)
            raise RejectedByDaemon(
                f"m4 cannot make a sendmail.cf of {self.paths.mc}: {_one_line(words) or f'status {rc}'}; {self.paths.cf} was left as it is."
            )
        return stdout

    def _drift(self, expected: str, live: str) -> str:
        """Report a sendmail.cf that was not made from this sendmail.mc: it was changed by hand, or must still be built."""
        if not live.strip() or sendmail_mc.effective(expected) == sendmail_mc.effective(live):
            return ""
        difference = sendmail_mc.difference(sendmail_mc.effective(live), sendmail_mc.effective(expected))
        return (
            f"{self.paths.cf} differs from what m4 makes of {self.paths.mc} ({difference[:_WORDS]}): look at both and build it"
            f" (make -C {os.path.dirname(self.paths.mc)}), or have it built anew by setting sasl_replace_config to true;"
            " the one that is there is then kept as a backup."
        )

    def _validate(self, cf: str) -> None:
        """Have sendmail itself read it."""
        with rooms.room("sendmail") as directory:
            path = os.path.join(directory, "sendmail.cf")
            with open(path, "w", encoding=files.ENCODING, errors=files.ERRORS) as f:
                f.write(cf)
            rc, stdout, stderr = self.run(["sendmail", "-C", path, "-bt"], data="")
        if rc == 127:
            raise NotInstalled("There is no program sendmail on this host: install sendmail first.")
        if rc != 0:
            words = "\n".join(line for line in f"{stderr}\n{stdout}".splitlines() if path in line) or stderr or stdout
            raise RejectedByDaemon(
                f"sendmail would not take the sendmail.cf that {self.paths.mc} leads to: {_one_line(words.replace(path, 'sendmail.cf'))};"
                f" {self.paths.cf} was left as it is."
            )

    def _write(self, cf: str, mc: str, backup: bool, keep: bool) -> list[files.Change]:
        """Write sendmail.cf first: if this run is killed between the two, the next one recognizes the file that it is about to build."""
        changes = [self._put(self.paths.cf, cf, keep), self._put(self.paths.mc, mc, backup)]
        if changes[1].content_changed and not self.check_mode:
            self._touch()
        return [change for change in changes if change.changed]

    def _put(self, path: str, text: str, backup: bool = False) -> files.Change:
        return files.update(path, lambda _before: text, check_mode=self.check_mode, backup=backup)

    def _touch(self) -> None:
        """Touch sendmail.cf: make builds it anew only when sendmail.mc is newer."""
        os.utime(self.paths.cf)

    def _apply(self, changes: list[files.Change], cf: str, offers: bool) -> Outcome:
        actions = [f"write {change.path}" for change in changes]
        # sendmail.cf is long, and says the same in other words.
        diff = [files.diff(change) for change in changes if change.path == self.paths.mc]
        pid = sendmail_daemon.daemon(sendmail_mc.options(cf, "PidFile"))
        if pid is None and offers:
            started = Control(self.run, self.timeout, self.check_mode).bring([Service("sendmail", "started")])
            actions += started["actions"]
        elif pid is not None and (changes or sendmail_daemon.is_behind(pid, (self.paths.cf, *self.paths.reads))):
            actions.append("reload sendmail")
            if not self.check_mode:
                sendmail_daemon.read_again(pid, cf, self.timeout)
        if actions and offers and not self.check_mode:
            try:
                sendmail_daemon.prove("127.0.0.1", self.timeout)
            except sendmail_daemon.NotServing as e:
                raise self._undo(changes, cf, e) from e
        return Outcome(actions, diff)

    def _undo(self, changes: list[files.Change], cf: str, why: MailError) -> MailError:
        """Restore the old files when the mail server cannot do the wanted."""
        if not changes:
            return why
        for change in changes:
            self._put(change.path, change.before or "")
        self._touch()
        pid = sendmail_daemon.daemon(sendmail_mc.options(cf, "PidFile"))
        if pid is not None:
            sendmail_daemon.read_again(pid, cf, self.timeout)
        return type(why)(f"{str(why).rstrip('.')}; {self.paths.mc}, {self.paths.cf} and the daemon are again what they were before.")


def blamed(private_key: str, sasldb: bool) -> list[str]:
    """Return the words of DontBlameSendmail without which sendmail would not read these files, because their groups may read them."""
    words = []
    if os.path.exists(private_key) and os.stat(private_key).st_mode & 0o040:
        words.append("GroupReadableKeyFile")
    if sasldb:
        words.append("GroupReadableSASLDBFile")
    return words


def _one_line(text: str) -> str:
    return " | ".join(line.strip() for line in text.splitlines() if line.strip())[:_WORDS]
