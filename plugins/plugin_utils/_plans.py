# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a host has answered in a play, and what each role wants of it.

Every task runs in a process of its own, so this waits in files. They lie in the directory that Ansible makes for each run, which nobody
else may look into, and which is gone when the run ends: there are passwords in the parts of some roles.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part
from ansible_collections.postroom.mail.plugins.plugin_utils import _kept


@dataclasses.dataclass
class Record:
    """What one host has answered in one play."""

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


class Plans:
    """The plans for one host."""

    def __init__(self, host: str, directory: str = "") -> None:
        name = hashlib.sha256(host.encode()).hexdigest()
        self._path = os.path.join(directory or _kept.directory(), f"postroom-plan-{name}")

    def record(self, play: str) -> Record | None:
        """What is known of the host in *play*; None before it was asked."""
        found = _kept.read(self._path)
        return Record(**found) if found and found["play"] == play else None

    def keep(self, record: Record) -> None:
        _kept.write(self._path, dataclasses.asdict(record))

    def field(self, role: str, name: str) -> t.Any:
        """A field of the part of *role* by itself, since others may hold ten thousand users. Raises `LookupError`."""
        return _kept.read_field(f"{self._path}-{role}", name)

    def part(self, role: str) -> dict[str, t.Any]:
        """What *role* wants, which packages it has to install, and on what family of systems. Raises `LookupError`."""
        found = _kept.read(f"{self._path}-{role}")
        if found is None:
            raise LookupError(f"Nothing was planned for the role {role}: begin its tasks with postroom.mail.mail_plan.")
        return t.cast("dict[str, t.Any]", found)

    def keep_parts(self, parts: t.Mapping[str, Part], missing_packages: t.Mapping[str, t.Sequence[str]], os_family: str) -> None:
        for role, part in parts.items():
            fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
            more = {"files": [dataclasses.asdict(file) for file in part.files], "os_family": os_family}
            _kept.write(f"{self._path}-{role}", {**fields, **more, "missing_packages": missing_packages[role]})

    def proof(self, roles: t.Collection[str]) -> dict[str, t.Any]:
        """What must hold when these *roles* have changed the host, as options of mail_probe."""
        parts = [self.part(role) for role in roles]
        probes = [probe for part in parts for probe in part["probes"]]
        # A message passes through both daemons.
        delivery = [probe for part in parts for probe in part["delivery"]] if {"postfix", "dovecot"} <= set(roles) else []
        return {"probes": [*probes, *delivery], "validate_certs": False} if probes else {}

    def services_now(self, play: str) -> dict[str, t.Any]:
        """What was said of the services, once: the change for which it is asked makes it old."""
        record = self.record(play)
        if record is None:
            return {}
        self.keep(dataclasses.replace(record, services={}))
        return record.services
