# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The installed packages, from dpkg's and rpm's own records. Pure."""

from __future__ import annotations

import re
import typing as t

# One query serves every package; `rpm -q` says about an absent one "package X is not installed", which has no tab.
RPM_FORMAT = r"%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n"


def dpkg_versions(status: str, names: t.Iterable[str]) -> dict[str, str | None]:
    """Look *names* up in the text of /var/lib/dpkg/status; None stands for "not installed".

    A package that was removed but not purged, or that is half installed, is not installed.
    """
    return {name: _dpkg_version(status, name) for name in names}


def _dpkg_version(status: str, name: str) -> str | None:
    for match in re.finditer(rf"^Package: {re.escape(name)}$", status, re.MULTILINE):
        end = status.find("\n\n", match.end())
        stanza = status[match.start() : end if end != -1 else len(status)]
        # "install ok installed", "hold ok installed": the last word is the state.
        if re.search(r"^Status: \S+ \S+ installed$", stanza, re.MULTILINE):
            version = re.search(r"^Version: (.+)$", stanza, re.MULTILINE)
            return version.group(1) if version else None
    return None


def rpm_versions(output: str, names: t.Iterable[str]) -> dict[str, str | None]:
    """Read what ``rpm -q --queryformat RPM_FORMAT`` printed about *names*."""
    found = dict(line.split("\t", 1) for line in output.splitlines() if "\t" in line)
    return {name: found.get(name) for name in names}
