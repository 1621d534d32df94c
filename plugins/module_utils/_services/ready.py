# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check that Postfix and Dovecot really serve: every configured address listens, and greets."""

from __future__ import annotations

import contextlib
import re
import socket
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.listeners import parse_proc_net_tcp
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import facts as dovecot_facts
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

_POLL_SECONDS = 0.1
# __SO_ACCEPTCON of the kernel's <linux/net.h>.
_ACCEPTS = 1 << 16
# Dovecot's own listeners, by service; the configuration may add others and change the ports.
DOVECOT_LISTENERS = {
    "imap-login": ("imap", "imaps"),
    "pop3-login": ("pop3", "pop3s"),
    "submission-login": ("submission", "submissions"),
    "managesieve-login": ("sieve",),
    "lmtp": (),
}
_PROTOCOLS = {"imap-login": "imap", "pop3-login": "pop3", "submission-login": "submission", "managesieve-login": "sieve", "lmtp": "lmtp"}
# How each protocol greets, and how one takes leave so that nobody logs a lost connection.
_GREETINGS = {"imap": (b"* ", b"a LOGOUT\r\n"), "pop3": (b"+OK", b"QUIT\r\n"), "sieve": (b'"IMPL', b"LOGOUT\r\n")}
_SMTP_GREETING = (b"220", b"QUIT\r\n")


class NotServing(HostError):
    """A daemon was started or reloaded, and does not serve."""


class Endpoint(t.NamedTuple):
    """A place where a daemon must listen: a TCP port or the path of a socket; *greeting* is None where it sends none."""

    what: str
    port: int | None = None
    path: str | None = None
    greeting: bytes | None = None
    farewell: bytes = b""


def postfix_endpoints(services: dict[str, dict[str, t.Any]], port_number: t.Callable[[str], int | None]) -> list[Endpoint]:
    """Return the ports of master.cf's inet services; only an smtpd that does not start with TLS greets."""
    endpoints = []
    for name, service in services.items():
        if service["type"] != "inet":
            continue
        port = port_number(name.rsplit("/", 1)[0].rsplit(":", 1)[-1])
        if port is None:
            continue
        wrapped = service["overrides"].get("smtpd_tls_wrappermode", "no").lower() == "yes"
        proxied = any("upstream_proxy_protocol" in override for override in service["overrides"])
        greets = service["command"] in ("smtpd", "postscreen") and not wrapped and not proxied
        greeting, farewell = _SMTP_GREETING if greets else (None, b"")
        endpoints.append(Endpoint(f"Postfix's service {name} (port {port})", port=port, greeting=greeting, farewell=farewell))
    return endpoints


def parse_protocols(text: str) -> set[str]:
    """Parse the output of ``doveconf -h protocols``: words in 2.3, lines ``imap = yes`` in 2.4."""
    if "=" in text:
        return set(re.findall(r"^\s*(\S+)\s*=\s*yes", text, re.MULTILINE))
    return set(text.split()) - {"none"}


def dovecot_listeners(settings: dict[str, t.Any], protocols: set[str]) -> list[tuple[str, str]]:
    """Return (service, inet_listener) of every service with an active protocol: Dovecot's own and the configuration's."""
    pairs = []
    for service, own in DOVECOT_LISTENERS.items():
        if _PROTOCOLS[service] in protocols:
            added = [key.split(None, 1)[1] for key in settings.get(f"service {service}", {}) if key.startswith("inet_listener ")]
            pairs += [(service, name) for name in dict.fromkeys([*own, *added])]
    return pairs


def dovecot_sockets(settings: dict[str, t.Any], protocols: set[str]) -> list[Endpoint]:
    """Return the sockets outside Dovecot's own directory: those that it opens for Postfix."""
    endpoints = []
    for block, content in settings.items():
        service = block.partition(" ")[2]
        if not block.startswith("service ") or _PROTOCOLS.get(service, "") not in ("", *protocols) or not isinstance(content, dict):
            continue
        for key, listener in content.items():
            path = key.partition(" ")[2].strip('"')
            if key.startswith("unix_listener ") and path.startswith("/") and int(listener.get("mode", "0600"), 8):
                greeting, farewell = _SMTP_GREETING if service == "lmtp" else (None, b"")
                endpoints.append(Endpoint(f"Dovecot's socket {path}", path=path, greeting=greeting, farewell=farewell))
    return endpoints


def expected_of_postfix(run: Run) -> list[Endpoint]:
    services = postfix_facts.parse_services(run(["postconf", "-M"])[1], chroot_default=False)
    return postfix_endpoints(services, port_number)


def expected_of_dovecot(run: Run) -> list[Endpoint]:
    settings = dovecot_facts.parse_doveconf(run(["doveconf", "-n"])[1])
    protocols = parse_protocols(run(["doveconf", "-h", "protocols"])[1])
    pairs = dovecot_listeners(settings, protocols)
    keys = [f"service/{service}/inet_listener/{name}/{key}" for service, name in pairs for key in ("port", "ssl", "haproxy")]
    values = run(["doveconf", "-h", *keys])[1].splitlines() if keys else []
    endpoints = dovecot_sockets(settings, protocols)
    for index, (service, name) in enumerate(pairs):
        port, ssl, haproxy = ([*values, *[""] * len(keys)])[3 * index : 3 * index + 3]
        if not port.isdigit() or port == "0":
            continue
        greets = "yes" not in (ssl, haproxy)
        greeting, farewell = _GREETINGS.get(_PROTOCOLS[service], _SMTP_GREETING) if greets else (None, b"")
        endpoints.append(Endpoint(f"Dovecot's listener {name} (port {port})", port=int(port), greeting=greeting, farewell=farewell))
    return endpoints


def wait_for(endpoints: t.Sequence[Endpoint], deadline: float) -> None:
    """Wait until each of *endpoints* serves; raises `NotServing`, naming the first that does not."""
    for endpoint in endpoints:
        while True:
            problem = _problem(endpoint, deadline)
            if problem is None:
                break
            if time.monotonic() >= deadline:
                raise NotServing(f"{endpoint.what} {problem}")
            time.sleep(_POLL_SECONDS)


def wait_until(true: t.Callable[[], bool], deadline: float) -> bool:
    """Wait until *true* holds; return False when the time is over."""
    while not true():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS / 2)
    return True


def _problem(endpoint: Endpoint, deadline: float) -> str | None:
    """Return the problem with an endpoint; None when it serves.

    An endpoint without greeting is not connected to: a hang-up would leave a complaint in the daemon's log.
    """
    address = endpoint.path if endpoint.port is None else listening_address(endpoint.port)
    if address is None or (endpoint.path and not _listens_on(endpoint.path)):
        return "does not listen"
    if endpoint.greeting is None:
        return None
    try:
        with _connect(address, endpoint.port, max(deadline - time.monotonic(), 1.0)) as connection:
            reply = connection.recv(512)
            if not reply.startswith(endpoint.greeting):
                return f"answers {reply.decode('utf-8', 'replace').strip()!r}" if reply else "hangs up without a greeting"
            # Take leave politely: a lost connection is logged too. That the daemon did greet is what counts.
            with contextlib.suppress(OSError):
                connection.settimeout(2.0)
                connection.sendall(endpoint.farewell)
                while connection.recv(512):
                    pass
            return None
    except socket.timeout:
        return "gives no greeting"
    except OSError as e:
        return f"cannot be reached: {e.strerror}"


def _connect(address: str, port: int | None, timeout: float) -> socket.socket:
    """Connect to a TCP port or, when *port* is None, to the socket of that path."""
    if port is not None:
        return socket.create_connection((address, port), timeout)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def listening_address(port: int, proc: str = "/proc") -> str | None:
    """Return an address at which *port* can be reached from this host; None when no program listens on it."""
    addresses = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{proc}/net/{name}") as f:
            addresses += [listener.address for listener in parse_proc_net_tcp(f.read()) if listener.port == port]
    if not addresses:
        return None
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(addresses[0], addresses[0])


def listening_paths(proc_net_unix: str) -> set[str]:
    """Return the paths of the Unix sockets with a listener, from the text of /proc/net/unix."""
    rows = (line.split(None, 7) for line in proc_net_unix.splitlines()[1:])
    return {row[7] for row in rows if len(row) == 8 and int(row[3], 16) & _ACCEPTS}


def _listens_on(path: str) -> bool:
    with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as f:
        return path in listening_paths(f.read())
    return False


def port_number(name: str) -> int | None:
    """Return the TCP port that a service of master.cf names; None for an unknown name."""
    if name.isdigit():
        return int(name)
    with contextlib.suppress(OSError):
        return socket.getservbyname(name, "tcp")
    return None
