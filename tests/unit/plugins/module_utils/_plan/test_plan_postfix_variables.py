# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_variables import in_full
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import MAILBOXES, VARIABLES, facts

TRANSPORTS = {"bob": "postroom-procmail:"}


def of_all(variables, there=None, **offers):
    return in_full({**VARIABLES, **variables}, facts() if there is None else there, Offers(**offers))


@pytest.mark.parametrize(
    ("name", "others_say", "offers"),
    [
        ("postfix_myhostname", "mail.example.org", {}),
        ("postfix_mydomain", "example.org", {}),
        ("postfix_recipient_delimiter", "+", {}),
        ("postfix_aliases", {"root": "alice"}, {}),
        ("postfix_virtual_aliases", {}, {}),
        ("postfix_virtual_alias_domains", [], {}),
        ("postfix_virtual_alias_domains", ["alias.example"], {"virtual_mailboxes": MAILBOXES}),
        ("postfix_virtual_mailbox_domains", [], {}),
        ("postfix_virtual_mailbox_domains", ["shop.example"], {"virtual_mailboxes": MAILBOXES}),
        ("postfix_virtual_mailboxes", [], {}),
        ("postfix_virtual_mailboxes", ["carol@shop.example"], {"virtual_mailboxes": MAILBOXES}),
        ("postfix_quota_service", "", {}),
        ("postfix_quota_service", "unix:private/quota-status", {"quota_service": "unix:private/quota-status"}),
        ("postfix_mailbox_transport", "lmtp:unix:private/dovecot-lmtp", {}),
        ("postfix_mailbox_transport", "postroom-procmail:", {"mailbox_transport": "postroom-procmail:"}),
        ("postfix_mailbox_transports", {}, {}),
        ("postfix_mailbox_transports", TRANSPORTS, {"mailbox_transports": TRANSPORTS}),
        ("postfix_tls_certificate", "/etc/ssl/mail.pem", {}),
        ("postfix_tls_private_key", "/etc/ssl/mail.key", {}),
    ],
)
def test_others_say_what_the_inventory_does_not(name, others_say, offers):
    assert of_all({}, **offers)[name] == others_say
    assert of_all({name: None}, **offers)[name] == others_say
    # An empty value is one.
    assert of_all({name: type(others_say)()}, **offers)[name] == type(others_say)()


def test_without_mailboxes_every_virtual_domain_has_aliases_alone():
    assert of_all({"host_virtual_domains": ["shop.example"]})["postfix_virtual_alias_domains"] == ["shop.example"]


@pytest.mark.parametrize(
    ("there", "protocols"), [(facts(host={"ipv6": False}), ["ipv4"]), (facts(host={"ipv6": True}), ["all"]), ({}, ["all"])]
)
@pytest.mark.parametrize("given", [{}, {"postfix_inet_protocols": []}, {"postfix_inet_protocols": None}])
def test_a_host_without_ipv6_has_none(there, protocols, given):
    assert of_all(given, there)["postfix_inet_protocols"] == protocols
    assert of_all({"postfix_inet_protocols": ["ipv6"]}, there)["postfix_inet_protocols"] == ["ipv6"]


@pytest.mark.parametrize(("by_hand", "delimiter"), [({"recipient_delimiter": "-"}, "-"), ({"recipient_delimiter": None}, "")])
def test_a_delimiter_by_hand_counts_everywhere(by_hand, delimiter):
    assert of_all({"postfix_parameters": by_hand})["postfix_recipient_delimiter"] == delimiter


def test_nobody_else_speaks_for_the_others():
    assert of_all({"postfix_myorigin": None})["postfix_myorigin"] is None


def test_numbers_are_the_text_that_the_module_takes():
    given = {"name": 10025, "type": "inet", "chroot": False, "wakeup": None, "process_limit": 5, "args": ["-v", 7], "overrides": {"a": 1}}
    (service,) = of_all({"postfix_services": [given]})["postfix_services"]
    assert service == {**given, "name": "10025", "process_limit": "5", "args": ["-v", "7"]}
