# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client's side of SASL: ``client(MECHANISM, USER, PASSWORD, SERVICE, HOST)`` answers one challenge after the other.

The server's own proof is checked where the mechanism has one. Not a word about the protocol around it: SMTP, IMAP and POP3
say the same. Servers that take a first answer without a challenge take it after an empty one, too.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
import secrets
import typing as t

# A conversation takes challenges and gives answers; the first thing it does is to wait for a challenge.
Conversation = t.Generator[bytes, bytes, None]


class Impostor(Exception):
    """The server could not prove that it knows the password, too."""


def _plain(user: str, password: str, _uri: str) -> Conversation:
    yield b""
    yield f"\0{user}\0{password}".encode()


def _login(user: str, password: str, _uri: str) -> Conversation:
    yield b""
    yield user.encode()
    yield password.encode()


def _cram_md5(user: str, password: str, _uri: str) -> Conversation:
    challenge = yield b""
    yield f"{user} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}".encode()


def _digest_md5(user: str, password: str, uri: str) -> Conversation:
    challenge = yield b""
    fields = {name: value.strip('"') for name, value in re.findall(r'([\w-]+)=("[^"]*"|[^,]*)', challenge.decode())}
    # A name with a realm is looked up in that one, any other in the first that the server names.
    name, _at, realm = user.partition("@")
    realm = realm or fields.get("realm", "")
    nonce, own = fields["nonce"], secrets.token_hex(8)

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret = hashlib.md5(hashlib.md5(f"{name}:{realm}:{password}".encode()).digest() + f":{nonce}:{own}".encode()).hexdigest()

    def response(method: str) -> str:
        return md5(f"{secret}:{nonce}:00000001:{own}:auth:{md5(f'{method}:{uri}')}")

    said = {"username": name, "realm": realm, "nonce": nonce, "cnonce": own, "digest-uri": uri}
    quoted = ",".join(f'{key}="{value}"' for key, value in said.items())
    proof = yield f"{quoted},nc=00000001,qop=auth,charset=utf-8,response={response('AUTHENTICATE')}".encode()
    if proof != f"rspauth={response('')}".encode():
        raise Impostor(proof)
    yield b""


def _scram(digest: str, user: str, password: str, _uri: str) -> Conversation:
    yield b""
    escaped = user.replace("=", "=3D").replace(",", "=2C")
    first = f"n={escaped},r={secrets.token_hex(12)}"
    challenge = (yield f"n,,{first}".encode()).decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    last = f"c=biws,r={fields['r']}"
    whole = f"{first},{challenge},{last}".encode()
    key = hmac.digest(salted, b"Client Key", digest)
    signature = hmac.digest(hashlib.new(digest, key).digest(), whole, digest)
    mine = bytes(a ^ b for a, b in zip(key, signature))
    proof = yield f"{last},p={base64.b64encode(mine).decode()}".encode()
    if proof != b"v=" + base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", digest), whole, digest)):
        raise Impostor(proof)
    yield b""


MECHANISMS: dict[str, t.Callable[[str, str, str], Conversation]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "DIGEST-MD5": _digest_md5,
    "SCRAM-SHA-1": functools.partial(_scram, "sha1"),
    "SCRAM-SHA-256": functools.partial(_scram, "sha256"),
    "SCRAM-SHA-512": functools.partial(_scram, "sha512"),
}


def client(mechanism: str, user: str, password: str, service: str, host: str) -> t.Callable[[bytes], bytes]:
    """Return the answer to each challenge of the server."""
    conversation = MECHANISMS[mechanism](user, password, f"{service}/{host}")
    next(conversation)
    return conversation.send
