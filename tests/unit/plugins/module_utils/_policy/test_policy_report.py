# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._policy.report import (
    MOST,
    Door,
    Facts,
    own_addresses,
    policy,
    tables_to_list,
    transport_keys,
)

BASE = {
    "mail_version": "3.10.13",
    "myhostname": "mail.example.org",
    "inet_interfaces": "all",
    "inet_protocols": "all",
    "mydestination": "mail.example.org, example.org, localhost",
    "local_recipient_maps": "proxy:unix:passwd.byname hash:/etc/aliases",
    "local_transport": "local:mail.example.org",
    "mailbox_transport": "lmtp:unix:private/dovecot-lmtp",
    "alias_maps": "hash:/etc/aliases",
    "virtual_alias_maps": "",
    "virtual_alias_domains": "",
    "virtual_transport": "virtual",
    "relay_transport": "relay",
    "default_transport": "smtp",
    "parent_domain_matches_subdomains": "relay_domains,smtpd_access_maps",
    "mynetworks": "127.0.0.0/8 [::1]/128",
    "mynetworks_style": "host",
    "smtpd_reject_unlisted_recipient": "yes",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "smtpd_tls_security_level": "may",
}
SUBMISSION = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_tls_security_level": "encrypt",
    "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
}


def facts(tables=None, routes=None, submission=False, **parameters):
    effective = {**BASE, **parameters}
    doors = [Door("smtp/inet", 25, "", ("0.0.0.0", "::"), effective)]
    if submission:
        doors.append(Door("submission/inet", 587, "", ("0.0.0.0", "::"), {**effective, **SUBMISSION}))
    return Facts(
        parameters=effective,
        set_parameters=[*parameters, "mynetworks"],
        doors=doors,
        tables=tables or {},
        routes=routes or {},
        addresses=["127.0.0.1", "192.0.2.25", "::1", "2001:db8::25"],
    )


def sentences(found):
    return [finding["say"] for finding in policy(found)["findings"]]


def test_a_closed_host():
    told = policy(facts(submission=True))
    assert told["findings"] == []
    smtp, submission = told["listeners"]
    assert (smtp["tls"], smtp["auth"], smtp["authenticated"]) == ("offered", "never", None)
    assert (submission["tls"], submission["auth"]) == ("required", "over TLS")
    assert [smtp["strangers"][to] for to in ("own", "elsewhere")] == ["accepted", "refused"]
    assert smtp["networks"]["elsewhere"] == "accepted"
    assert [submission["strangers"]["own"], submission["authenticated"]["elsewhere"]] == ["refused", "accepted"]
    assert told["clients"] == {
        "networks": ["127.0.0.0/8", "[::1]/128"],
        "networks_by": "mynetworks",
        "network_ports": [25],
        "authenticated_ports": [587],
        "stranger_ports": [],
        "conditions": [],
    }
    assert told["smarthost"] is None
    assert told["final"]["local"] == {
        "domains": ["mail.example.org", "example.org", "localhost"],
        "more_domains": 0,
        "tables": [],
        "unknown_recipients": "refused",
        "recipients": ["proxy:unix:passwd.byname", "hash:/etc/aliases"],
        "catch_all": [],
        "transport": "local:mail.example.org",
        "routes": [],
        "addresses": ["[127.0.0.1]", "[192.0.2.25]", "[ipv6:::1]", "[ipv6:2001:db8::25]"],
    }
    assert told["forwarded"]["default"] == {"next_hop": "smtp:MX", "by": "default_transport"}


@pytest.mark.parametrize(
    ("parameters", "addresses"),
    [
        ({"inet_interfaces": "loopback-only"}, ["127.0.0.1", "::1"]),
        ({"inet_interfaces": "192.0.2.25, [2001:db8::25]"}, ["192.0.2.25", "2001:db8::25"]),
        ({"inet_interfaces": "mail.example.org"}, []),
        ({"inet_protocols": "ipv4"}, ["127.0.0.1", "192.0.2.25"]),
        ({"inet_interfaces": "127.0.0.1", "proxy_interfaces": "203.0.113.9"}, ["127.0.0.1", "203.0.113.9"]),
    ],
)
def test_own_addresses(parameters, addresses):
    assert own_addresses(facts(**parameters)) == addresses


def test_an_interface_by_name_is_seen_from_the_sockets():
    doors = [Door("smtp/inet", 25, "", ("192.0.2.25",), BASE), Door("127.0.0.1:10025/inet", 10025, "127.0.0.1", ("127.0.0.1",), BASE)]
    assert own_addresses(dataclasses.replace(facts(inet_interfaces="mail.example.org"), doors=doors)) == ["192.0.2.25"]


def test_port_25_may_have_its_own_rules_for_unknown_recipients():
    door = Door("smtp/inet", 25, "", ("0.0.0.0",), {**BASE, "local_recipient_maps": ""})
    assert policy(dataclasses.replace(facts(), doors=[door]))["final"]["local"]["unknown_recipients"] == "accepted"


def test_domains_of_a_table_that_can_be_listed():
    tables = {
        "hash:/etc/postfix/virtual": {"old.example": "-", "@old.example": "bob@example.org", "sales@old.example": "al", "root": "al"},
        "/etc/postfix/domains": {"More.example": ""},
    }
    value = "hash:/etc/postfix/virtual"
    told = policy(facts(tables, virtual_alias_maps=value, virtual_alias_domains=value, mydestination="/etc/postfix/domains"))
    assert told["final"]["local"]["domains"] == ["more.example"]
    alias = told["final"]["virtual_alias"]
    assert (alias["domains"], alias["tables"], alias["catch_all"]) == (["old.example"], [], ["old.example"])
    assert alias["unknown_recipients"] == "refused"


def test_domains_of_a_table_that_cannot_be_listed():
    told = policy(facts(relay_domains="mysql:/etc/postfix/relay.cf", relay_recipient_maps="mysql:/etc/postfix/recipients.cf"))
    relay = told["forwarded"]["relay"]
    assert (relay["domains"], relay["tables"]) == ([], ["mysql:/etc/postfix/relay.cf"])
    assert relay["unknown_recipients"] == "refused"


def test_many_domains_are_counted_and_not_told():
    told = policy(facts(mydestination=" ".join(f"d{n}.example" for n in range(MOST + 7))))
    assert (len(told["final"]["local"]["domains"]), told["final"]["local"]["more_domains"]) == (MOST, 7)


@pytest.mark.parametrize(
    ("parameters", "routes", "hop", "by"),
    [
        ({}, {}, "relay:MX", "relay_transport"),
        ({"relayhost": "[smtp.isp.example]:587"}, {}, "relay:[smtp.isp.example]:587", "relayhost"),
        ({"relay_transport": "smtp:[10.0.0.1]", "relayhost": "[isp.example]"}, {}, "smtp:[10.0.0.1]", "relay_transport"),
        ({"relayhost": "[isp.example]"}, {"in.example": "smtp:[10.0.0.2]:25"}, "smtp:[10.0.0.2]:25", "transport_maps"),
        ({}, {".example": "smtp:[10.0.0.3]"}, "smtp:[10.0.0.3]", "transport_maps"),
        ({}, {"example": "smtp:[10.0.0.3]"}, "relay:MX", "relay_transport"),
        ({"parent_domain_matches_subdomains": "transport_maps"}, {"example": "smtp:[10.0.0.3]"}, "smtp:[10.0.0.3]", "transport_maps"),
        ({}, {"*": "smtp:[10.0.0.4]"}, "smtp:[10.0.0.4]", "transport_maps"),
        ({}, {"in.example": "slow:"}, "slow:MX", "transport_maps"),
        ({}, {"in.example": ":[10.0.0.5]"}, "[10.0.0.5]", "transport_maps"),
    ],
)
def test_where_a_relay_domain_goes(parameters, routes, hop, by):
    told = policy(facts(routes=routes, relay_domains="in.example", relay_recipient_maps="hash:/r", **parameters))
    assert told["forwarded"]["relay"]["routes"] == [{"domain": "in.example", "next_hop": hop, "by": by}]


def test_a_final_domain_may_be_handed_on():
    told = policy(facts(routes={"example.org": "smtp:[inner.example]"}))
    assert told["final"]["local"]["routes"] == [{"domain": "example.org", "next_hop": "smtp:[inner.example]", "by": "transport_maps"}]


def test_relay_domains_are_forwarded_with_their_subdomains():
    relay = policy(facts(relay_domains="in.example example.org", relay_recipient_maps="hash:/r"))["forwarded"]["relay"]
    assert relay["domains"] == ["in.example"], "what is local is local first"
    assert relay["subdomains"] is True
    assert policy(facts(parent_domain_matches_subdomains="smtpd_access_maps"))["forwarded"]["relay"]["subdomains"] is False


def test_routes_of_other_domains_are_told():
    tables = {"hash:/etc/postfix/transport": {"slow.example": "slow:", "example.org": "smtp:[in]"}}
    forwarded = policy(facts(tables, transport_maps="hash:/etc/postfix/transport pcre:/etc/postfix/transport.pcre"))["forwarded"]
    assert forwarded["routes"] == [{"destination": "slow.example", "next_hop": "slow:"}]
    assert forwarded["tables"] == ["pcre:/etc/postfix/transport.pcre"]


def test_what_to_ask_transport_maps():
    keys = transport_keys(facts(mydestination="a.b.example", relay_domains="hash:/x"))
    assert keys == ["*", "a.b.example", ".b.example", "b.example", ".example", "example"]


def test_which_tables_to_list():
    parameters = {
        **BASE,
        "transport_maps": "proxy:hash:/t",
        "relay_domains": "!hash:/no, in.example",
        "smtpd_relay_restrictions": "check_client_access cidr:/c, check_policy_service unix:private/p, reject",
    }
    assert tables_to_list(parameters) == ["hash:/t", "unix:passwd.byname", "hash:/etc/aliases", "hash:/no", "cidr:/c"]


def test_smarthost():
    relayhost = "[smtp.isp.example]:587"
    login = {"smtp_sasl_auth_enable": "yes", "smtp_tls_security_level": "encrypt"}
    told = policy(dataclasses.replace(facts(relayhost=relayhost, **login), credentials=True))
    assert told["smarthost"] == {
        "next_hop": f"smtp:{relayhost}",
        "by": "relayhost",
        "per_sender": [],
        "tls": "encrypt",
        "tls_policies": [],
        "auth": True,
        "credentials": True,
    }
    assert told["findings"] == []
    assert policy(facts(sender_dependent_relayhost_maps="hash:/s"))["smarthost"]["per_sender"] == ["hash:/s"]


@pytest.mark.parametrize(
    ("parameters", "level", "say"),
    [
        ({"mynetworks": "127.0.0.0/8 0.0.0.0/0"}, "danger", "Every network may relay on port 25: mynetworks has 0.0.0.0/0."),
        (
            {"mynetworks": "127.0.0.0/8 0.0.0.0/1"},
            "warning",
            "A large part of the Internet may relay on port 25: mynetworks has 0.0.0.0/1.",
        ),
        (
            {"smtpd_relay_restrictions": "check_client_access static:OK, reject_unauth_destination"},
            "danger",
            "Everybody may relay on port 25: its restrictions",
        ),
        ({"smtpd_relay_restrictions": "permit, reject_unauth_destination"}, "danger", "Nobody can send mail on port 25, for smtpd refuses"),
        (
            {"smtpd_relay_restrictions": "defer_unauth_destination"},
            "warning",
            "Strangers who want to relay on port 25 are refused only for now",
        ),
        ({"smtpd_relay_restrictions": "permit_mx_backup, reject"}, "warning", "A domain owner who makes this host their MX may relay"),
        (
            {"smtpd_relay_restrictions": "check_sender_access hash:/s, reject_unauth_destination"},
            "danger",
            "A client that claims to be in hash:/s may relay on port 25",
        ),
        (
            {"smtpd_relay_restrictions": "check_client_access cidr:/c, reject_unauth_destination"},
            "note",
            "Some clients may relay on port 25 by 'check_client_access cidr:/c'.",
        ),
        ({"relay_domains": "in.example"}, "warning", "relay_domains without relay_recipient_maps takes in mail for recipients that do not"),
        ({"local_recipient_maps": ""}, "warning", "mydestination without local_recipient_maps"),
        ({"virtual_mailbox_domains": "v.example"}, "warning", "virtual_mailbox_domains without virtual_mailbox_maps"),
        ({"smtpd_reject_unlisted_recipient": "no"}, "warning", "Mail for recipients that do not exist in the local domains is taken in"),
        ({"receive_override_options": "no_unknown_recipient_checks"}, "warning", "Mail for recipients that do not exist in the local"),
        (
            {"unknown_local_recipient_reject_code": "450"},
            "note",
            "Recipients that do not exist in the local domains are refused only for now",
        ),
        ({"soft_bounce": "yes"}, "warning", "Every refusal is for now"),
        ({"allow_untrusted_routing": "yes"}, "warning", "Addresses such as user@elsewhere@here"),
        ({"virtual_alias_domains": "example.org"}, "warning", "example.org stands in mydestination and in virtual_alias_domains"),
        ({"smtpd_sasl_auth_enable": "yes"}, "warning", "Passwords may cross the network in clear on port 25"),
        (
            {"relayhost": "isp.example", "smtp_sasl_auth_enable": "yes", "smtp_tls_security_level": "may"},
            "warning",
            "The password for the smarthost smtp:isp.example may cross the network in clear",
        ),
        (
            {"inet_interfaces": "loopback-only"},
            "warning",
            "Postfix still listens on 0.0.0.0, ::, port 25, though inet_interfaces is loopback-only",
        ),
        ({"smtpd_client_restrictions": "permit_mynetworks, reject"}, "note", "No port takes mail from strangers"),
    ],
)
def test_findings(parameters, level, say):
    found = [finding for finding in policy(facts(**parameters))["findings"] if finding["say"].startswith(say)]
    assert [finding["level"] for finding in found] == [level], policy(facts(**parameters))["findings"]


def test_a_network_style_is_found_only_where_it_decides():
    subnet = dataclasses.replace(facts(mynetworks_style="subnet"), set_parameters=[])
    assert any("mynetworks_style is subnet" in say for say in sentences(subnet))
    assert not any("mynetworks_style" in say for say in sentences(facts(mynetworks_style="subnet")))


def test_other_findings():
    deaf = dataclasses.replace(facts(), doors=[Door("smtp/inet", 25, "", (), BASE)])
    assert any(say.startswith("Nothing listens on port 25") for say in sentences(deaf))
    missing = dataclasses.replace(facts(), missing=["hash:/t"])
    assert "There is no lookup table hash:/t: mail is deferred (451) until there is." in sentences(missing)
    without = dataclasses.replace(facts(relayhost="isp", smtp_sasl_auth_enable="yes", smtp_tls_security_level="encrypt"), credentials=False)
    assert any(say.startswith("smtp_sasl_password_maps has no entry for the smarthost") for say in sentences(without))
    catch_all = facts({"hash:/v": {"@example.org": "al"}}, virtual_alias_maps="hash:/v")
    assert sentences(catch_all) == ["In example.org every recipient exists (a catch-all)."]


def test_a_transport_that_is_no_service():
    tables = {"hash:/t": {"slow.example": "slow:", "fast.example": "smtp:[x]", "next.example": ":[x]"}}
    more = {"fallback_transport": "cyrus", "transport_maps": "hash:/t", "routes": {"example.org": "gone:[x]"}}
    found = dataclasses.replace(facts(tables, **more), transports=["smtp", "relay", "local", "lmtp", "virtual"])
    assert [say.partition(",")[0] for say in sentences(found)] == [
        "fallback_transport names the transport 'cyrus'",
        "transport_maps gives slow.example to the transport 'slow'",
        "transport_maps gives example.org to the transport 'gone'",
    ]
    assert sentences(facts(tables, **more)) == []


def test_the_gravest_comes_first():
    levels = [found["level"] for found in policy(facts(mynetworks="0.0.0.0/0", soft_bounce="yes", local_recipient_maps=""))["findings"]]
    assert levels == sorted(levels, key=["danger", "warning", "note"].index)
    assert levels[0] == "danger"


def test_verified_recipients_are_known():
    restrictions = {"smtpd_recipient_restrictions": "reject_unverified_recipient"}
    assert policy(facts(relay_domains="in.example", **restrictions))["forwarded"]["relay"]["unknown_recipients"] == "deferred"
    now = policy(facts(relay_domains="in.example", unverified_recipient_reject_code="550", **restrictions))
    assert now["forwarded"]["relay"]["unknown_recipients"] == "refused"
