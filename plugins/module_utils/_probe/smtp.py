# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SMTP half of a probe: greet, encrypt, authenticate, hand over a message."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._probe import sasl
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import Message, dot_stuffed
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import Deadline, Stop, Wire

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Endpoint

MOST_LINES = 1000
# After QUIT the result stands; the answer is only awaited so that the server does not log a lost connection.
FAREWELL = 2.0


class Smtp:
    """One SMTP session over a `Wire`."""

    def __init__(self, wire: Wire, endpoint: Endpoint, helo: str | None) -> None:
        self.wire = wire
        self.facts = wire.facts
        self._endpoint = endpoint
        self._helo = helo
        self.accepted_at = time.monotonic()

    def open(self) -> None:
        """Connect, greet and encrypt: afterwards the capabilities are those that count."""
        wire, endpoint = self.wire, self._endpoint
        wire.connect(endpoint.host, endpoint.port, endpoint.source_address)
        if endpoint.tls == "implicit":
            wire.start_tls(endpoint.trust, endpoint.host)
        wire.step = "greeting"
        self.facts["greeting"] = self._wanted("2")
        capabilities = self._ehlo()
        if endpoint.tls == "implicit":
            self.facts["capabilities"] = capabilities
            return
        self.facts["capabilities_before_tls"] = capabilities
        if endpoint.tls == "none":
            self.facts["capabilities"] = capabilities
            return
        wire.step = "tls"
        if "STARTTLS" not in keywords(capabilities):
            raise Stop("unsupported", "the server does not offer STARTTLS")
        code, words = self.command("STARTTLS")
        if code != 220:
            raise Stop("tls_failed", f"{code} {words}", code)
        wire.start_tls(endpoint.trust, endpoint.host)
        # Answers from before TLS no longer count (RFC 3207).
        self.facts["capabilities"] = self._ehlo()

    def authenticate(self) -> None:
        """Log in. Raises `Stop` with ``login_rejected`` or ``deferred`` when the server does not agree."""
        wire, endpoint = self.wire, self._endpoint
        user, password = endpoint.user or "", endpoint.password or ""
        wire.step = "auth"
        offered = mechanisms(self.facts["capabilities"])
        mechanism = sasl.choose(endpoint.mechanism, offered)
        if not mechanism:
            raise Stop("unsupported", f"the server offers {_auth_offer(offered)}")
        endpoint.guard(mechanism in sasl.CLEARTEXT, wire)
        answer = sasl.responses(mechanism, user, password)
        command = f"AUTH {mechanism}"
        if sasl.starts_with_response(mechanism):
            command += f" {self._secret(answer(''))}"
        code, words = self.command(command)
        while code == 334:
            try:
                code, words = self.command(self._secret(answer(words)))
            except sasl.NotBase64:
                raise Stop("garbled", f"a challenge that is not base64: {words}", code) from None
        self._note(code, words)
        if code != 235:
            raise Stop("login_rejected" if code >= 500 else "deferred", f"{code} {words}", code)
        self.facts["mechanism"] = mechanism

    def hand_over(self, message: Message, only_envelope: bool) -> None:
        """Send the message, or only its envelope, which is then taken back."""
        wire = self.wire
        wire.step = "mail"
        capabilities = keywords(self.facts["capabilities"])
        data = message.render()
        parameters = f" SIZE={len(data)}" if "SIZE" in capabilities else ""
        if message.international:
            if "SMTPUTF8" not in capabilities:
                raise Stop("unsupported", "the server does not offer SMTPUTF8, which these addresses need")
            parameters += " SMTPUTF8"
        self._command_wanted(f"MAIL FROM:<{message.sender}>{parameters}", "2")
        wire.step = "rcpt"
        self._command_wanted(f"RCPT TO:<{message.recipient}>", "2")
        if only_envelope:
            self.command("RSET")
            return
        wire.step = "data"
        self._command_wanted("DATA", "3")
        wire.send(dot_stuffed(data))
        words = self._wanted("2")
        self.accepted_at = time.monotonic()
        queued = re.search(r"queued as ([0-9A-Za-z]+)", words)
        if queued:
            self.facts["queue_id"] = queued.group(1)

    def quit(self) -> None:
        """Leave politely. An accepted message stays accepted, so an error here is no failure."""
        deadline = self.wire.deadline
        try:
            self.wire.deadline = Deadline(min(FAREWELL, deadline.left()))
            self.command("QUIT")
        except (Stop, OSError):
            pass
        finally:
            self.wire.deadline = deadline
            self.wire.close()

    # The dialogue

    def transmit(self, data: bytes) -> tuple[int, str]:
        """Return the reply to a message, which the server has asked for."""
        self.wire.send(dot_stuffed(data))
        code, lines = self._reply()
        return code, " ".join(lines)

    def _ehlo(self) -> list[str]:
        self.wire.step = "ehlo"
        local = self.wire.local_address()
        # An address literal is always true and needs no lookup.
        helo = self._helo or (f"[IPv6:{local}]" if ":" in local else f"[{local}]")
        self.wire.send_line(f"EHLO {helo}")
        code, lines = self._reply()
        if code != 250:
            raise self._refusal(code, " ".join(lines))
        return lines[1:]

    def command(self, line: str) -> tuple[int, str]:
        self.wire.send_line(line)
        code, lines = self._reply()
        return code, " ".join(lines)

    def _command_wanted(self, line: str, first_digit: str) -> str:
        self.wire.send_line(line)
        return self._wanted(first_digit)

    def _wanted(self, first_digit: str) -> str:
        code, lines = self._reply()
        words = " ".join(lines)
        self._note(code, words)
        if str(code)[0] != first_digit:
            raise self._refusal(code, words)
        return words

    def _note(self, code: int, words: str) -> None:
        self.facts["reply_code"], self.facts["answer"] = code, f"{code} {words}"

    def _refusal(self, code: int, words: str) -> Stop:
        outcomes = {4: "deferred", 5: "rejected"}
        return Stop(outcomes.get(code // 100, "garbled"), f"{code} {words}", code)

    def _reply(self) -> tuple[int, list[str]]:
        """Read one reply, of one or many lines, with the code apart."""
        lines: list[str] = []
        for _number in range(MOST_LINES):
            line = self.wire.read_line()
            match = re.fullmatch(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", line, re.DOTALL)
            if not match:
                raise Stop("garbled", f"no SMTP reply: {self.wire.words(line)}")
            lines.append(self.wire.words(match.group(3) or b""))
            if match.group(2) != b"-":
                return int(match.group(1)), lines
        raise Stop("garbled", f"a reply of more than {MOST_LINES} lines")

    def _secret(self, response: str) -> str:
        self.wire.hide(response)
        return response


def keywords(capabilities: t.Iterable[str]) -> set[str]:
    """Return the keywords of an EHLO reply, without their parameters."""
    return {line.split()[0].upper() for line in capabilities if line.split()}


def mechanisms(capabilities: t.Iterable[str]) -> list[str]:
    """Return the offered mechanisms, also from the ``AUTH=`` line that some servers send to old clients."""
    found: list[str] = []
    for line in capabilities:
        words = line.upper().replace("AUTH=", "AUTH ", 1).split()
        if words[:1] == ["AUTH"]:
            found += [w for w in words[1:] if w not in found]
    return found


def _auth_offer(offered: t.Sequence[str]) -> str:
    return f"only AUTH {' '.join(offered)}, which the probe does not speak" if offered else "no AUTH here"
