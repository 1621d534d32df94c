# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The trust of a probe in a certificate, and its report on the TLS session."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import hmac
import re
import ssl
import typing as t
import warnings

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, MailError

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# In Python's ssl module since 3.10.
PARTIAL_CHAIN = 0x80000


class Untrusted(MailError):
    """The peer showed another certificate than the pinned one."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """The conditions for accepting a server's certificate."""

    ca_file: str | None = None
    ca_content: str | None = None
    validate_certs: bool = True
    server_hostname: str | None = None
    certificate_fingerprint: str | None = None
    tls_min_version: str = "TLSv1.2"
    tls_max_version: str | None = None

    def check(self) -> None:
        """Check the trust itself before a server is asked. Raises `BadInput` and `HostError`."""
        if self.certificate_fingerprint and not re.fullmatch(r"[0-9a-f]{64}", self._fingerprint()):
            raise BadInput("certificate_fingerprint must be a SHA-256 fingerprint, which is 64 hexadecimal digits, with or without colons.")
        if self.tls_max_version and VERSIONS[self.tls_max_version] < VERSIONS[self.tls_min_version]:
            raise BadInput(f"tls_max_version ({self.tls_max_version}) is below tls_min_version ({self.tls_min_version}).")
        self.context()

    def name(self, host: str) -> str:
        return self.server_hostname or host

    def context(self) -> ssl.SSLContext:
        return _context(self)

    def examine(self, tls: ssl.SSLSocket) -> dict[str, t.Any]:
        """Return the facts of a session after its handshake. Raises `Untrusted`."""
        der = tls.getpeercert(binary_form=True) or b""
        fingerprint = hashlib.sha256(der).hexdigest()
        cipher = tls.cipher()
        facts: dict[str, t.Any] = {
            "tls_version": tls.version(),
            "cipher": cipher[0] if cipher else None,
            "certificate": {"sha256": fingerprint, **_named(tls.getpeercert() or {})},
        }
        if self.certificate_fingerprint and not hmac.compare_digest(fingerprint, self._fingerprint()):
            raise Untrusted(f"the certificate is not the pinned one, its SHA-256 fingerprint is {fingerprint}")
        return facts

    def _fingerprint(self) -> str:
        text = (self.certificate_fingerprint or "").strip().lower()
        return re.sub(r"^sha-?256[:=]|[:\s]", "", text)


@functools.lru_cache(maxsize=64)
def _context(trust: Trust) -> ssl.SSLContext:
    """Return the context for ``ssl``. Many probes share one: to load the system's authorities takes 50 ms."""
    # Not create_default_context(): since Python 3.13 it refuses certificates that every mail client takes.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with warnings.catch_warnings():
        # To ask for an old version is the point of the option: a server must refuse it.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[trust.tls_min_version]
        if trust.tls_max_version:
            context.maximum_version = VERSIONS[trust.tls_max_version]
    if VERSIONS[trust.tls_min_version] < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if trust.certificate_fingerprint or not trust.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    # A certificate given as the anchor is trusted as such, whoever has signed it.
    context.verify_flags |= PARTIAL_CHAIN
    if trust.ca_file or trust.ca_content:
        _load(context, trust)
    else:
        context.load_default_certs()
    return context


def _load(context: ssl.SSLContext, trust: Trust) -> None:
    try:
        if trust.ca_file:
            context.load_verify_locations(cafile=trust.ca_file)
    except ssl.SSLError as e:
        raise BadInput(f"ca_file {trust.ca_file} holds no certificate in PEM format.") from e
    except OSError as e:
        raise HostError(f"Cannot read ca_file {trust.ca_file}: {e.strerror}.") from e
    try:
        if trust.ca_content:
            context.load_verify_locations(cadata=trust.ca_content)
    except (ssl.SSLError, ValueError) as e:
        raise BadInput("ca_content holds no certificate in PEM format.") from e


def _named(decoded: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Flatten Python's nested tuples, which exist only for certificates that it has verified."""
    if not decoded:
        return {}
    return {
        "subject": _name(decoded.get("subject", ())),
        "issuer": _name(decoded.get("issuer", ())),
        "not_after": decoded.get("notAfter"),
        "names": [value for _kind, value in decoded.get("subjectAltName", ())],
    }


def _name(parts: t.Iterable[t.Iterable[tuple[str, str]]]) -> str:
    return ", ".join(f"{key}={value}" for part in parts for key, value in part)
