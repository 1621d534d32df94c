# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Password and user databases in each language of Dovecot, and the files that hold their secrets.

Databases of the drivers sql and ldap need a server and what to ask it. The server has a name, so that several databases
share it. 2.3 reads both from a file of its own for each database. 2.4 has them in its configuration, which anybody may
read; there the file holds the password alone. It is included where root reads the configuration, and passed over
(``!include_try``) where doveadm or dovecot-lda do so for an ordinary user, who needs no password of a server.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf, dialects, drivers, servers
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.drivers import Driver
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, without

Entry = t.Mapping[str, t.Any]
Neutral = t.Mapping[str, t.Any]

DIRECTORY = "/etc/dovecot"
DENIED_USERS = f"{DIRECTORY}/postroom-denied-users"
HEAD = "# Managed by postroom.mail: changes made here are lost.\n"


@dataclasses.dataclass(frozen=True)
class File:
    """A file that must be there before dovecot.conf names it."""

    path: str
    content: str
    mode: str


def entries(kind: str, neutral: Neutral) -> list[Entry]:
    """The databases of one *kind* in the order in which they are asked; who may not log in is asked first."""
    deny = [{"driver": "passwd-file", "path": DENIED_USERS, "deny": True}] if kind == "passdb" and neutral.get("denied_users") else []
    return [*deny, *(_with_service(entry, neutral) if kind == "passdb" else entry for entry in neutral.get(kind) or ())]


def _with_service(entry: Entry, neutral: Neutral) -> Entry:
    """PAM by the service of the role, which lets the system's own accounts log in nowhere; one that is named is the administrator's."""
    service = neutral.get("pam_service")
    return {**entry, "service": service} if service and entry.get("driver") == "pam" and not entry.get("service") else entry


def blocks(kind: str, neutral: Neutral, dialect: Dialect) -> Settings:
    """The databases as settings: blocks without a name where all is in their ``args``, otherwise blocks named after their driver."""
    listed = list(_with_paths(kind, neutral))
    if dialect.has_args:
        return {kind: [_in_args(kind, entry, path, dialect) for entry, path in listed]}
    result: Settings = {}
    for entry, path in listed:
        block = _in_settings(kind, entry, path, neutral, dialect)
        name = "deny" if entry.get("deny") else entry["driver"]
        numbered = (name if i == 1 else f"{name}{i}" for i in range(1, 1000))
        name = next(candidate for candidate in numbered if f"{kind} {candidate}" not in result)
        result[f"{kind} {name}"] = block if name == entry["driver"] else {"driver": entry["driver"], **block}
    return result


def files(neutral: Neutral, version: str) -> list[File]:
    """The files of the databases, for root alone where they hold a password."""
    dialect = dialects.of(version)
    found = []
    for kind in ("passdb", "userdb"):
        for entry, path in _with_paths(kind, neutral):
            if path:
                server = _server(entry, neutral)
                text = _question(kind, entry, server, dialect) if dialect.has_args else _secret(server)
                found += [File(path, HEAD + text, "0600")] if text else []
    if neutral.get("denied_users"):
        found.append(File(DENIED_USERS, "".join(f"{name}\n" for name in neutral["denied_users"]), "0644"))
    return found


def _with_paths(kind: str, neutral: Neutral) -> t.Iterator[tuple[Entry, str]]:
    """Each database with its file, which only those have that ask a server."""
    seen: dict[str, int] = {}
    for entry in entries(kind, neutral):
        name = str(entry.get("database", ""))
        if not name:
            yield entry, ""
            continue
        seen[name] = seen.get(name, 0) + 1
        # No name of a server has a dot in it, so these cannot meet.
        number = f".{seen[name]}" if seen[name] > 1 else ""
        yield entry, f"{DIRECTORY}/postroom-{kind}-{name}{number}.conf.ext"


def _server(entry: Entry, neutral: Neutral) -> Entry:
    listed: t.Iterable[Entry] = neutral.get("databases") or ()
    found = [server for server in listed if server.get("name") == entry["database"]]
    driver = drivers.of(entry).name
    if not found or found[0].get("driver") not in servers.of(driver):
        raise Untranslatable(f"A database of the driver '{driver}' asks '{entry['database']}', and no server of its kind has that name.")
    return found[0]


def _driver(kind: str, entry: Entry, dialect: Dialect) -> Driver:
    driver = drivers.of(entry)
    if not driver.name:
        raise Untranslatable(f"{kind}: a database has no driver; write one of {', '.join(drivers.known(kind, dialect))}.")
    if not driver.is_in(dialect):
        gone = f" any more; {driver.instead}" if driver.until <= dialect.since else ""
        raise Untranslatable(f"{kind}: Dovecot {dialect.name} has no driver '{driver.name}'{gone}.")
    for sentence in drivers.misplaced(kind, entry, dialect):
        raise Untranslatable(f"{kind}: the database '{driver.name}' {sentence}")
    return driver


# In words ----------------------------------------------------------------------------------------------------------


def _in_args(kind: str, entry: Entry, path: str, dialect: Dialect) -> Settings:
    driver = _driver(kind, entry, dialect)
    words = []
    if path:
        words.append(path)  # of the file with the rest, the scheme as well
        entry = without(entry, "scheme", *driver.questions)
    for name, key in driver.keys.items():
        if name in entry and ("{}" in key.word or entry[name]):
            words.append(key.word.format(dialect.variables(str(entry[name])) if key.has_variables else entry[name]))
    fields = " ".join(f"{name}={dialect.variables(str(value))}" for name, value in entry.get("fields", {}).items())
    result: Settings = {"driver": entry["driver"]}
    if fields and driver.has_fields_in_args:
        words.append(fields)
    elif fields:
        result["fields"] = fields
    if words:
        result["args"] = " ".join(words)
    rest = without(entry, "driver", "fields", *driver.keys)
    # This one first, where it always stood: whoever has it would see all of their databases written anew.
    result.update({key: rest[key] for key in sorted(rest, key=lambda key: key != "mechanisms_filter")})
    return {dialect.names.get(key, key): value for key, value in result.items()}


def _question(kind: str, entry: Entry, server: Entry, dialect: Dialect) -> str:
    lines = servers.SERVERS[server["driver"]].lines(kind, entry, server, dialect)
    return "".join(f"{key} = {_value(value)}".rstrip(" ") + "\n" for key, value in lines.items() if value is not None)


def _value(value: t.Any) -> str:
    """As the reader of these files wants it: quoted where '#' would start a comment, or space be lost."""
    text = str(value)
    return servers.quoted(text) if re.search(r"#|\$ENV:|\\$|^[\"'\s]|\s$", text) else text


# In settings -------------------------------------------------------------------------------------------------------


def _in_settings(kind: str, entry: Entry, path: str, neutral: Neutral, dialect: Dialect) -> Settings:
    driver = _driver(kind, entry, dialect)
    result: Settings = {}
    server: Entry = {}
    if path:
        server = _server(entry, neutral)
        result.update(servers.SERVERS[server["driver"]].settings(kind, entry, server, dialect))
        entry = without(entry, *driver.questions)
    for name, value in without(entry, "driver").items():
        key = driver.keys.get(name)
        if name == "fields":
            # In one line its keys and its fields are words alike, but among the fields of a block it does not look for its keys.
            own = [field for field in driver.vocabulary(kind, dialect) if driver.has_fields_in_args and field in value]
            result.update({driver.keys[field].setting: value[field] for field in own})
            value = {field: dialect.variables(str(text)) for field, text in without(value, *own).items()}
        elif key and key.has_variables:
            value = dialect.variables(str(value))
        result[key.setting if key else name] = value
    if path and _secret(server):
        result[conf.INCLUDE] = path.rpartition("/")[2]
    return {dialect.names.get(key, key): value for key, value in result.items()}


def _secret(server: Entry) -> str:
    """The password of a server, in the blocks in which it belongs; nothing when there is none."""
    return conf.render_wanted(conf.wanted_from(servers.SERVERS[server["driver"]].secret(server)))
