# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that ``doveconf -n`` accepts and that nevertheless keep people from logging in.

Each check looks only at settings that a change touches, and says in one sentence what is wrong and what to do.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf, dialects, drivers

# These live in a module of their own, named here without "libmech_" and ".so".
MECHANISM_MODULES = {"gssapi": "gssapi", "gss-spnego": "gssapi"}
# The client proves that it knows the password without sending it, so the server must be able to read it.
CHALLENGES = ("cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256", "scram-sha-1-plus", "scram-sha-256-plus", "otp")

# Settings to which one adds with the value that they have.
LISTS = ("mail_plugins", "protocols", "auth_mechanisms")


@dataclasses.dataclass(frozen=True)
class Host:
    """The abilities of the Dovecot of this host."""

    version: str
    passdbs: tuple[str, ...] = ()  # drivers that it was built with; none: unknown
    userdbs: tuple[str, ...] = ()
    has_module: t.Callable[[str], bool] = lambda name: True
    address_error: t.Callable[[str], str | None] = lambda address: None

    @property
    def dialect(self) -> dialects.Dialect:
        return dialects.of(self.version)


def complaints(
    changed: t.Collection[conf.Path], own: t.Mapping[conf.Path, conf.Meaning], passdbs: t.Collection[str], host: Host
) -> list[str]:
    """Return the mistakes in the settings at the paths *changed* of a file that says *own*.

    *passdbs* are the drivers of all password databases of the whole configuration after the change.
    """
    found = []
    if any(conf.database(path) == "passdb" for path in changed) and ("auth_mechanisms",) in own:
        found += challenge_complaints("auth_mechanisms", own[("auth_mechanisms",)][0], passdbs, host)
    for path in changed:
        place = conf.display(path)
        if len(path) == 2 and path in own and conf.database(path) and path[-1] in ("", "driver", f"{conf.database(path)}_driver"):
            found += _driver_complaints(place, conf.database(path), conf.driver(path[0], own), host)
        if path not in own or not path[-1]:
            continue
        value = own[path][0]
        if path[-1] in LISTS and not host.dialect.resolves_names and re.search(r"\$\w", value):
            found.append(
                f"{place}: Dovecot {host.version} takes '{value}' literally, '$' and all; to add to the default write a block,"
                f" as in '{path[-1]} {{ name = yes }}'."
            )
        elif path[-1] == "auth_mechanisms":
            found += _mechanism_complaints(place, value, host) + challenge_complaints(place, value, passdbs, host)
        elif path[:-1] == ("auth_mechanisms",) and value == "yes":
            found += _mechanism_complaints(place, path[-1], host) + challenge_complaints(place, path[-1], passdbs, host)
        elif path == ("listen",) or (any(step.startswith("inet_listener ") for step in path) and path[-1] in ("address", "listen")):
            found += _address_complaints(place, value, host)
    return list(dict.fromkeys(found))


def _driver_complaints(place: str, kind: str, name: str, host: Host) -> list[str]:
    built = host.passdbs if kind == "passdb" else host.userdbs
    known = sorted({*built, *(name for name, driver in drivers.known(kind, host.dialect).items() if driver.is_always_built)})
    if not built or not name:
        return []
    driver = drivers.of({"driver": name})
    if name not in known:
        return [
            f"{place}: Dovecot {host.version} has no {kind} driver '{name}', and all logins would fail;"
            f" {driver.instead or 'it has ' + ', '.join(known)}."
        ]
    if driver.package and not host.has_module(driver.module):
        return [f"{place}: the {kind} driver '{name}' is not installed on this host; install its package (on Debian {driver.package})."]
    return []


def _mechanism_complaints(place: str, value: str, host: Host) -> list[str]:
    found = []
    known = host.dialect.mechanisms
    for mechanism in _mechanisms(value):
        module = MECHANISM_MODULES.get(mechanism)
        if module and not host.has_module(f"libmech_{module}.so"):
            found.append(
                f"{place}: the mechanism '{mechanism}' is not installed on this host; install its package (on Debian dovecot-{module})."
            )
        elif mechanism and not module and not mechanism.startswith("$") and mechanism not in known:
            found.append(
                f"{place}: Dovecot {host.version} has no mechanism '{mechanism}', and all logins would fail; it has {', '.join(known)}."
            )
    return found


def challenge_complaints(place: str, value: str, passdbs: t.Collection[str], host: Host) -> list[str]:
    """Mechanisms that none of the password databases can serve."""
    if not passdbs or any(not drivers.of({"driver": name}).says_yes_or_no for name in passdbs):
        return []
    return [
        f"{place}: the mechanism '{mechanism}' needs a password database that holds the passwords, but {', '.join(sorted(passdbs))}"
        " only answers yes or no, and all logins would fail; add a passwd-file or SQL passdb, or keep to plain and login over TLS."
        for mechanism in _mechanisms(value)
        if mechanism in CHALLENGES and mechanism in host.dialect.mechanisms
    ]


def _mechanisms(value: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", value.lower()) if name]


def _address_complaints(place: str, value: str, host: Host) -> list[str]:
    found = []
    for address in re.split(r"[,\s]+", value.strip()):
        if address in ("", "*", "::", "[::]"):
            continue
        bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
        if not _is_address(bare) and not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", bare):
            found.append(
                f"{place}: '{address}' is no address to listen on; write an IP address, '*' for all of IPv4 or '::' for all of IPv6."
            )
            continue
        error = host.address_error(bare)
        if error:
            found.append(f"{place}: Dovecot cannot listen on '{address}' on this host: {error}.")
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
