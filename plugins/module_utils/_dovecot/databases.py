# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Password and user databases in the languages of Dovecot 2.3 and 2.4, and the files that hold their secrets.

Databases of the drivers sql and ldap need a server and what to ask it. The server has a name, so that several databases
share it. 2.3 reads both from a file of its own for each database. 2.4 has them in its configuration, which anybody may
read; there the file holds the password alone. It is included where root reads the configuration, and passed over
(``!include_try``) where doveadm or dovecot-lda do so for an ordinary user, who needs no password of a server.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.checks import dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, names, variables, without

Entry = t.Mapping[str, t.Any]
Neutral = t.Mapping[str, t.Any]

DIRECTORY = "/etc/dovecot"
DENIED_USERS = f"{DIRECTORY}/postroom-denied-users"
# Every file that may be needed, as patterns of the shell.
PATHS = (DENIED_USERS, *(f"{DIRECTORY}/postroom-{kind}-*.conf.ext" for kind in ("passdb", "userdb")))
HEAD = "# Managed by postroom.mail: changes made here are lost.\n"

# Drivers that ask a server, and the kinds of server they ask.
SERVERS = {"sql": ("mysql", "pgsql", "sqlite"), "ldap": ("ldap",)}

# What 2.3 takes for granted (RFC 2307). 2.4 takes nothing, so it is told.
LDAP_FILTER = "(&(objectClass=posixAccount)(uid=%{user}))"
LDAP_FIELDS = {
    "passdb": {"password": "%{ldap:userPassword}"},
    "userdb": {"home": "%{ldap:homeDirectory}", "uid": "%{ldap:uidNumber}", "gid": "%{ldap:gidNumber}"},
}

# 2.4's default; 2.3 would take the passwords of an SQL database for MD5.
SQL_SCHEME = "PLAIN"

# What is asked of a server, which stands in the file in 2.3.
QUESTIONS = {
    "sql": ("database", "query", "iterate_query"),
    "ldap": ("database", "bind", "bind_userdn", "filter", "iterate_filter", "iterate_fields", "fields"),
}


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


def blocks(kind: str, neutral: Neutral, to_24: bool) -> Settings:
    """The databases as settings: blocks without a name in 2.3, blocks named after their driver in 2.4."""
    listed = list(_with_paths(kind, neutral))
    if not to_24:
        return {kind: [_block_23(entry, path) for entry, path in listed]}
    result: Settings = {}
    for entry, path in listed:
        if entry["driver"] == "shadow":
            raise Untranslatable(f"{kind}: Dovecot 2.4 has no driver 'shadow' any more; use pam, which asks the same /etc/shadow.")
        name = "deny" if entry.get("deny") else entry["driver"]
        numbered = (name if i == 1 else f"{name}{i}" for i in range(1, 1000))
        block = _block_24(kind, entry, path, neutral)
        name = next(candidate for candidate in numbered if f"{kind} {candidate}" not in result)
        result[f"{kind} {name}"] = block if name == entry["driver"] else {"driver": entry["driver"], **block}
    return result


def files(neutral: Neutral, version: str) -> list[File]:
    """The files of the databases, for root alone where they hold a password."""
    to_24 = dialect(version) == "2.4"
    found = []
    for kind in ("passdb", "userdb"):
        for entry, path in _with_paths(kind, neutral):
            if path:
                server = _server(entry, neutral)
                text = _secret_24(server) if to_24 else _file_23(kind, entry, server)
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
    servers: t.Iterable[Entry] = neutral.get("databases") or ()
    found = [server for server in servers if server.get("name") == entry["database"]]
    if not found or found[0].get("driver") not in SERVERS.get(entry["driver"], ()):
        raise Untranslatable(
            f"A database of the driver '{entry['driver']}' asks '{entry['database']}', and no server of its kind has that name."
        )
    return found[0]


def hosts(server: Entry) -> list[str]:
    """One server, or several that hold the same and are asked in turn."""
    return names(server.get("host") or ())


# Dovecot 2.3 -------------------------------------------------------------------------------------------------------


def _block_23(entry: Entry, path: str) -> Settings:
    args: list[str] = []
    known = {"driver", "service", "path", "scheme", "username_format", "fields", "password", "allow_all_users", "mechanisms_filter"}
    if path:
        args.append(path)
        entry = without(entry, "scheme", *QUESTIONS[entry["driver"]])
    if entry["driver"] == "pam" and "service" in entry:
        args.append(str(entry["service"]))
    if "scheme" in entry:
        args.append(f"scheme={entry['scheme']}")
    if "username_format" in entry:
        args.append(f"username_format={variables(str(entry['username_format']), False)}")
    if "path" in entry:
        args.append(str(entry["path"]))
    if "password" in entry:
        args.append(f"password={entry['password']}")
    if entry.get("allow_all_users"):
        args.append("allow_all_users=yes")
    fields = " ".join(f"{name}={variables(str(value), False)}" for name, value in entry.get("fields", {}).items())
    result: Settings = {"driver": entry["driver"]}
    if entry["driver"] == "static" and fields:
        args.append(fields)
    elif fields:
        result["override_fields"] = fields
    if args:
        result["args"] = " ".join(args)
    if "mechanisms_filter" in entry:
        result["mechanisms"] = entry["mechanisms_filter"]
    return {**result, **without(entry, *known)}


def _file_23(kind: str, entry: Entry, server: Entry) -> str:
    lines = _ldap_23(kind, entry, server) if server["driver"] == "ldap" else _sql_23(kind, entry, server)
    return "".join(f"{key} = {_value_23(value)}".rstrip(" ") + "\n" for key, value in lines.items() if value is not None)


def _sql_23(kind: str, entry: Entry, server: Entry) -> dict[str, str | None]:
    question = "password_query" if kind == "passdb" else "user_query"
    return {
        "driver": server["driver"],
        "connect": _connect_23(server),
        "default_pass_scheme": str(entry.get("scheme", SQL_SCHEME)) if kind == "passdb" else None,
        question: variables(str(entry["query"]), False),
        "iterate_query": entry.get("iterate_query"),
    }


def _connect_23(server: Entry) -> str:
    if server["driver"] == "sqlite":
        return str(server["path"])
    parameters = {key: server[key] for key in ("port", "dbname", "user", "password") if server.get(key)}
    quote: t.Callable[[t.Any], str] = str
    if server["driver"] == "pgsql":
        parameters.update(_pgsql_parameters(server))
        quote = _libpq
    elif server.get("ca_file"):
        parameters["ssl_ca"] = server["ca_file"]
    return " ".join([*(f"host={host}" for host in hosts(server)), *(f"{key}={quote(value)}" for key, value in parameters.items())])


def _pgsql_parameters(server: Entry) -> Settings:
    tls = {"sslmode": "verify-full", "sslrootcert": server["ca_file"]} if server.get("ca_file") else {}
    return {**tls, **(server.get("parameters") or {})}


def _libpq(value: t.Any) -> str:
    """A value of a connection string as PostgreSQL's own library reads it."""
    text = str(value)
    return text if re.fullmatch(r"[^\s'\\]+", text) else "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


def _ldap_23(kind: str, entry: Entry, server: Entry) -> dict[str, str | None]:
    is_passdb = kind == "passdb"
    short = "pass" if is_passdb else "user"
    return {
        "uris": " ".join(names(server["uris"])),
        "dn": server.get("auth_dn") or None,
        "dnpass": server.get("auth_dn_password") or None,
        "tls": "yes" if server.get("starttls") else None,
        "tls_ca_cert_file": server.get("ca_file") or None,
        "tls_require_cert": "demand" if server.get("ca_file") else None,
        "base": server["base"],
        "scope": server.get("scope") or None,
        "auth_bind": "yes" if entry.get("bind") else None,
        "auth_bind_userdn": variables(str(entry["bind_userdn"]), False) if entry.get("bind_userdn") else None,
        f"{short}_filter": variables(_filter(entry), False),
        f"{short}_attrs": _attributes_23(_fields(kind, entry)),
        "default_pass_scheme": entry.get("scheme") if is_passdb else None,
        "iterate_filter": entry.get("iterate_filter"),
        "iterate_attrs": _attributes_23(entry["iterate_fields"]) if entry.get("iterate_fields") else None,
    }


def _filter(entry: Entry) -> str:
    return str(entry.get("filter") or LDAP_FILTER)


def _fields(kind: str, entry: Entry) -> t.Mapping[str, t.Any]:
    """What is read of a user; who binds as the user never sees the password."""
    if "fields" in entry:
        return t.cast("t.Mapping[str, t.Any]", entry["fields"])
    return {} if entry.get("bind") else LDAP_FIELDS[kind]


def _attributes_23(fields: t.Mapping[str, t.Any]) -> str:
    odd = next((name for name, value in fields.items() if "," in str(value)), None)
    if odd is not None:
        raise Untranslatable(
            f"The field '{odd}' of an LDAP database has a comma in it, which divides the fields in Dovecot 2.3; leave it out."
        )
    return ", ".join(f"={name}={variables(str(value), False)}" for name, value in fields.items())


def _value_23(value: t.Any) -> str:
    """As the reader of these files wants it: quoted where '#' would start a comment, or space be lost."""
    text = str(value)
    if re.search(r"#|\$ENV:|\\$|^[\"'\s]|\s$", text):
        return _quoted(text)
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Dovecot 2.4 -------------------------------------------------------------------------------------------------------


def _block_24(kind: str, entry: Entry, path: str, neutral: Neutral) -> Settings:
    renamed = {
        "service": "service_name",
        "path": "passwd_file_path",
        "scheme": "default_password_scheme",
        "username_format": "auth_username_format",
        # In a block with another name than its driver's, only the whole name is found.
        "password": "static_password",
        "allow_all_users": "static_allow_all_users",
    }
    result: Settings = {}
    if path:
        server = _server(entry, neutral)
        ask = _ldap_24 if server["driver"] == "ldap" else _sql_24
        result.update(ask(kind, entry, server))
        entry = without(entry, *QUESTIONS[entry["driver"]])
    for key, value in entry.items():
        if key == "fields":
            fields = dict(value)
            if entry["driver"] == "static" and kind == "passdb" and "password" in fields:  # 2.4 does not look for it there
                result[renamed["password"]] = fields.pop("password")
            result["fields"] = _variables_24(fields)
        elif key == "username_format":
            result[renamed[key]] = variables(str(value), True)
        elif key != "driver":
            result[renamed.get(key, key)] = value
    if path and _secret_24(server):
        result["!include_try"] = path.rpartition("/")[2]
    return result


def _variables_24(fields: t.Mapping[str, t.Any]) -> Settings:
    return {name: variables(str(value), True) for name, value in fields.items()}


def _sql_24(kind: str, entry: Entry, server: Entry) -> Settings:
    result: Settings = {"sql_driver": server["driver"]}
    if server["driver"] == "sqlite":
        # It would be made, empty, where a misspelt path leads.
        result.update(sqlite_path=_literal(server["path"]), sqlite_readonly=True)
    if server["driver"] == "mysql" and server.get("ca_file"):
        result["ssl_client_ca_file"] = server["ca_file"]
    result["sql_query"] = variables(str(entry["query"]), True)
    if entry.get("iterate_query"):
        result["sql_iterate_query"] = entry["iterate_query"]
    known = {key: server[key] for key in ("port", "dbname", "user") if server.get(key)}
    if server["driver"] == "mysql":
        tls = {"ssl": True} if server.get("ca_file") else {}
        for host in hosts(server):
            result[f"mysql {host}"] = {**{key: _literal(value) for key, value in known.items()}, **tls}
    elif server["driver"] == "pgsql":
        known.update(_pgsql_parameters(server))
        for host in hosts(server):
            result[f"pgsql {host}"] = {"parameters": {key: _literal(value) for key, value in known.items()}}
    return result


def _ldap_24(kind: str, entry: Entry, server: Entry) -> Settings:
    result: Settings = {
        "ldap_uris": " ".join(names(server["uris"])),
        "ldap_auth_dn": _literal(server["auth_dn"]) if server.get("auth_dn") else None,
        "ldap_starttls": True if server.get("starttls") else None,
        "ssl_client_ca_file": server.get("ca_file") or None,
        "ldap_base": _literal(server["base"]),
        "ldap_scope": server.get("scope") or None,
        "ldap_bind": True if entry.get("bind") else None,
        "ldap_bind_userdn": variables(str(entry["bind_userdn"]), True) if entry.get("bind_userdn") else None,
        "ldap_filter": variables(_filter(entry), True),
        "ldap_iterate_filter": entry.get("iterate_filter"),
        "ldap_iterate_fields": _variables_24(entry["iterate_fields"]) if entry.get("iterate_fields") else None,
        "fields": _variables_24(_fields(kind, entry)) or None,
    }
    return {key: value for key, value in result.items() if value is not None}


def _secret_24(server: Entry) -> str:
    """The password of a server, in the blocks in which it belongs; nothing when there is none."""
    if server["driver"] == "ldap":
        password = server.get("auth_dn_password")
        settings: Settings = {"ldap_auth_dn_password": _secret(password)}
    else:
        password = server.get("password")
        inner: Settings = {"password": _secret(password)}
        settings = {f"{server['driver']} {host}": {"parameters": inner} if server["driver"] == "pgsql" else inner for host in hosts(server)}
    return conf.render_wanted(conf.wanted_from(settings)) if password else ""


def _literal(value: t.Any) -> t.Any:
    """A value in which nothing is to be resolved: neither a variable, nor another setting, nor a file."""
    text = str(value)
    return value if isinstance(value, bool) or re.fullmatch(r"[\w.,:/@=+ -]*", text) else _secret(text)


def _secret(value: t.Any) -> str:
    return _quoted(str(value).replace("%{", "%%{"))
