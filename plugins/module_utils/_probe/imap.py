# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IMAP half of a probe: log in, wait for a message, read its headers, remove it."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.folder_names import modified_utf7
from ansible_collections.postroom.mail.plugins.module_utils._probe import sasl
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import parse_headers
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import MOST_WORDS, Deadline, Stop, Wire

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Endpoint

MOST_RESPONSES = 10000
FAREWELL = 2.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclasses.dataclass
class Response:
    """One response: its text, with every literal moved out of it."""

    text: bytes
    literals: list[bytes]


class Imap:
    """One IMAP session over a `Wire`."""

    def __init__(self, wire: Wire, endpoint: Endpoint) -> None:
        self.wire = wire
        self.facts = wire.facts
        self._endpoint = endpoint
        self._count = 0

    def open(self) -> None:
        wire, endpoint = self.wire, self._endpoint
        wire.connect(endpoint.host, endpoint.port, endpoint.source_address)
        if endpoint.tls == "implicit":
            wire.start_tls(endpoint.trust, endpoint.host)
        wire.step = "greeting"
        greeting = self._response()
        self.facts["greeting"] = self.facts["answer"] = wire.words(greeting.text)
        if not re.match(rb"(?i)\* (OK|PREAUTH)\b", greeting.text):
            refused = re.match(rb"(?i)\* BYE\b", greeting.text)
            raise Stop("rejected" if refused else "garbled", wire.words(greeting.text))
        capabilities = self._capability()
        if endpoint.tls != "implicit":
            self.facts["capabilities_before_tls"] = capabilities
        if endpoint.tls == "starttls":
            wire.step = "tls"
            if "STARTTLS" not in capabilities:
                raise Stop("unsupported", "the server does not offer STARTTLS")
            status, words, _untagged = self._command(b"STARTTLS")
            if status != "OK":
                raise Stop("tls_failed", words)
            wire.start_tls(endpoint.trust, endpoint.host)
            capabilities = self._capability()
        self.facts["capabilities"] = capabilities

    def login(self) -> None:
        wire, endpoint = self.wire, self._endpoint
        wire.step = "login"
        endpoint.guard(endpoint.mechanism in (None, *sasl.CLEARTEXT), wire)
        user, password = endpoint.user or "", endpoint.password or ""
        if endpoint.mechanism:
            status, words = self._authenticate(endpoint.mechanism, user, password)
        else:
            status, words, untagged = self._command(b"LOGIN ", quoted(user), b" ", quoted(password))
            # Dovecot says in an alert of its own that the login should not have been tried.
            words = " ".join([words, *(wire.words(r.text[2:]) for r in untagged if b"[ALERT]" in r.text)])
        self.facts["answer"] = words
        if status != "OK":
            raise Stop("deferred" if re.search(r"\[(UNAVAILABLE|INUSE|LIMIT)\]", words) else "login_rejected", words)

    def wait_for(self, message_id: str, since: float | None, cleanup: bool) -> bool:
        """Wait until the message is there, and note its headers; return False when the time runs out."""
        wire = self.wire
        wire.step = "select"
        name = quoted(modified_utf7(self._endpoint.mailbox))
        status, words, _untagged = self._command(b"SELECT " if cleanup else b"EXAMINE ", name)
        if status != "OK":
            raise Stop("rejected", words)
        wire.step = "fetch"
        # A day is all that the search knows, in the server's own time zone: two days back is always enough.
        window = b"" if since is None else f"SINCE {_date(since - 2 * 86400)} ".encode()
        pause = 0.1
        while True:
            status, words, untagged = self._command(b"UID SEARCH ", window, b"HEADER Message-ID ", quoted(message_id))
            if status != "OK":
                raise Stop("rejected", words)
            uids = [u for r in untagged if r.text.upper().startswith(b"* SEARCH") for u in r.text.split()[2:] if u.isdigit()]
            if uids:
                self._fetch(uids[-1])
                if cleanup:
                    self._remove(b",".join(uids))
                return True
            if wire.deadline.nearly_passed():
                return False
            wire.deadline.sleep(pause)
            if wire.deadline.nearly_passed():
                return False
            pause = min(1.0, pause * 1.5)
            self._command(b"NOOP")

    def quit(self) -> None:
        """Leave politely; an error here is no failure."""
        deadline = self.wire.deadline
        try:
            self.wire.deadline = Deadline(min(FAREWELL, deadline.left()))
            self._command(b"LOGOUT")
        except (Stop, OSError):
            pass
        finally:
            self.wire.deadline = deadline
            self.wire.close()

    # The dialogue

    def _capability(self) -> list[str]:
        status, words, untagged = self._command(b"CAPABILITY")
        if status != "OK":
            raise Stop("garbled", words)
        lines = [r.text for r in untagged if r.text.upper().startswith(b"* CAPABILITY ")]
        return [self.wire.words(word) for line in lines for word in line.split()[2:]][:MOST_WORDS]

    def _authenticate(self, mechanism: str, user: str, password: str) -> tuple[str, str]:
        answer = sasl.responses(mechanism, user, password)
        tag = self._send(f"AUTHENTICATE {mechanism}".encode())
        while True:
            response = self._response()
            if response.text.startswith(b"+"):
                try:
                    line = answer(response.text[1:].strip().decode("ascii", "replace"))
                except sasl.NotBase64:
                    raise Stop("garbled", f"a challenge that is not base64: {self.wire.words(response.text)}") from None
                self.wire.hide(line)
                self.wire.send_line(line)
            elif response.text.startswith(tag + b" "):
                return self._status(tag, response)

    def _fetch(self, uid: bytes) -> None:
        status, words, untagged = self._command(b"UID FETCH ", uid, b" (RFC822.SIZE BODY.PEEK[HEADER])")
        found = [r for r in untagged if b"FETCH" in r.text.upper() and r.literals]
        if status != "OK" or not found:
            raise Stop("garbled" if status == "OK" else "rejected", words)
        self.facts["headers"] = parse_headers(found[0].literals[0])
        size = re.search(rb"RFC822\.SIZE (\d+)", found[0].text)
        if size:
            self.facts["size"] = int(size.group(1))

    def _remove(self, uids: bytes) -> None:
        # A plain EXPUNGE would also remove what the mailbox's owner has marked and not yet removed.
        status, _words, _untagged = self._command(b"UID STORE ", uids, rb" +FLAGS.SILENT (\Deleted)")
        if status == "OK" and "UIDPLUS" in self._capability():
            status, _words, _untagged = self._command(b"UID EXPUNGE ", uids)
            self.facts["removed"] = status == "OK"

    def _command(self, *parts: bytes | Literal) -> tuple[str, str, list[Response]]:
        """Send a command and collect its responses: status, the server's words, untagged responses."""
        tag = self._send(*parts)
        untagged: list[Response] = []
        for _number in range(MOST_RESPONSES):
            response = self._response()
            if response.text.startswith(tag + b" "):
                return (*self._status(tag, response), untagged)
            if re.match(rb"(?i)\* BYE\b", response.text) and not parts[0].startswith(b"LOGOUT"):
                raise Stop("dropped", self.wire.words(response.text))
            untagged.append(response)
        raise Stop("garbled", f"more than {MOST_RESPONSES} responses to one command")

    def _status(self, tag: bytes, response: Response) -> tuple[str, str]:
        match = re.match(rb"(?i)(OK|NO|BAD)\b", response.text[len(tag) + 1 :])
        if not match:
            raise Stop("garbled", f"no IMAP response: {self.wire.words(response.text)}")
        return match.group(1).decode().upper(), self.wire.words(response.text[len(tag) + 1 :])

    def _send(self, *parts: bytes | Literal) -> bytes:
        self._count += 1
        tag = f"p{self._count}".encode()
        line = tag + b" "
        for part in parts:
            if isinstance(part, Literal):
                self.wire.send_line(line + f"{{{len(part)}}}".encode())
                response = self._response()
                if not response.text.startswith(b"+"):
                    raise Stop("login_rejected" if self.wire.step == "login" else "rejected", self.wire.words(response.text))
                line = bytes(part)
            else:
                line += part
        self.wire.send_line(line)
        return tag

    def _response(self) -> Response:
        text, literals = b"", []
        while True:
            line = self.wire.read_line()
            literal = re.search(rb"\{(\d{1,9})\}$", line)
            text += line
            if not literal:
                break
            literals.append(self.wire.read_bytes(int(literal.group(1))))
        if not re.match(rb"(\*|\+|p\d+)( |$)", text):
            raise Stop("garbled", f"no IMAP response: {self.wire.words(text)}")
        return Response(text, literals)


class Literal(bytes):
    """A string that must be announced with its length, because it cannot stand in quotes."""


def quoted(text: str) -> bytes | Literal:
    """Return *text* as IMAP's quoted string, or as a literal when it holds more than ASCII."""
    data = text.encode()
    if not text.isascii():
        return Literal(data)
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", data) + b'"'


def _date(moment: float) -> str:
    """Return a date as SEARCH requires it, whatever the locale."""
    day = time.gmtime(moment)
    return f"{day.tm_mday}-{MONTHS[day.tm_mon - 1]}-{day.tm_year}"
