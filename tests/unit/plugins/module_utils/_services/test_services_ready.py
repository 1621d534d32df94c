# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._services import ready
from ansible_collections.postroom.mail.plugins.module_utils._services.ready import Endpoint, NotServing

PORTS = {"smtp": 25, "submission": 587, "submissions": 465}


def number(name):
    return int(name) if name.isdigit() else PORTS.get(name)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("smtp inet n - y - - smtpd", (25, True), id="smtpd greets"),
        pytest.param("submissions inet n - y - - smtpd -o smtpd_tls_wrappermode=yes", (465, False), id="TLS from the start"),
        pytest.param("127.0.0.1:10025 inet n - n - - smtpd", (10025, True), id="with an address"),
        pytest.param("[::1]:submission inet n - n - - smtpd", (587, True), id="with an IPv6 address"),
        pytest.param("smtp inet n - y - 1 postscreen", (25, True), id="postscreen"),
        pytest.param("2525 inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy", (2525, False), id="behind a proxy"),
        pytest.param("628 inet n - y - - qmqpd", (628, False), id="another protocol"),
    ],
)
def test_postfix_endpoints(line, expected):
    [endpoint] = ready.postfix_endpoints(postfix_facts.parse_services(line, False), number)
    assert (endpoint.port, endpoint.greeting is not None) == expected


def test_postfix_endpoints_leave_out_what_cannot_be_known():
    services = postfix_facts.parse_services("nosuch inet n - y - - smtpd\nlmtp unix - - y - - lmtp\n", False)
    assert ready.postfix_endpoints(services, number) == []


@pytest.mark.parametrize(
    ("text", "protocols"),
    [
        pytest.param(" imap lmtp pop3\n", {"imap", "lmtp", "pop3"}, id="2.3"),
        pytest.param("imap = yes\nlmtp = yes\npop3 = no\n", {"imap", "lmtp"}, id="2.4"),
        pytest.param("none\n", set(), id="none"),
    ],
)
def test_protocols(text, protocols):
    assert ready.parse_protocols(text) == protocols


SETTINGS = {
    "service imap-login": {"inet_listener imap": {"port": "0"}, "inet_listener extra": {"port": "1143"}},
    "service lmtp": {
        "unix_listener /var/spool/postfix/private/dovecot-lmtp": {"mode": "0600"},
        "unix_listener lmtp": {"mode": "0666"},
        "inet_listener lmtp": {"port": "24"},
    },
    "service auth": {"unix_listener /var/spool/postfix/private/auth": {"mode": "0660"}, "unix_listener /off": {"mode": "0"}},
    "passdb": [{"driver": "pam"}, {"driver": "static"}],
}


def test_dovecot_listeners():
    assert ready.dovecot_listeners(SETTINGS, {"imap", "lmtp"}) == [
        ("imap-login", "imap"),
        ("imap-login", "imaps"),
        ("imap-login", "extra"),
        ("lmtp", "lmtp"),
    ]
    assert ready.dovecot_listeners(SETTINGS, {"pop3"}) == [("pop3-login", "pop3"), ("pop3-login", "pop3s")]


def test_dovecot_sockets():
    found = ready.dovecot_sockets(SETTINGS, {"imap", "lmtp"})
    assert [(endpoint.path, endpoint.greeting) for endpoint in found] == [
        ("/var/spool/postfix/private/dovecot-lmtp", b"220"),
        ("/var/spool/postfix/private/auth", None),
    ]
    assert [endpoint.path for endpoint in ready.dovecot_sockets(SETTINGS, {"imap"})] == ["/var/spool/postfix/private/auth"]


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("yes", "")], ids=["2.3", "2.4"])
def test_expected_of_dovecot(yes, no):
    def run(args, data=None):
        if args == ["doveconf", "-n"]:
            return 0, "protocols = imap\n", ""
        if args == ["doveconf", "-h", "protocols"]:
            return 0, "imap\n", ""
        values = {"imap/port": "143", "imap/ssl": no, "imaps/port": "993", "imaps/ssl": yes}
        return 0, "".join(f"{values.get(key.split('/', 3)[-1], '')}\n" for key in args[2:]), ""

    assert [(endpoint.port, endpoint.greeting) for endpoint in ready.expected_of_dovecot(run)] == [(143, b"* "), (993, None)]


@pytest.fixture
def server():
    """A listener that answers with the bytes given, after a while."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve(replies, delay=0.0):
        def work():
            # At the end of the test the listener is closed while the thread may still wait for a further client.
            with contextlib.suppress(OSError):
                for reply in replies:
                    connection, _address = listener.accept()
                    time.sleep(delay)
                    with connection:
                        connection.sendall(reply)

        threading.Thread(target=work, daemon=True).start()
        return Endpoint("a server", port=listener.getsockname()[1], greeting=b"220", farewell=b"QUIT\r\n")

    yield serve
    listener.close()


def test_wait_for_a_greeting(server):
    ready.wait_for([server([b"220 mail\r\n"])], time.monotonic() + 5)


def test_wait_until_the_greeting_is_right(server):
    ready.wait_for([server([b"421 busy\r\n", b"", b"220 mail\r\n"])], time.monotonic() + 5)


def test_a_wrong_greeting_is_told(server):
    with pytest.raises(NotServing, match="a server answers '521 go away'"):
        ready.wait_for([server([b"521 go away\r\n"] * 9)], time.monotonic() + 0.3)


def test_no_greeting_is_told(server):
    with pytest.raises(NotServing, match="a server gives no greeting"):
        ready.wait_for([server([b""], delay=4)], time.monotonic())


def test_nobody_listens_is_told():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        with pytest.raises(NotServing, match="x does not listen"):
            ready.wait_for([Endpoint("x", port=s.getsockname()[1])], time.monotonic() + 0.2)


def test_unix_sockets(tmp_path):
    path = str(tmp_path / "auth")
    with pytest.raises(NotServing, match="does not listen"):
        ready.wait_for([Endpoint("x", path=path)], time.monotonic() + 0.2)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        with pytest.raises(NotServing, match="does not listen"):
            ready.wait_for([Endpoint("x", path=path)], time.monotonic() + 0.2)
        s.listen()
        ready.wait_for([Endpoint("x", path=path)], time.monotonic() + 0.2)


def test_wait_until():
    assert ready.wait_until(lambda: True, time.monotonic())
    assert not ready.wait_until(lambda: False, time.monotonic() + 0.1)
