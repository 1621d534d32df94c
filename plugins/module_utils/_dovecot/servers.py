# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that databases ask, one object a kind: what is wrong with one, and how each language tells Dovecot of it. Pure.

2.3 reads where the server is and what it is asked from a file of its own for each database. 2.4 has both in its configuration,
which anybody may read; there the file holds the password alone. A kind that is yet to come is one more `Server` in `SERVERS`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import parted
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, names

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect

Entry = t.Mapping[str, t.Any]
Problems = t.Iterator[str]

Told = t.Callable[[str, Entry, Entry, "Dialect"], Settings]  # what a database is told, from its kind, its entry and its server

# What all of them have.
COMMON = ("name", "driver")

# What 2.3 takes for granted (RFC 2307). 2.4 takes nothing, so it is told.
LDAP_FILTER = "(&(objectClass=posixAccount)(uid=%{user}))"
LDAP_FIELDS = {
    "passdb": {"password": "%{ldap:userPassword}"},
    "userdb": {"home": "%{ldap:homeDirectory}", "uid": "%{ldap:uidNumber}", "gid": "%{ldap:gidNumber}"},
}

# 2.4's default; 2.3 would take the passwords of an SQL database for MD5.
SQL_SCHEME = "PLAIN"


@dataclasses.dataclass(frozen=True)
class Server:
    """A kind of server. What it is asked stands in the entry of a database, which is a passdb or a userdb."""

    asked_by: str  # the driver of those databases
    keys: tuple[str, ...]
    wrong: t.Callable[[Entry, Dialect], Problems]  # to be read after its name
    lines: Told  # of the file that its ``args`` name
    settings: Told  # of its block, where it is not told in ``args``
    secret: t.Callable[[Entry], Settings]  # the password in the blocks in which it belongs, where there is one


def of(driver: str) -> list[str]:
    """The kinds of server that databases of this *driver* ask."""
    return [name for name, server in SERVERS.items() if server.asked_by == driver]


def misplaced(server: Entry) -> Problems:
    """Keys that a server of its kind does not have, to be read after its name."""
    own = (*COMMON, *SERVERS[server["driver"]].keys)
    for key in server:
        if key not in own:
            known = any(key in kind.keys for kind in SERVERS.values())
            who = f"a server of the driver {server['driver']} does not have" if known else "nobody knows"
            yield f"has '{key}', which {who}; it may have {', '.join(own)}."


def hosts(server: Entry) -> list[str]:
    """One server, or several that hold the same and are asked in turn."""
    return names(server.get("host") or ())


def is_port(value: t.Any) -> bool:
    return not isinstance(value, bool) and str(value).isdigit() and 1 <= int(value) <= 65535


def _given(settings: Settings) -> Settings:
    return {key: value for key, value in settings.items() if value is not None}


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(value: t.Any) -> t.Any:
    """A value in which nothing is to be resolved: neither a variable, nor another setting, nor a file."""
    text = str(value)
    return value if isinstance(value, bool) or re.fullmatch(r"[\w.,:/@=+ -]*", text) else _secret(text)


def _secret(value: t.Any) -> str:
    return quoted(str(value).replace("%{", "%%{"))


def _fields(fields: t.Mapping[str, t.Any], dialect: Dialect) -> Settings:
    return {name: dialect.variables(str(value)) for name, value in fields.items()}


# SQL ---------------------------------------------------------------------------------------------------------------


def _sql_lines(connect: t.Callable[[Entry], str], kind: str, entry: Entry, server: Entry, dialect: Dialect) -> Settings:
    return {
        "driver": server["driver"],
        "connect": connect(server),
        "default_pass_scheme": str(entry.get("scheme", SQL_SCHEME)) if kind == "passdb" else None,
        "password_query" if kind == "passdb" else "user_query": dialect.variables(str(entry["query"])),
        "iterate_query": entry.get("iterate_query"),
    }


def _sql_settings(
    settings: t.Callable[[Entry], Settings],
    blocks: t.Callable[[Entry], Settings],
    kind: str,
    entry: Entry,
    server: Entry,
    dialect: Dialect,
) -> Settings:
    query = {"sql_query": dialect.variables(str(entry["query"])), "sql_iterate_query": entry.get("iterate_query") or None}
    return {"sql_driver": server["driver"], **settings(server), **_given(query), **blocks(server)}


def _words(server: Entry, more: Entry, quote: t.Callable[[t.Any], str] = str) -> str:
    parameters = {**_parameters(server, "port", "dbname", "user", "password"), **more}
    return " ".join([*(f"host={host}" for host in hosts(server)), *(f"{key}={quote(value)}" for key, value in parameters.items())])


def _parameters(server: Entry, *keys: str) -> Settings:
    return {key: server[key] for key in keys if server.get(key)}


def _mysql_connect(server: Entry) -> str:
    return _words(server, {"ssl_ca": server["ca_file"]} if server.get("ca_file") else {})


def _mysql_settings(server: Entry) -> Settings:
    return {"ssl_client_ca_file": server["ca_file"]} if server.get("ca_file") else {}


def _mysql_blocks(server: Entry) -> Settings:
    known = {key: _literal(value) for key, value in _parameters(server, "port", "dbname", "user").items()}
    return {f"mysql {host}": {**known, **({"ssl": True} if server.get("ca_file") else {})} for host in hosts(server)}


def _mysql_secret(server: Entry) -> Settings:
    password = server.get("password")
    return {f"mysql {host}": {"password": _secret(password)} for host in hosts(server)} if password else {}


def _pgsql_parameters(server: Entry) -> Settings:
    tls = {"sslmode": "verify-full", "sslrootcert": server["ca_file"]} if server.get("ca_file") else {}
    return {**tls, **(server.get("parameters") or {})}


def _pgsql_connect(server: Entry) -> str:
    return _words(server, _pgsql_parameters(server), _libpq)


def _libpq(value: t.Any) -> str:
    """A value of a connection string as PostgreSQL's own library reads it."""
    text = str(value)
    return text if re.fullmatch(r"[^\s'\\]+", text) else "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


def _pgsql_blocks(server: Entry) -> Settings:
    parameters = {**_parameters(server, "port", "dbname", "user"), **_pgsql_parameters(server)}
    return {f"pgsql {host}": {"parameters": {key: _literal(value) for key, value in parameters.items()}} for host in hosts(server)}


def _pgsql_secret(server: Entry) -> Settings:
    password = server.get("password")
    return {f"pgsql {host}": {"parameters": {"password": _secret(password)}} for host in hosts(server)} if password else {}


def _sqlite_settings(server: Entry) -> Settings:
    # It would be made, empty, where a misspelt path leads.
    return {"sqlite_path": _literal(server["path"]), "sqlite_readonly": True}


def _wrong_sqlite(server: Entry, dialect: Dialect) -> Problems:
    if not str(server.get("path") or "").startswith("/"):
        yield "has no path; say where the file of the SQLite database is, as an absolute 'path'."


def _wrong_sql(server: Entry, dialect: Dialect) -> Problems:
    listed = hosts(server)
    if not listed:
        yield "has no host; say where the server is, by name, address or the path of its socket."
    for host, number in filter(None, map(parted, listed)):
        yield f"has the host '{host}:{number}', with a port in it; write host: {host} and port: {number}."
    if not server.get("dbname"):
        yield "has no dbname; say which of the server's databases holds the users."
    port = server.get("port")
    if port is not None and not is_port(port):
        yield f"has the port '{port}', which is none; write a number from 1 to 65535."
    for host in listed:
        if re.search(r"[\s={}\"'#\\]", str(host)):
            yield f"has the host '{host}', which is none; write a name, an address or the path of a socket."
    if dialect.has_args:
        for key in ("user", "password", "dbname"):
            if re.search(r"\s", str(server.get(key) or "")):
                yield (
                    f"has white space in '{key}', which divides the words of a connection in Dovecot {dialect.name}; choose another {key}."
                )


# LDAP --------------------------------------------------------------------------------------------------------------


def _ldap_lines(kind: str, entry: Entry, server: Entry, dialect: Dialect) -> Settings:
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
        "auth_bind_userdn": dialect.variables(str(entry["bind_userdn"])) if entry.get("bind_userdn") else None,
        f"{short}_filter": dialect.variables(str(entry.get("filter") or LDAP_FILTER)),
        f"{short}_attrs": _attributes(_ldap_fields(kind, entry), dialect),
        "default_pass_scheme": entry.get("scheme") if is_passdb else None,
        "iterate_filter": entry.get("iterate_filter"),
        "iterate_attrs": _attributes(entry["iterate_fields"], dialect) if entry.get("iterate_fields") else None,
    }


def _attributes(fields: t.Mapping[str, t.Any], dialect: Dialect) -> str:
    odd = next((name for name, value in fields.items() if "," in str(value)), None)
    if odd is not None:
        raise Untranslatable(
            f"The field '{odd}' of an LDAP database has a comma in it, which divides the fields in Dovecot {dialect.name}; leave it out."
        )
    return ", ".join(f"={name}={dialect.variables(str(value))}" for name, value in fields.items())


def _ldap_fields(kind: str, entry: Entry) -> t.Mapping[str, t.Any]:
    """Return the attributes that are read of a user; a bind as the user never shows the password."""
    if "fields" in entry:
        return t.cast("t.Mapping[str, t.Any]", entry["fields"])
    return {} if entry.get("bind") else LDAP_FIELDS[kind]


def _ldap_settings(kind: str, entry: Entry, server: Entry, dialect: Dialect) -> Settings:
    return _given(
        {
            "ldap_uris": " ".join(names(server["uris"])),
            "ldap_auth_dn": _literal(server["auth_dn"]) if server.get("auth_dn") else None,
            "ldap_starttls": True if server.get("starttls") else None,
            "ssl_client_ca_file": server.get("ca_file") or None,
            "ldap_base": _literal(server["base"]),
            "ldap_scope": server.get("scope") or None,
            "ldap_bind": True if entry.get("bind") else None,
            "ldap_bind_userdn": dialect.variables(str(entry["bind_userdn"])) if entry.get("bind_userdn") else None,
            "ldap_filter": dialect.variables(str(entry.get("filter") or LDAP_FILTER)),
            "ldap_iterate_filter": entry.get("iterate_filter"),
            "ldap_iterate_fields": _fields(entry["iterate_fields"], dialect) if entry.get("iterate_fields") else None,
            "fields": _fields(_ldap_fields(kind, entry), dialect) or None,
        }
    )


def _ldap_secret(server: Entry) -> Settings:
    password = server.get("auth_dn_password")
    return {"ldap_auth_dn_password": _secret(password)} if password else {}


def _wrong_ldap(server: Entry, dialect: Dialect) -> Problems:
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


def _nothing(server: Entry) -> Settings:
    return {}


_ACCOUNT = ("host", "port", "dbname", "user", "password", "ca_file")

SERVERS = {
    "mysql": Server(
        asked_by="sql",
        keys=_ACCOUNT,
        wrong=_wrong_sql,
        lines=functools.partial(_sql_lines, _mysql_connect),
        settings=functools.partial(_sql_settings, _mysql_settings, _mysql_blocks),
        secret=_mysql_secret,
    ),
    "pgsql": Server(
        asked_by="sql",
        keys=(*_ACCOUNT, "parameters"),
        wrong=_wrong_sql,
        lines=functools.partial(_sql_lines, _pgsql_connect),
        settings=functools.partial(_sql_settings, _nothing, _pgsql_blocks),
        secret=_pgsql_secret,
    ),
    "sqlite": Server(
        asked_by="sql",
        keys=("path",),
        wrong=_wrong_sqlite,
        lines=functools.partial(_sql_lines, lambda server: str(server["path"])),
        settings=functools.partial(_sql_settings, _sqlite_settings, _nothing),
        secret=_nothing,
    ),
    "ldap": Server(
        asked_by="ldap",
        keys=("uris", "base", "scope", "auth_dn", "auth_dn_password", "starttls", "ca_file"),
        wrong=_wrong_ldap,
        lines=_ldap_lines,
        settings=_ldap_settings,
        secret=_ldap_secret,
    ),
}
