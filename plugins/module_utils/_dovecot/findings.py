# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in the databases that a role was given: one sentence each, before anything is written. Pure.

Dovecot takes nearly all of it, starts, and then fails every login.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import checks, dialects, drivers, quota, servers, sieve
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import USUAL_PORTS
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.drivers import Driver
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import long_variables, names
from ansible_collections.postroom.mail.plugins.module_utils._passwords import hashes

Entry = t.Mapping[str, t.Any]
Neutral = t.Mapping[str, t.Any]

VARIABLES = {"passdb": "dovecot_passdbs", "userdb": "dovecot_userdbs"}

# On these Postfix listens.
SMTP_PORTS = {25: "SMTP", 465: "submission", 587: "submission"}

# The colon ends the name in a line of the file; the others no name has, or Dovecot refuses.
_NO_NAME = re.compile(r"[\s:/\x00-\x1f\x7f]")


def problems(neutral: Neutral, version: str, settings: t.Mapping[str, t.Any] | None = None, listeners: t.Iterable[Entry] = ()) -> list[str]:
    """Return the mistakes to correct; *settings* are the host's own, in its language, which win over all others.

    *listeners* are those that the host has, each an ``address``, a ``port`` and a ``process``.
    """
    misshapen = list(_misshapen(neutral))
    if misshapen:
        return misshapen
    dialect = dialects.of(version)
    found = [
        *_servers(neutral, dialect),
        *_denied(neutral),
        *(sentence for kind in VARIABLES for sentence in _databases(kind, neutral, dialect, settings or {})),
        *_prefetch(neutral),
        *_ports(neutral, listeners),
        *_quota(neutral),
        *sieve.problems(neutral),
        *_failure_delay(neutral),
        *_secrets_of(neutral),
        *_misread(settings or {}, "dovecot_settings"),
    ]
    passdbs = [str(entry.get("driver")) for entry in neutral.get("passdb") or () if not entry.get("deny")]
    mechanisms = " ".join(names(neutral.get("auth_mechanisms") or ()))
    found += checks.challenge_complaints("dovecot_auth_mechanisms", mechanisms, passdbs, checks.Host(version))
    return list(dict.fromkeys(found))


def _misshapen(neutral: Neutral) -> t.Iterator[str]:
    for key, variable in {**VARIABLES, "databases": "dovecot_databases"}.items():
        listed = neutral.get(key) or ()
        if not isinstance(listed, (list, tuple)) or not all(isinstance(entry, t.Mapping) for entry in listed):
            yield f"{variable} must be a list of databases, each with its driver, and this is none."
    if not isinstance(neutral.get("denied_users") or [], (list, tuple)):
        yield "dovecot_denied_users must be a list of names, such as [mallory]."


# Servers -----------------------------------------------------------------------------------------------------------


def _servers(neutral: Neutral, dialect: Dialect) -> t.Iterator[str]:
    seen: set[str] = set()
    for server in neutral.get("databases") or ():
        name = str(server.get("name") or "")
        place = f"dovecot_databases: '{name}'"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            yield f"{place} is no name for a database, since a file is named after it; use letters, digits, '-' and '_'."
        elif name in seen:
            yield f"{place} is there twice; give each database a name of its own."
        elif server.get("driver") not in servers.SERVERS:
            yield f"{place} has the driver '{server.get('driver')}', which nobody knows; write one of {', '.join(servers.SERVERS)}."
        else:
            wrong = list(_server(server, dialect))
            yield from (f"{place} {sentence}" for sentence in wrong)
        seen.add(name)


def _server(server: Entry, dialect: Dialect) -> t.Iterator[str]:
    yield from servers.misplaced(server)
    for key, value in server.items():
        if any(re.search(r"[\x00-\x1f\x7f]", str(item)) for item in (value if isinstance(value, (list, tuple)) else [value])):
            yield f"has a line break or another control character in '{key}', which Dovecot cannot read; write it in one line."
    yield from servers.SERVERS[server["driver"]].wrong(server, dialect)


# Databases ---------------------------------------------------------------------------------------------------------


def _databases(kind: str, neutral: Neutral, dialect: Dialect, settings: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    listed = neutral.get(kind) or ()
    if not listed and not any(str(key).startswith(kind) for key in settings):
        yield f"{VARIABLES[kind]} is empty, so nobody could log in; name a database, for example {{driver: pam}}."
    elif listed and all(entry.get("deny") for entry in listed):
        yield f"{VARIABLES[kind]} says only who may not log in, so nobody could; name a database of those who may as well."
    for entry in listed:
        driver = drivers.of(entry)
        place = f"{VARIABLES[kind]}: the database '{driver.name}'"
        known = drivers.known(kind, dialect)
        every = ", ".join(known)
        if not driver.name:
            yield f"{VARIABLES[kind]}: {_shown(entry)} has no driver; write one of {every}."
        elif driver.name not in known:
            advice = driver.instead if kind == "passdb" else ""
            yield f"{place} is none that Dovecot {dialect.name} has, and all logins would fail; {advice or f'it has {every}'}."
        else:
            sentences = (*drivers.misplaced(kind, entry, dialect), *_entry(kind, driver, entry, neutral))
            yield from (f"{place} {sentence}" for sentence in sentences)
        yield from (f"{place} {sentence}" for sentence in _schemes(entry, dialect, settings))
        if dialect.has_args and not driver.questions:
            yield from (f"{place} {sentence}" for sentence in _spaces(entry, dialect))


def _spaces(entry: Entry, dialect: Dialect) -> t.Iterator[str]:
    """Find white space in values: of the password "one for all" Dovecot would take the first word, for everybody."""
    values = {"password": entry.get("password"), **(entry.get("fields") or {})}
    for name, value in values.items():
        if re.search(r"\s", str(value)):
            yield f"has white space in '{name}', of which Dovecot {dialect.name} would take the first word alone; choose another {name}."


def _shown(entry: Entry) -> str:
    """An entry without its values, one of which may be a password."""
    return f"the database with {', '.join(map(str, entry))}" if entry else "an empty database"


def _entry(kind: str, driver: Driver, entry: Entry, neutral: Neutral) -> t.Iterator[str]:
    name = entry.get("database")
    if driver.questions and not name:
        # Somebody may have written the file that 2.3 reads, or 2.4's own settings.
        if "args" not in entry and not any(str(key).startswith((f"{driver.name}_", f"{kind}_{driver.name}_")) for key in entry):
            yield "does not say whom it asks; name one of dovecot_databases in its 'database'."
        return
    if driver.questions:
        found = [server for server in neutral.get("databases") or () if server.get("name") == name]
        if not found:
            yield f"asks '{name}', which is not among dovecot_databases; add it there, or name one that is."
        elif found[0].get("driver") not in servers.of(driver.name):
            yield f"asks '{name}', which is of the driver {found[0].get('driver')}; name one of {' or '.join(servers.of(driver.name))}."
    yield from driver.wrong(kind, entry)


def _schemes(entry: Entry, dialect: Dialect, settings: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    password = str((entry.get("fields") or {}).get("password", entry.get("password", "")))
    written = re.match(r"\{([^{}]+)\}", password)
    # What stands in the braces of a password may be part of it, and is shown to nobody.
    given = (
        (entry.get("scheme"), f"the password scheme '{entry.get('scheme')}', which"),
        (written and written.group(1), "a password in a scheme that"),
    )
    for scheme, what in given:
        # An ending says how it is written down.
        bare = re.sub(r"(?i)\.(hex|b64|base64)$", "", str(scheme or "")).upper()
        if bare and bare not in hashes.KNOWN:
            yield f"has {what} Dovecot does not know; write for example SHA512-CRYPT, BLF-CRYPT or ARGON2ID."
        elif (
            dialect.refuses_weak_hashes
            and bare in hashes.WEAK
            and str(settings.get("auth_allow_weak_schemes", "")).lower() not in ("yes", "true")
        ):
            yield (
                f"has the password scheme '{scheme}', which Dovecot {dialect.name} refuses as too weak; store better hashes, or set"
                " auth_allow_weak_schemes in dovecot_settings to true."
            )


def _prefetch(neutral: Neutral) -> t.Iterator[str]:
    users = [entry.get("driver") for entry in neutral.get("userdb") or ()]
    if "prefetch" not in users:
        return
    if not any(_gives_fields(entry) for entry in neutral.get("passdb") or ()):
        yield (
            "dovecot_userdbs: the database 'prefetch' takes what a password database gives as userdb_ fields, and none of"
            " dovecot_passdbs gives any; let one return for example userdb_home, or leave prefetch out."
        )
    if users[-1] == "prefetch":
        yield (
            "dovecot_userdbs: 'prefetch' knows a user at his login alone, so mail for him could not be delivered; let another"
            " database follow it."
        )


def _gives_fields(entry: Entry) -> bool:
    given = [str(entry.get("query", "")), *map(str, entry.get("fields") or ()), str(entry.get("override_fields", ""))]
    out_of_sight = drivers.of(entry).is_out_of_sight or "args" in entry
    return not entry.get("deny") and (out_of_sight or any("userdb_" in text for text in given))


# Who may not log in, and where -------------------------------------------------------------------------------------


def _denied(neutral: Neutral) -> t.Iterator[str]:
    pattern = long_variables(str(neutral.get("auth_username_format") or "")).replace(" ", "")
    kept = [str(domain).lower() for domain in neutral.get("auth_username_keep_domains") or ()]
    for name in neutral.get("denied_users") or ():
        if not isinstance(name, str) or not name.strip():
            yield f"dovecot_denied_users has {name!r}, which names nobody; write the name of a user, or leave it out."
        elif _NO_NAME.search(name):
            yield f"dovecot_denied_users has {name!r}, which is no name that a user could log in with; write the name alone."
        elif "|username" in pattern and "@" in name and name.rpartition("@")[2].lower() not in kept:
            yield (
                f"dovecot_denied_users has '{name}', but dovecot_auth_username_format looks users up without their domain;"
                f" write '{name.partition('@')[0]}'."
            )
        elif "|lower" in pattern and name != name.lower():
            yield (
                f"dovecot_denied_users has '{name}', but dovecot_auth_username_format looks users up in lower case; write '{name.lower()}'."
            )


def _quota(neutral: Neutral) -> t.Iterator[str]:
    try:
        quota.size((neutral.get("quota") or {}).get("limit") or quota.UNLIMITED)
    except MailError as e:
        yield f"dovecot_quota: {e}"


def _secrets_of(neutral: Neutral) -> t.Iterator[str]:
    for key, variable in {**VARIABLES, "databases": "dovecot_databases"}.items():
        for entry in neutral.get(key) or ():
            yield from _misread(entry, f"{variable}: '{entry.get('name') or entry.get('driver')}'")


def _misread(settings: t.Mapping[str, t.Any], place: str) -> t.Iterator[str]:
    """Secrets, however deep, that YAML made something else of. None is shown."""
    for name, value in settings.items():
        wrong = secrets.misread(str(name), value)
        if wrong:
            yield f"{place}: {name} {wrong}."
            continue
        for block in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(block, t.Mapping):
                yield from _misread(block, f"{place}: {name}")


def _failure_delay(neutral: Neutral) -> t.Iterator[str]:
    """A smtpd does not wait longer than ten seconds for Dovecot, and PAM may take two or three of them for itself."""
    delay = neutral.get("auth_failure_delay")
    if delay is None:
        return
    number = re.fullmatch(r"(\d+) *(ms|msecs?|s|secs?|seconds?)", str(delay))
    if not number:
        yield f"dovecot_auth_failure_delay is '{delay}', which is no time in seconds; write for example '2 secs'."
    elif neutral.get("auth_listeners") and int(number[1]) > (6000 if number[2].startswith("m") else 6):
        yield (
            f"dovecot_auth_failure_delay is '{delay}', but Postfix waits for ten seconds in all, and would then call a wrong password"
            " a temporary failure (454); write at most '6 secs'."
        )


def _ports(neutral: Neutral, listeners: t.Iterable[Entry]) -> t.Iterator[str]:
    ports = neutral.get("ports") or {}
    known = ", ".join(USUAL_PORTS)
    for name, port in ports.items():
        if name not in USUAL_PORTS:
            yield f"dovecot_ports has '{name}', which is no protocol; write one of {known}."
        elif not servers.is_port(port):
            yield f"dovecot_ports: {name} has the port '{port}', which is none; write a number from 1 to 65535."
    if "listen" in neutral and not names(neutral["listen"] or ()):
        yield "dovecot_listen is empty, so Dovecot would listen nowhere; write an address, or '*' and '::' for all of them."
    taken = {**_others(neutral, listeners), **SMTP_PORTS}
    served: dict[int, str] = {}
    for name in names(neutral.get("protocols") or ()):
        port = ports.get(name, USUAL_PORTS.get(name))
        if port is None or not servers.is_port(port):
            continue
        number = int(port)
        if number in taken:
            yield f"dovecot_ports: {name} would listen on port {number}, which {taken[number]} has; give it another one."
        elif number in served:
            yield f"dovecot_ports: {served[number]} and {name} would both listen on port {number}; give each a port of its own."
        served[number] = name


def _others(neutral: Neutral, listeners: t.Iterable[Entry]) -> dict[int, str]:
    """Return the other programs on Dovecot's addresses, by port. An unprivileged container names none; systemd may hold Dovecot's."""
    wanted = names(neutral.get("listen") or ())
    return {
        int(listener["port"]): f"another program of this host ({listener['process']})"
        for listener in listeners
        if listener.get("process") not in (None, "dovecot", "systemd")
        and ({"*", "::"} & set(wanted) or listener.get("address") in ("0.0.0.0", "::", *wanted))
    }
