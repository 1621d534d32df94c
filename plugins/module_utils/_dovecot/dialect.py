# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One vocabulary for all languages: neutral settings become those of the Dovecot that is there.

A setting that all versions call the same keeps its name and is passed on untouched, so only what differs is listed, here or in
`Dialect`. Where the names differ, the neutral one is 2.4's, save for ``mail_location``, which 2.4 took apart.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases, dialects, quota, sieve
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.username import username_format
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, names, without

# Client protocols and the listeners that belong to them: without TLS at first, and with TLS from the start.
CLIENT_PROTOCOLS = {"imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s")}
USUAL_PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "sieve": 4190}

# Dovecot's own values in every version, which need no line: of no limit, which is 0, the newest says that it must not be 0.
DEFAULTS = {"first_valid_gid": 1, "last_valid_gid": 0, "last_valid_uid": 0}


def translate(neutral: t.Mapping[str, t.Any], version: str, more: t.Mapping[str, t.Any] | None = None) -> Settings:
    """The nested settings that say the same as *neutral* in the language of *version*; those in *more* win.

    Plain settings come before blocks: 2.4 warns of a global setting that stands behind a block with the same one.
    """
    dialect = dialects.of(version)
    result: Settings = dict(dialect.head)
    for key, value in neutral.items():
        if value is not None and str(value) != str(DEFAULTS.get(key)):
            merge(result, _translated(key, value, dialect, neutral))
    merge(result, more or {})
    return {**{k: v for k, v in result.items() if not _is_block(v)}, **{k: v for k, v in result.items() if _is_block(v)}}


def _is_block(value: t.Any) -> bool:
    return isinstance(value, t.Mapping) or (isinstance(value, list) and any(isinstance(item, t.Mapping) for item in value))


def merge(into: Settings, more: t.Mapping[str, t.Any]) -> None:
    """Bring *more* into *into*, blocks key by key."""
    for key, value in more.items():
        if isinstance(value, t.Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = _copy(value)


def _copy(value: t.Any) -> t.Any:
    if isinstance(value, t.Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, (list, tuple)) else value


@dataclasses.dataclass(frozen=True)
class _Neutral:
    """One neutral setting, among all of them, that is to be said in a dialect."""

    key: str
    value: t.Any
    dialect: Dialect
    others: t.Mapping[str, t.Any]

    @property
    def protocols(self) -> list[str]:
        return names(self.others.get("protocols", []))

    @property
    def bases(self) -> list[str]:
        return _bases(self.protocols)


def _translated(key: str, value: t.Any, dialect: Dialect, neutral: t.Mapping[str, t.Any]) -> Settings:
    if key in dialect.says:
        return dialect.says[key](value)
    setting = _Neutral(key, value, dialect, neutral)
    if key in _SETTINGS_OF:
        return _SETTINGS_OF[key](setting)
    return {dialect.names.get(key, key): _VALUE_OF[key](setting) if key in _VALUE_OF else value}


def _workarounds(setting: _Neutral) -> Settings:
    base = setting.key[:4]
    return {f"protocol {base}": {setting.key: setting.value}} if setting.value and base in setting.bases else {}


def _listeners(setting: _Neutral) -> Settings:
    service = setting.key.split("_", 1)[0]
    listeners = {f"unix_listener {item['path']}": without(item, "path") for item in setting.value or ()}
    return {f"service {service}": listeners} if listeners else {}


# Settings that become others, or blocks of them.
_SETTINGS_OF: dict[str, t.Callable[[_Neutral], Settings]] = {
    "quota": lambda setting: quota.settings(setting.value, setting.bases, setting.dialect),
    "sieve": lambda setting: sieve.settings(setting.value, setting.dialect),
    "protocols": lambda setting: _protocols(names(setting.value)),
    "ports": lambda setting: _ports(setting.value, setting.protocols),
    "login_processes": lambda setting: {f"service {base}-login": _process_limits(setting.value, setting.dialect) for base in setting.bases},
    # Without this socket, the auth process counts for nobody.
    "auth_penalty": lambda setting: {} if setting.value else {"service anvil": {"unix_listener anvil-auth-penalty": {"mode": "0"}}},
    "imap_client_workarounds": _workarounds,
    "pop3_client_workarounds": _workarounds,
    "mail_max_userip_connections": lambda setting: {f"protocol {base}": {setting.key: setting.value} for base in setting.bases},
    "auth_listeners": _listeners,
    "lmtp_listeners": _listeners,
    "mailboxes": lambda setting: {
        "namespace inbox": {"inbox": True, **{f"mailbox {name}": _mailbox(options) for name, options in setting.value.items()}}
    },
    "passdb": lambda setting: databases.blocks("passdb", setting.others, setting.dialect),
    "userdb": lambda setting: databases.blocks("userdb", setting.others, setting.dialect),
    # These are part of others above.
    **dict.fromkeys(("databases", "denied_users", "auth_username_keep_domains", "pam_service"), lambda setting: {}),
}

# Settings with a value of the same meaning.
_VALUE_OF: dict[str, t.Callable[[_Neutral], t.Any]] = {
    "auth_username_format": lambda setting: username_format(
        str(setting.value), setting.others.get("auth_username_keep_domains") or (), setting.dialect
    ),
    "mail_home": lambda setting: setting.dialect.variables(str(setting.value)),
    "lmtp_user_concurrency_limit": lambda setting: setting.dialect.unlimited if str(setting.value) == "0" else setting.value,
}


# Protocols and processes -------------------------------------------------------------------------------------------


def _bases(protocols: t.Sequence[str]) -> list[str]:
    return [base for base, ports in CLIENT_PROTOCOLS.items() if any(port in protocols for port in ports)]


def _protocols(listed: t.Sequence[str]) -> Settings:
    """``imaps`` alone means IMAP without port 143: the listener that is not named gets the port 0, which closes it."""
    bases = _bases(listed)
    ports = [port for pair in CLIENT_PROTOCOLS.values() for port in pair]
    result: Settings = {"protocols": [*bases, *(name for name in listed if name not in ports)]}
    for base in bases:
        closed = {f"inet_listener {port}": {"port": 0} for port in CLIENT_PROTOCOLS[base] if port not in listed}
        if closed:
            result[f"service {base}-login"] = closed
    return result


def _ports(ports: t.Mapping[str, t.Any], protocols: t.Sequence[str]) -> Settings:
    """Other ports than the usual ones, which need no line, for the protocols that are served."""
    result: Settings = {}
    others = {name: port for name, port in ports.items() if name in protocols and str(port) != str(USUAL_PORTS.get(name))}
    for base, pair in CLIENT_PROTOCOLS.items():
        listeners = {f"inet_listener {name}": {"port": others[name]} for name in pair if name in others}
        if listeners:
            result[f"service {base}-login"] = listeners
    if "sieve" in others:
        result["service managesieve-login"] = {"inet_listener sieve": {"port": others["sieve"]}}
    return result


def _process_limits(limits: t.Mapping[str, t.Any], dialect: Dialect) -> Settings:
    """``restart_request_count``: after how many logins a process makes room for a fresh one."""
    key = "restart_request_count"
    result = without(limits, key)
    if key in limits:
        endless = str(limits[key]) in ("0", "unlimited")
        result[dialect.names.get(key, key)] = dialect.unlimited if endless else limits[key]
    return result


# Mailboxes ---------------------------------------------------------------------------------------------------------


def _mailbox(options: t.Mapping[str, t.Any] | None) -> Settings:
    """``special_use: Sent`` becomes ``\\Sent``, as IMAP spells it."""
    result = dict(options or {})
    if "special_use" in result:
        result["special_use"] = ["\\" + use.lstrip("\\") for use in names(result["special_use"])]
    return result
