# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The message that a probe sends, and the headers of the one that arrived."""

from __future__ import annotations

import base64
import dataclasses
import email.utils
import re
import typing as t
import uuid

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

# Headers that the message needs to be found again, or that would make it two messages.
OURS = ("message-id", "from", "to", "date", "mime-version", "content-type", "content-transfer-encoding")


@dataclasses.dataclass(frozen=True)
class Message:
    """The parts of the message that the user can choose; `render` makes the rest unique."""

    sender: str
    recipient: str
    subject: str | None = None
    body: str | None = None
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    size: int | None = None
    message_id: str = dataclasses.field(default_factory=lambda: f"<probe.{uuid.uuid4().hex}@postroom.invalid>")

    def check(self) -> None:
        """Check the envelope and the headers. Raises `BadInput` for a text that cannot stand in them."""
        if not self.recipient:
            raise BadInput("A message needs a recipient.")
        for name, address in (("sender", self.sender), ("recipient", self.recipient)):
            if re.search(r"[\x00-\x20<>\x7f]", address):
                raise BadInput(f"{name} '{address}' is not a bare mail address; a name, spaces or angle brackets do not belong to it.")
        for name, value in (*self.headers.items(), ("Subject", self.subject or "")):
            if not re.fullmatch(r"[!-9;-~]+", name) or re.search(r"[\x00\r\n]", value):
                raise BadInput(f"The header '{name}' has a name or a value that cannot stand in one line of a message.")
            if name.lower() in OURS:
                raise BadInput(f"The header '{name}' is set by the probe itself.")

    @property
    def international(self) -> bool:
        """Return whether the envelope needs SMTPUTF8."""
        return not (self.sender + self.recipient).isascii()

    def render(self) -> bytes:
        """Return the message as it goes over the wire: CRLF, seven bits but for an international address, no line too long."""
        subject = self.subject or f"postroom.mail probe {self.message_id[7:19]}"
        text = "This message proves that mail flows; it may be deleted.\n" if self.body is None else self.body
        lines = [
            f"Date: {email.utils.formatdate(localtime=False)}",
            f"From: <{self.sender or 'postmaster@postroom.invalid'}>",
            f"To: <{self.recipient}>",
            f"Subject: {_header_text(subject)}",
            f"Message-ID: {self.message_id}",
            "Auto-Submitted: auto-generated",
            *(f"{name}: {_header_text(value)}" for name, value in self.headers.items()),
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ]
        body = text.splitlines()
        if text.isascii() and all(len(line) < 990 for line in body):
            lines += ["Content-Transfer-Encoding: 7bit", "", *body]
        else:
            lines += ["Content-Transfer-Encoding: base64", "", *base64.encodebytes(text.encode()).decode().splitlines()]
        data = "".join(f"{line}\r\n" for line in lines).encode()
        return data + _padding((self.size or 0) - len(data))


def _header_text(value: str) -> str:
    if value.isascii():
        return value
    return f"=?utf-8?b?{base64.b64encode(value.encode()).decode()}?="


def _padding(size: int) -> bytes:
    """Return at least *size* bytes of text in lines of 72."""
    count = max(0, -(-size // 72))
    return (b"." * 70 + b"\r\n") * count


def dot_stuffed(data: bytes) -> bytes:
    """Return *data*, which ends with CRLF, in the form of the DATA command, with the closing dot."""
    return re.sub(rb"(?m)^\.", b"..", data) + b".\r\n"


# Postfix cuts a header at 100 kB (header_size_limit). What a server sends beyond this is not kept.
MOST_HEADER_BYTES = 128 * 1024
MOST_HEADERS = 1000


def parse_headers(data: bytes) -> list[dict[str, str]]:
    """Return the header lines, unfolded, in their order and with repetitions, up to the limit of a mail server."""
    headers: list[dict[str, str]] = []
    for line in data[:MOST_HEADER_BYTES].decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and headers:
            headers[-1]["value"] += f" {line.strip()}"
        elif colon and name.strip():
            if len(headers) == MOST_HEADERS:
                break
            headers.append({"name": name.strip(), "value": value.strip()})
        elif not line:
            break
    return headers
