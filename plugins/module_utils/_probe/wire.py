# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP connection that keeps a deadline, whatever the peer does.

Every probe speaks through a `Wire`. It knows at which step of the dialogue it is, turns every failure into a `Stop` and
writes what it learns into `facts` at once, so that a probe that ends early still tells what it saw.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
from ansible_collections.postroom.mail.plugins.module_utils._probe.tls import Trust, Untrusted

# RFC 5321 allows 512 bytes in a reply line, IMAP servers send capability lines longer than that.
LONGEST_LINE = 64 * 1024
LARGEST_LITERAL = 4 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
LONGEST_ANSWER = 500
# That a server may say of what it can do.
MOST_WORDS = 200


class Stop(MailError):
    """The dialogue ends here, with *outcome*; *answer* holds the server's own words or the reason."""

    def __init__(self, outcome: str, answer: str, reply_code: int | None = None) -> None:
        super().__init__(answer)
        self.outcome = outcome
        self.answer = answer
        self.reply_code = reply_code


class Deadline:
    """The time limit of all waiting."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._leave = min(1.0, seconds / 10)

    def left(self) -> float:
        """Return the seconds that are left; raise ``socket.timeout`` when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise socket.timeout
        return seconds

    def nearly_passed(self) -> bool:
        """Return whether it is time to stop waiting and to take leave."""
        return self._end - time.monotonic() <= self._leave

    def sleep(self, seconds: float) -> None:
        """Pause for *seconds*, but not beyond the time to take leave."""
        time.sleep(max(0.0, min(seconds, self._end - self._leave - time.monotonic())))


class Wire:
    """One connection: lines in, lines out."""

    def __init__(self, deadline: Deadline, facts: dict[str, t.Any], secrets: t.Sequence[str] = ()) -> None:
        self.deadline = deadline
        self.facts = facts
        self.step = "connect"
        self._secrets = core_secrets.all_spellings(secrets)
        self._sock: socket.socket | None = None
        self._buffer = b""
        self._received = 0

    # Opening and closing

    def connect(self, host: str, port: int, source_address: str | None = None) -> None:
        """Connect to the first address of *host* that answers."""
        self.step = "connect"
        source = resolve(source_address, 0, self.deadline)[0] if source_address else None
        addresses = resolve(host, port, self.deadline, source[0] if source else socket.AF_UNSPEC)
        problem = "no address"
        for position, (family, address) in enumerate(addresses):
            sock = None
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
                # A silent first address must leave time for the next one.
                sock.settimeout(self.deadline.left() / (len(addresses) - position))
                if source:
                    _bind(sock, source[1])
                sock.connect(address)
            except socket.timeout:
                problem = f"no answer from {address[0]} port {port}"
            except OSError as e:
                problem = f"{address[0]} port {port}: {e.strerror or e}"
            else:
                self._sock, self._buffer, self._received = sock, b"", 0
                self.facts["address"] = address[0]
                return
            if sock:
                sock.close()
        # Only a host that has an address can be proved to be closed: a misspelt name is "unresolved".
        raise Stop("unreachable", problem)

    def start_tls(self, trust: Trust, host: str) -> None:
        """Negotiate TLS and verify the peer."""
        self.step = "tls"
        sock = self._socket()
        if self._buffer:
            # Data from before the handshake could come from an attacker on the way (CVE-2011-0411).
            raise Stop("tls_failed", f"the server sent data before the TLS handshake: {self.words(self._buffer)}")
        try:
            sock.settimeout(self.deadline.left())
            tls = trust.context().wrap_socket(sock, server_hostname=trust.name(host))
            self._sock = tls
            self.facts.update(trust.examine(tls))
        except socket.timeout:
            raise self._late("the TLS handshake was not over") from None
        except (ssl.SSLCertVerificationError, Untrusted) as e:
            raise Stop("untrusted", _reason(e)) from e
        except ssl.SSLError as e:
            raise Stop("tls_failed", _reason(e)) from e
        except ValueError as e:
            raise Stop("untrusted", f"'{trust.name(host)}' cannot stand in a certificate ({e})") from e
        except OSError as e:
            raise Stop("tls_failed", f"the connection broke during the TLS handshake ({e.strerror or e})") from e

    @property
    def encrypted(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket)

    def local_address(self) -> str:
        return str(self._socket().getsockname()[0])

    def close(self) -> None:
        if self._sock:
            with contextlib.suppress(OSError):
                self._sock.close()
        self._sock = None

    # Speaking

    def send_line(self, line: str | bytes) -> None:
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def send(self, data: bytes) -> None:
        sock = self._socket()
        try:
            # In pieces: the time-out of a TLS socket is one of each piece, not of all of them.
            for start in range(0, len(data), 16384):
                sock.settimeout(self.deadline.left())
                sock.sendall(data[start : start + 16384])
        except socket.timeout:
            raise self._late("the server did not take what was sent") from None
        except OSError as e:
            raise Stop("dropped", f"the server closed the connection ({e.strerror or e})") from e

    def read_line(self) -> bytes:
        """Read the next line, without its line end."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                raise Stop("garbled", f"a line of more than {LONGEST_LINE} bytes: {self.words(self._buffer)}")
            self._fill()
        line, _end, self._buffer = self._buffer.partition(b"\n")
        return line[:-1] if line.endswith(b"\r") else line

    def read_bytes(self, size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise Stop("garbled", f"the server announces {size} bytes where at most {LARGEST_LITERAL} make sense")
        while len(self._buffer) < size:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _fill(self) -> None:
        sock = self._socket()
        try:
            sock.settimeout(self.deadline.left())
            data = sock.recv(65536)
        except socket.timeout:
            raise self._late("no complete answer") from None
        except ssl.SSLError as e:
            raise Stop("tls_failed", _reason(e)) from e
        except OSError as e:
            raise Stop("dropped", f"the server closed the connection ({e.strerror or e})") from e
        if not data:
            raise Stop("dropped", f"the server closed the connection{self._so_far()}")
        self._buffer += data
        self._received += len(data)
        if self._received > MOST_BYTES:
            raise Stop("garbled", f"the server sends without end, {MOST_BYTES} bytes so far")

    # Words for people

    def hide(self, secret: str) -> None:
        """Never repeat *secret*, should the server echo it, in quotes or in base64 for instance."""
        self._secrets |= core_secrets.spellings(secret)

    def words(self, data: bytes | str) -> str:
        """Return the server's words, fit for a report: printable, short, and without the secrets that were sent."""
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        text = core_secrets.without(text, self._secrets)
        text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).strip()
        return text if len(text) <= LONGEST_ANSWER else f"{text[:LONGEST_ANSWER]}..."

    def _late(self, what: str) -> Stop:
        return Stop("timeout", f"{what} within {self.deadline.seconds:g} s{self._so_far()}")

    def _so_far(self) -> str:
        return f"; so far it said: {self.words(self._buffer)}" if self._buffer else ""

    def _socket(self) -> socket.socket:
        if self._sock is None:
            raise Stop("dropped", "the connection is closed")
        return self._sock


def resolve(host: str, port: int, deadline: Deadline, family: int = socket.AF_UNSPEC) -> list[tuple[int, t.Any]]:
    """Return the addresses of *host*. The resolver has no time-out of its own to set, so it works in a thread of its own."""
    found: list[t.Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as e:
            found.append(e)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    with contextlib.suppress(socket.timeout):
        thread.join(deadline.left())
    if not found:
        raise Stop("timeout", f"the resolver gave no answer for '{host}' within {deadline.seconds:g} s")
    if isinstance(found[0], Exception):
        raise Stop("unresolved", f"the name '{host}' cannot be resolved ({getattr(found[0], 'strerror', None) or found[0]})")
    return [(info[0], info[4]) for info in found[0]]


def _bind(sock: socket.socket, source: t.Any) -> None:
    try:
        sock.bind(source)
    except OSError as e:
        sock.close()
        raise Stop("unsupported", f"cannot connect from source_address {source[0]}: {e.strerror or e}") from e


def _reason(e: Exception) -> str:
    """Return OpenSSL's words without its file names and line numbers."""
    if isinstance(e, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {e.verify_message}"
    if isinstance(e, ssl.SSLError):
        reason = (e.reason or "").replace("_", " ") or re.sub(r" ?\(_ssl\.c:\d+\)", "", e.strerror or str(e))
        return f"the TLS handshake failed: {reason.lower()}"
    return str(e)
