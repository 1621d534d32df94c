# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All facts of a host that the roles need, asked once."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import facts as addresses_facts
from ansible_collections.postroom.mail.plugins.module_utils._core import changed_at, foreign_files, listeners
from ansible_collections.postroom.mail.plugins.module_utils._core import packages as core_packages
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import facts as dovecot_facts
from ansible_collections.postroom.mail.plugins.module_utils._host import names as host_names
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._services import applied, running, running_daemon
from ansible_collections.postroom.mail.plugins.module_utils._services import services as _services
from ansible_collections.postroom.mail.plugins.module_utils._takeover import facts as takeover_facts

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# First the files: what is told of them later is not older.
SUBSETS = (
    "files",
    "host",
    "packages",
    "services",
    "postfix",
    "dovecot",
    "sasl",
    "queue",
    "listeners",
    "other_mail_servers",
    "accounts",
    "aliases",
)
# What the answers about the daemons come from, and a change replaces.
FILES = ("/etc/postfix/main.cf", "/etc/postfix/master.cf", dovecot_facts.CONFIG_PATH)
# These take longer, and no role needs them: they are told when they are asked for by name.
ON_DEMAND = ("policy",)
DPKG_STATUS = "/var/lib/dpkg/status"
APT_LISTS = "/var/lib/apt/lists"
RESOLVER_SECONDS = 2.0


class Questions(t.NamedTuple):
    """The questions of the caller."""

    gather: t.Sequence[str] = SUBSETS
    packages: t.Sequence[str] = ()
    services: t.Sequence[str] = ("postfix", "dovecot")
    resolve: t.Sequence[str] = ()
    accounts: t.Sequence[str] = ()
    sasl_mta: str = "postfix"


class Host:
    """One host; each question is asked at most once."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def tell(self, questions: Questions) -> dict[str, t.Any]:
        answers: dict[str, t.Callable[[], t.Any]] = {
            "files": lambda: changed_at.stamps(FILES),
            "host": lambda: self._host(questions.resolve),
            "packages": lambda: self._packages(questions.packages),
            "services": lambda: self._services(questions.services),
            "postfix": lambda: self.postfix,
            "dovecot": lambda: self.dovecot,
            "sasl": lambda: sasl_facts.ask(self.run, self.postfix, self.distribution.os_family, mta=questions.sasl_mta),
            "queue": self._queue,
            "listeners": listeners.listeners,
            "accounts": lambda: addresses_facts.accounts(questions.accounts, _read(addresses_facts.PASSWD), _bounded),
            "aliases": lambda: addresses_facts.aliases(_read(addresses_facts.ALIASES)),
            "other_mail_servers": lambda: takeover_facts.ask(self.run, self.dpkg_status),
            "policy": self._policy,
        }
        return {subset: answers[subset]() for subset in (*SUBSETS, *ON_DEMAND) if subset in questions.gather}

    @functools.cached_property
    def distribution(self) -> host_names.Distribution:
        return host_names.distribution(_read("/etc/os-release") or _read("/usr/lib/os-release"))

    @functools.cached_property
    def dpkg_status(self) -> str:
        return _read(DPKG_STATUS)

    @functools.cached_property
    def postfix(self) -> dict[str, t.Any]:
        answer = postfix_facts.ask(self.run)
        there = _files_in(answer["config_directory"]) if answer["installed"] else []
        return {
            **answer,
            "managed_tables": addresses_facts.managed_tables(answer["parameters"], _read_head, there),
            "foreign_tables": addresses_facts.foreign_tables(_read_begin),
        }

    @functools.cached_property
    def dovecot(self) -> dict[str, t.Any]:
        return dovecot_facts.ask(self.run, self.distribution.os_family)

    @functools.cached_property
    def queue_directory(self) -> str | None:
        """Return Postfix's queue directory, without asking for the rest when the caller did not."""
        if "postfix" in self.__dict__:
            return t.cast("str | None", self.postfix["queue_directory"])
        rc, stdout, _stderr = self.run(["postconf", "-hx", "queue_directory"])
        return stdout.strip() or None if rc == 0 else None

    def _host(self, resolve: t.Sequence[str]) -> dict[str, t.Any]:
        hostname = socket.gethostname()
        hosts = _read("/etc/hosts")
        fqdn = host_names.canonical_name(hosts, hostname) or _canonical_by_resolver(hostname) or hostname
        return {
            "fqdn": fqdn,
            "hostname": hostname,
            **self.distribution._asdict(),
            "service_manager": _services.manager(),
            "privileged": os.geteuid() == 0,
            "ipv6": _has_ipv6(),
            "package_lists": any("_Packages" in path for path in _files_in(APT_LISTS)),
            "addresses": {name: host_names.addresses_in_hosts(hosts, name) or addresses(name) for name in [fqdn, *resolve]},
        }

    def _packages(self, names: t.Sequence[str]) -> dict[str, str | None]:
        if not names:
            return {}
        if self.dpkg_status:
            return core_packages.dpkg_versions(self.dpkg_status, names)
        return core_packages.rpm_versions(self.run(["rpm", "-q", "--queryformat", core_packages.RPM_FORMAT, *names])[1], names)

    def _services(self, names: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
        queue_directory = self.queue_directory if "postfix" in names else None
        found: dict[str, dict[str, t.Any]] = {}
        for name, state in _services.states(self.run, names, queue_directory).items():
            found[name] = state._asdict()
            if name in _services.MASTERS:
                master = _services.master(name, queue_directory)
                found[name].update(self._need(name, state.running)._asdict(), outdated=running_daemon.outdated(master))
        return found

    def _need(self, name: str, is_running: bool) -> applied.Need:
        """Return the action that a daemon needs to follow its files; a stopped daemon reads them at its start."""
        if not is_running:
            return applied.Need()
        if name == "postfix":
            return running.need_of_postfix(self.postfix)
        return running.need_of_dovecot(self.dovecot)

    def _policy(self) -> dict[str, t.Any]:
        # Imported here, as no role asks for it: each call of the module compiles what it imports.
        from ansible_collections.postroom.mail.plugins.module_utils._policy import facts as policy_facts

        return policy_facts.ask(self.run)

    def _queue(self) -> dict[str, int | None]:
        return postfix_facts.count_queue(self.queue_directory) if self.queue_directory else dict.fromkeys(postfix_facts.QUEUES)


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()
    return ""


def _files_in(directory: str) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        return [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    return []


def _read_head(path: str) -> str:
    return foreign_files.head(path, 4096).decode("utf-8", "surrogateescape")


def _read_begin(path: str) -> str:
    return foreign_files.head(path, 1 << 20).decode("utf-8", "surrogateescape")


def addresses(name: str) -> list[str]:
    """Return the addresses of *name* by the resolver; none when it is unknown, or the resolver does not answer in time."""
    return sorted({str(row[4][0]) for row in _bounded(lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)) or []})


def _has_ipv6() -> bool:
    """Return whether the kernel knows IPv6 at all; without it no program can even open a socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM):
        return True
    return False


def _canonical_by_resolver(hostname: str) -> str | None:
    """Return the full name of *hostname* in the resolver (DNS, or the name service of a domain)."""
    rows = _bounded(lambda: socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME))
    name = rows[0][3].rstrip(".") if rows else ""
    return name if "." in name and not name.startswith("localhost.") else None


def _bounded(ask: t.Callable[[], t.Any]) -> t.Any:
    """Run a query with a time limit. The resolver has none that Python can set: its thread is left behind when it takes too long."""
    answer: list[t.Any] = []

    def work() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            answer.append(ask())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(RESOLVER_SECONDS)
    return answer[0] if answer else None
