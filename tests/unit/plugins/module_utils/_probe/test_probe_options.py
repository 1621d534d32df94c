# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, MailError
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import probes

USER = {"user": "alice", "password": "geheim"}


def one(**options):
    [probe] = probes({"host": "mail.example.org", **options})
    return probe


@pytest.mark.parametrize(
    ("protocol", "tls", "port"),
    [
        ("smtp", "none", 25),
        ("smtp", "starttls", 587),
        ("smtp", "implicit", 465),
        ("imap", "none", 143),
        ("imap", "starttls", 143),
        ("imap", "implicit", 993),
        ("pop3", "none", 110),
        ("pop3", "starttls", 110),
        ("pop3", "implicit", 995),
    ],
)
def test_ports(protocol, tls, port):
    probe = one(**{protocol: {"tls": tls}})
    assert (probe.smtp or probe.store).port == port
    probe = one(**{protocol: {"tls": tls, "port": 2000}})
    assert (probe.smtp or probe.store).port == 2000


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"smtp": {}}, "connected"),
        ({"smtp": USER}, "authenticated"),
        ({"smtp": USER, "stop_after": "connect"}, "connected"),
        ({"smtp": {}, "recipient": "a@x"}, "accepted"),
        ({"smtp": USER, "recipient": "a@x", "stop_after": "auth"}, "authenticated"),
        ({"smtp": {}, "recipient": "a@x", "stop_after": "rcpt"}, "accepted"),
        ({"smtp": {}, "recipient": "a@x", "imap": USER}, "delivered"),
        ({"imap": {}}, "connected"),
        ({"pop3": USER}, "authenticated"),
        ({"imap": USER, "message_id": "<1@x>"}, "delivered"),
        ({"smtp": {}, "expect": "rejected"}, "rejected"),
        ({"smtp": {}, "relay": {"domain": "example.org"}}, "rejected"),
        ({"smtp": {}, "relay": {"domain": "example.org"}, "expect": "accepted"}, "accepted"),
    ],
)
def test_what_is_expected_when_nothing_is_said(options, outcome):
    assert one(**options).expectation.outcome == outcome


@pytest.mark.parametrize(
    ("options", "hostname"),
    [
        ({}, "mail.example.org"),
        ({"host": "192.0.2.1"}, None),
        ({"host": "2001:db8::1"}, None),
        ({"host": "mail"}, None),
        ({"host": "192.0.2.1", "server_hostname": "mx.example.org"}, "mx.example.org"),
        ({"host": "192.0.2.1", "smtp": {"server_hostname": "mx.example.org"}}, "mx.example.org"),
        ({"relay": {"domain": "example.org", "hostname": "own.example.org"}, "server_hostname": "mx.example.org"}, "own.example.org"),
    ],
)
def test_own_name_of_a_host_that_must_not_relay(options, hostname):
    probe = one(**{"smtp": {}, "relay": {"domain": "example.org"}, **options})
    assert probe.relay.target.hostname == hostname


def test_options_beside_a_relay_probe_mean_nothing_to_it():
    [probe] = probes(
        {"host": "mail.example.org", "recipient": "alice@example.org", "probes": [{"smtp": {}, "relay": {"domain": "example.org"}}]}
    )
    assert probe.message is None


def test_options_beside_probes_are_defaults():
    a, b = probes(
        {
            "host": "mail.example.org",
            "timeout": 5.0,
            "recipient": "a@x",
            "validate_certs": True,
            "probes": [
                {"name": "a", "smtp": {"tls": "none"}},
                {"smtp": {"host": "other.example.org"}, "timeout": 1.0, "validate_certs": False, "recipient": "b@x", "sender": ""},
            ],
        }
    )
    assert (a.name, a.smtp.host, a.timeout, a.message.recipient, a.message.sender) == ("a", "mail.example.org", 5.0, "a@x", "a@x")
    assert (b.name, b.smtp.host, b.timeout, b.message.recipient, b.message.sender) == ("probe 2", "other.example.org", 1.0, "b@x", "")
    assert a.smtp.trust.validate_certs
    assert not b.smtp.trust.validate_certs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "There is nobody to ask"),
        ({"smtp": {}, "host": None}, "smtp: which host?"),
        ({"smtp": {"host": "a b"}}, "'a b' is not a host name"),
        ({"smtp": {"port": 0}}, "0 is not a port number"),
        ({"smtp": {"port": 65536}}, "65536 is not a port number"),
        ({"smtp": {"user": "alice"}}, "user and password belong together"),
        ({"smtp": {"user": "a\nb", "password": "x"}}, "cannot hold a line end"),
        ({"imap": {**USER, "mailbox": "a\r\nb"}}, "cannot hold a line end"),
        ({"imap": USER, "pop3": USER}, "imap and pop3 are two ways"),
        ({"smtp": {}, "imap": USER}, "needs a recipient"),
        ({"smtp": {}, "imap": {}, "recipient": "a@x"}, "fetching needs user and password"),
        ({"imap": {}, "message_id": "<1@x>"}, "fetching needs user and password"),
        ({"imap": USER, "message_id": '<1@x> "'}, "is not a message identifier"),
        ({"smtp": {}, "imap": USER, "recipient": "a@x", "stop_after": "rcpt"}, "for a probe of one half"),
        ({"smtp": {}, "recipient": "a@x>\r\nRCPT TO:<b@x"}, "is not a bare mail address"),
        ({"smtp": {}, "recipient": "Alice <a@x>"}, "is not a bare mail address"),
        ({"smtp": {}, "recipient": "a@x", "sender": "a b"}, "sender 'a b' is not a bare mail address"),
        ({"smtp": {}, "recipient": "a@x", "subject": "a\nBcc: b@x"}, "The header 'Subject'"),
        ({"smtp": {}, "recipient": "a@x", "headers": {"X Y": "1"}}, "The header 'X Y'"),
        ({"smtp": {}, "recipient": "a@x", "headers": {"message-id": "1"}}, "is set by the probe itself"),
        ({"smtp": {}, "timeout": 0.0}, "more than 0 seconds"),
        ({"smtp": {}, "helo": "a b"}, "helo 'a b' is not"),
        ({"smtp": {}, "reply_code": ["54"]}, "reply_code '54'"),
        ({"smtp": {}, "reply_code": ["x54"]}, "reply_code 'x54'"),
        ({"smtp": {}, "reply_code": ["5x4"]}, "reply_code '5x4'"),
        ({"smtp": {}, "expect_answer": "("}, "expect_answer is not a regular expression"),
        ({"smtp": {}, "ca_file": "/nonexistent"}, "Cannot read ca_file /nonexistent: No such file"),
        ({"smtp": {}, "ca_file": "/dev/null"}, "ca_file /dev/null holds no certificate"),
        ({"smtp": {}, "ca_content": "-----BEGIN"}, "ca_content holds no certificate"),
        ({"smtp": {}, "ca_content": ""}, None),
        ({"smtp": {}, "certificate_fingerprint": "12:34"}, "64 hexadecimal digits"),
        ({"smtp": {}, "tls_min_version": "TLSv1.3", "tls_max_version": "TLSv1.2"}, "tls_max_version (TLSv1.2) is below"),
        ({"smtp": {}, "reply_code": ["5xx", "45x", "554"]}, None),
        ({"smtp": {}, "relay": {}}, "domain '' is not a domain name"),
        ({"smtp": {}, "relay": {"domain": "example.org", "skip": ["plain", "bnag path"]}}, "does not have: bnag path."),
        ({"smtp": USER, "relay": {"domain": "example.org"}}, "smtp cannot have a user"),
        ({"imap": USER, "relay": {"domain": "example.org"}}, "relay is a probe of its own"),
        ({"smtp": {}, "imap": USER, "relay": {"domain": "example.org"}}, "relay is a probe of its own"),
        ({"smtp": {}, "stop_after": "rcpt", "relay": {"domain": "example.org"}}, "relay is a probe of its own"),
    ],
)
def test_bad_input_is_named_before_anybody_is_asked(options, message):
    if message is None:
        assert one(**options)
        return
    with pytest.raises(MailError) as e:
        one(**options)
    assert message in str(e.value)
    assert str(e.value).endswith(".") or str(e.value).endswith("?")
    assert "geheim" not in str(e.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probes": [{"name": "a", "smtp": {}}, {"name": "a", "smtp": {}}]}, "Two probes have the same name: a."),
        ({"smtp": {}, "probes": [{"name": "a", "smtp": {}}]}, "smtp stands beside probes"),
        ({"probes": [{"name": "good", "smtp": {}}, {"name": "bad"}]}, "Probe 'bad': There is nobody to ask"),
        ({"probes": []}, "The list of probes is empty"),
    ],
)
def test_bad_lists(options, message):
    with pytest.raises(BadInput, match=message):
        probes({"host": "mail.example.org", **options})
