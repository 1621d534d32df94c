# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The takeover from another mail server: that one stops, and its waiting mail becomes Postfix's."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import signal
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import listeners
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.files import fsync_directory, read_text
from ansible_collections.postroom.mail.plugins.module_utils._core.foreign_files import NotRead
from ansible_collections.postroom.mail.plugins.module_utils._services import services
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Control, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._services.ready import NotServing, wait_until
from ansible_collections.postroom.mail.plugins.module_utils._takeover import facts as takeover_facts
from ansible_collections.postroom.mail.plugins.module_utils._takeover import other_mta
from ansible_collections.postroom.mail.plugins.module_utils._takeover.foreign_queue import ENCODING, ERRORS, Mail

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

REPORTED = 200  # mails; nobody reads a longer list
DPKG_STATUS = "var/lib/dpkg/status"


class StillThere(HostError):
    """The other mail server did not end, or holds its port."""


class Interrupted(HostError):
    """A signal asks the run to end before the work is done."""


class NoPostfix(HostError):
    """There is no Postfix to hand the mail to."""


class Takeover:
    """The other mail servers of one host."""

    def __init__(self, run: Run, *, check_mode: bool = False, timeout: float = 30.0, root: str = "/") -> None:
        self.run = run
        self.check_mode = check_mode
        self.timeout = timeout
        self.root = root
        self.warnings: list[str] = []
        self.told = takeover_facts.ask(run, read_text(os.path.join(root, DPKG_STATUS)) or "", root)

    def _servers(self, installed: bool | None = None) -> list[other_mta.MailServer]:
        names = [told["name"] for told in self.told if installed in (None, told["installed"])]
        known = [server for server in other_mta.KNOWN if server.name in names]
        return known + [other_mta.MailServer(name, (name,)) for name in names if name not in {server.name for server in known}]

    def stop(self) -> dict[str, t.Any]:
        """Stop every other mail server, keep it from being started again, and mark its queue for Postfix."""
        servers = self._servers(installed=True)
        actions, before, after = [], "", ""
        for name in [name for told in self.told for name in told["services"]]:
            done = self._stop_service(name)
            actions += [*done["actions"], *self._unlink(name)]
            before += done["diff"]["before"]
            after += done["diff"]["after"]
        for server in servers:
            actions += self._end(server)
            actions += self._link_aliases(server)
            actions += self._mark(server)
            self._warn(server)
        if not self.check_mode:
            self._prove(servers)
        return {
            "changed": bool(actions),
            "actions": actions,
            "servers": self.told,
            "mails": [_row(server, found) for server in servers for found in takeover_facts.mails(server, self.root)][:REPORTED],
            "diff": {"before": before, "after": after},
        }

    def _stop_service(self, name: str) -> dict[str, t.Any]:
        """Stop and disable one service; end what outlives that after a few seconds."""
        wanted = [Wanted(name, "stopped", False)]
        foreseen = Control(self.run, check_mode=True).bring(wanted)
        if not self.check_mode:
            with contextlib.suppress(NotServing):
                Control(self.run, timeout=self.timeout / 10).bring(wanted)
        return foreseen

    def restore(self, servers: list[dict[str, t.Any]]) -> dict[str, t.Any]:
        """Start again those of *servers* that ran by an earlier mail_info, and are still installed."""
        wanted = {name: state for told in servers for name, state in _services_of(told).items()}
        present = [name for name, state in services.states(self.run, list(wanted)).items() if state.installed]
        done = Control(self.run, timeout=self.timeout, check_mode=self.check_mode).bring(
            [Wanted(name, "started" if wanted[name]["running"] else None, wanted[name]["enabled"] or None) for name in present]
        )
        return {"changed": done["changed"], "actions": done["actions"], "servers": self.told, "mails": [], "diff": done["diff"]}

    def _unlink(self, name: str) -> list[str]:
        """Remove the start links: systemd may call a service disabled while its init script still starts it in every runlevel."""
        links = services.has_start_link(name)
        if not links or (self.check_mode and services.manager() == "systemd"):
            return []
        if not self.check_mode:
            rc, _stdout, stderr = self.run(["update-rc.d", name, "disable"])
            if rc != 0:
                raise StillThere(f"Cannot keep {name} from being started at boot: update-rc.d said: {' '.join(stderr.split())}")
        return [f"disable {name} in /etc/rc?.d"]

    def _end(self, server: other_mta.MailServer) -> list[str]:
        """End the remaining processes: sendmail's init script, for one, stops nothing where it does not find its pid file."""
        pids = takeover_facts.processes(server)
        if self.check_mode or not pids:
            return []
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in takeover_facts.processes(server):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if wait_until(lambda: not takeover_facts.processes(server), time.monotonic() + self.timeout / 2):
                break
        return [f"end the processes of {server.name}"]

    def _link_aliases(self, server: other_mta.MailServer) -> list[str]:
        """Link /etc/aliases, which Postfix reads, to the aliases of the other mail server if they are only elsewhere."""
        target = os.path.join(self.root, "etc/aliases")
        files = takeover_facts.alias_files(server, self.root)
        if not files or os.path.lexists(target):
            return []
        if not self.check_mode:
            os.symlink(os.path.relpath(files[0], os.path.dirname(target)), target)
        return [f"link /etc/aliases to {files[0]}"]

    def _mark(self, server: other_mta.MailServer) -> list[str]:
        if not any(os.path.isdir(self._at(queue.directory)) for queue in server.queues):
            return []
        directory = self._at(takeover_facts.HANDED_OVER, server.name)
        if os.path.isdir(directory):
            return []
        if not self.check_mode:
            _make(directory)
        return [f"mark the queue of {server.name}"]

    def _at(self, *parts: str) -> str:
        return os.path.join(self.root, *(part.lstrip("/") for part in parts))

    def _warn(self, server: other_mta.MailServer) -> None:
        if server.name != "exim":
            return
        for path in takeover_facts.alias_files(server, self.root):
            for line in other_mta.exim_only_aliases(read_text(path) or ""):
                self.warnings.append(f"{path} has an alias that only Exim understands, Postfix would bounce its mail: {line}")

    def _prove(self, servers: list[other_mta.MailServer]) -> None:
        alive = [server.name for server in servers if takeover_facts.processes(server)]
        if alive or not wait_until(_port_is_free, time.monotonic() + self.timeout):
            raise StillThere(
                f"{', '.join(alive) or 'The program on port 25'} did not end within {self.timeout:g} s, although it was told to:"
                " stop it by hand and run the play again; nothing has been removed."
            )

    def hand_over(self) -> dict[str, t.Any]:
        """Hand the mail that waits in the queues of the former mail servers to Postfix, each mail once."""
        rows: list[dict[str, t.Any]] = []
        moved = 0
        with self._locked(), _between_mails() as told_to_end:
            for server in self._servers(installed=None if self.check_mode else False):
                for found in takeover_facts.mails(server, self.root):
                    if told_to_end:
                        raise Interrupted(f"Told to end after {moved} mails were handed over; the next run goes on with the others.")
                    row = _row(server, found)
                    if found.mail and not self.check_mode:
                        row["reason"] = self._give(server, found, found.mail)
                    row["handed_over"] = not row["reason"]
                    moved += row["handed_over"]
                    rows.append(row)
        left = [row for row in rows if not row["handed_over"]]
        return {
            "changed": moved > 0,
            "handed_over": moved,
            "kept": len(left),
            "servers": self.told,
            "mails": (left + [row for row in rows if row["handed_over"]])[:REPORTED],
            "diff": {"before": _list(rows), "after": _list(left)},
        }

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[None]:
        """Hold a lock, because two plays at the same time would hand a mail over twice."""
        directory = self._at(takeover_facts.HANDED_OVER)
        if self.check_mode or not os.path.isdir(directory):
            yield
            return
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _give(self, server: other_mta.MailServer, found: takeover_facts.Found, mail: Mail) -> str:
        """Hand one mail to Postfix and put its files aside; return the reason when Postfix refused it."""
        if not mail.recipients:
            self._put_aside(server, found)
            return ""
        command = [self._sendmail, "-G", "-i", "-f", mail.sender]
        if any(byte > 127 for byte in mail.content):
            command.append("-B8BITMIME")
        rc, _stdout, stderr = self.run([*command, "--", *mail.recipients], mail.content.decode(ENCODING, ERRORS))
        if rc != 0:
            return " ".join(stderr.split()) or f"Postfix's sendmail ended with status {rc}"
        # From here on it is on Postfix's disk. Whoever is killed outright before the next line is through hands it over twice.
        self._put_aside(server, found)
        return ""

    @functools.cached_property
    def _sendmail(self) -> str:
        """Return Postfix's own sendmail(1), whichever package owns the name; it accepts mail before Postfix runs, too."""
        rc, stdout, _stderr = self.run(["postconf", "-hx", "sendmail_path"])
        if rc != 0 or not stdout.strip():
            raise NoPostfix("There is no Postfix on this host that could be given the mail: install it first.")
        return stdout.strip()

    def _put_aside(self, server: other_mta.MailServer, found: takeover_facts.Found) -> None:
        queue = found.queue.directory.rstrip("/")
        directory = self._at(takeover_facts.HANDED_OVER, server.name, os.path.basename(queue))
        _make(directory)
        try:
            # The control file first: without it the others are no mail.
            for name in found.files:
                found.folder.move(name, os.path.join(directory, os.path.basename(name)))
                fsync_directory(directory)
        except (OSError, NotRead) as e:
            raise HostError(
                f"Postfix has got the mail {found.id}, but its file {name} in {found.folder.path} cannot be moved to {directory}:"
                f" {e.strerror if isinstance(e, OSError) else e}; remove it by hand, or the next run hands the mail over again."
            ) from e


def _services_of(told: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Mapping[str, bool]]:
    """The services of a server as mail_info told it."""
    found = told.get("services")
    states = found.values() if isinstance(found, t.Mapping) else [None]
    if not all(isinstance(state, t.Mapping) and {"running", "enabled"} <= set(state) for state in states):
        raise BadInput(
            f"The server '{told.get('name', '')}' does not say which of its services ran; give servers as mail_info told them before the"
            " other mail server was stopped (other_mail_servers)."
        )
    return t.cast("t.Mapping[str, t.Mapping[str, bool]]", found)


@contextlib.contextmanager
def _between_mails() -> t.Iterator[list[int]]:
    """End on a signal only between two mails: otherwise a mail that Postfix has got would still be in the former queue."""
    told: list[int] = []
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: told.append(number)) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _port_is_free() -> bool:
    """Return whether no program but Postfix is on the port; an unprivileged container hides the owner."""
    return all(row["process"] == "master" for row in listeners.listeners() if row["port"] == takeover_facts.SMTP_PORT)


def _make(directory: str) -> None:
    """Make a folder of mail that only root can open, and those above it."""
    if os.path.isdir(directory):
        return
    try:
        if not os.path.isdir(os.path.dirname(directory)):
            _make(os.path.dirname(directory))
        os.mkdir(directory, 0o700)
    except OSError as e:
        raise HostError(f"Cannot make {directory}: {e.strerror}.") from e


def _row(server: other_mta.MailServer, found: takeover_facts.Found) -> dict[str, t.Any]:
    return {
        "server": server.name,
        "id": _printable(found.id),
        "queue": found.queue.directory,
        "sender": _printable(found.mail.sender) if found.mail else None,
        "recipients": [_printable(address) for address in found.mail.recipients] if found.mail else [],
        "again": _printable(found.mail.again) if found.mail else "",
        "reason": _printable(found.reason),
    }


def _printable(text: str) -> str:
    """Make a text printable: bytes that are no text do not fit into JSON."""
    return text.encode(ENCODING, ERRORS).decode(ENCODING, "replace")


def _list(rows: t.Iterable[dict[str, t.Any]]) -> str:
    return "".join(
        f"{row['queue']}/{row['id']}: "
        + (f"from <{row['sender']}> to {', '.join(row['recipients'])}\n" if row["sender"] is not None else f"{row['reason']}\n")
        for row in list(rows)[:REPORTED]
    )
