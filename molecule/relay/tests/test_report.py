# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host accepts and forwards as its report says: each line, tried by protocol."""

from __future__ import annotations

import contextlib
import time

import pytest
from conftest import ADDRESSES
from harness import call
from mail_hosts import ALICE, MAIL_HOSTS

FOREIGN = "somebody@elsewhere.example"
# Two domains of every class; the provider is the MX of partner.example, of what is below it, and of elsewhere.example.
TABLES = {
    "report_virtual": "virtual.example -\nsales@virtual.example alice\nall.example -\n@all.example alice\n",
    "report_known": "known@partner.example x\nknown@sub.partner.example x\n",
    "report_routes": "other.example smtp:[mx.elsewhere.example]\n",
}
PARAMETERS = {
    "virtual_alias_maps": "hash:/etc/postfix/report_virtual",
    "virtual_alias_domains": "$virtual_alias_maps",
    "relay_domains": "partner.example, elsewhere.example",
    "relay_recipient_maps": "hash:/etc/postfix/report_known",
    "transport_maps": "hash:/etc/postfix/report_routes",
    "proxy_interfaces": "198.51.100.25",
    "mynetworks": "127.0.0.0/8 [::1]/128 {trusted}",
}

# Not the session's fixture, so that each host is configured once for all that follows.
pytestmark = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)


@contextlib.contextmanager
def configured(mail, parameters):
    """As an administrator would by hand: the report is about what is there, whoever wrote it."""
    words = " ".join(f"'{name}={value}'" for name, value in parameters.items())
    saved = mail.out("saved=$(mktemp -p /root) && cp -a /etc/postfix/main.cf $saved && echo $saved")
    try:
        # Until it has finished, the former daemons may answer.
        mail.out(f"postconf -e {words} && postfix reload && sleep 1")
        yield
    finally:
        mail.out(f"mv {saved} /etc/postfix/main.cf && postfix reload && sleep 1")


def report(mail):
    return call(mail.name, "mail_info", gather=["policy"])["policy"]


@pytest.fixture(scope="module")
def reports(inside):
    """The reports of both hosts while they have domains of every class and trust one client."""
    trusted = inside.out("hostname -I").split()[0]
    parameters = {name: value.format(trusted=trusted) for name, value in PARAMETERS.items()}
    with contextlib.ExitStack() as stack:
        for mail in MAIL_HOSTS:
            for name, text in TABLES.items():
                mail.out(f"printf '%b' '{text}' >/etc/postfix/{name} && postmap hash:/etc/postfix/{name}".replace("\n", "\\n"))
                stack.callback(mail.out, f"rm /etc/postfix/{name} /etc/postfix/{name}.db")
            stack.enter_context(configured(mail, parameters))
        yield {mail.name: report(mail) for mail in MAIL_HOSTS}


@pytest.fixture
def told(mail, reports):
    return reports[mail.name]


def rcpt(peer, mail, recipient, host=None):
    """The reply to RCPT TO."""
    commands = ["MAIL FROM:<x@y.example>", f"RCPT TO:<{recipient}>"]
    return peer.ask("smtp", host=host or mail.fqdn, commands=commands)["replies"][1]


def arrives(outside, mail, subject, recipient):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=recipient)
    assert sent == {"accepted": True}
    return outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["count"] == 1


# --- accepted: because of inet_interfaces, mydestination, virtual_alias_maps ---------------------------------------------------------


def test_accepted_for_the_addresses_of_inet_interfaces(mail, told, outside, subject):
    literals = [f"[{ADDRESSES[mail.name][0]}]", f"[ipv6:{ADDRESSES[mail.name][1]}]", "[198.51.100.25]"]
    assert set(literals) <= set(told["final"]["local"]["addresses"])
    for literal in literals:
        assert rcpt(outside, mail, f"alice@{literal}")[0] == 250, literal
        assert rcpt(outside, mail, f"nobody-here@{literal}")[0] == 550, literal
    assert arrives(outside, mail, subject, f"alice@{literals[0]}")
    foreign = "[198.51.100.26]"
    assert foreign not in told["final"]["local"]["addresses"]
    assert rcpt(outside, mail, f"alice@{foreign}")[0] == 554


def test_accepted_for_every_domain_of_mydestination(mail, told, outside, subject):
    local = told["final"]["local"]
    assert {mail.domain, mail.fqdn, "localhost"} <= set(local["domains"])
    assert local["unknown_recipients"] == "refused"
    for domain in local["domains"]:
        assert rcpt(outside, mail, f"alice@{domain}")[0] == 250, domain
        assert rcpt(outside, mail, f"nobody-here@{domain}")[0] == 550, domain
    assert arrives(outside, mail, subject, f"alice@{mail.domain}")
    assert rcpt(outside, mail, f"alice@sub.{mail.domain}")[0] == 554


def test_accepted_for_the_domains_of_virtual_alias_maps(mail, told, outside, subject):
    alias = told["final"]["virtual_alias"]
    assert (sorted(alias["domains"]), alias["tables"]) == (["all.example", "virtual.example"], [])
    assert (alias["unknown_recipients"], alias["catch_all"]) == ("refused", ["all.example"])
    assert rcpt(outside, mail, "nobody-here@virtual.example")[0] == 550
    assert rcpt(outside, mail, "whoever@all.example")[0] == 250
    assert arrives(outside, mail, subject, "sales@virtual.example")


# --- forwarded: because of mynetworks, relay_domains and what is below them -------------------------------------------------------------


def test_forwarded_for_the_clients_in_mynetworks(mail, told, inside, outside, subject):
    clients = told["clients"]
    assert inside.out("hostname -I").split()[0] in clients["networks"]
    assert clients["networks_by"] == "mynetworks"
    assert (clients["network_ports"], clients["stranger_ports"]) == ([25], [])
    assert rcpt(outside, mail, "somebody@y.example")[0] == 554
    sent = inside.ask("submit", host=ADDRESSES[mail.name][0], subject=subject, sender="x@y.example", recipient="somebody@y.example")
    assert sent == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


@pytest.mark.parametrize("domain", ["partner.example", "sub.partner.example"])
def test_forwarded_to_relay_domains_and_what_is_below_them(mail, told, outside, subject, domain):
    relay = told["forwarded"]["relay"]
    assert (relay["domains"], relay["subdomains"]) == (["partner.example", "elsewhere.example"], True)
    assert relay["unknown_recipients"] == "refused"
    assert relay["routes"][0] == {"domain": "partner.example", "next_hop": "relay:MX", "by": "relay_transport"}
    assert rcpt(outside, mail, f"nobody-here@{domain}")[0] == 550
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"known@{domain}")
    assert sent == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


def test_not_forwarded_because_of_the_name_that_a_client_has(mail, told, outside):
    """Postfix once relayed for clients whose name is below relay_domains; it looks at the recipient only."""
    assert "elsewhere.example" in told["forwarded"]["relay"]["domains"]
    assert outside.out("hostname -f").endswith(".elsewhere.example")
    assert told["clients"]["conditions"] == []
    assert rcpt(outside, mail, "somebody@y.example")[0] == 554


def test_forwarded_by_the_routes_of_transport_maps(mail, told, inside, outside, subject):
    assert told["forwarded"]["routes"] == [{"destination": "other.example", "next_hop": "smtp:[mx.elsewhere.example]"}]
    assert told["forwarded"]["default"] == {"next_hop": "smtp:MX", "by": "default_transport"}
    sent = inside.ask("submit", host=ADDRESSES[mail.name][0], subject=subject, sender="x@y.example", recipient="somebody@other.example")
    assert sent == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


# --- on which ports ------------------------------------------------------------------------------------------------------------------


def test_the_ports_and_what_they_answer(mail, told, outside):
    rows = {row["port"]: row for row in told["listeners"]}
    assert {25, 465, 587} <= set(rows)
    for port, row in rows.items():
        assert outside.ask("reachable", host=mail.fqdn, ports=[port])[str(port)]
        seen = outside.ask("smtp", host=mail.fqdn, port=port, tls={"implicit": "implicit"}.get(row["tls"], "starttls"))
        assert ("auth" in seen["features"]) == (row["auth"] != "never")
        assert row["auth"] in ("never", "over TLS")
        commands = ["MAIL FROM:<x@y.example>", f"RCPT TO:<alice@{mail.domain}>", "RCPT TO:<somebody@y.example>"]
        tls = "implicit" if row["tls"] == "implicit" else "starttls"
        replies = outside.ask("smtp", host=mail.fqdn, port=port, tls=tls, commands=commands)["replies"]
        assert [code for code, _text in replies[1:]] == [
            {"accepted": 250, "refused": 554}[row["strangers"][where]] for where in ("own", "elsewhere")
        ]


def test_a_port_of_its_own_has_a_policy_of_its_own(mail, reports, outside):
    """An override in master.cf counts, and so does what it refers to."""
    mail.out("cp -a /etc/postfix/master.cf /root/master.cf.report")
    try:
        overrides = "-o smtpd_relay_restrictions=$report_restrictions -o smtpd_tls_security_level=none -o smtpd_client_restrictions="
        mail.out("postconf -e 'report_restrictions=check_client_access static:OK, reject'")
        mail.out(f"postconf -Me '2525/inet=2525 inet n - y - - smtpd {overrides}'")
        mail.out("postfix reload && sleep 1")
        told = report(mail)
        row = next(row for row in told["listeners"] if row["port"] == 2525)
        assert (row["tls"], row["strangers"]["elsewhere"]) == ("none", "accepted")
        assert told["clients"]["stranger_ports"] == [2525]
        assert told["findings"][0]["level"] == "danger"
        assert told["findings"][0]["say"].startswith("Everybody may relay on port 2525:")
        seen = outside.ask("smtp", host=mail.fqdn, port=2525, commands=["MAIL FROM:<x@y.example>", "RCPT TO:<somebody@y.example>"])
        assert "starttls" not in seen["before"]
        assert seen["replies"][1][0] == 250
    finally:
        mail.out("postconf -X report_restrictions; mv /root/master.cf.report /etc/postfix/master.cf && postfix reload && sleep 1")


# --- findings ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "replies", "findings"),
    [
        pytest.param(
            {"mynetworks": "0.0.0.0/0 [::]/0", "relay_domains": "partner.example", "relay_recipient_maps": "", "soft_bounce": "yes"},
            {"somebody@y.example": 250, "nobody-here@partner.example": 250, "nobody-here@localhost": 450},
            {
                "danger": ["Every network may relay on port 25: mynetworks has 0.0.0.0/0, [::]/0."],
                "warning": ["relay_domains without relay_recipient_maps", "Every refusal is for now (4xx)"],
            },
            id="every network",
        ),
        pytest.param(
            {"smtpd_relay_restrictions": "check_client_access static:OK, reject_unauth_destination"},
            {"somebody@y.example": 250},
            {"danger": ["Everybody may relay on port 25:"]},
            id="everybody",
        ),
        pytest.param(
            {"smtpd_relay_restrictions": "permit_mynetworks, defer_unauth_destination"},
            {"somebody@y.example": 454},
            {"warning": ["Strangers who want to relay on port 25 are refused only for now"]},
            id="for now",
        ),
        pytest.param(
            {"smtpd_relay_restrictions": "check_sender_access inline:{x@y.example=OK}, reject_unauth_destination"},
            {"somebody@y.example": 250},
            {"danger": ["A client that claims to be in inline:{x@y.example=OK} may relay on port 25"]},
            id="a sender",
        ),
        pytest.param(
            {"transport_maps": "hash:/etc/postfix/no-such-table"},
            {"alice@localhost": 451},
            {"warning": ["There is no lookup table hash:/etc/postfix/no-such-table"]},
            id="no table",
        ),
    ],
)
def test_findings_are_what_a_stranger_finds(mail, reports, outside, parameters, replies, findings):
    with configured(mail, parameters):
        told = report(mail)["findings"]
        for level, sentences in findings.items():
            for say in sentences:
                assert [found["level"] for found in told if found["say"].startswith(say)] == [level], told
        assert {recipient: rcpt(outside, mail, recipient)[0] for recipient in replies} == replies


def test_where_it_listens_is_asked_and_not_read(mail, reports, outside):
    """After a change of inet_interfaces a reload leaves the ports as they are, and the report says so."""
    address = ADDRESSES[mail.name][0]
    try:
        with configured(mail, {"inet_interfaces": "loopback-only", "proxy_interfaces": ""}):
            told = report(mail)
            assert any(finding["say"].startswith("Postfix still listens on") for finding in told["findings"])
            assert outside.ask("reachable", host=address, ports=[25]) == {"25": True}
            mail.out("systemctl restart postfix && sleep 1")
            told = report(mail)
            assert {bound for row in told["listeners"] for bound in row["addresses"]} <= {"127.0.0.1", "::1"}
            assert sorted(told["final"]["local"]["addresses"]) == ["[127.0.0.1]", "[ipv6:::1]"]
            assert outside.ask("reachable", host=address, ports=[25, 465, 587]) == {"25": False, "465": False, "587": False}
    finally:
        mail.out("systemctl restart postfix")
    deadline = time.monotonic() + 20
    while not outside.ask("reachable", host=address, ports=[25])["25"]:
        assert time.monotonic() < deadline
