# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dovecot's password schemes: reading, checking and making the text after ``{SCHEME}``.

This module computes the schemes of challenge mechanisms; the host's own libraries compute those that are slow on purpose.
"""

from __future__ import annotations

import base64
import binascii
import concurrent.futures
import dataclasses
import hashlib
import hmac
import math
import os
import re
import struct
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files

# The schemes that a password in clear can be stored in, and of each what its hash looks like.
MADE = {
    "SHA512-CRYPT": r"\$6\$.+\$[./0-9A-Za-z]{86}",
    "SHA256-CRYPT": r"\$5\$.+\$[./0-9A-Za-z]{43}",
    "BLF-CRYPT": r"\$2[abxy]\$\d\d\$[./0-9A-Za-z]{53}",
    "ARGON2ID": r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[+/0-9A-Za-z]+\$[+/0-9A-Za-z]+",
    "SCRAM-SHA-1": r"\d+,[+/0-9A-Za-z]+=*,[+/0-9A-Za-z]{27}=,[+/0-9A-Za-z]{27}=",
    "SCRAM-SHA-256": r"\d+,[+/0-9A-Za-z]+=*,[+/0-9A-Za-z]{43}=,[+/0-9A-Za-z]{43}=",
    "CRAM-MD5": r"[0-9A-Fa-f]{64}|[+/0-9A-Za-z]{43}=",
    "DIGEST-MD5": r"[0-9A-Fa-f]{32}|[+/0-9A-Za-z]{22}==",
    "PLAIN": r".+",
}
DEFAULT = "SHA512-CRYPT"

# Every Dovecot has these; whether it has one of the others is asked.
EVERYWHERE = ("SHA512-CRYPT", "PLAIN", "CRAM-MD5", "DIGEST-MD5")

# Hashes that Dovecot 2.4 refuses unless auth_allow_weak_schemes says otherwise.
WEAK = ("MD5", "MD5-CRYPT", "SMD5", "HMAC-MD5", "PLAIN-MD4", "PLAIN-MD5", "LDAP-MD5", "DES-CRYPT")

# Several names for the same bytes.
ALIASES = {"CLEAR": "PLAIN", "CLEARTEXT": "PLAIN", "HMAC-MD5": "CRAM-MD5", "SHA1": "SHA", "ARGON2": "ARGON2ID", "LDAP-MD5": "PLAIN-MD5"}

# hashlib's name, and whether a salt stands behind the digest.
DIGESTS = {
    "SHA": ("sha1", False),
    "SHA256": ("sha256", False),
    "SHA512": ("sha512", False),
    "PLAIN-MD5": ("md5", False),
    "SSHA": ("sha1", True),
    "SSHA256": ("sha256", True),
    "SSHA512": ("sha512", True),
    "SMD5": ("md5", True),
}
SCRAM = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
CRYPT = ("CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT", "MD5-CRYPT", "DES-CRYPT", "MD5")
ARGON2 = ("ARGON2ID", "ARGON2I")
VERIFIED = {*MADE, *DIGESTS, *CRYPT, *ARGON2, "PBKDF2"}
KNOWN = {*VERIFIED, *ALIASES, "OTP", "PLAIN-MD4", "PLAIN-TRUNC"}

_FIELD = re.compile(r"\{([^{}.]+)(?:\.(hex|b64|base64))?\}(.*)", re.IGNORECASE | re.DOTALL)

# How a hash of crypt(3) or Argon2 tells by itself what it is.
PREFIXES = {
    "$6$": "SHA512-CRYPT",
    "$5$": "SHA256-CRYPT",
    "$2": "BLF-CRYPT",
    "$1$": "MD5-CRYPT",
    "$argon2id$": "ARGON2ID",
    "$argon2i$": "ARGON2I",
    "$": "CRYPT",
}

# What a crypt(3) may know besides. Apache's $apr1$ and PHP's $P$ and $H$ look like these, and no login ever succeeds with them.
CRYPT_PREFIXES = (*(prefix for prefix in PREFIXES if prefix != "$"), "$y$", "$gy$", "$7$", "$sha1$", "$md5", "$3$")

BLF_COST = 10  # Some 50 ms; the 5 that libxcrypt and Dovecot take by themselves are from last century.
SCRAM_ITERATIONS = 4096
SALT_BYTES = 16


class Library(t.Protocol):
    """A library that makes and checks hashes; `LibCrypt` also accepts a method and a cost."""

    def matches(self, password: str, stored: str) -> bool: ...

    def hash(self, password: str) -> str: ...


class CryptLibrary(Library, t.Protocol):
    """crypt(3), which makes hashes by several methods."""

    def hash(self, password: str, prefix: str | None = None, cost: int = 0) -> str: ...


@dataclasses.dataclass(frozen=True)
class Stored:
    """A stored password in a passwd-file: the scheme (by its one name), an explicit encoding, the rest."""

    scheme: str
    encoding: str
    text: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Claim:
    """A password in clear with user and realm; DIGEST-MD5 needs all three."""

    password: str = dataclasses.field(repr=False)
    user: str
    realm: str = ""

    @property
    def data(self) -> bytes:
        return self.password.encode(files.ENCODING, files.ERRORS)


def claim(password: str, name: str, realm: str | None) -> Claim:
    """Split a login name into user and realm as Dovecot does; with a *realm* the name is not split."""
    if realm is None:
        user, at, domain = name.rpartition("@")
        return Claim(password, user if at else name, domain if at else "")
    return Claim(password, name[: -len(realm) - 1] if realm and name.endswith(f"@{realm}") else name, realm)


def parse(field: str) -> Stored | None:
    """Parse a password field; None when it has no scheme that Dovecot knows, by name or by form."""
    match = _FIELD.fullmatch(field)
    if match:
        name, text = match.group(1).upper(), match.group(3)
    elif field.startswith("$"):
        name, text = "CRYPT", field
    else:
        return None
    if name not in KNOWN:
        return None
    if name == "MD5" and not text.startswith("$"):
        name = "PLAIN-MD5"
    if name in ("CRYPT", "MD5"):
        name = next((scheme for prefix, scheme in PREFIXES.items() if text.startswith(prefix)), name)
    encoding = (match.group(2) or "").lower().replace("base64", "b64") if match else ""
    return Stored(ALIASES.get(name, name), encoding, text)


def scheme_name(name: str) -> str:
    """Return the common name of a scheme, in whichever spelling it came."""
    return ALIASES.get(name.upper(), name.upper())


def problem_with(given: str, scheme: str | None) -> str | None:
    """Tell why Dovecot cannot use the hash *given*, as the end of a sentence about it; None when it can."""
    field = field_from(given, scheme)
    stored = parse(field)
    if stored is None:
        named = re.match(r"\{([^}]*)\}", field)
        # Whoever takes the one for the other has a password in the braces.
        what = "is in a scheme that Dovecot does not have" if named else "does not tell its scheme"
        return f"{what}; write it as {{SCHEME}}hash, with a scheme such as SHA512-CRYPT, BLF-CRYPT or ARGON2ID"
    if not stored.encoding and not re.fullmatch(MADE.get(stored.scheme, ".+"), stored.text):
        return f"does not look like a hash in the scheme {stored.scheme}, so nobody could log in with it"
    if stored.scheme == "CRYPT" and stored.text.startswith("$") and not stored.text.startswith(CRYPT_PREFIXES):
        kind = stored.text[: stored.text.find("$", 1) + 1]
        return f"is of a kind ({kind}) that crypt(3) does not know, so nobody could log in with it; make another one with 'doveadm pw'"
    return None


def field_from(given: str, scheme: str | None) -> str:
    """Return the password field for the hash *given*, with its scheme before it if that is known."""
    if given.startswith("{"):
        return given
    stored = parse(given)
    name = stored.scheme if stored else scheme and scheme_name(scheme)
    return f"{{{name}}}{given}" if name else given


class Hasher:
    """Makes and checks password fields, as many at a time as there are processors."""

    def __init__(self, crypt: CryptLibrary, sodium: Library) -> None:
        self._crypt = crypt
        self._sodium = sodium

    def verify(self, pairs: t.Sequence[tuple[Stored, Claim]]) -> list[bool]:
        """Return whether each stored field matches its password; False for a scheme that cannot be checked."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda pair: self._matches(*pair), pairs))

    def make(self, wanted: t.Sequence[tuple[str, Claim]]) -> list[str]:
        """Return a new password field for each password in its scheme."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda pair: f"{{{pair[0]}{'.b64' if pair[0] == 'PLAIN' else ''}}}{self._made(*pair)}", wanted))

    def _made(self, scheme: str, who: Claim) -> str:
        if scheme in SCRAM:
            return _scram(SCRAM[scheme], who.data, os.urandom(SALT_BYTES), SCRAM_ITERATIONS)
        if scheme == "CRAM-MD5":
            return _cram_md5(who.data).hex()
        if scheme == "DIGEST-MD5":
            return _digest_md5(who).hex()
        if scheme == "PLAIN":
            # Encoded, because a colon or a brace in a password means something else to Dovecot.
            return base64.b64encode(who.data).decode()
        if scheme == "ARGON2ID":
            return self._sodium.hash(who.password)
        prefix = {"SHA512-CRYPT": "$6$", "SHA256-CRYPT": "$5$", "BLF-CRYPT": "$2y$"}[scheme]
        return self._crypt.hash(who.password, prefix, BLF_COST if scheme == "BLF-CRYPT" else 0)

    def _matches(self, stored: Stored, who: Claim) -> bool:
        scheme = stored.scheme
        if scheme in (*CRYPT, *ARGON2):
            text = _text(stored).decode(files.ENCODING, files.ERRORS)
            return (self._sodium if scheme in ARGON2 else self._crypt).matches(who.password, text)
        if scheme == "PLAIN":
            return _text(stored) == who.data
        if scheme in SCRAM:
            return _scram_matches(SCRAM[scheme], _text(stored), who.data)
        if scheme == "PBKDF2":
            return _pbkdf2_matches(_text(stored), who.data)
        if scheme == "CRAM-MD5":
            return _raw(stored, 32) == _cram_md5(who.data)
        if scheme == "DIGEST-MD5":
            return _raw(stored, 16) == _digest_md5(who)
        if scheme in DIGESTS:
            return _digest_matches(stored, who.data)
        return False


def _digest(name: str, data: bytes) -> bytes:
    # Some hosts allow MD5 only to who says that security does not rest on it: here a protocol asks for it.
    return hashlib.new(name, data, usedforsecurity=False).digest()


def _decoded(text: str, encoding: str) -> bytes:
    """Return the bytes of hexadecimal digits or of base64; none when it is neither."""
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _text(stored: Stored) -> bytes:
    """Return the text that a scheme without an encoding of its own has stored."""
    return _decoded(stored.text, stored.encoding) if stored.encoding else stored.text.encode(files.ENCODING, files.ERRORS)


def _raw(stored: Stored, size: int) -> bytes:
    """Return the bytes of a digest of *size*: without an explicit encoding, the length tells hexadecimal digits from base64."""
    return _decoded(stored.text, stored.encoding or ("hex" if len(stored.text) == 2 * size else "b64"))


def _digest_matches(stored: Stored, password: bytes) -> bool:
    name, salted = DIGESTS[stored.scheme]
    size = hashlib.new(name, usedforsecurity=False).digest_size
    raw = _decoded(stored.text, stored.encoding or "b64") if salted else _raw(stored, size)
    return len(raw) >= size and (salted or len(raw) == size) and raw[:size] == _digest(name, password + raw[size:])


def _digest_md5(who: Claim) -> bytes:
    return _digest(
        "md5", b":".join([who.user.encode(files.ENCODING, files.ERRORS), who.realm.encode(files.ENCODING, files.ERRORS), who.data])
    )


def _scram(name: str, password: bytes, salt: bytes, iterations: int) -> str:
    """Return iterations, salt, StoredKey and ServerKey of RFC 5802."""
    salted = hashlib.pbkdf2_hmac(name, password, salt, iterations)
    stored_key = _digest(name, hmac.digest(salted, b"Client Key", name))
    server_key = hmac.digest(salted, b"Server Key", name)
    return ",".join([str(iterations), *(base64.b64encode(part).decode() for part in (salt, stored_key, server_key))])


def _scram_matches(name: str, stored: bytes, password: bytes) -> bool:
    match = re.fullmatch(rb"([1-9]\d{0,7}),([^,]+),[^,]+,[^,]+", stored)
    if not match:
        return False
    return _scram(name, password, _decoded(match.group(2).decode("ascii", "replace"), "b64"), int(match.group(1))).encode() == stored


def _pbkdf2_matches(stored: bytes, password: bytes) -> bool:
    match = re.fullmatch(rb"\$1\$([^$]*)\$([1-9]\d{0,7})\$([0-9A-Fa-f]{40})", stored)
    if not match:
        return False
    return hashlib.pbkdf2_hmac("sha1", password, match.group(1), int(match.group(2))).hex().encode() == match.group(3).lower()


# --- CRAM-MD5 ------------------------------------------------------------------------------------------------------
# Stored is the inside of two MD5 computations that were stopped after their first block, the one that depends on the
# password alone. hashlib does not show its inside, so that one block is computed here.

SHIFTS = [7, 12, 17, 22] * 4 + [5, 9, 14, 20] * 4 + [4, 11, 16, 23] * 4 + [6, 10, 15, 21] * 4
SINES = [int(abs(math.sin(i + 1)) * 2**32) for i in range(64)]
START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
WORD = 0xFFFFFFFF


def _cram_md5(password: bytes) -> bytes:
    """Return HMAC-MD5's outer and inner state for *password* (RFC 2104)."""
    key = (password if len(password) <= 64 else _digest("md5", password)).ljust(64, b"\0")
    return _md5_of_block(bytes(byte ^ 0x5C for byte in key)) + _md5_of_block(bytes(byte ^ 0x36 for byte in key))


def _md5_of_block(block: bytes) -> bytes:
    """Return MD5's state after one block of 64 bytes (RFC 1321, 3.4)."""
    words = struct.unpack("<16I", block)
    a, b, c, d = START
    for i in range(64):
        if i < 16:
            mixed, k = (b & c) | (~b & d), i
        elif i < 32:
            mixed, k = (d & b) | (~d & c), (5 * i + 1) % 16
        elif i < 48:
            mixed, k = b ^ c ^ d, (3 * i + 5) % 16
        else:
            mixed, k = c ^ (b | (~d & WORD)), (7 * i) % 16
        turned = (a + mixed + SINES[i] + words[k]) & WORD
        a, b, c, d = d, (b + ((turned << SHIFTS[i] | turned >> (32 - SHIFTS[i])) & WORD)) & WORD, b, c
    return struct.pack("<4I", *((old + new) & WORD for old, new in zip(START, (a, b, c, d))))
