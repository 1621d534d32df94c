# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the databases that a role was given: one sentence each, before anything is written. Pure.

Dovecot takes nearly all of it, starts, and then fails every login.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import parted
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import checks, databases, quota, sieve
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import USUAL_PORTS
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import names, variables
from ansible_collections.postroom.mail.plugins.module_utils._passwords import hashes

Entry = t.Mapping[str, t.Any]
Neutral = t.Mapping[str, t.Any]

VARIABLES = {"passdb": "dovecot_passdbs", "userdb": "dovecot_userdbs"}

_COMMON = ("passwd", "passwd-file", "sql", "ldap", "static", "lua")
DRIVERS = {
    ("2.3", "passdb"): ("pam", "shadow", *_COMMON, "imap", "oauth2", "dict", "checkpassword", "bsdauth"),
    ("2.3", "userdb"): (*_COMMON, "prefetch", "dict", "checkpassword"),
    ("2.4", "passdb"): ("pam", *_COMMON, "imap", "oauth2", "bsdauth"),
    ("2.4", "userdb"): (*_COMMON, "prefetch"),
}

_SERVER_KEYS = (
    *("name", "driver", "host", "port", "dbname", "user", "password", "parameters"),  # SQL
    *("path", "uris", "base", "scope", "auth_dn", "auth_dn_password", "starttls", "ca_file"),
)

# What these say of a user is in a file or a program, out of sight.
_MAY_GIVE_FIELDS = ("passwd-file", "lua", "dict", "oauth2", "checkpassword", "imap")

# On these Postfix listens.
SMTP_PORTS = {25: "SMTP", 465: "submission", 587: "submission"}

# The colon ends the name in a line of the file; the others no name has, or Dovecot refuses.
_NO_NAME = re.compile(r"[\s:/\x00-\x1f\x7f]")


def problems(neutral: Neutral, version: str, settings: t.Mapping[str, t.Any] | None = None, listeners: t.Iterable[Entry] = ()) -> list[str]:
    """What has to be put right; *settings* are the host's own, in its language, which win over all others.

    *listeners* are those that the host has, each an ``address``, a ``port`` and a ``process``.
    """
    misshapen = list(_misshapen(neutral))
    if misshapen:
        return misshapen
    dialect = checks.dialect(version)
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
    drivers = [str(entry.get("driver")) for entry in neutral.get("passdb") or () if not entry.get("deny")]
    mechanisms = " ".join(names(neutral.get("auth_mechanisms") or ()))
    found += checks.challenge_complaints("dovecot_auth_mechanisms", mechanisms, drivers, checks.Host(version))
    return list(dict.fromkeys(found))


def _misshapen(neutral: Neutral) -> t.Iterator[str]:
    for key, variable in {**VARIABLES, "databases": "dovecot_databases"}.items():
        listed = neutral.get(key) or ()
        if not isinstance(listed, (list, tuple)) or not all(isinstance(entry, t.Mapping) for entry in listed):
            yield f"{variable} must be a list of databases, each with its driver, and this is none."
    if not isinstance(neutral.get("denied_users") or [], (list, tuple)):
        yield "dovecot_denied_users must be a list of names, such as [mallory]."


# Servers -----------------------------------------------------------------------------------------------------------


def _servers(neutral: Neutral, dialect: str) -> t.Iterator[str]:
    kinds = [kind for listed in databases.SERVERS.values() for kind in listed]
    seen: set[str] = set()
    for server in neutral.get("databases") or ():
        name = str(server.get("name") or "")
        place = f"dovecot_databases: '{name}'"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            yield f"{place} is no name for a database, since a file is named after it; use letters, digits, '-' and '_'."
        elif name in seen:
            yield f"{place} is there twice; give each database a name of its own."
        elif server.get("driver") not in kinds:
            yield f"{place} has the driver '{server.get('driver')}', which nobody knows; write one of {', '.join(kinds)}."
        else:
            wrong = list(_server(server, dialect))
            yield from (f"{place} {sentence}" for sentence in wrong)
        seen.add(name)


def _server(server: Entry, dialect: str) -> t.Iterator[str]:
    for key, value in server.items():
        if key not in _SERVER_KEYS:
            yield f"has '{key}', which nobody knows; it may have {', '.join(_SERVER_KEYS)}."
        if any(re.search(r"[\x00-\x1f\x7f]", str(item)) for item in (value if isinstance(value, (list, tuple)) else [value])):
            yield f"has a line break or another control character in '{key}', which Dovecot cannot read; write it in one line."
    if server["driver"] == "ldap":
        yield from _ldap_server(server)
    elif server["driver"] == "sqlite":
        if not str(server.get("path") or "").startswith("/"):
            yield "has no path; say where the file of the SQLite database is, as an absolute 'path'."
    else:
        yield from _sql_server(server, dialect)


def _ldap_server(server: Entry) -> t.Iterator[str]:
    uris = names(server.get("uris") or ())
    if not uris:
        yield "has no uris; say where the LDAP server is, for example ldap://ldap.example.org."
    for uri in uris:
        if not re.fullmatch(r"ldap[si]?://\S*", str(uri)):
            yield f"has '{uri}' among its uris, which is none of LDAP; write it as ldap://HOST, ldaps://HOST or ldapi://SOCKET."
    if not server.get("base"):
        yield "has no base; say below which entry the users are, for example ou=people,dc=example,dc=org."
    if server.get("auth_dn_password") and not server.get("auth_dn"):
        yield "has an auth_dn_password, but no auth_dn that it belongs to; say as whom Dovecot binds, or leave the password out."


def _sql_server(server: Entry, dialect: str) -> t.Iterator[str]:
    hosts = databases.hosts(server)
    if not hosts:
        yield "has no host; say where the server is, by name, address or the path of its socket."
    for host, number in filter(None, map(parted, hosts)):
        yield f"has the host '{host}:{number}', with a port in it; write host: {host} and port: {number}."
    if not server.get("dbname"):
        yield "has no dbname; say which of the server's databases holds the users."
    port = server.get("port")
    if port is not None and not _is_port(port):
        yield f"has the port '{port}', which is none; write a number from 1 to 65535."
    for host in hosts:
        if re.search(r"[\s={}\"'#\\]", str(host)):
            yield f"has the host '{host}', which is none; write a name, an address or the path of a socket."
    if server.get("parameters") and server["driver"] != "pgsql":
        yield "has parameters, which are those of PostgreSQL's library; leave them out, or use the driver pgsql."
    if dialect == "2.3":
        for key in ("user", "password", "dbname"):
            if re.search(r"\s", str(server.get(key) or "")):
                yield f"has white space in '{key}', which divides the words of a connection in Dovecot 2.3; choose another {key}."


def _is_port(value: t.Any) -> bool:
    return not isinstance(value, bool) and str(value).isdigit() and 1 <= int(value) <= 65535


# Databases ---------------------------------------------------------------------------------------------------------


def _databases(kind: str, neutral: Neutral, dialect: str, settings: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    listed = neutral.get(kind) or ()
    if not listed and not any(str(key).startswith(kind) for key in settings):
        yield f"{VARIABLES[kind]} is empty, so nobody could log in; name a database, for example {{driver: pam}}."
    elif listed and all(entry.get("deny") for entry in listed):
        yield f"{VARIABLES[kind]} says only who may not log in, so nobody could; name a database of those who may as well."
    for entry in listed:
        driver = str(entry.get("driver") or "")
        place = f"{VARIABLES[kind]}: the database '{driver}'"
        known = DRIVERS[dialect, kind]
        every = ", ".join(known)
        if not driver:
            yield f"{VARIABLES[kind]}: {_shown(entry)} has no driver; write one of {every}."
        elif driver not in known:
            advice = checks.INSTEAD.get(driver) if kind == "passdb" else None
            yield f"{place} is none that Dovecot {dialect} has, and all logins would fail; {advice or f'it has {every}'}."
        elif driver in databases.SERVERS:
            yield from (f"{place} {sentence}" for sentence in _asks(kind, driver, entry, neutral))
        elif driver == "passwd-file" and not str(entry.get("path", entry.get("args", ""))).strip():
            what = "who may not log in" if entry.get("deny") else "the users"
            yield f"{place} has no path; say which file names {what}."
        yield from (f"{place} {sentence}" for sentence in _schemes(entry, dialect, settings))
        if dialect == "2.3":
            yield from (f"{place} {sentence}" for sentence in _spaces(entry))


def _spaces(entry: Entry) -> t.Iterator[str]:
    """What 2.3 reads as words of one line: of the password "one for all" it would take the first, for everybody."""
    values = {"password": entry.get("password"), **(entry.get("fields") or {})}
    for name, value in values.items():
        if entry.get("driver") not in databases.SERVERS and re.search(r"\s", str(value)):
            yield f"has white space in '{name}', of which Dovecot 2.3 would take the first word alone; choose another {name}."


def _shown(entry: Entry) -> str:
    """An entry without its values, one of which may be a password."""
    return f"the database with {', '.join(map(str, entry))}" if entry else "an empty database"


def _asks(kind: str, driver: str, entry: Entry, neutral: Neutral) -> t.Iterator[str]:
    name = entry.get("database")
    if not name:
        # Somebody may have written the file that 2.3 reads, or 2.4's own settings.
        if "args" not in entry and not any(str(key).startswith((f"{driver}_", f"{kind}_{driver}_")) for key in entry):
            yield "does not say whom it asks; name one of dovecot_databases in its 'database'."
        return
    found = [server for server in neutral.get("databases") or () if server.get("name") == name]
    if not found:
        yield f"asks '{name}', which is not among dovecot_databases; add it there, or name one that is."
    elif found[0].get("driver") not in databases.SERVERS[driver]:
        yield f"asks '{name}', which is of the driver {found[0].get('driver')}; name one of {' or '.join(databases.SERVERS[driver])}."
    if driver == "sql":
        if not str(entry.get("query") or "").strip():
            yield "has no query; say with which SELECT a user is looked up."
        elif kind == "passdb" and re.match(r"(?i)\s*select\b(?!.*(\bpassword\b|\*))", str(entry["query"])):
            yield "has a query that gives no field 'password', so nobody could log in; name the column so (SELECT pw AS password)."
    elif "fields" in entry and kind == "passdb" and not entry.get("bind") and "password" not in entry["fields"]:
        yield "has fields without 'password', and does not bind as the user either; add password: '%{ldap:userPassword}', or bind: true."


def _schemes(entry: Entry, dialect: str, settings: t.Mapping[str, t.Any]) -> t.Iterator[str]:
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
        elif dialect == "2.4" and bare in hashes.WEAK and str(settings.get("auth_allow_weak_schemes", "")).lower() not in ("yes", "true"):
            yield (
                f"has the password scheme '{scheme}', which Dovecot 2.4 refuses as too weak; store better hashes, or set"
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
    out_of_sight = entry.get("driver") in _MAY_GIVE_FIELDS or "args" in entry
    return not entry.get("deny") and (out_of_sight or any("userdb_" in text for text in given))


# Who may not log in, and where -------------------------------------------------------------------------------------


def _denied(neutral: Neutral) -> t.Iterator[str]:
    pattern = variables(str(neutral.get("auth_username_format") or ""), True).replace(" ", "")
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
        elif not _is_port(port):
            yield f"dovecot_ports: {name} has the port '{port}', which is none; write a number from 1 to 65535."
    if "listen" in neutral and not names(neutral["listen"] or ()):
        yield "dovecot_listen is empty, so Dovecot would listen nowhere; write an address, or '*' and '::' for all of them."
    taken = {**_others(neutral, listeners), **SMTP_PORTS}
    served: dict[int, str] = {}
    for name in names(neutral.get("protocols") or ()):
        port = ports.get(name, USUAL_PORTS.get(name))
        if port is None or not _is_port(port):
            continue
        number = int(port)
        if number in taken:
            yield f"dovecot_ports: {name} would listen on port {number}, which {taken[number]} has; give it another one."
        elif number in served:
            yield f"dovecot_ports: {served[number]} and {name} would both listen on port {number}; give each a port of its own."
        served[number] = name


def _others(neutral: Neutral, listeners: t.Iterable[Entry]) -> dict[int, str]:
    """Who else listens where Dovecot would. Whose a port is an unprivileged container does not say; systemd may hold it for Dovecot."""
    wanted = names(neutral.get("listen") or ())
    return {
        int(listener["port"]): f"another program of this host ({listener['process']})"
        for listener in listeners
        if listener.get("process") not in (None, "dovecot", "systemd")
        and ({"*", "::"} & set(wanted) or listener.get("address") in ("0.0.0.0", "::", *wanted))
    }
