# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A load of mail that counts: ``load.py send JSON`` sends numbered messages, ``load.py found JSON`` reads their numbers in a mailbox.

Both run in a client's container and answer with JSON. A message that the server did not take before its final dot, by a refusal or
by a cut, is sent again, as any client does it. A connection that ends between the final dot and the reply is *broken*: nobody knows if
the server has the message, and it is not sent again here, so that a second copy can only be the server's. Every loop is bounded.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import imaplib
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
import typing as t

# A server that says nothing for so long has lost the connection.
TIMEOUT = 60.0
PAUSE = 0.05


class NotTaken(Exception):
    """The server does not have the message, and the client knows it; the text says at which step it ended."""


class Broken(Exception):
    """The connection ended after the final dot, and before the reply."""


@dataclasses.dataclass
class Load:
    """The messages to send: at least *least* of them, and then until the file *until* is there, up to *most* or for *seconds*."""

    host: str
    mark: str
    recipients: list[list[str]]
    least: int
    most: int
    seconds: float
    until: str | None = None
    senders: int = 8
    # So many messages go over one connection, in turn.
    runs: t.Sequence[int] = (1, 3, 10)
    # Messages in a second, of all senders together.
    pace: float = 1000.0
    size: int = 2000


class Session:
    """One SMTP connection, for several messages."""

    def __init__(self, host: str) -> None:
        self.step = "greeting"
        self._lines: t.IO[bytes] | None = None
        try:
            self._socket = socket.create_connection((host, 25), TIMEOUT)
            self._lines = self._socket.makefile("rb")
            self._expect("220")
            self._say("EHLO load.example.net", "250")
        except OSError as e:
            raise NotTaken(f"{self.step}: {type(e).__name__}") from e

    def send(self, sender: str, recipients: t.Sequence[str], text: bytes) -> None:
        """Send one message."""
        try:
            self._say(f"MAIL FROM:<{sender}>", "250")
            for recipient in recipients:
                self._say(f"RCPT TO:<{recipient}>", "250")
            self._say("DATA", "354")
            self.step = "text"
            self._socket.sendall(text)
            # A connection that is gone by now takes no dot.
            self._socket.sendall(b".\r\n")
        except OSError as e:
            raise NotTaken(f"{self.step}: {type(e).__name__}") from e
        self.step = "dot"
        try:
            self._expect("250")
        except (EOFError, OSError) as e:
            raise Broken(type(e).__name__) from e

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, NotTaken):
            self._say("QUIT", "221")
        with contextlib.suppress(OSError, AttributeError):
            self._socket.close()

    def _say(self, command: str, code: str) -> None:
        self.step = command.split()[0]
        self._socket.sendall(command.encode() + b"\r\n")
        try:
            self._expect(code)
        except EOFError as e:
            raise NotTaken(f"{self.step}: closed") from e

    def _expect(self, code: str) -> None:
        """Read one reply."""
        assert self._lines is not None
        for line in self._lines:
            if line[3:4] != b"-":
                if not line.endswith(b"\n"):
                    break
                if not line.startswith(code.encode()):
                    raise NotTaken(f"{self.step}: {line[:3].decode()}")
                return
        if self.step == "greeting":
            raise NotTaken("greeting: closed")
        raise EOFError


class Senders:
    """Clients that take numbers and send them."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.started = time.monotonic()
        self.accepted: list[int] = []
        self.broken: list[tuple[int, str]] = []
        self.unsent: list[int] = []
        self.retried: collections.Counter[str] = collections.Counter()
        self.longest = 0.0
        self._next = 0
        self._lock = threading.Lock()

    def run(self) -> dict[str, t.Any]:
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self.load.senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {
            "accepted": sorted(self.accepted),
            "broken": sorted(self.broken),
            "unsent": sorted(self.unsent),
            "retried": dict(self.retried),
            "seconds": round(time.monotonic() - self.started, 1),
            "longest": round(self.longest, 2),
        }

    def _left(self) -> float:
        return self.started + self.load.seconds - time.monotonic()

    def _number(self) -> int | None:
        """The number of the next message; None when it is enough."""
        load = self.load
        with self._lock:
            is_enough = self._next >= load.least and (load.until is None or os.path.exists(load.until))
            if is_enough or self._next >= load.most or self._left() <= 0:
                return None
            self._next += 1
            number = self._next - 1
        time.sleep(min(max(0.0, self.started + number / load.pace - time.monotonic()), 5.0))
        return number

    def _work(self, turn: int) -> None:
        session: Session | None = None
        left = 0
        while (number := self._number()) is not None:
            if left == 0 and session:
                session.close()
                session = None
            if session is None:
                turn += 1
                left = self.load.runs[turn % len(self.load.runs)]
            session = self._send(number, session)
            left = left - 1 if session else 0
        if session:
            session.close()

    def _send(self, number: int, session: Session | None) -> Session | None:
        """Send the message until the server has it, and return the connection for the next one."""
        load = self.load
        recipients = load.recipients[number % len(load.recipients)]
        text = _text(load, number, recipients)
        began = time.monotonic()
        while self._left() > -TIMEOUT:
            try:
                session = session or Session(load.host)
                session.send("load@load.example.net", recipients, text)
            except NotTaken as e:
                self.retried[str(e)] += 1
                time.sleep(PAUSE)
            except Broken as e:
                self.broken.append((number, str(e)))
                return None
            else:
                self.accepted.append(number)
                self.longest = max(self.longest, time.monotonic() - began)
                return session
            if session:
                session.close()
                session = None
        self.unsent.append(number)
        return None


def _text(load: Load, number: int, recipients: t.Sequence[str]) -> bytes:
    head = {
        "From": "<load@load.example.net>",
        "To": ", ".join(f"<{recipient}>" for recipient in recipients),
        "Subject": f"{load.mark} {number}",
        "Message-ID": f"<{load.mark}.{number}@load.example.net>",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return lines.encode() + b"\r\n" + (b"x" * 70 + b"\r\n") * (load.size // 72)


def send(**load: t.Any) -> dict[str, t.Any]:
    """Send the `Load`, and return the numbers that were accepted, broken and left unsent."""
    return Senders(Load(**load)).run()


def found(host: str, login: list[str], mark: str, folder: str = "INBOX") -> dict[str, int]:
    """Count the messages of *mark* in a folder by their numbers."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    session = imaplib.IMAP4_SSL(host, 993, ssl_context=trusting, timeout=TIMEOUT)
    session.login(*login)
    session.select(folder, readonly=True)
    _ok, rows = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    heads = b"".join(row[1] for row in rows if isinstance(row, tuple))
    session.logout()
    return collections.Counter(re.findall(rf"<{re.escape(mark)}\.(\d+)@load", heads.decode("ascii", "replace")))


if __name__ == "__main__":
    print(json.dumps({"send": send, "found": found}[sys.argv[1]](**json.loads(sys.argv[2]))))
