# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A client's answers in the SASL mechanisms that mail clients use. SMTP, IMAP and POP3 carry the same exchange."""

from __future__ import annotations

import base64
import binascii
import hmac
import typing as t

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")
# These show the password to whoever listens.
CLEARTEXT = ("PLAIN", "LOGIN")


class NotBase64(ValueError):
    """The server's challenge is not in base64, which SASL requires."""


def responses(mechanism: str, user: str, password: str) -> t.Callable[[str], str]:
    """Return a function that maps each challenge (in base64) to the client's next answer (in base64)."""
    if mechanism == "PLAIN":
        return lambda challenge: encode(f"\0{user}\0{password}".encode())
    if mechanism == "LOGIN":
        # Servers prompt with "Username:" or "User Name"; the order is what counts.
        answers = iter([user, password])
        return lambda challenge: encode(next(answers, "").encode())
    if mechanism == "CRAM-MD5":
        return lambda challenge: encode(f"{user} {hmac.new(password.encode(), decode(challenge), 'md5').hexdigest()}".encode())
    raise AssertionError(f"Internal error: unknown mechanism {mechanism}")


def starts_with_response(mechanism: str) -> bool:
    """Return whether the client may speak first, in the AUTH command itself."""
    return mechanism == "PLAIN"


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise NotBase64(text) from e


def choose(wanted: str | None, offered: t.Collection[str]) -> str | None:
    """Return the mechanism to use: the *wanted* one, else the first of ours that the server offers."""
    if wanted:
        return wanted
    return next((m for m in MECHANISMS if m in offered), None)
