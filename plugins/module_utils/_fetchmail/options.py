# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an account and those for all accounts, shared by the module that writes them and the filter that checks them first."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import fetchmailrc as rc

# What an option is follows from how it stands behind its keyword; those that need more are named after it.
TYPES: dict[str, dict[str, t.Any]] = {
    rc.TEXT: {"type": "str"},
    rc.WORD: {"type": "str"},
    rc.NUMBER: {"type": "int"},
    rc.TEXTS: {"type": "list", "elements": "str"},
    rc.NUMBERS: {"type": "list", "elements": "int"},
    rc.FLAG: {"type": "bool"},
    rc.ALONE: {"type": "bool"},
}
ACCOUNT = {
    **{name: TYPES[kind] for name, kind in {**rc.SERVER, **rc.USER}.items()},
    "poll": {"type": "str", "required": True},
    "skip": {"type": "bool", "default": False},
    "proto": {"type": "str", "choices": list(rc.PROTOCOLS), "default": "pop3"},
    "service": {"type": "str", "aliases": ["port"]},
    "auth": {"type": "str", "choices": list(rc.AUTHENTICATIONS)},
    "envelope": {"type": "str"},
    "envelope_skip": {"type": "int"},
    "badheader": {"type": "str", "choices": ["accept", "reject"]},
    "user": {"type": "str", "required": True},
    "password": {"type": "raw", "no_log": True},
    "is": {"type": "list", "elements": "str", "aliases": ["to"]},
    "owner": {"type": "str"},
    "ssl": {"type": "bool", "default": True},
    "sslcertck": {"type": "bool", "default": True},
    "keep": {"type": "bool", "default": False},
    **{name: {"type": "path"} for name in ("sslcertfile", "sslcertpath", "sslcert", "sslkey", "bsmtp")},
}
SETTINGS = {
    **{name: TYPES[kind] for name, kind in rc.GLOBALS.items()},
    "daemon": {"type": "int", "default": 300},
    "bouncemail": {"type": "bool", "default": False},
    "syslog": {"type": "bool", "default": True},
    **{name: {"type": "path"} for name in ("logfile", "idfile", "pidfile")},
}
