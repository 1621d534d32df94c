# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_probe import DOOR
from ansible_collections.postroom.mail.plugins.module_utils._plan import proof

ALICE = {"name": "alice", "password": "a"}
CAROL = {"address": "carol@shop.example", "password": "c"}
NOBODY = {"host_domain": "example.org", "host_users": [], "host_virtual_users": []}
EVERYWHERE = ["*", "::"]


@pytest.mark.parametrize(
    ("interfaces", "protocols", "address"),
    [
        (["all"], "all", "127.0.0.1"),
        (["all"], ["ipv4", "ipv6"], "127.0.0.1"),
        (["all"], "ipv4, ipv6", "127.0.0.1"),
        (["all"], "ipv6", "::1"),
        (["all"], ["ipv6"], "::1"),
        (["All"], ["IPv4"], "127.0.0.1"),
        (["loopback-only"], ["ipv6"], "::1"),
        (["localhost"], ["ipv4"], "127.0.0.1"),
        ("all", "ipv4", "127.0.0.1"),
        ([], "all", "127.0.0.1"),
        ([], ["ipv6"], "::1"),
        ("", ["all"], "127.0.0.1"),
        # None are those that the host has.
        (["all"], [], "127.0.0.1"),
        (["all"], None, "127.0.0.1"),
        (["[2001:db8::7]"], [], "2001:db8::7"),
        (None, ["ipv6"], "::1"),
        (["192.0.2.7", "localhost"], "ipv6", "::1"),
        (["192.0.2.7", "[2001:db8::7]"], "all", "192.0.2.7"),
        (["192.0.2.7 [2001:db8::7]"], ["ipv6"], "2001:db8::7"),
        (["192.0.2.7", "[2001:db8::7]"], ["ipv6"], "2001:db8::7"),
        (["[2001:db8::7]"], ["all"], "2001:db8::7"),
        (["2001:db8::7", "192.0.2.7"], ["ipv4"], "192.0.2.7"),
        # A name may have addresses of both versions.
        (["192.0.2.7", "mail.example.org"], ["ipv6"], "mail.example.org"),
        (["$myhostname"], ["all"], "$myhostname"),
        # Postfix would not start, and that is its own to say.
        (["192.0.2.7"], ["ipv6"], "192.0.2.7"),
    ],
)
def test_where_postfix_answers_its_own_host(interfaces, protocols, address):
    assert proof.address_to_greet(interfaces, protocols) == address


def test_smtp():
    port_25 = {"name": "SMTP on 25", "host": "::1", "smtp": {"port": 25, "tls": "none"}}
    assert proof.of_smtp("::1", submission=False) == [port_25]
    # Implicit TLS is what mail_probe takes for granted there.
    assert proof.of_smtp("::1", submission=True) == [port_25, {"name": "submission on 465", "host": "::1", "smtp": {"port": 465}}]


@pytest.mark.parametrize(
    ("protocols", "ports", "names"),
    [
        (["imaps", "pop3s"], {}, ["IMAP on 993", "POP3 on 995"]),
        (["pop3", "imap", "pop3s", "imaps"], {}, ["IMAP on 993", "POP3 on 995", "IMAP on 143", "POP3 on 110"]),
        (["imaps", "imap"], {"imaps": 10993, "imap": "10143", "pop3": 1}, ["IMAP on 10993", "IMAP on 10143"]),
        ([], {"imaps": 993}, []),
        # What else Dovecot may serve is no listener of these.
        (["lmtp", "sieve"], {"sieve": 4190}, []),
    ],
)
def test_which_mailboxes_are_probed(protocols, ports, names):
    assert [probe["name"] for probe in proof.of_mailboxes(protocols, ports, EVERYWHERE)] == names


@pytest.mark.parametrize(
    ("protocol", "listener"),
    [
        ("imaps", {"imap": {"port": 993, "tls": "implicit"}}),
        ("imap", {"imap": {"port": 143, "tls": "starttls"}}),
        ("pop3s", {"pop3": {"port": 995, "tls": "implicit"}}),
        ("pop3", {"pop3": {"port": 110, "tls": "starttls"}}),
    ],
)
def test_how_mailboxes_are_probed(protocol, listener):
    (probe,) = proof.of_mailboxes([protocol], {}, EVERYWHERE)
    assert {option: value for option, value in probe.items() if option not in ("name", "host")} == listener


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (["*", "::"], "127.0.0.1"),
        (["*"], "127.0.0.1"),
        (["::"], "::1"),
        (["192.0.2.7", "::"], "::1"),
        (["192.0.2.7", "2001:db8::7"], "192.0.2.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["mail.example.org"], "mail.example.org"),
    ],
)
def test_where_dovecot_answers_its_own_host(listen, address):
    (probe,) = proof.of_mailboxes(["imaps"], {}, listen)
    assert probe["host"] == address
    (probe,) = proof.of_delivery({**NOBODY, "host_users": [ALICE]}, ["imaps"], {}, listen, "127.0.0.1")
    assert (probe["host"], probe["imap"]["host"]) == ("127.0.0.1", address)


def delivery(variables, protocols=("imaps", "pop3s"), ports=None, smtp_host="::1"):
    return proof.of_delivery({**NOBODY, **variables}, protocols, ports or {}, EVERYWHERE, smtp_host)


def test_a_message_is_sent_read_and_taken_out_again():
    assert delivery({"host_users": [ALICE]}) == [
        {
            "name": "a message to alice",
            "host": "::1",
            "smtp": {"port": 25, "tls": "none"},
            "sender": "postmaster@example.org",
            "recipient": "alice@example.org",
            "timeout": 60,
            "imap": {"port": 993, "tls": "implicit", "host": "127.0.0.1", "user": "alice", "password": "a"},
        }
    ]


@pytest.mark.parametrize(
    ("variables", "user", "recipient", "password"),
    [
        ({"host_users": [ALICE, {"name": "bob", "password": "b"}]}, "alice", "alice@example.org", "a"),
        ({"host_virtual_users": [CAROL]}, "carol@shop.example", "carol@shop.example", "c"),
        ({"host_users": [ALICE], "host_virtual_users": [CAROL]}, "alice", "alice@example.org", "a"),
        # Who has no password here, or is to go.
        ({"host_users": [{"name": "bob"}], "host_virtual_users": [CAROL]}, "carol@shop.example", "carol@shop.example", "c"),
        ({"host_users": [{**ALICE, "state": "absent"}, {"name": "bob", "password": "b"}]}, "bob", "bob@example.org", "b"),
        ({"host_users": [{**ALICE, "state": "present"}]}, "alice", "alice@example.org", "a"),
        ({"host_virtual_users": [{"address": "dave@shop.example", "password_hash": "x"}, CAROL]}, *["carol@shop.example"] * 2, "c"),
        # What the site says of a mailbox for probes.
        ({"mail_probe_user": "probe", "mail_probe_password": "p", "host_users": [ALICE]}, "probe", "probe@example.org", "p"),
        ({"mail_probe_user": "probe@shop.example", "mail_probe_password": "p"}, "probe@shop.example", "probe@shop.example", "p"),
        ({"mail_probe_user": "", "mail_probe_password": None, "host_users": [ALICE]}, "alice", "alice@example.org", "a"),
        ({"mail_probe_password": "p", "host_users": [ALICE]}, "alice", "alice@example.org", "p"),
        # A name of digits is a number in YAML.
        ({"host_users": [{"name": 1843, "password": "a"}]}, "1843", "1843@example.org", "a"),
    ],
)
def test_to_whom(variables, user, recipient, password):
    (probe,) = delivery(variables)
    assert (probe["recipient"], probe["imap"]["user"], probe["imap"]["password"]) == (recipient, user, password)


@pytest.mark.parametrize(
    ("variables", "protocols", "smtp_host"),
    [
        ({}, ["imaps"], "::1"),
        ({"host_users": [{"name": "alice"}]}, ["imaps"], "::1"),
        ({"host_users": [{**ALICE, "state": "absent"}]}, ["imaps"], "::1"),
        ({"host_users": [{"name": "alice", "password": ""}]}, ["imaps"], "::1"),
        ({"mail_probe_user": "probe"}, ["imaps"], "::1"),
        ({"mail_probe_password": "p"}, ["imaps"], "::1"),
        ({"host_users": [ALICE]}, [], "::1"),
        ({"host_users": [ALICE]}, ["lmtp"], "::1"),
        ({"host_users": [ALICE]}, ["imaps"], ""),
    ],
)
def test_there_is_nobody_or_no_way_to_send_a_message(variables, protocols, smtp_host):
    assert delivery(variables, protocols, smtp_host=smtp_host) == []


@pytest.mark.parametrize(
    ("protocols", "ports", "kind", "listener"),
    [
        (["pop3", "pop3s", "imap", "imaps"], {}, "imap", {"port": 993, "tls": "implicit"}),
        (["pop3", "pop3s", "imap"], {}, "imap", {"port": 143, "tls": "starttls"}),
        (["pop3", "pop3s"], {}, "pop3", {"port": 995, "tls": "implicit"}),
        (["pop3"], {"pop3": 10110}, "pop3", {"port": 10110, "tls": "starttls"}),
    ],
)
def test_how_it_is_read(protocols, ports, kind, listener):
    (probe,) = delivery({"host_users": [ALICE]}, protocols, ports)
    assert ("imap" in probe, "pop3" in probe) == (kind == "imap", kind == "pop3")
    assert {option: probe[kind][option] for option in listener} == listener


def test_mail_probe_has_these_options():
    known = DOOR.spec["probes"]["options"]
    probes = [
        *proof.of_smtp("::1", submission=True),
        *proof.of_mailboxes(["imaps", "pop3", "imap", "pop3s"], {}, EVERYWHERE),
        *delivery({"host_users": [ALICE]}),
        *delivery({"host_users": [ALICE]}, ["pop3"]),
    ]
    for probe in probes:
        assert set(probe) <= set(known)
        for option, value in probe.items():
            if isinstance(value, dict):
                assert set(value) <= set(known[option]["options"])
