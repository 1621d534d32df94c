# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One vocabulary for two languages: neutral settings become those of Dovecot 2.3 or 2.4.

A setting that both versions call the same keeps its name and is passed on untouched, so only what differs is listed
here. Where the names differ, the neutral one is 2.4's, save for ``mail_location``, which 2.4 took apart.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases, quota, sieve
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.checks import dialect
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.username import username_format
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, names, variables, without

# Every 2.4 accepts this level of its language; a higher one would tie the configuration to the newest release.
CONFIG_VERSION = "2.4.0"

# Client protocols and the listeners that belong to them: without TLS at first, and with TLS from the start.
CLIENT_PROTOCOLS = {"imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s")}
USUAL_PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "sieve": 4190}

# A file that 2.3 reads into the setting (`<`), and 2.4 opens itself.
FILES = {
    "ssl_server_cert_file": "ssl_cert",
    "ssl_server_key_file": "ssl_key",
    "ssl_server_ca_file": "ssl_ca",
    "ssl_server_dh_file": "ssl_dh",
}

# Dovecot's own values in every version, which need no line: of no limit, which is 0, the newest says that it must not be 0.
DEFAULTS = {"first_valid_gid": 1, "last_valid_gid": 0, "last_valid_uid": 0}

MAIL_LOCATION_OPTIONS = {
    "INBOX": "mail_inbox_path",
    "INDEX": "mail_index_path",
    "CONTROL": "mail_control_path",
    "ALT": "mail_alt_path",
    "VOLATILEDIR": "mail_volatile_path",
    "LAYOUT": "mailbox_list_layout",
    "DIRNAME": "mailbox_directory_name",
}


def translate(neutral: t.Mapping[str, t.Any], version: str, more: t.Mapping[str, t.Any] | None = None) -> Settings:
    """The nested settings that say the same as *neutral* in the language of *version*; those in *more* win.

    Plain settings come before blocks: 2.4 warns of a global setting that stands behind a block with the same one.
    """
    to_24 = dialect(version) == "2.4"
    result: Settings = {"dovecot_config_version": CONFIG_VERSION, "dovecot_storage_version": CONFIG_VERSION} if to_24 else {}
    for key, value in neutral.items():
        if value is not None and str(value) != str(DEFAULTS.get(key)):
            merge(result, _translated(key, value, to_24, neutral))
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


def _translated(key: str, value: t.Any, to_24: bool, neutral: t.Mapping[str, t.Any]) -> Settings:
    protocols = names(neutral.get("protocols", []))
    if key in FILES:
        return {key: value} if to_24 else {FILES[key]: f"<{value}"}
    if key == "auth_allow_cleartext":
        return {key: bool(value)} if to_24 else {"disable_plaintext_auth": not value}
    if key == "ssl_server_prefer_ciphers":
        return {key: value} if to_24 else {"ssl_prefer_server_ciphers": value == "server"}
    if key == "auth_username_format":
        return {key: username_format(str(value), neutral.get("auth_username_keep_domains") or (), to_24)}
    if key == "mail_home":
        return {key: variables(str(value), to_24)}
    if key == "quota":
        return quota.settings(value, _bases(protocols), to_24)
    if key == "sieve":
        return sieve.settings(value, to_24)
    if key == "mail_location":
        parts = _mail_location(str(value))
        return parts if to_24 else {key: variables(str(value), to_24)}
    if key == "protocols":
        return _protocols(names(value))
    if key == "ports":
        return _ports(value, protocols)
    if key == "login_processes":
        return {f"service {base}-login": _process_limits(value, to_24) for base in _bases(protocols)}
    if key == "auth_worker_limit":
        return {"service auth-worker": {"process_limit": value}} if to_24 else {"auth_worker_max_count": value}
    if key == "lmtp_user_concurrency_limit":
        return {key: "unlimited" if to_24 and str(value) == "0" else value}
    if key == "auth_internal_failure_delay":  # new in 2.4
        return {key: value} if to_24 else {}
    if key == "auth_penalty":  # without this socket, the auth process counts for nobody
        return {} if value else {"service anvil": {"unix_listener anvil-auth-penalty": {"mode": "0"}}}
    if key in ("imap_client_workarounds", "pop3_client_workarounds"):
        base = key[:4]
        return {f"protocol {base}": {key: value}} if value and base in _bases(protocols) else {}
    if key == "mail_max_userip_connections":
        return {f"protocol {base}": {key: value} for base in _bases(protocols)}
    if key in ("auth_listeners", "lmtp_listeners"):
        return (
            {f"service {key.split('_', 1)[0]}": {f"unix_listener {item['path']}": without(item, "path") for item in value}} if value else {}
        )
    if key == "mailboxes":
        return {"namespace inbox": {"inbox": True, **{f"mailbox {name}": _mailbox(options) for name, options in value.items()}}}
    if key in ("passdb", "userdb"):
        return databases.blocks(key, neutral, to_24)
    if key in ("databases", "denied_users", "auth_username_keep_domains", "pam_service"):  # these are part of others above
        return {}
    return {key: value}


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


def _process_limits(limits: t.Mapping[str, t.Any], to_24: bool) -> Settings:
    """``restart_request_count``, which 2.3 calls ``service_count``: after how many logins a process makes room for a fresh one."""
    result = without(limits, "restart_request_count")
    if "restart_request_count" in limits:
        count = limits["restart_request_count"]
        endless = str(count) in ("0", "unlimited")
        result["restart_request_count" if to_24 else "service_count"] = ("unlimited" if to_24 else 0) if endless else count
    return result


# Mailboxes ---------------------------------------------------------------------------------------------------------


def _mailbox(options: t.Mapping[str, t.Any] | None) -> Settings:
    """``special_use: Sent`` becomes ``\\Sent``, as IMAP spells it."""
    result = dict(options or {})
    if "special_use" in result:
        result["special_use"] = ["\\" + use.lstrip("\\") for use in names(result["special_use"])]
    return result


def _mail_location(text: str) -> Settings:
    """2.4 gives each part of ``driver:path:OPTION=value`` a setting of its own."""
    driver, *rest = variables(text, True).split(":")
    if not rest or not rest[0] or not driver.isalnum():
        raise Untranslatable(f"mail_location '{text}' is not understood: write it as DRIVER:PATH, for example maildir:~/Maildir.")
    result: Settings = {"mail_driver": driver, "mail_path": rest[0]}
    for option in rest[1:]:
        name, _equals, value = option.partition("=")
        if name not in MAIL_LOCATION_OPTIONS or not value:
            raise Untranslatable(
                f"mail_location '{text}': only one version of Dovecot has the option '{option}'; put it into the raw settings."
            )
        result[MAIL_LOCATION_OPTIONS[name]] = value
    if driver == "maildir":
        # Without it, the INBOX would be a folder of that name inside the Maildir, or what the distribution chose for mbox.
        result.setdefault("mail_inbox_path", rest[0])
    return result
