# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._policy.order import order

BASE = {
    "mydestination": "example.org",
    "local_recipient_maps": "$alias_maps",
    "alias_maps": "hash:/etc/aliases",
    "local_transport": "local:$myhostname",
    "forward_path": "$home/.forward",
    "mail_spool_directory": "/var/mail",
    "default_transport": "smtp",
}


def asked(parameters, doors=()):
    return [(row["program"], list(row["parameters"])) for row in order(parameters, doors)]


def test_a_plain_host():
    assert asked(BASE) == [
        ("smtpd", ["local_recipient_maps"]),
        ("qmgr", ["mydestination"]),
        ("local", ["alias_maps"]),
        ("local", ["forward_path"]),
        ("local", ["mail_spool_directory"]),
        ("qmgr", ["default_transport"]),
    ]


def test_the_order_of_the_tables():
    names = "canonical_maps recipient_bcc_maps virtual_alias_maps relocated_maps transport_maps smtp_generic_maps relayhost".split()
    found = [name for _program, parameters in asked({**BASE, **dict.fromkeys(names, "x")}) for name in parameters]
    # That of virtual_alias_maps is asked for the first time when smtpd wants to know whether the recipient exists.
    places = [len(found) - found[::-1].index(name) for name in names[:5]]
    assert places == sorted(places)
    assert found.index("relocated_maps") < found.index("alias_maps")
    assert found[-3:] == ["default_transport", "relayhost", "smtp_generic_maps"]


def test_a_mailbox_transport_hides_the_rest():
    rows = order(
        {**BASE, "mailbox_transport_maps": "hash:/m", "mailbox_transport": "lmtp", "home_mailbox": "Maildir/", "luser_relay": "x"}, ()
    )
    mailbox = next(row for row in rows if row["about"] == "the mailbox")
    assert (list(mailbox["parameters"]), list(mailbox["hidden"])) == (["mailbox_transport_maps", "mailbox_transport"], ["home_mailbox"])
    assert not any("luser_relay" in row["parameters"] for row in rows)


def test_recipients_without_an_account():
    rows = asked({**BASE, "fallback_transport": "lmtp", "luser_relay": "x"})
    assert ("local", ["fallback_transport"]) in rows


def test_local_domains_may_go_elsewhere():
    assert not any(program == "local" for program, _names in asked({**BASE, "local_transport": "error:no"}))


def test_virtual_mailboxes():
    virtual = {**BASE, "virtual_mailbox_domains": "v.example", "virtual_mailbox_maps": "hash:/v"}
    assert ("virtual", ["virtual_mailbox_maps"]) in asked(virtual)
    assert ("virtual", ["virtual_mailbox_maps"]) not in asked({**virtual, "virtual_transport": "lmtp:unix:x"})


def test_masquerading_is_for_senders_unless_recipients_are_named():
    assert ("cleanup", ["masquerade_domains"]) not in asked({**BASE, "masquerade_domains": "x", "masquerade_classes": "envelope_sender"})
    assert ("cleanup", ["masquerade_domains"]) in asked({**BASE, "masquerade_domains": "x", "masquerade_classes": "envelope_recipient"})


def test_ports_with_the_same_restrictions_stand_together():
    lists = {"smtpd_client_restrictions": "permit_sasl_authenticated,reject"}
    doors = [(25, "smtp/inet", {}), (465, "submissions/inet", lists), (587, "submission/inet", lists)]
    assert next(row["about"] for row in order(BASE, doors)) == "may this client send there, on 465, 587"
