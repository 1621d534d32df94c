# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of Cyrus SASL on a host, and the use that Postfix's smtpd makes of them."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed, secrets
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Foreign, Place
from ansible_collections.postroom.mail.plugins.module_utils._services import services

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

HIDDEN = "[hidden]"
PROGRAM = "usr/sbin/saslauthd"
PLUGINS = ("usr/lib/*/sasl2", "usr/lib64/sasl2", "usr/lib/sasl2")
UNITS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
# The mechanisms of each plugin of the library; the others are no mechanisms, or none of a server.
MECHANISMS = {
    "anonymous": ("ANONYMOUS",),
    "crammd5": ("CRAM-MD5",),
    "digestmd5": ("DIGEST-MD5",),
    "gs2": ("GS2-KRB5", "GS2-IAKERB"),
    "gssapiv2": ("GSSAPI", "GSS-SPNEGO"),
    "login": ("LOGIN",),
    "ntlm": ("NTLM",),
    "otp": ("OTP",),
    "plain": ("PLAIN",),
    "scram": provider.SCRAM,
    "srp": ("SRP",),
}

Texts = t.Mapping[str, str]


def mechanisms(names: t.Iterable[str]) -> list[str]:
    """Return the mechanisms of the plugins with these file names (``libplain.so``)."""
    plugins = sorted({match.group(1) for match in map(re.compile(r"lib(\w+)\.so").match, names) if match})
    return [mechanism for plugin in plugins for mechanism in MECHANISMS.get(plugin, ())]


def config_path(parameters: t.Mapping[str, str], os_family: str) -> str:
    """Return the path of Cyrus SASL's configuration for smtpd: Postfix sets it, or was built with the distribution's own."""
    directories = parameters.get("cyrus_sasl_config_path", "").split(":")
    return f"{directories[0] or ('/etc/sasl2' if os_family == 'RedHat' else '/etc/postfix/sasl')}/smtpd.conf"


def place(postfix: t.Mapping[str, t.Any], os_family: str, root: str = "/", mta: str = "postfix") -> Place:
    """Return the places of files on this host; on one without Postfix, their later places."""
    native_unit = any(os.path.isfile(os.path.join(root, directory, "saslauthd.service")) for directory in UNITS)
    if mta == "sendmail":
        # Imported here, as few hosts need it: each call of a module compiles what it imports.
        from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_facts

        return sendmail_facts.place(os_family, native_unit, lambda path: read(path, root))
    return Place(
        os_family=os_family,
        queue_directory=postfix["queue_directory"] or services.DEFAULT_QUEUE_DIRECTORY,
        chrooted=bool(provider.chrooted_services(postfix["services"])),
        config_path=config_path(postfix["parameters"], os_family),
        native_unit=native_unit,
    )


def texts_at(where: Place, root: str = "/") -> Texts:
    """Return the texts, by path, of all files that any of the providers needs."""
    return {path: read(path, root) for path in (*provider.paths(where), where.settings_file)}


def foreign(where: Place, texts: Texts, running: bool) -> Foreign:
    """Return the parts that the collection did not set up."""
    return Foreign(
        files=[path for path in provider.paths(where) if texts[path].strip() and not managed.is_managed(texts[path])],
        daemon=running and not managed.SETTINGS.is_in(texts[where.settings_file]),
    )


def is_managed(texts: Texts) -> bool:
    """Return whether the collection has written a file for one of the providers."""
    return any(managed.is_managed(text) or managed.SETTINGS.is_in(text) for text in texts.values())


def ask(run: Run, postfix: t.Mapping[str, t.Any], os_family: str, root: str = "/", mta: str = "postfix") -> dict[str, t.Any]:
    """Return the facts of mail_info. Where saslauthd is not installed, no command runs."""
    where = place(postfix, os_family, root, mta)
    installed = os.access(os.path.join(root, PROGRAM), os.X_OK)
    state = services.states(run, ["saslauthd"])["saslauthd"] if installed else services.State()
    texts = texts_at(where, root)
    others = foreign(where, texts, state.running)
    settings = provider.parse_settings(texts[where.settings_file])
    plugins = [os.path.basename(path) for pattern in PLUGINS for path in glob.glob(os.path.join(root, pattern, "lib*.so"))]
    return {
        "mechanisms": mechanisms(plugins),
        "config_path": where.config_path,
        "config": _without_secrets(provider.parse_options(texts[where.config_path])),
        "managed": is_managed(texts),
        "foreign_files": others.files,
        "chrooted": provider.chrooted_services(postfix["services"]) if where.chrooted else [],
        "database_copies": [where.database_copy] if where.chrooted else [],
        "saslauthd": {
            "installed": installed,
            "running": state.running,
            "enabled": state.enabled,
            "foreign": others.daemon,
            "mechanisms": provider.parse_saslauthd_version("\n".join(run(["saslauthd", "-v"])[1:])) if installed else [],
            "settings": settings,
            "socket": f"{_socket_directory(settings, where)}/mux" if state.running else None,
        },
    }


def _socket_directory(settings: t.Mapping[str, str], where: Place) -> str:
    option = re.search(r"(?:^|\s)-m\s*(\S+)", settings.get("OPTIONS", ""))
    return option.group(1) if option else settings.get("SOCKETDIR", where.default_socket_directory)


def _without_secrets(options: dict[str, str]) -> dict[str, str]:
    return {name: HIDDEN if secrets.is_secret(name, value) else value for name, value in options.items()}


def read(path: str, root: str = "/") -> str:
    """Return the text of a file; empty when there is none, or this user cannot read it."""
    with contextlib.suppress(OSError), open(os.path.join(root, path.lstrip("/")), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()
    return ""
