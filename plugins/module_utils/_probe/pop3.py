# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The POP3 half of a probe: log in, wait for a message, read its headers, remove it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._probe import sasl
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import parse_headers
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import MOST_WORDS, Deadline, Stop, Wire

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Endpoint

# A message of our own that arrived a moment ago is among the last ones of a mailbox.
NEWEST = 50
FAREWELL = 2.0


class Pop3:
    """POP3 sessions over a `Wire`, one after the other: a session never sees mail that arrives while it lasts."""

    def __init__(self, wire: Wire, endpoint: Endpoint) -> None:
        self.wire = wire
        self.facts = wire.facts
        self._endpoint = endpoint
        self._seen: set[bytes] = set()
        self._refused: set[bytes] = set()

    def open(self) -> None:
        wire, endpoint = self.wire, self._endpoint
        wire.connect(endpoint.host, endpoint.port, endpoint.source_address)
        if endpoint.tls == "implicit":
            wire.start_tls(endpoint.trust, endpoint.host)
        wire.step = "greeting"
        ok, words = self._reply()
        self.facts["greeting"] = self.facts["answer"] = words
        if not ok:
            raise Stop("rejected", words)
        capabilities = self._capa()
        if endpoint.tls != "implicit":
            self.facts["capabilities_before_tls"] = capabilities
        if endpoint.tls == "starttls":
            wire.step = "tls"
            if "STLS" not in capabilities:
                raise Stop("unsupported", "the server does not offer STLS")
            ok, words = self._command("STLS")
            if not ok:
                raise Stop("tls_failed", words)
            wire.start_tls(endpoint.trust, endpoint.host)
            capabilities = self._capa()
        self.facts["capabilities"] = capabilities

    def login(self) -> None:
        wire, endpoint = self.wire, self._endpoint
        wire.step = "login"
        endpoint.guard(endpoint.mechanism in (None, *sasl.CLEARTEXT), wire)
        user, password = endpoint.user or "", endpoint.password or ""
        if endpoint.mechanism:
            ok, words = self._authenticate(endpoint.mechanism, user, password)
        else:
            ok, words = self._command(f"USER {user}")
            if ok:
                ok, words = self._command(f"PASS {password}")
        self.facts["answer"] = words
        if not ok:
            raise Stop("deferred" if re.search(r"\[(SYS/TEMP|IN-USE|LOGIN-DELAY)\]", words) else "login_rejected", words)

    def wait_for(self, message_id: str, since: float | None, cleanup: bool) -> bool:
        """Wait until the message is there, and note its headers; return False when the time runs out."""
        wire = self.wire
        pause = 0.2
        while True:
            wire.step = "fetch"
            if self._look(message_id, newest_only=since is not None, cleanup=cleanup):
                return True
            if wire.deadline.nearly_passed():
                return False
            self.quit()
            wire.deadline.sleep(pause)
            if wire.deadline.nearly_passed():
                return False
            pause = min(2.0, pause * 1.5)
            answer = self.facts["answer"]
            self.open()
            self.login()
            self.facts["answer"] = answer

    def quit(self) -> None:
        """Leave politely; only now the server removes the messages that were marked with DELE."""
        deadline = self.wire.deadline
        try:
            self.wire.deadline = Deadline(min(FAREWELL, deadline.left()))
            ok, _words = self._command("QUIT")
            if "removed" in self.facts:
                self.facts["removed"] = ok
        except (Stop, OSError):
            self.facts.pop("removed", None)
        finally:
            self.wire.deadline = deadline
            self.wire.close()

    # The dialogue

    def _look(self, message_id: str, newest_only: bool, cleanup: bool) -> bool:
        """Look once at the messages that are new since the last look, newest first."""
        listing = [line.split() for line in self._lines("UIDL")]
        listing = [words for words in listing if len(words) == 2]
        for number, uid in reversed(listing[-NEWEST:] if newest_only else listing):
            if uid in self._seen:
                continue
            headers = self._headers(number.decode("ascii", "replace"), uid)
            if headers is None:
                continue
            self._seen.add(uid)
            if any(h["name"].lower() == "message-id" and h["value"] == message_id for h in headers):
                self.facts["headers"] = headers
                if cleanup:
                    self.facts["removed"], _words = self._command(f"DELE {number.decode()}")
                return True
        return False

    def _headers(self, number: str, uid: bytes) -> list[dict[str, str]] | None:
        """The headers of a message; None of one that somebody else has removed since this session began."""
        try:
            return parse_headers(b"\n".join(self._lines(f"TOP {number} 0")))
        except Stop as e:
            # Of the next session it is no part any more; one that is there, too, and refused again is another matter.
            if e.outcome != "rejected" or uid in self._refused:
                raise
            self._refused.add(uid)
            return None

    def _capa(self) -> list[str]:
        try:
            return [self.wire.words(line) for line in self._lines("CAPA")[:MOST_WORDS]]
        except Stop as e:
            # CAPA is an extension (RFC 2449); a server may not know it.
            if e.outcome == "rejected":
                return []
            raise

    def _authenticate(self, mechanism: str, user: str, password: str) -> tuple[bool, str]:
        answer = sasl.responses(mechanism, user, password)
        self.wire.send_line(f"AUTH {mechanism}")
        while True:
            line = self.wire.read_line()
            if not line.startswith(b"+ ") and line != b"+":
                return self._judge(line)
            try:
                response = answer(line[1:].strip().decode("ascii", "replace"))
            except sasl.NotBase64:
                raise Stop("garbled", f"a challenge that is not base64: {self.wire.words(line)}") from None
            self.wire.hide(response)
            self.wire.send_line(response)

    def _lines(self, command: str) -> list[bytes]:
        """Return the lines of a multi-line answer. Raises `Stop` with ``rejected`` when the server says -ERR."""
        ok, words = self._command(command)
        if not ok:
            raise Stop("rejected", words)
        lines: list[bytes] = []
        while True:
            line = self.wire.read_line()
            if line == b".":
                return lines
            lines.append(line[1:] if line.startswith(b".") else line)

    def _command(self, line: str) -> tuple[bool, str]:
        self.wire.send_line(line)
        return self._reply()

    def _reply(self) -> tuple[bool, str]:
        return self._judge(self.wire.read_line())

    def _judge(self, line: bytes) -> tuple[bool, str]:
        if not re.match(rb"(\+OK|-ERR)( |$)", line):
            raise Stop("garbled", f"no POP3 reply: {self.wire.words(line)}")
        return line.startswith(b"+OK"), self.wire.words(line)
