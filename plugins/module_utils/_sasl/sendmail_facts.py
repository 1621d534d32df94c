# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that sendmail's Cyrus SASL reads on this host."""

from __future__ import annotations

import ctypes
import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import shared_library
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_mc
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Place

NAME = "Sendmail"
LIBRARIES = ("libsasl2.so.2", "libsasl2.so.3")
DEFAULT_CANDIDATES = (f"/etc/sasl2/{NAME}.conf",)
# The file that Debian's sendmail makes at each start if it is missing.
PRISTINE = "/usr/share/sendmail/examples/sasl/Sendmail.conf.2"
CF = "/etc/mail/sendmail.cf"

CB_LIST_END, CB_VERIFYFILE = 0, 4
VRFY_CONF, CONTINUE = 1, 2
_VERIFY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)


class NoLibrary(HostError):
    """libsasl2 is not on this host."""


class _Callback(ctypes.Structure):
    _fields_ = (("id", ctypes.c_ulong), ("proc", ctypes.c_void_p), ("context", ctypes.c_void_p))


def candidates() -> t.Sequence[str]:
    """Return the files that libsasl2 would read for sendmail, in its order: the first that exists counts.

    Before it reads a file it asks the application, so an application that declines each hears of all of them.
    """
    try:
        library = shared_library.load(LIBRARIES, NoLibrary("libsasl2 is not on this host."))
    except NoLibrary:
        return DEFAULT_CANDIDATES
    found: list[str] = []

    def verify(_context: t.Any, path: bytes, kind: int) -> int:
        if kind == VRFY_CONF:
            found.append(os.fsdecode(path))
        return CONTINUE

    proc = _VERIFY(verify)
    ours = _Callback(CB_VERIFYFILE, ctypes.cast(proc, ctypes.c_void_p).value, None)
    callbacks = (_Callback * 2)(ours, _Callback(CB_LIST_END, None, None))
    library.sasl_server_init.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.sasl_done.restype = None
    library.sasl_server_init(ctypes.byref(callbacks), NAME.encode())
    library.sasl_done()
    return found or DEFAULT_CANDIDATES


def config_path(paths: t.Sequence[str], texts: t.Mapping[str, str], pristine: str = "") -> str:
    """Return the file to write: the first of the existing *texts*, or else the first below /etc."""
    written = [path for path in paths if texts.get(path, "").strip() and texts[path] != pristine]
    return (written or [path for path in paths if path.startswith("/etc/")] or list(paths))[0]


def place(os_family: str, native_unit: bool, read: t.Callable[[str], str]) -> Place:
    """Return the places for sendmail, which is never chrooted, and asks as root unless it is configured to be another user."""
    real = [os.path.realpath(path) for path in candidates()]
    users = sendmail_mc.options(read(CF), "RunAsUser")
    return Place(
        os_family=os_family,
        config_path=config_path(real, {path: read(path) for path in real}, read(PRISTINE)),
        native_unit=native_unit,
        mta="sendmail",
        user=users[-1].partition(":")[0] if users else "",
    )
