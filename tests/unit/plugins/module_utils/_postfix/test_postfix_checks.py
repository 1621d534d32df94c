# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import (
    BadTableName,
    Checker,
    MissingTableType,
    SizesContradict,
    check_tables,
    tables,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.restrictions import UnknownRestriction
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import BadValue
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import DEFAULTS


@pytest.mark.parametrize("value", ["proxy:/etc/postfix/x.cf", "proxy:mysql", "hash:/x, proxy:mysql:", "proxy:"])
def test_proxy_of_nothing_is_refused(value):
    with pytest.raises(BadTableName, match="names no table for proxymap"):
        check_tables("virtual_alias_maps", value, ["hash", "mysql", "proxy"])


@pytest.mark.parametrize("value", ["proxy:mysql:/etc/postfix/x.cf", "proxy:unix:passwd.byname", "proxy:$default_database_type:/etc/x"])
def test_proxy_of_a_table_is_right(value):
    check_tables("virtual_alias_maps", value, ["mysql", "proxy", "unix"])


def checker(**values):
    return Checker(DEFAULTS, values, lambda _name: False)


@pytest.mark.parametrize(
    ("name", "value", "types"),
    [
        ("alias_maps", "hash:/etc/aliases, nis:mail.aliases", ["hash", "nis"]),
        ("virtual_alias_maps", "proxy:mysql:/etc/postfix/x.cf", ["proxy", "mysql"]),
        ("virtual_alias_maps", "unionmap:{hash:/a, pcre:/b}", ["unionmap", "hash", "pcre"]),
        ("virtual_alias_maps", "hsh:/etc/aliases", ["hsh"]),
        ("header_checks", "regexp:{ {/^Subject: x/ DISCARD} }", ["regexp"]),
        ("mynetworks", "127.0.0.0/8 [::1]/128 !cidr:/etc/nets", ["cidr"]),
        ("mynetworks", "fe80::/10", []),
        ("smtpd_recipient_restrictions", "check_client_access lmdb:/x, check_policy_service unix:private/y", ["lmdb"]),
        ("smtpd_recipient_restrictions", "check_client_access hsh:/x", ["hsh"]),
        ("mailbox_transport", "lmtp:unix:private/dovecot-lmtp", []),
        ("smtpd_milters", "unix:/run/x, inet:localhost:8891", []),
        ("relayhost", "[mail.example.org]:587", []),
        ("smtp_tls_session_cache_database", "btree:${data_directory}/smtp_scache", ["btree"]),
        ("myhostname", "mail.example.org", []),
    ],
)
def test_table_types(name, value, types):
    assert [table_type for table_type, _rest in tables(name, value)] == types


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("lmdb:/etc/aliases", "install the package postfix-lmdb"),
        ("proxy:pgsql:/x", "install the package postfix-pgsql"),
        ("hsh:/etc/aliases", "does not have; did you mean hash"),
        ("dbm:/etc/aliases", "It has hash, proxy, texthash"),
    ],
)
def test_missing_table_types_are_refused(value, message):
    with pytest.raises(MissingTableType, match=message):
        check_tables("alias_maps", value, ["hash", "proxy", "texthash"])


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("smtpd_tls_security_level", "$level", "$level"),
        ("smtpd_tls_security_level", "${x?{y}:{z}}", "${x?{y}:{z}}"),
        ("my_own", ["a", "b"], "a, b"),
        ("my_own", True, "yes"),
        ("my_own_file", ["a", "b"], "a, b"),
        ("grey", ["permit_mynetworks"], "permit_mynetworks"),
        ("smtpd_client_restrictions", "grey", "grey"),
    ],
)
def test_references_classes_and_own_names_pass(name, given, text):
    checker(level="may", smtpd_restriction_classes="grey").check(name, given, text)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("smtpd_tls_security_level", "$level", BadValue),
        ("grey", "permit_mynetwork", UnknownRestriction),
        ("smtpd_client_restrictions", "gray", UnknownRestriction),
        ("mua_client_restrictions", "permit_mynetwork", UnknownRestriction),
    ],
)
def test_what_is_behind_a_reference_or_in_a_class_is_checked(name, text, error):
    with pytest.raises(error):
        checker(level="bogus", smtpd_restriction_classes="grey").check(name, text, text)


def test_a_value_that_refers_to_itself_is_refused():
    with pytest.raises(BadValue, match="to itself"):
        checker().check("mynetworks", ["$mynetworks", "10.0.0.0/8"], "$mynetworks, 10.0.0.0/8")


def test_overrides_count_in_expansion():
    with pytest.raises(BadValue):
        checker(level="may").check("smtpd_tls_security_level", "$level", "$level", {"level": "bogus"})


@pytest.mark.parametrize(
    ("sizes", "contradict"),
    [
        ({}, False),
        ({"mailbox_size_limit": "0"}, False),
        ({"mailbox_size_limit": "1000"}, True),
        ({"virtual_mailbox_limit": "1000"}, True),
        ({"message_size_limit": "99999999"}, True),
        ({"message_size_limit": "0"}, True),
        ({"message_size_limit": "0", "mailbox_size_limit": "0", "virtual_mailbox_limit": "0"}, False),
        ({"message_size_limit": "10240000", "mailbox_size_limit": "10240000"}, False),
    ],
)
def test_a_mailbox_must_hold_a_message(sizes, contradict):
    if contradict:
        with pytest.raises(SizesContradict, match="smaller than message_size_limit"):
            checker(**sizes).check_sizes()
    else:
        checker(**sizes).check_sizes()
