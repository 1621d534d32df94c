# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate and its private key: their contents, their checks, and a self-signed pair where there is none."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import ipaddress
import os
import re
import ssl
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

# The organization in the subject by which the collection knows the certificates it made itself, and may renew.
ORGANIZATION = "self-signed by postroom.mail"
DAY = 86400

KEY_TYPES = {
    # Every client that speaks TLS 1.2 takes P-256, and its handshake is a tenth of the work of RSA.
    "ecdsa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:named_curve"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
}


class CertificateMissing(HostError):
    """The certificate or the key does not exist."""


class CertificateUnusable(HostError):
    """The certificate or the key is not in a readable form."""


class CertificateNotValidNow(HostError):
    """The certificate is expired, or not valid yet."""


class KeyMismatch(HostError):
    """The private key belongs to another certificate."""


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The contents of a certificate; times are seconds since 1970."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    fingerprint: str
    names: tuple[str, ...]

    @property
    def self_signed(self) -> bool:
        return self.subject == self.issuer

    @property
    def ours(self) -> bool:
        return self.self_signed and f"O={ORGANIZATION}" in self.subject

    def covers(self, name: str) -> bool:
        """Return whether a client that connects to *name* accepts this certificate (RFC 6125: only alternative names count)."""
        wanted = normalized(name)
        _host, _dot, parent = wanted.partition(".")
        return any(own == wanted or (own.startswith("*.") and own[2:] == parent) for own in self.names)


def normalized(name: str) -> str:
    """Return a host name or an address in the common form for comparison."""
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name.rstrip(".").lower()


def checked_names(common_name: str, others: list[str]) -> list[str]:
    """Return *common_name* first, then the *others*, each once. Raises `BadInput`."""
    names = list(dict.fromkeys(normalized(name) for name in [common_name, *others]))
    for name in names:
        if not _is_address(name) and not re.fullmatch(
            r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name
        ):
            raise BadInput(f"'{name}' is neither a host name nor an address, so no certificate can be made for it.")
    return names


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def parse_x509(text: str) -> Certificate:
    """Parse the output of ``openssl x509 -noout -subject -issuer -dates -fingerprint -ext subjectAltName -nameopt RFC2253``."""
    fields = dict(re.findall(r"^(subject|issuer|notBefore|notAfter|\S+ Fingerprint)\s*=\s*(.*)$", text, re.MULTILINE | re.IGNORECASE))
    fingerprint = next((value for name, value in fields.items() if name.lower().endswith("fingerprint")), "")
    alternative = re.search(r"Subject Alternative Name:.*\n\s*(.*)", text)
    names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", alternative.group(1)) if alternative else []
    return Certificate(
        subject=fields.get("subject", ""),
        issuer=fields.get("issuer", ""),
        not_before=ssl.cert_time_to_seconds(fields["notBefore"]),
        not_after=ssl.cert_time_to_seconds(fields["notAfter"]),
        fingerprint=fingerprint,
        names=tuple(normalized(name) for name in names),
    )


def request_config(names: list[str], key_type: str) -> str:
    """Return the configuration for ``openssl req``, so that nothing depends on the host's openssl.cnf."""
    alternatives = ",".join(f"IP:{name}" if _is_address(name) else f"DNS:{name}" for name in names)
    # A common name has at most 64 characters; a longer host name stands among the alternative names alone.
    common_name = f"CN = {names[0]}\n" if len(names[0]) <= 64 else ""
    usage = "digitalSignature" + (", keyEncipherment" if key_type == "rsa" else "")
    return (
        "[req]\nprompt = no\nutf8 = yes\ndistinguished_name = name\nx509_extensions = extensions\n"
        f"[name]\nO = {ORGANIZATION}\n{common_name}"
        "[extensions]\nbasicConstraints = critical, CA:FALSE\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
        f"keyUsage = critical, {usage}\nextendedKeyUsage = serverAuth\nsubjectAltName = {alternatives}\n"
    )


def iso(seconds: float) -> str:
    """Return a time as people and Ansible's filters read it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def decide(found: Certificate | None, names: list[str], self_signed: bool, warn_days: int, now: float) -> tuple[str, str]:
    """Decide on the action (``none``, ``created``, ``renewed``) for a certificate for *names*, and give the reason."""
    if found is None:
        return "created", "there is none"
    if self_signed and found.ours:
        if found.not_after - now < warn_days * DAY:
            return "renewed", f"the one there ends on {iso(found.not_after)}"
        if set(found.names) != set(names):
            return "renewed", f"the one there is for {', '.join(found.names)}"
    return "none", ""


def describe(found: Certificate | None, names: list[str]) -> dict[str, t.Any]:
    """Describe the certificate for the result; of one that is not made yet only its names are known."""
    if found is None:
        return {"self_signed": True, "not_after": None, "subject": None, "subject_alt_names": names, "fingerprint": None}
    return {
        "self_signed": found.self_signed,
        "not_after": iso(found.not_after),
        "subject": found.subject,
        "subject_alt_names": list(found.names),
        "fingerprint": found.fingerprint,
    }


def diff(pair: SelfSigned, action: str, reason: str, exposed: bool) -> dict[str, str]:
    """The ``diff`` of the result: the certificate, or the key where nothing but the right to read it is taken back."""
    if exposed:
        header = {"before_header": pair.private_key, "after_header": pair.private_key}
        return {**header, "before": "[readable for everybody]\n", "after": "[readable for root only]\n"}
    after = f"a self-signed certificate for {', '.join(pair.names)}, {action}\n" if action != "none" else ""
    header = {"before_header": pair.certificate, "after_header": pair.certificate}
    return {**header, "before": f"[{reason}]\n" if reason else "", "after": after}


# --- the host ------------------------------------------------------------------------------------------------------


def inspect(run: Run, certificate: str, private_key: str) -> Certificate:
    """Read the pair and make sure that the two belong together. Raises `CertificateMissing`, `CertificateUnusable`, `KeyMismatch`."""
    for path, what, mark in ((certificate, "certificate", "BEGIN CERTIFICATE"), (private_key, "private key", "PRIVATE KEY")):
        text = files.read_text(path)
        if text is None:
            raise CertificateMissing(
                f"The {what} {path} does not exist: put it there or name the right file."
                " Where neither certificate nor key exists, self_signed: true makes a pair."
            )
        if mark not in text:
            raise CertificateUnusable(
                f"{path} holds no {what} in PEM format (no line with '{mark}'); Postfix and Dovecot read nothing else:"
                " convert it with the openssl program."
            )
    _check_pair(certificate, private_key)
    what_to_tell = ["-subject", "-issuer", "-dates", "-fingerprint", "-sha256", "-ext", "subjectAltName", "-nameopt", "RFC2253"]
    rc, stdout, stderr = run(["openssl", "x509", "-in", certificate, "-noout", *what_to_tell])
    _demand_openssl(rc)
    try:
        return parse_x509(stdout)
    except (KeyError, ValueError):
        raise CertificateUnusable(f"openssl cannot read the certificate {certificate}: {stderr.strip() or stdout.strip()}.") from None


def _check_pair(certificate: str, private_key: str) -> None:
    def refuse_passphrase() -> t.NoReturn:
        raise CertificateUnusable(
            f"The private key {private_key} is protected by a passphrase, which no daemon can enter: remove it with 'openssl pkey'."
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, refuse_passphrase)
    except ssl.SSLError as e:
        # OpenSSL keeps a slot for each type of key: for an RSA key with an ECDSA certificate it finds "no certificate".
        if "MISMATCH" in (e.reason or "") or e.reason == "NO_CERTIFICATE_ASSIGNED":
            raise KeyMismatch(
                f"The private key {private_key} does not belong to the certificate {certificate}: name the two files of one pair."
            ) from None
        reason = (e.reason or str(e)).replace("_", " ").lower()
        raise CertificateUnusable(f"The certificate {certificate} and its key {private_key} cannot be loaded: {reason}.") from None
    except OSError as e:
        raise CertificateUnusable(f"Cannot read {certificate} or {private_key}: {e.strerror}.") from e


def check_dates(found: Certificate, path: str, now: float) -> None:
    """Check the validity of the certificate at this time. Raises `CertificateNotValidNow`."""
    if found.not_after <= now:
        raise CertificateNotValidNow(f"The certificate {path} expired on {iso(found.not_after)}: renew it, every client refuses it.")
    if found.not_before > now:
        raise CertificateNotValidNow(
            f"The certificate {path} is not valid before {iso(found.not_before)}, and the host's clock says {iso(now)}:"
            " set the clock, or wait."
        )


def warnings_about(found: Certificate, pair: SelfSigned, warn_days: int, now: float) -> t.Iterator[str]:
    """Report conditions that will be an error later, or are one for some clients."""
    days = int((found.not_after - now) // DAY)
    if days < warn_days:
        yield f"The certificate {pair.certificate} expires in {days} days, on {iso(found.not_after)}: renew it."
    if pair.names and not found.covers(pair.names[0]):
        told = ", ".join(found.names) or "no name at all"
        yield f"The certificate {pair.certificate} is for {told}, not for {pair.names[0]}: clients that connect to that name refuse it."
    if os.stat(pair.private_key).st_mode & 0o007:
        yield f"The private key {pair.private_key} is readable for everybody on the host: close it with chmod o-rwx."


def close_key(pair: SelfSigned, check_mode: bool) -> bool:
    """Close a key of this collection that others can read; return whether it was open."""
    if not os.stat(pair.private_key).st_mode & 0o007:
        return False
    files.update(pair.private_key, lambda text: text or "", attributes=files.Attributes(mode=0o600), check_mode=check_mode)
    return True


@dataclasses.dataclass(frozen=True)
class SelfSigned:
    """The self-signed pair to make where there is none."""

    certificate: str
    private_key: str
    names: list[str]
    days: int
    key_type: str

    def write(self, run: Run) -> None:
        """Make the missing files: the key first, then the certificate. An existing key is used again, so that a renewal
        replaces one file and no daemon ever loads the halves of two pairs.
        """
        for path, mode in ((self.private_key, 0o700), (self.certificate, 0o755)):
            _make_directory(os.path.dirname(path), mode)
        with rooms.room("certificate") as directory:
            key = self.private_key
            if not os.path.exists(key):
                key = os.path.join(directory, "key")
                _openssl(run, ["genpkey", *KEY_TYPES[self.key_type], "-out", key])
            config = os.path.join(directory, "config")
            with open(config, "w", encoding="utf-8") as f:
                f.write(request_config(self.names, self.key_type))
            made = os.path.join(directory, "certificate")
            _openssl(run, ["req", "-new", "-x509", "-sha256", "-config", config, "-key", key, "-days", str(self.days), "-out", made])
            for path, source, mode in ((self.private_key, key, 0o600), (self.certificate, made, 0o644)):
                if source != path:
                    _copy(source, path, mode)


def _copy(source: str, path: str, mode: int) -> None:
    text = files.read_text(source) or ""
    files.update(path, lambda _before: text, attributes=files.Attributes(mode=mode))


def _make_directory(path: str, mode: int) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
    except OSError as e:
        raise HostError(f"Cannot make the directory {path} for the certificate: {e.strerror}.") from e


def _openssl(run: Run, args: list[str]) -> None:
    rc, stdout, stderr = run(["openssl", *args])
    _demand_openssl(rc)
    if rc != 0:
        raise HostError(f"'openssl {args[0]}' failed: {(stderr or stdout).strip()}.")


def _demand_openssl(rc: int) -> None:
    if rc == 127:
        raise HostError("The openssl program is not on this host, and certificates are made and read with it: install the package openssl.")
