# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The answers of a host in a play, and the plan of each role.

Every task runs in a process of its own, so this waits in files. They lie in the directory that Ansible makes for each run, which nobody
else may look into, and which is gone when the run ends: there are passwords in the parts of some roles.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Part
from ansible_collections.postroom.mail.plugins.plugin_utils import _kept


@dataclasses.dataclass
class Record:
    """The answers of one host in one play."""

    play: str
    # What mail_info returned, and what it was asked.
    facts: dict[str, t.Any]
    asked: dict[str, list[str]]
    # Of the variables that the parts were planned with.
    fingerprint: str = ""
    # Packages whose installation a task of the role host has been given.
    handled: list[str] = dataclasses.field(default_factory=list)
    # What of the services is still as the facts have it.
    services: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    # And of the files that the facts come from.
    files: dict[str, str] = dataclasses.field(default_factory=dict)


class Plans:
    """The plans for one host."""

    def __init__(self, host: str, directory: str = "") -> None:
        name = hashlib.sha256(host.encode()).hexdigest()
        self._path = os.path.join(directory or _kept.directory(), f"postroom-plan-{name}")

    def record(self, play: str) -> Record | None:
        """Return the record of the host in *play*; None before it was asked."""
        found = _kept.read(self._path)
        return Record(**found) if found and found["play"] == play else None

    def keep(self, record: Record) -> None:
        _kept.write(self._path, dataclasses.asdict(record))

    def field(self, role: str, name: str) -> t.Any:
        """Return a field of the part of *role* by itself, since others may hold ten thousand users. Raises `LookupError`."""
        return _kept.read_field(f"{self._path}-{role}", name)

    def part(self, role: str) -> dict[str, t.Any]:
        """Return the part of *role*, the packages that it has to install, and the family of systems. Raises `LookupError`."""
        found = _kept.read(f"{self._path}-{role}")
        if found is None:
            raise LookupError(f"Nothing was planned for the role {role}: begin its tasks with postroom.mail.mail_plan.")
        return t.cast("dict[str, t.Any]", found)

    def keep_parts(self, parts: t.Mapping[str, Part], missing_packages: t.Mapping[str, t.Sequence[str]], host: Facts) -> None:
        """Keep what each role wants; of the *host* only what the installation of packages must know."""
        for role, part in parts.items():
            fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
            more = {
                "files": [dataclasses.asdict(file) for file in part.files],
                "os_family": host["os_family"],
                "package_lists": host["package_lists"],
            }
            _kept.write(f"{self._path}-{role}", {**fields, **more, "missing_packages": missing_packages[role]})

    def proof(self, roles: t.Collection[str]) -> dict[str, t.Any]:
        """Give what must hold when these *roles* have changed the host, as options of mail_probe.

        A role that was not planned has nothing to prove.
        """
        parts = [part for role in roles if (part := _kept.read(f"{self._path}-{role}"))]
        probes = [probe for part in parts for probe in part["probes"]]
        # A message passes through both daemons.
        delivery = [probe for part in parts for probe in part["delivery"]] if {"postfix", "dovecot"} <= set(roles) else []
        return {"probes": [*probes, *delivery], "validate_certs": False} if probes else {}

    def known_now(self, play: str) -> dict[str, t.Any]:
        """Return the answers about the services and the files, once: the change that asks for them makes them old."""
        record = self.record(play)
        if record is None:
            return {"services": {}, "files": {}}
        self.keep(dataclasses.replace(record, services={}, files={}))
        return {"services": record.services, "files": record.files}

    def forget_files(self, play: str) -> None:
        """Expect the files to be others than the host said: a task of the play has written some."""
        record = self.record(play)
        if record is not None:
            self.keep(dataclasses.replace(record, files={}))
