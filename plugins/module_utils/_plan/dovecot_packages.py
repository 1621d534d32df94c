# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages that Dovecot needs for its tasks, by the family of the distribution. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_variables import Variables

IsNeeded = t.Callable[[Variables], bool]


def _serves(*protocols: str) -> IsNeeded:
    return lambda given: not set(protocols).isdisjoint(given["dovecot_protocols"])


def _asks(driver: str) -> IsNeeded:
    return lambda given: any(server.get("driver") == driver for server in given["dovecot_databases"])


BY_FAMILY: dict[str, dict[str, IsNeeded]] = {
    # It packages each protocol by itself.
    "Debian": {
        "dovecot-core": lambda given: True,
        "dovecot-imapd": _serves("imap", "imaps"),
        "dovecot-pop3d": _serves("pop3", "pop3s"),
        "dovecot-lmtpd": lambda given: bool(given["dovecot_lmtp_listeners"]),
        "dovecot-sieve": lambda given: given["dovecot_sieve"],
        "dovecot-managesieved": lambda given: given["dovecot_managesieve"],
        "dovecot-mysql": _asks("mysql"),
        "dovecot-pgsql": _asks("pgsql"),
        "dovecot-sqlite": _asks("sqlite"),
        "dovecot-ldap": _asks("ldap"),
    },
    "RedHat": {
        "dovecot": lambda given: True,
        "dovecot-pigeonhole": lambda given: given["dovecot_sieve"] or given["dovecot_managesieve"],
        "dovecot-mysql": _asks("mysql"),
        "dovecot-pgsql": _asks("pgsql"),
    },
}

# The first releases that come with Dovecot 2.4.
FIRST_WITH_24 = {"Debian": 13, "Fedora": 43}


def packages(given: Variables, os_family: str) -> list[str]:
    """Of a family that is not known there are none: the role host refuses it."""
    return [name for name, is_needed in BY_FAMILY.get(os_family, {}).items() if is_needed(given)]


def version_to_come(distribution: str, major_version: str) -> str:
    """Give the version that the distribution would install. A release without a number is the next one."""
    major = int(major_version) if major_version.isdecimal() else 99
    return "2.4" if major >= FIRST_WITH_24.get(distribution, 100) else "2.3"
