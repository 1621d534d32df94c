# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The languages of dovecot.conf: what each calls otherwise, and how it writes what each writes otherwise. Pure.

A Dovecot that speaks another one is one more `Dialect`, most of which it takes over from the one before (``dataclasses.replace``).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, long_variables, short_variables

Version = tuple[int, ...]

# These must stand before every other setting of the languages that have them.
FIRST = ("dovecot_config_version", "dovecot_storage_version")


@dataclasses.dataclass(frozen=True)
class Dialect:
    name: str
    since: Version  # the first Dovecot that speaks it
    head: t.Mapping[str, str]
    names: t.Mapping[str, str]  # of settings that differ in their name alone, in a block or outside of one
    says: t.Mapping[str, t.Callable[[t.Any], Settings]]  # neutral settings that it has in another form, or not at all
    mechanisms: tuple[str, ...]
    unlimited: t.Any
    # Whether the name of a setting stands for its value (``$mail_plugins``), or for itself.
    resolves_names: bool
    # Whether a database is told all in ``args``, as words of one line, and what it asks a server in a file that these name.
    # Otherwise both are settings of its block, which has a name.
    has_args: bool
    refuses_weak_hashes: bool
    # Whether login processes get their directories when Dovecot starts, so that those of a protocol that is new at a reload die at once.
    new_logins_take_a_restart: bool
    variables: t.Callable[[str], str]
    kept_domain: t.Callable[[str], str]  # a variable for the domain with its '@', where it is this one
    plugin: t.Callable[[Settings], Settings]  # where the settings of plugins stand
    plugins: t.Callable[[t.Sequence[str], t.Sequence[str]], t.Any]  # more plugins of a protocol, beside those it has anyway
    quota_root: t.Callable[[str], Settings]
    quota_limit: t.Callable[[str], dict[str, str]]
    sieve_scripts: t.Callable[[t.Mapping[str, t.Sequence[str]], str, str], Settings]  # by kind; the user's own, and the active one


def of(version: str) -> Dialect:
    """The one that a version such as ``2.3.19.1`` speaks."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    spoken = tuple(map(int, numbers.groups())) if numbers else ()
    return max((dialect for dialect in DIALECTS if dialect.since <= spoken), key=lambda dialect: dialect.since, default=DIALECTS[0])


_MECHANISMS = (
    *("plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256", "otp", "apop", "anonymous", "external"),
    *("oauthbearer", "xoauth2"),
)

# Where the mail is -------------------------------------------------------------------------------------------------

_MAIL_LOCATION_OPTIONS = {
    "INBOX": "mail_inbox_path",
    "INDEX": "mail_index_path",
    "CONTROL": "mail_control_path",
    "ALT": "mail_alt_path",
    "VOLATILEDIR": "mail_volatile_path",
    "LAYOUT": "mailbox_list_layout",
    "DIRNAME": "mailbox_directory_name",
}


def _mail_location_in_parts(location: t.Any) -> Settings:
    """Each part of ``driver:path:OPTION=value`` has a setting of its own."""
    text = str(location)
    driver, *rest = long_variables(text).split(":")
    if not rest or not rest[0] or not driver.isalnum():
        raise Untranslatable(f"mail_location '{text}' is not understood: write it as DRIVER:PATH, for example maildir:~/Maildir.")
    result: Settings = {"mail_driver": driver, "mail_path": rest[0]}
    for option in rest[1:]:
        name, _equals, value = option.partition("=")
        if name not in _MAIL_LOCATION_OPTIONS or not value:
            raise Untranslatable(
                f"mail_location '{text}': only one version of Dovecot has the option '{option}'; put it into the raw settings."
            )
        result[_MAIL_LOCATION_OPTIONS[name]] = value
    if driver == "maildir":
        # Without it, the INBOX would be a folder of that name inside the Maildir, or what the distribution chose for mbox.
        result.setdefault("mail_inbox_path", rest[0])
    return result


def _mail_location_in_one(location: t.Any) -> Settings:
    _mail_location_in_parts(location)  # What one language cannot say, none takes.
    return {"mail_location": short_variables(str(location))}


# Scripts of Sieve --------------------------------------------------------------------------------------------------


def _numbered_scripts(scripts: t.Mapping[str, t.Sequence[str]], personal: str, active: str) -> Settings:
    """``sieve_before``, ``sieve_before2``, ``sieve_before3``: Dovecot counts, and ends at the first that is missing."""
    numbered = {f"sieve_{kind}{i if i > 1 else ''}": path for kind, paths in scripts.items() for i, path in enumerate(paths, 1)}
    return {"sieve": f"file:{personal};active={active}", **numbered}


def _blocks_of_scripts(scripts: t.Mapping[str, t.Sequence[str]], personal: str, active: str) -> Settings:
    listed = {
        f"sieve_script {kind}{i}": {"type": kind, "driver": "file", "path": path, "precedence": i}
        for kind, paths in scripts.items()
        for i, path in enumerate(paths, 1)
    }
    return {**listed, "sieve_script personal": {"type": "personal", "driver": "file", "path": personal, "active_path": active}}


# The languages -----------------------------------------------------------------------------------------------------


def _read(name: str) -> t.Callable[[t.Any], Settings]:
    """A file that is read into the setting when the configuration is; later languages name it, and Dovecot opens it."""
    return lambda path: {name: f"<{path}"}


V23 = Dialect(
    name="2.3",
    since=(2, 3),
    head={},
    names={
        "auth_worker_limit": "auth_worker_max_count",
        "restart_request_count": "service_count",
        "mechanisms_filter": "mechanisms",
        "fields": "override_fields",
    },
    says={
        "ssl_server_cert_file": _read("ssl_cert"),
        "ssl_server_key_file": _read("ssl_key"),
        "ssl_server_ca_file": _read("ssl_ca"),
        "ssl_server_dh_file": _read("ssl_dh"),
        "ssl_server_prefer_ciphers": lambda who: {"ssl_prefer_server_ciphers": who == "server"},
        "auth_allow_cleartext": lambda allowed: {"disable_plaintext_auth": not allowed},
        "auth_internal_failure_delay": lambda delay: {},
        "mail_location": _mail_location_in_one,
    },
    mechanisms=(*_MECHANISMS, "dovecot-token"),
    unlimited=0,
    resolves_names=True,
    has_args=True,
    refuses_weak_hashes=False,
    new_logins_take_a_restart=False,
    variables=short_variables,
    kept_domain=lambda domain: f"%{{if;%Ld;eq;{domain};@{domain};}}",
    plugin=lambda settings: {"plugin": settings},
    plugins=lambda more, present: [*present, *more],  # in a block they replace what holds for all protocols
    quota_root=lambda name: {"quota": f"count:{name}", "quota_vsizes": True},
    quota_limit=lambda size: {"quota_rule": f"*:storage={size}"},
    sieve_scripts=_numbered_scripts,
)

V24 = Dialect(
    name="2.4",
    since=(2, 4),
    # Every 2.4 accepts this level of its language; a higher one would tie the configuration to the newest release.
    head=dict.fromkeys(FIRST, "2.4.0"),
    names={},
    says={
        "auth_allow_cleartext": lambda allowed: {"auth_allow_cleartext": bool(allowed)},
        "auth_worker_limit": lambda limit: {"service auth-worker": {"process_limit": limit}},
        "mail_location": _mail_location_in_parts,
    },
    mechanisms=(*_MECHANISMS, "scram-sha-1-plus", "scram-sha-256-plus"),
    unlimited="unlimited",
    resolves_names=False,
    has_args=False,
    refuses_weak_hashes=True,
    new_logins_take_a_restart=True,
    variables=long_variables,
    kept_domain=lambda domain: f'%{{user | domain | lower | if("eq", "{domain}", "@{domain}", "")}}',
    plugin=lambda settings: settings,
    plugins=lambda more, present: dict.fromkeys(more, True),
    quota_root=lambda name: {f"quota {name}": {"driver": "count"}},
    quota_limit=lambda size: {"quota_storage_size": size},
    sieve_scripts=_blocks_of_scripts,
)

DIALECTS = [V23, V24]
