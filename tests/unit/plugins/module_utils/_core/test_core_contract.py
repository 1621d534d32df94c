# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.contract import as_promised, problems

DOMAIN = {
    "name": {"type": "str", "required": True},
    "recipients": {"type": "list", "elements": "str"},
    "any_recipient": {"type": "bool", "default": False},
}
CONTRACTS = {
    "networks": {"type": "list", "elements": "str"},
    "mail_networks": {"type": "list", "elements": "str"},
    "mail_protocols": {"type": "list", "elements": "str", "choices": ["imap", "imaps"]},
    "postfix_inet_protocols": {"type": "list", "elements": "str", "choices": ["all", "ipv4", "ipv6"]},
    "postfix_mydestination": {"type": "list", "elements": "str"},
    "postfix_services": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str"}, "args": {"type": "list", "elements": "str"}},
    },
    "postfix_myorigin": {"type": "str"},
    "postfix_mode": {"type": "str", "choices": ["a", "b c"]},
    "relay_policy_networks": {"type": "list", "elements": "str"},
    "relay_policy_domains": {"type": "list", "elements": "dict", "options": DOMAIN},
    "mail_networks_of_others": {"type": "list", "elements": "str"},
    "protocols": {"type": "list", "elements": "str", "choices": ["imap", "imaps"]},
    "aliases": {"type": "dict"},
    "submission": {"type": "bool"},
    "limit": {"type": "int"},
    "hostname": {"type": "str"},
    "certificate": {"type": "path"},
    "anything": {"type": "raw"},
    "mode": {"type": "str", "choices": ["closed", "open", "none"]},
    "domains": {"type": "list", "elements": "dict", "options": DOMAIN},
    "processes": {"type": "dict", "options": {"limit": {"type": "int"}}},
}


def of(name, value):
    return problems({name: value}, CONTRACTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("networks", []),
        ("networks", ["10.1.0.0/16", "192.0.2.7"]),
        ("networks", ("10.1.0.0/16",)),
        ("protocols", ["imaps", "imap"]),
        # Postfix takes a list as text.
        ("postfix_mydestination", "$myhostname, localhost"),
        ("postfix_mydestination", ""),
        ("relay_policy_networks", "10.1.0.0/16 [2001:db8::]/32"),
        ("mail_networks", "10.1.0.0/16"),
        ("postfix_inet_protocols", "ipv4, ipv6"),
        ("postfix_inet_protocols", ["all"]),
        ("postfix_inet_protocols", []),
        ("postfix_mode", "b c"),
        ("aliases", {}),
        ("aliases", {"a": None, "b": ["c", "d"], 4711: "e"}),
        ("aliases", {"a{{": "}}"}),
        ("submission", False),
        ("limit", 0),
        ("limit", "60"),
        ("limit", " -1 "),
        ("hostname", "mail.example.org"),
        ("hostname", 1843),
        ("hostname", None),
        ("certificate", ""),
        ("anything", [None, {"a": 1}]),
        ("mode", "none"),
        ("domains", [{"name": "x.example", "recipients": None}, {"name": "y.example", "recipients": ["ann"], "any_recipient": False}]),
        ("processes", {"limit": "4"}),
    ],
)
def test_what_was_promised_is_not_objected_to(name, value):
    assert of(name, value) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("networks", "10.1.0.0/16", "networks is text, and must be a list: write it as [...], also around one item."),
        ("networks", None, "networks is empty: write [] where there is none, or leave it out."),
        ("networks", {"a": "b"}, "networks is a dictionary, and must be a list: write it as [...], also around one item."),
        ("networks", 10, "networks is a number, and must be a list: write it as [...], also around one item."),
        ("networks", ["10.1.0.0/16", None], "networks[1] is empty: leave the item out."),
        ("networks", [["10.1.0.0/16"]], "networks[0] is a list, and must be one text."),
        ("mail_protocols", "imaps", "mail_protocols is text, and must be a list: write it as [...], also around one item."),
        ("postfix_mydestination", None, "postfix_mydestination is empty: write [] where there is none, or leave it out."),
        ("postfix_mydestination", 5, "postfix_mydestination is a number, and must be a list: write it as [...], also around one item."),
        (
            "postfix_inet_protocols",
            "ipv4, ipv5",
            "The value of postfix_inet_protocols[1] must be one of all, ipv4, ipv6; it is 'ipv5'.",
        ),
        ("postfix_inet_protocols", ["ipv5"], "The value of postfix_inet_protocols[0] must be one of all, ipv4, ipv6; it is 'ipv5'."),
        ("postfix_services", "smtp", "postfix_services is text, and must be a list: write it as [...], also around one item."),
        # What stands inside of a value is no list of Postfix, and is handed on as it is written.
        (
            "postfix_services",
            [{"name": "smtp", "args": "-v -v"}],
            "postfix_services[0].args is text, and must be a list: write it as [...], also around one item.",
        ),
        (
            "relay_policy_domains",
            [{"name": "x.example", "recipients": "ann, bob"}],
            "relay_policy_domains[0].recipients is text, and must be a list: write it as [...], also around one item.",
        ),
        (
            "mail_networks_of_others",
            "10.1.0.0/16",
            "mail_networks_of_others is text, and must be a list: write it as [...], also around one item.",
        ),
        ("protocols", "imaps", "protocols is text, and must be a list: write it as [...], also around one item."),
        ("protocols", ["imaps", "imapz"], "The value of protocols[1] must be one of imap, imaps; it is 'imapz'."),
        ("aliases", None, "aliases is empty: write {} where there is none, or leave it out."),
        ("aliases", ["a: b"], "aliases is a list, and must be a dictionary: write it as {name: value}."),
        (
            "submission",
            "no",
            "submission is text, and must be true or false: write it without quotes,"
            " and on the command line as -e '{\"submission\": true}'.",
        ),
        ("submission", None, "submission is empty: give it a value, or leave it out."),
        ("limit", "many", "limit is text, and must be a whole number."),
        ("limit", True, "limit is true or false, and must be a whole number."),
        ("limit", 1.5, "limit is a number, and must be a whole number."),
        ("hostname", ["a.example.org"], "hostname is a list, and must be one text."),
        ("certificate", {"path": "/x"}, "certificate is a dictionary, and must be one text."),
        ("mode", "opne", "The value of mode must be one of closed, open, none; it is 'opne'."),
        ("domains", ["x.example"], "domains[0] is text, and must be a dictionary: write it as {name: value}."),
        ("domains", [None], "domains[0] is empty: leave the item out."),
        (
            "domains",
            [{"name": "x.example", "recipients": "ann"}],
            "domains[0].recipients is text, and must be a list: write it as [...], also around one item.",
        ),
        ("domains", [{"recipients": []}], "domains[0] has no name: add it."),
        (
            "domains",
            [{"name": "x.example", "next": "y"}],
            "domains[0] has 'next', which is none of name, recipients, any_recipient: correct the name.",
        ),
        ("processes", {"limit": []}, "processes.limit is a list, and must be a whole number."),
    ],
)
def test_what_was_not_promised_is_one_sentence(name, value, said):
    assert of(name, value) == [said]


@pytest.mark.parametrize("value", [{"a@{{ x }}": "b"}, {"a": {"{{ x }}": "b"}}, {"a": [{"{{ x }}": "b"}]}])
def test_a_key_that_was_meant_as_a_template_is_told(value):
    (said,) = of("aliases", value)
    assert "{{ x }}" in said
    assert "fills in no variables there" in said


def test_no_value_of_a_secret_is_repeated():
    contracts = {"users": {"type": "list", "elements": "dict", "options": {"password": {"type": "str", "no_log": True}}}}
    for value in ([{"password": {"k": "SECRET"}}], [{"password": ["SECRET"]}], ["SECRET"], "SECRET"):
        assert problems({"users": value}, contracts)
        assert "SECRET" not in "".join(problems({"users": value}, contracts))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("postfix_mydestination", "$myhostname, localhost", ["$myhostname", "localhost"]),
        ("postfix_mydestination", " a,b\n\tc ,, ", ["a", "b", "c"]),
        ("postfix_mydestination", "", []),
        ("postfix_mydestination", ["a, b"], ["a, b"]),
        ("postfix_mydestination", ("a",), ("a",)),
        ("postfix_inet_protocols", "all", ["all"]),
        ("relay_policy_networks", "10.1.0.0/16,192.0.2.7", ["10.1.0.0/16", "192.0.2.7"]),
        ("mail_networks", "10.1.0.0/16 192.0.2.7", ["10.1.0.0/16", "192.0.2.7"]),
        # No lists, or none of Postfix's.
        ("postfix_myorigin", "a, b", "a, b"),
        ("postfix_mode", "b c", "b c"),
        ("postfix_services", "a b", "a b"),
        ("networks", "a b", "a b"),
        ("mail_protocols", "imap imaps", "imap imaps"),
        ("hostname", None, None),
    ],
)
def test_a_list_of_postfix_may_be_text(name, value, expected):
    assert as_promised(name, value, CONTRACTS[name]) == expected


def test_a_variable_in_no_contract_stays_as_it_is():
    assert as_promised("postfix_mine", "a b", {}) == "a b"
