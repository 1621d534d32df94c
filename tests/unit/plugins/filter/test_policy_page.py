# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.policy_page import FilterModule, policy_page
from ansible_collections.postroom.mail.plugins.module_utils._policy.report import Door, Facts, policy

PARAMETERS = {
    "mail_version": "3.10.13",
    "myhostname": "mail.example.org",
    "inet_interfaces": "all",
    "mydestination": "example.org, localhost",
    "local_recipient_maps": "unix:passwd.byname hash:/etc/aliases",
    "local_transport": "local",
    "alias_maps": "hash:/etc/aliases",
    "forward_path": "$home/.forward",
    "mail_spool_directory": "/var/mail",
    "relay_domains": "in.example",
    "relay_recipient_maps": "hash:/etc/postfix/known",
    "relay_transport": "relay",
    "default_transport": "smtp",
    "parent_domain_matches_subdomains": "relay_domains",
    "mynetworks": "127.0.0.0/8",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_tls_security_level": "may",
}
SUBMISSION = {
    **PARAMETERS,
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_tls_security_level": "encrypt",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
}


def told(**parameters):
    effective = {**PARAMETERS, **parameters}
    doors = [
        Door("smtp/inet", 25, "", ("0.0.0.0",), effective),
        Door("submission/inet", 587, "", ("0.0.0.0",), {**SUBMISSION, **parameters}),
    ]
    facts = Facts(parameters=effective, set_parameters=["mynetworks"], doors=doors, addresses=["192.0.2.25"])
    return {"installed": True, "config_error": None, **policy(facts)}


def test_page():
    assert policy_page(told()) == [
        "The mail policy of mail.example.org (Postfix 3.10.13)",
        "",
        "PORTS  TLS       AUTH      takes mail for this host from  relays for",
        "25     offered   never     everybody                      mynetworks",
        "587    required  over TLS  logins                         logins",
        "",
        "FINAL: mail for these domains ends here, from every client that a port accepts",
        "  local             example.org localhost",
        "                    and user@ the addresses [192.0.2.25]",
        "                    unknown recipients are refused; known are those in unix:passwd.byname",
        "                    hash:/etc/aliases",
        "                    delivered by local",
        "  virtual aliases   none",
        "  virtual mailboxes none",
        "",
        "FORWARDED: the routes of other mail",
        "  relay domains     in.example and everything below them, for everybody",
        "                    unknown recipients are refused; known are those in hash:/etc/postfix/known",
        "                    in.example goes to relay:MX (relay_transport)",
        "  smarthost         none",
        "  all other mail    goes to the MX of its domain (default_transport)",
        "",
        "RELAYING: these clients can send to other domains",
        "  without login     127.0.0.0/8 (mynetworks) on 25",
        "  after login       everybody who can log in, on 587",
        "",
        "FINDINGS",
        "  none",
        "",
        "ORDER: the questions of Postfix about an incoming recipient, from top to bottom",
        "   1 smtpd          may this client send there, on 25: relay = permit_mynetworks,",
        "                    reject_unauth_destination",
        "   2 smtpd          may this client send there, on 587: relay = permit_sasl_authenticated,reject",
        "   3 smtpd          does the recipient exist: local_recipient_maps; relay_recipient_maps",
        "   4 qmgr           the class of the domain: mydestination; relay_domains",
        "     local domains:",
        "   5 local          local aliases, again for every result: alias_maps = hash:/etc/aliases",
        "   6 local          what users say themselves: forward_path = $home/.forward",
        "   7 local          the mailbox: mail_spool_directory = /var/mail",
        "     other domains:",
        "   8 qmgr           the way out: default_transport = smtp",
    ]


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"mynetworks": "0.0.0.0/0"}, "  DANGER            Every network may relay on port 25: mynetworks has 0.0.0.0/0."),
        ({"mynetworks": "0.0.0.0/0"}, "25     offered   never     everybody                      everybody"),
        ({"smtpd_relay_restrictions": "permit_mynetworks, defer_unauth_destination"}, "  mynetworks, (strangers: not now)"),
        ({"relayhost": "[isp]:587", "smtp_sasl_auth_enable": "yes", "smtp_tls_security_level": "encrypt"}, "with login, TLS encrypt"),
        ({"mydestination": "", "inet_interfaces": "loopback-only"}, "  local             none"),
        ({"relay_recipient_maps": ""}, "unknown recipients are ACCEPTED; known are those in no table"),
        ({"relay_domains": "mysql:/etc/postfix/relay.cf"}, "what mysql:/etc/postfix/relay.cf says"),
        ({"home_mailbox": "Maildir/", "mailbox_transport": "lmtp"}, "mailbox_transport = lmtp (never asked: home_mailbox)"),
        ({"mydestination": 'a"b.example'}, "a'b.example"),
    ],
)
def test_lines(parameters, line):
    page = policy_page(told(**parameters), width=140)
    assert any(line in row for row in page), page


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider(width):
    assert max(map(len, policy_page(told(), width)[6:])) <= max(width, 80)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"installed": False, "config_error": None}, "This host accepts no mail: Postfix is not installed."),
        ({"installed": True, "config_error": "missing '='"}, "The policy of this host is not known: missing '='"),
    ],
)
def test_a_host_that_cannot_tell(answer, line):
    assert policy_page(answer) == [line]


@pytest.mark.parametrize("answer", [{}, None, [], {"installed": True, "config_error": None}])
def test_something_else_is_refused(answer):
    with pytest.raises(AnsibleFilterError, match="takes what postroom.mail.mail_info returns as policy"):
        policy_page(answer)


def test_the_filter_has_its_name():
    assert list(FilterModule().filters()) == ["policy_page"]
