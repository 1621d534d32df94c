# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small servers on loopback for the tests of the probes: they do what real servers should not."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
import time
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = "mail.example.org"


def make_certificate(folder, name=NAME):
    """A self-signed pair in one PEM file; its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - datetime.timedelta(days=1), now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(path)


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock, certificate):
        self.sock = sock
        self.certificate = certificate
        self.received: list[str] = []
        self._buffer = b""

    def say(self, *lines):
        for line in lines:
            self.sock.sendall((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def line(self) -> str:
        """The next line; an end of the connection ends the script."""
        while b"\n" not in self._buffer:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError
            self._buffer += data
        line, _end, self._buffer = self._buffer.partition(b"\n")
        self.received.append(line.decode(errors="replace").rstrip("\r"))
        return self.received[-1]

    def exactly(self, size) -> str:
        while len(self._buffer) < size:
            self._buffer += self.sock.recv(65536)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data.decode()

    def encrypt(self, **versions):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        for name, version in versions.items():
            setattr(context, name, version)
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def hang(self):
        """Say nothing until the other side has gone."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def drip(self, text, pause=0.05):
        """Say *text* over and over, a byte at a time."""
        with contextlib.suppress(OSError):
            while True:
                for byte in text:
                    self.sock.sendall(byte.encode())
                    time.sleep(pause)


class Server:
    """Runs *script* with every connection, and keeps what the clients said."""

    def __init__(self, script: t.Callable[[Peer], None], certificate: str | None = None, family=socket.AF_INET):
        self._script = script
        self._certificate = certificate
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]
        self.peers: list[Peer] = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc):
        # shutdown() wakes up the thread that waits in accept(); close() alone would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.close()

    @property
    def received(self) -> list[str]:
        return [line for peer in self.peers for line in peer.received]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                peer = Peer(sock, self._certificate)
                self.peers.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError):
            self._script(peer)
        with contextlib.suppress(OSError):
            peer.sock.close()


def smtp(implicit=False, **replies):
    """A script that speaks SMTP. *replies* replace the usual answers: a line, several lines, or a function of the peer."""
    answers: dict[str, t.Any] = {
        "greeting": f"220 {NAME} ESMTP",
        "EHLO": [f"250-{NAME}", "250-STARTTLS", "250-AUTH PLAIN LOGIN CRAM-MD5", "250 SIZE 1000000"],
        "STARTTLS": lambda peer: (peer.say("220 go ahead"), peer.encrypt()),
        "AUTH": "235 2.7.0 welcome",
        "MAIL": "250 2.1.0 ok",
        "RCPT": "250 2.1.5 ok",
        "DATA": "354 go on",
        "message": "250 2.0.0 Ok: queued as 4XyZ1",
        "RSET": "250 ok",
        "QUIT": "221 bye",
        **replies,
    }

    def answer(peer, key):
        reply = answers.get(key, "500 what?")
        if callable(reply):
            reply(peer)
        else:
            peer.say(*([reply] if isinstance(reply, str) else reply))

    def script(peer):
        if implicit:
            peer.encrypt()
        answer(peer, "greeting")
        while True:
            verb = peer.line().split(" ")[0].upper()
            answer(peer, verb)
            if verb == "DATA" and answers["DATA"] == "354 go on":
                while peer.line() != ".":
                    pass
                answer(peer, "message")
            if verb == "QUIT":
                return

    return script


def imap(message=None, after=0, implicit=False, **replies):
    """A script that speaks IMAP; *message* is found from the search on that has *after* others before it."""
    answers: dict[str, t.Any] = {
        "greeting": "* OK ready",
        "CAPABILITY": ["* CAPABILITY IMAP4rev1 STARTTLS UIDPLUS AUTH=PLAIN", "{tag} OK done"],
        "STARTTLS": lambda peer: (peer.say(f"{peer.tag} OK go ahead"), peer.encrypt()),
        "LOGIN": "{tag} OK welcome",
        "AUTHENTICATE": lambda peer: (peer.say("+ "), peer.line(), peer.say(f"{peer.tag} OK welcome")),
        "SELECT": ["* 2 EXISTS", "{tag} OK done"],
        "EXAMINE": ["* 2 EXISTS", "{tag} OK done"],
        "NOOP": "{tag} OK done",
        "UID STORE": "{tag} OK done",
        "UID EXPUNGE": "{tag} OK done",
        "LOGOUT": ["* BYE", "{tag} OK done"],
        **replies,
    }
    searches = []

    def script(peer):
        if implicit:
            peer.encrypt()
        peer.tag = ""
        say(peer, "greeting")
        while True:
            command = peer.line()
            while command.endswith("}"):
                peer.say("+ go on")
                command += f"\n{peer.exactly(int(command.rpartition('{')[2][:-1]))}{peer.line()}"
            peer.received.append(command)
            peer.tag, _space, command = command.partition(" ")
            words = command.upper().split()
            key = " ".join(words[:2]) if words[0] == "UID" else words[0]
            if key == "UID SEARCH" and key not in answers:
                searches.append(command)
                found = message is not None and len(searches) > after
                peer.say("* SEARCH 7" if found else "* SEARCH", f"{peer.tag} OK done")
            elif key == "UID FETCH" and key not in answers:
                data = message.encode()
                peer.say(f"* 2 FETCH (UID 7 RFC822.SIZE 1234 BODY[HEADER] {{{len(data)}}}", data + b")", f"{peer.tag} OK done")
            else:
                say(peer, key)
            if key == "LOGOUT":
                return

    def say(peer, key):
        reply = answers[key]
        if callable(reply):
            reply(peer)
        else:
            peer.say(*(line.replace("{tag}", peer.tag) for line in ([reply] if isinstance(reply, str) else reply)))

    return script


def pop3(messages=(), after=0, implicit=False, **replies):
    """A script that speaks POP3; the last of *messages* is there from the session on that has *after* others before it.

    Those that are None are listed, and refused.
    """
    answers: dict[str, t.Any] = {
        "greeting": "+OK ready",
        "CAPA": ["+OK", "USER", "STLS", "."],
        "STLS": lambda peer: (peer.say("+OK go ahead"), peer.encrypt()),
        "USER": "+OK",
        "PASS": "+OK welcome",
        "DELE": "+OK",
        "QUIT": "+OK bye",
        **replies,
    }
    sessions = []

    def script(peer):
        if implicit:
            peer.encrypt()
        sessions.append(peer)
        there = messages if len(sessions) > after else messages[:-1]
        say(peer, "greeting")
        while True:
            words = peer.line().split()
            verb = words[0].upper()
            if verb == "UIDL":
                peer.say("+OK", *(f"{n} uid-{n}" for n, _m in enumerate(there, start=1)), ".")
            elif verb == "TOP" and there[int(words[1]) - 1] is None:
                peer.say(f"-ERR Message {words[1]} expunged.")
            elif verb == "TOP":
                peer.say("+OK", *there[int(words[1]) - 1].split("\n"), ".")
            else:
                say(peer, verb)
            if verb == "QUIT":
                return

    def say(peer, key):
        reply = answers[key]
        if callable(reply):
            reply(peer)
        else:
            peer.say(*([reply] if isinstance(reply, str) else reply))

    return script
