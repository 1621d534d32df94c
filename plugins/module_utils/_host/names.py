# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The name of a host and its distribution: /etc/os-release, /etc/hosts and the host's own name. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t

# Ansible's names, by the ID of os-release(5); what is not listed is called by its capitalised ID.
DISTRIBUTIONS = {
    "almalinux": "AlmaLinux",
    "centos": "CentOS",
    "debian": "Debian",
    "fedora": "Fedora",
    "ol": "OracleLinux",
    "opensuse-leap": "openSUSE Leap",
    "rhel": "RedHat",
    "rocky": "Rocky",
    "ubuntu": "Ubuntu",
}

# Ansible's os_family, by ID or by any word of ID_LIKE.
FAMILIES = {
    "alpine": "Alpine",
    "arch": "Archlinux",
    "centos": "RedHat",
    "debian": "Debian",
    "fedora": "RedHat",
    "rhel": "RedHat",
    "suse": "Suse",
    "ubuntu": "Debian",
}


class Distribution(t.NamedTuple):
    os_family: str
    distribution: str
    distribution_major_version: str


def parse_os_release(text: str) -> dict[str, str]:
    """Parse the variables of os-release(5): shell assignments, quoted as for a shell."""
    variables = {}
    for line in text.splitlines():
        match = re.match(r"([A-Z0-9_]+)=(.*)", line.strip())
        if not match:
            continue
        try:
            variables[match.group(1)] = "".join(shlex.split(match.group(2)))
        except ValueError:
            # An unbalanced quote: the raw text tells more than nothing.
            variables[match.group(1)] = match.group(2)
    return variables


def distribution(os_release: str) -> Distribution:
    """Name the distribution as Ansible's facts do. A rolling release without VERSION_ID is known by its code name."""
    variables = parse_os_release(os_release)
    identity = variables.get("ID", "linux")
    likes = [identity, *variables.get("ID_LIKE", "").split()]
    family = next((FAMILIES[like] for like in likes if like in FAMILIES), identity.capitalize())
    version = variables.get("VERSION_ID", "").split(".")[0] or variables.get("VERSION_CODENAME", "")
    return Distribution(family, DISTRIBUTIONS.get(identity, identity.capitalize()), version)


def parse_hosts(text: str) -> t.Iterator[tuple[str, list[str]]]:
    """Parse the lines of hosts(5): an address and its names, the canonical one first."""
    for line in text.splitlines():
        address, *names = line.split("#", 1)[0].split() or [""]
        if names:
            yield address, names


def canonical_name(hosts: str, hostname: str) -> str | None:
    """Return the full name of *hostname* in /etc/hosts: the first name with a dot on a line that has it."""
    for _address, names in parse_hosts(hosts):
        if hostname.lower() in (name.lower() for name in names):
            full = next((name for name in names if _is_full(name, hostname)), None)
            if full:
                return full
    return None


def addresses_in_hosts(hosts: str, name: str) -> list[str]:
    """Return the addresses of *name* in /etc/hosts."""
    return [address for address, names in parse_hosts(hosts) if name.lower() in (n.lower() for n in names)]


def _is_full(name: str, hostname: str) -> bool:
    """Return whether *name* is the FQDN of *hostname*: "localhost.localdomain" is the FQDN of no host."""
    if "." not in name or name.lower().startswith("localhost."):
        return False
    return name.lower() == hostname.lower() or name.lower().startswith(f"{hostname.lower()}.") or "." not in hostname
