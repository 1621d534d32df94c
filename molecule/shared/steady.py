# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A steady trickle of mail to a mail host, which shows whether it serves while something happens to it.

The container of a client runs this file as a program: it sends a message every half second, over port 25 and with a login over port
465, reads each over IMAP, and says so in lines of JSON. It ends with its standard input, or after its time.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import pathlib
import re
import select
import smtplib
import ssl
import subprocess
import sys
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from harness import Peer

PAUSE = 0.5
PATIENCE = 20.0
# How long the last messages may take to arrive when no more are sent.
ENDING = 60.0
# A client may log in sixty times a minute.
EVERY_LOGIN = 4


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _send(number: int, host: str, subject: str, recipient: str, login: list[str]) -> None:
    with_login = number % EVERY_LOGIN == 0
    smtp = smtplib.SMTP_SSL(host, 465, timeout=PATIENCE, context=_context()) if with_login else smtplib.SMTP(host, 25, timeout=PATIENCE)
    try:
        smtp.ehlo("client.example.net")
        sender = recipient if with_login else "x@y.example"
        if with_login:
            # smtplib would begin with CRAM-MD5.
            smtp.esmtp_features["auth"] = "PLAIN"
            smtp.login(*login)
        smtp.sendmail(sender, [recipient], f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject} {number}\r\n\r\nx\r\n")
    finally:
        smtp.close()


class _Mailbox:
    """Return the messages that have arrived; the session is made anew when the host has ended it, and now and then without a reason."""

    def __init__(self, host: str, login: list[str], subject: str) -> None:
        self._host, self._login, self._subject = host, login, subject
        self._session: imaplib.IMAP4 | None = None
        self._next = 1

    def news(self, *, anew: bool) -> list[int]:
        try:
            if anew:
                self._leave()
            if self._session is None:
                self._session = imaplib.IMAP4_SSL(self._host, 993, ssl_context=_context(), timeout=PATIENCE)
                self._session.login(*self._login)
            return list(self._found(self._session))
        except (OSError, imaplib.IMAP4.error):
            self._leave()
            return []

    def _found(self, session: imaplib.IMAP4) -> t.Iterator[int]:
        session.select("INBOX", readonly=True)
        _ok, (uids,) = session.uid("SEARCH", None, f"UID {self._next}:*")
        # The range holds the last message in any case.
        for uid in (int(uid) for uid in uids.split() if int(uid) >= self._next):
            _ok, parts = session.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            head = parts[0][1].decode() if parts[0] else ""
            self._next = uid + 1
            if self._subject in head:
                yield int(head.split()[-1])

    def _leave(self) -> None:
        if self._session is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                self._session.shutdown()
            self._session = None


def _say(**event: t.Any) -> None:
    print(json.dumps(event), flush=True)


def main(host: str, subject: str, recipient: str, login: list[str], seconds: float) -> None:
    mailbox, waiting, number = _Mailbox(host, login, subject), set[int](), 0
    ending, end = None, time.monotonic() + seconds
    while time.monotonic() < end and (ending is None or (waiting and time.monotonic() < ending)):
        if ending is None and select.select([sys.stdin], [], [], PAUSE)[0]:
            ending = time.monotonic() + ENDING
        elif ending is None:
            number += 1
            _say(began=number)
            try:
                _send(number, host, subject, recipient, login)
                waiting.add(number)
                _say(accepted=number)
            except (OSError, smtplib.SMTPException) as e:
                _say(refused=number, why=f"{type(e).__name__}: {e}")
        else:
            time.sleep(PAUSE)
        news = mailbox.news(anew=number % EVERY_LOGIN == 0)
        waiting -= set(news)
        for arrived in news:
            _say(arrived=arrived)


class Steady:
    """The other end, in a test: the mail that goes on to one host."""

    def __init__(self, client: Peer, **arguments: t.Any) -> None:
        self.accepted: set[int] = set()
        self.arrived: set[int] = set()
        self.refused: list[str] = []
        self._began = 0
        self._told = threading.Condition()
        argv = ["docker", "exec", "-i", client.container, "python3", "-c", pathlib.Path(__file__).read_text(), json.dumps(arguments)]
        self._client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._client.stdout
        for line in self._client.stdout:
            event = json.loads(line)
            with self._told:
                self._began = event.get("began", self._began)
                self.accepted |= {event["accepted"]} if "accepted" in event else set()
                self.arrived |= {event["arrived"]} if "arrived" in event else set()
                self.refused += [event["why"]] if "refused" in event else []
                self._told.notify_all()

    def goes_on(self, patience: float = 60.0) -> bool:
        """Tell if a message arrives that is sent from now on: the host greets, accepts, delivers and lets it be read."""
        with self._told:
            # The one that is being sent may have been begun before.
            now = self._began + 1
            return self._told.wait_for(lambda: any(number > now for number in self.arrived), patience)

    def end(self) -> set[int]:
        """Send no more, and give the messages that were accepted and have not arrived."""
        assert self._client.stdin
        self._client.stdin.close()
        try:
            self._client.wait(ENDING + 2 * PATIENCE)
        except subprocess.TimeoutExpired:
            self._client.kill()
        self._reader.join(PATIENCE)
        assert self._client.stderr
        said = self._client.stderr.read()
        assert re.search(r"\w", said) is None, said
        return self.accepted - self.arrived


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
