# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dialogues of another container with a mail host, for tests: ``dialogues.py NAME JSON`` answers with JSON.

Written with nothing but Python's own smtplib, imaplib and poplib (and the files beside it), and apart from the
collection's code, so that a mistake there cannot agree with itself here. Every dialogue ends by itself: sockets time out,
waits are bounded.
"""

from __future__ import annotations

import base64
import concurrent.futures
import imaplib
import json
import poplib
import smtplib
import socket
import ssl
import sys
import time
import typing as t

from managesieve import managesieve
from mechanisms import client

__all__ = ["managesieve"]  # a dialogue like those below

# Dovecot has everyone at an address wait for up to 15 seconds after failed logins from there.
TIMEOUT = 60


def context(tls_max: str | None = None, ciphers: str | None = None) -> ssl.SSLContext:
    """A client that takes any certificate; what it is shown is another test's subject."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    # A client as old as the test wants it, whatever this system's own policy is.
    ctx.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
    ctx.minimum_version = ssl.TLSVersion.TLSv1
    if tls_max:
        ctx.maximum_version = getattr(ssl.TLSVersion, tls_max)
    return ctx


def _smtp(host: str, port: int, tls: str) -> tuple[smtplib.SMTP, dict]:
    seen: dict = {}
    cls = {"implicit": lambda: smtplib.SMTP_SSL(timeout=TIMEOUT, context=context())}.get(tls, lambda: smtplib.SMTP(timeout=TIMEOUT))
    smtp = cls()
    # The name is what starttls() and SMTP_SSL hand to the TLS layer.
    smtp._host = host
    seen["banner"] = smtp.connect(host, port)[1].decode()
    smtp.ehlo("client.example.net")
    seen["before"] = sorted(smtp.esmtp_features)
    if tls == "starttls":
        smtp.starttls(context=context())
        smtp.ehlo("client.example.net")
    seen["features"] = dict(smtp.esmtp_features)
    return smtp, seen


def _log_in(session: smtplib.SMTP, user: str, password: str) -> tuple[int, bytes]:
    """By PLAIN: smtplib would try CRAM-MD5 first, and wait as Dovecot lets those wait who failed."""
    if session.has_extn("auth"):
        session.esmtp_features["auth"] = "PLAIN"
    return session.login(user, password)


def smtp(host: str, port: int = 25, tls: str = "none", login: list[str] | None = None, commands: list[str] | None = None) -> dict:
    """Greet, perhaps start TLS and log in, then say *commands*; every reply as [code, text]."""
    session, seen = _smtp(host, port, tls)
    if login:
        try:
            seen["login"] = [_log_in(session, *login)[0], ""]
        except smtplib.SMTPAuthenticationError as e:
            seen["login"] = [e.smtp_code, e.smtp_error.decode()]
        except smtplib.SMTPNotSupportedError:
            seen["login"] = [0, "AUTH is not offered"]
    seen["replies"] = []
    for command in commands or []:
        code, text = session.docmd(command)
        seen["replies"].append([code, text.decode("utf-8", "replace")])
    session.close()
    return seen


def auth(host: str, login: list[str], mechanism: str = "PLAIN", port: int = 465, tls: str | None = None) -> dict:
    """Log in with *mechanism*, offered or not; answers {code, text} and what is offered."""
    session, seen = _smtp(host, port, tls or ("implicit" if port == 465 else "starttls"))
    answer = client(mechanism, *login, "smtp", host)
    code, text = session.docmd("AUTH", mechanism)
    while code == 334:
        code, text = session.docmd(base64.b64encode(answer(base64.b64decode(text))).decode())
    session.close()
    return {"code": code, "text": text.decode("utf-8", "replace"), "offered": seen["features"].get("auth", "").split()}


def submit(
    host: str, subject: str, sender: str, recipient: str, port: int = 25, tls: str = "none", login: list[str] | None = None, body: str = "x"
) -> dict:
    """Send one message; answers {accepted, code, text}."""
    session, _seen = _smtp(host, port, tls)
    try:
        if login:
            _log_in(session, *login)
        session.sendmail(sender, [recipient], f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\n\r\n{body}\r\n")
    except smtplib.SMTPRecipientsRefused as e:
        code, text = e.recipients[recipient]
        return {"accepted": False, "code": code, "text": text.decode()}
    except smtplib.SMTPResponseException as e:
        return {"accepted": False, "code": e.smtp_code, "text": e.smtp_error.decode()}
    finally:
        session.close()
    return {"accepted": True}


def raw_smtp(host: str, data: str, sender: str, recipient: str, port: int = 25) -> dict:
    """Send *data* (latin-1, byte for byte) after DATA, then QUIT: for line endings that no library would write."""
    with socket.create_connection((host, port), TIMEOUT) as s:
        f = s.makefile("rb")

        def reply() -> str:
            while True:
                line = f.readline().decode("utf-8", "replace")
                if line[3:4] != "-":
                    return line.strip()

        replies = [reply()]
        for line in ("EHLO client.example.net", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            s.sendall(f"{line}\r\n".encode())
            replies.append(reply())
        s.sendall(data.encode("latin-1"))
        replies.append(reply())
        s.sendall(b"QUIT\r\n")
    return {"replies": replies}


def handshake(host: str, port: int, tls_max: str | None = None, ciphers: str | None = None, starttls: bool = False) -> dict:
    """One TLS handshake; answers {version, cipher} or {error}."""
    with socket.create_connection((host, port), TIMEOUT) as s:
        if starttls:
            f = s.makefile("rb")
            f.readline()
            s.sendall(b"EHLO client.example.net\r\n")
            while f.readline()[3:4] == b"-":
                pass
            s.sendall(b"STARTTLS\r\n")
            f.readline()
        try:
            with context(tls_max, ciphers).wrap_socket(s, server_hostname=host) as secured:
                return {"version": secured.version(), "cipher": secured.cipher()[0]}
        except (ssl.SSLError, ConnectionError) as e:
            return {"error": getattr(e, "reason", None) or type(e).__name__}


def _imap(host: str, port: int, tls: str) -> imaplib.IMAP4:
    if tls == "implicit":
        return imaplib.IMAP4_SSL(host, port, ssl_context=context(), timeout=TIMEOUT)
    session = imaplib.IMAP4(host, port, timeout=TIMEOUT)
    if tls == "starttls":
        session.starttls(context())
    return session


def imap(
    host: str,
    login: list[str],
    port: int = 993,
    tls: str = "implicit",
    subject: str | None = None,
    wait: float = 20,
    mechanism: str | None = None,
) -> dict:
    """Log in, by LOGIN or with *mechanism*, and select INBOX; with *subject*, wait for that message and fetch it."""
    session = _imap(host, port, tls)
    seen: dict = {"capabilities": list(session.capabilities)}
    try:
        if mechanism:
            session.authenticate(mechanism, client(mechanism, *login, "imap", host))
        else:
            session.login(*login)
    except imaplib.IMAP4.error as e:
        return {**seen, "login": False, "text": str(e)}
    seen["login"] = True
    deadline = time.monotonic() + wait
    while True:
        session.select("INBOX")
        if subject is None:
            break
        _ok, found = session.search(None, "SUBJECT", f'"{subject}"')
        seen["count"] = len(found[0].split())
        if found[0]:
            _ok, parts = session.fetch(found[0].split()[0], "(BODY.PEEK[])")
            seen["message"] = parts[0][1].decode("utf-8", "replace")
            break
        if time.monotonic() > deadline:
            break
        time.sleep(0.3)
    _ok, folders = session.list()
    seen["folders"] = [folder.decode() for folder in folders or []]
    session.logout()
    return seen


def letters(host: str, login: list[str], subject: str, count: int, wait: float = 20) -> list[str]:
    """The subjects in INBOX that begin with *subject*, sorted, as soon as there are *count*."""
    deadline = time.monotonic() + wait
    session = _imap(host, 993, "implicit")
    session.login(*login)
    while True:
        session.select("INBOX")
        _ok, found = session.search(None, "SUBJECT", f'"{subject}"')
        if len(found[0].split()) >= count or time.monotonic() > deadline:
            break
        time.sleep(0.3)
    heads = [session.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode() for number in found[0].split()]
    session.logout()
    return sorted(head.partition(":")[2].strip() for head in heads)


def filed(host: str, login: list[str], subject: str, count: int = 1, wait: float = 20) -> list[list]:
    """Return folder, flags and Subject of each message with *subject* in its Subject, as soon as there are *count*."""
    deadline = time.monotonic() + wait
    session = _imap(host, 993, "implicit")
    session.login(*login)
    while True:
        places = []
        for line in session.list()[1]:
            folder = line.decode().rsplit(" ", 1)[-1]
            if session.select(folder, readonly=True)[0] != "OK":
                continue
            for number in session.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
                (head, text), *_rest = session.fetch(number, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                flags = sorted(flag.decode() for flag in imaplib.ParseFlags(head) if flag != rb"\Recent")
                places.append([folder.strip('"'), flags, text.decode().partition(":")[2].strip()])
        if len(places) >= count or time.monotonic() > deadline:
            session.logout()
            return sorted(places)
        time.sleep(0.3)


def quota(host: str, login: list[str]) -> list[str]:
    """Return the reply to GETQUOTAROOT for INBOX: the name of the root, and its resources."""
    session = _imap(host, 993, "implicit")
    session.login(*login)
    _ok, (_roots, quotas) = session.getquotaroot("INBOX")
    session.logout()
    return [line.decode() for line in quotas]


def _pop3(host: str, port: int, tls: str) -> poplib.POP3:
    if tls == "implicit":
        return poplib.POP3_SSL(host, port, context=context(), timeout=TIMEOUT)
    session = poplib.POP3(host, port, timeout=TIMEOUT)
    if tls == "starttls":
        session.stls(context())
    return session


def _pop3_auth(session: poplib.POP3, mechanism: str, answer: t.Callable[[bytes], bytes]) -> None:
    """AUTH, which poplib does not know."""
    reply = session._shortcmd(f"AUTH {mechanism}")
    while reply.startswith(b"+ "):
        reply = session._shortcmd(base64.b64encode(answer(base64.b64decode(reply[2:]))).decode())


def pop3(
    host: str,
    login: list[str],
    port: int = 995,
    tls: str = "implicit",
    subject: str | None = None,
    wait: float = 20,
    mechanism: str | None = None,
) -> dict:
    """Log in, by USER and PASS or with *mechanism*; with *subject*, wait for that message and read it with TOP and RETR."""
    deadline = time.monotonic() + wait
    while True:
        session = _pop3(host, port, tls)
        seen: dict = {}
        try:
            if mechanism:
                _pop3_auth(session, mechanism, client(mechanism, *login, "pop", host))
            else:
                session.user(login[0])
                session.pass_(login[1])
        except poplib.error_proto as e:
            return {"login": False, "text": str(e)}
        seen["login"] = True
        if subject is None:
            session.quit()
            return seen
        tops = {n: b"\n".join(session.top(n, 0)[1]).decode("utf-8", "replace") for n in range(1, session.stat()[0] + 1)}
        found = [n for n, top in tops.items() if f"Subject: {subject}" in top]
        seen["count"] = len(found)
        if found:
            seen["message"] = b"\n".join(session.retr(found[0])[1]).decode("utf-8", "replace")
        session.quit()
        if found or time.monotonic() > deadline:
            return seen
        time.sleep(0.5)


def reachable(host: str, ports: list[int]) -> dict:
    """Return those of *ports* that accept a connection."""
    answer = {}
    for port in ports:
        try:
            socket.create_connection((host, port), 5).close()
            answer[str(port)] = True
        except OSError:
            answer[str(port)] = False
    return answer


def spoken(host: str, port: int, tls: str, commands: list[str]) -> list[list[str]]:
    """Say the *commands* of POP3 or IMAP line by line, over TLS once *tls* is told; the greeting and each reply as lines."""
    pop = port in (110, 995)
    with socket.create_connection((host, port), TIMEOUT) as bare:
        s = context().wrap_socket(bare, server_hostname=host) if tls == "implicit" else bare
        f = s.makefile("rb")

        def line() -> str:
            got = f.readline()
            if not got:
                raise EOFError("The server closed the connection.")
            return got.decode("utf-8", "replace").rstrip("\r\n")

        replies = [[line()]]
        for number, command in enumerate(commands):
            s.sendall(f"{command}\r\n".encode() if pop else f"a{number} {command}\r\n".encode())
            reply = [line()]
            word = command.split()[0]
            if pop and reply[0].startswith("+OK") and (word in ("CAPA", "TOP", "RETR") or command in ("LIST", "UIDL")):
                while reply[-1] != ".":
                    reply.append(line())
            while not pop and not reply[-1].startswith(f"a{number} "):
                reply.append(line())
            replies.append(reply)
            if word in ("STLS", "STARTTLS"):
                s = context().wrap_socket(s, server_hostname=host)
                f = s.makefile("rb")
        s.close()
        return replies


def together(talks: list[list], at_once: int = 16, patience: float | None = None) -> list[dict]:
    """Many dialogues, each [name, arguments], *at_once* of them; what one of them cannot bear is its answer, as {error}.

    Dovecot lets those wait who failed, so that failures are cheap only side by side. *patience* is for one line of a server.
    """
    global TIMEOUT
    TIMEOUT = patience or TIMEOUT

    def talk(name: str, arguments: dict) -> dict:
        try:
            return globals()[name](**arguments)
        except Exception as e:
            return {"error": f"{type(e).__name__}: {e}"}

    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda one: talk(*one), talks))


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
