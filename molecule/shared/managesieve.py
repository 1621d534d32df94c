# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ManageSieve (RFC 5804), which Python has no library for: how a user uploads a script."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import typing as t

TIMEOUT = 60


class _Session:
    """A connection that says one command after the other; each answer is the lines before the last one, and the last one."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.socket: socket.socket = socket.create_connection((host, port), TIMEOUT)
        self.file: t.BinaryIO = self.socket.makefile("rb")
        self.greeting, _ok = self.answer()

    def answer(self) -> tuple[list[str], str]:
        lines: list[str] = []
        while True:
            line = self._line()
            if re.match(r"(OK|NO|BYE)\b", line, re.IGNORECASE):
                return lines, line
            lines.append(line)

    def _line(self) -> str:
        """One line, with the literals ({5}, and then five bytes) in their places."""
        text = ""
        while True:
            got = self.file.readline().decode("utf-8", "replace")
            if not got:
                raise EOFError("The server closed the connection.")
            text += got.rstrip("\r\n")
            literal = re.search(r"\{(\d+)\+?\}$", text)
            if not literal:
                return text
            text = text[: literal.start()] + self.file.read(int(literal.group(1))).decode("utf-8", "replace")

    def say(self, command: str) -> tuple[list[str], str]:
        self.socket.sendall(f"{command}\r\n".encode())
        return self.answer()

    def start_tls(self) -> list[str]:
        """Start TLS with whatever certificate there is; the server tells its capabilities anew."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname=self.host)
        self.file = self.socket.makefile("rb")
        return self.answer()[0]

    def close(self) -> None:
        self.say("LOGOUT")
        self.socket.close()


def _sasl(capabilities: list[str]) -> str:
    return next((line.split('"')[3] for line in capabilities if line.upper().startswith('"SASL" "')), "")


def managesieve(host: str, login: list[str], script: str | None = None, name: str = "proof", port: int = 4190) -> dict:
    """Try to log in without TLS, then with it; there, upload *script* as *name*, make it the active one, and list what there is.

    Each of the answers begins with OK or NO; those that were not asked for are empty.
    """
    log_in = 'AUTHENTICATE "PLAIN" "{}"'.format(base64.b64encode("\0{}\0{}".format(*login).encode()).decode())
    # Dovecot's login process adds what it was told after a refusal to what was refused: a connection of its own.
    bare = _Session(host, port)
    seen: dict = {"before": bare.greeting, "sasl_before": _sasl(bare.greeting), "cleartext_login": bare.say(log_in)[1]}
    bare.close()
    session = _Session(host, port)
    seen["starttls"] = session.say("STARTTLS")[1].startswith("OK")
    seen["after"] = session.start_tls() if seen["starttls"] else []
    seen["sasl_after"] = _sasl(seen["after"])
    seen["login"] = session.say(log_in)[1] if seen["starttls"] else ""
    seen.update({"put": "", "active": "", "scripts": []})
    if seen["login"].startswith("OK"):
        if script is not None:
            seen["put"] = session.say(f'PUTSCRIPT "{name}" {{{len(script.encode())}+}}\r\n{script}')[1]
        if seen["put"].startswith("OK"):
            seen["active"] = session.say(f'SETACTIVE "{name}"')[1]
        seen["scripts"] = session.say("LISTSCRIPTS")[0]
    session.close()
    return seen
