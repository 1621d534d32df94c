# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that Postfix looks up, as measured: access(5), virtual(5) and so on by postmap -q of the queries of smtpd and cleanup."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._tables.keys import instead, problems

LOOKED_UP = {
    "client": "192 192.0 192.0.2 192.0.2.1 2001 2001:db8 2001:db8:1:2 2001:db8::1 2001:DB8::1 mail.x.example x.example top unknown",
    "access": "user@x.example user+tag@x.example user@ x.example top 163.com <> user@[192.0.2.1]",
    "address": "user@x.example user+tag@x.example user first.last @x.example @sub.x.example o'neill@x.example 4711",
    "transport": "user@x.example x.example .x.example *",
    "name": "user first.last 4711 user+tag",
    "domain": "x.example $myhostname localhost.$mydomain localhost hash:/etc/postfix/more [192.0.2.1]",
    "recipient": "ann ann@x.example @x.example",
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in LOOKED_UP.items() for key in keys.split()])
def test_what_is_looked_up_is_not_objected_to(kind, key):
    assert instead(key, kind) is None


@pytest.mark.parametrize(
    ("kind", "key", "way_out"),
    [
        ("client", "198.18.77.0/24", "write '198.18.77',"),
        ("client", "198.18.77.9/24", "write '198.18.77',"),
        ("client", "10.0.0.0/8", "write '10',"),
        ("client", "192.0.2.1/32", "write '192.0.2.1'"),
        ("client", "10.0.0.0/9", "of the type cidr"),
        ("client", "0.0.0.0/0", "of the type cidr"),
        ("client", "2001:db8::/32", "write '2001:db8',"),
        ("client", "[2001:db8:1:2::]/64", "write '2001:db8:1:2',"),
        ("client", "2001:db8:0:2::/64", "of the type cidr"),
        ("client", "2001:db8::", "write '2001:db8',"),
        ("client", "2001:db8:", "write '2001:db8',"),
        ("client", "2001:db8:0:0::1", "write '2001:db8::1'"),
        ("client", "[192.0.2.1]", "write '192.0.2.1'"),
        ("client", "192.0.2.", "write '192.0.2',"),
        ("client", "192.0.2.*", "write '192.0.2',"),
        ("client", ".spam.example", "write 'spam.example',"),
        ("client", "*.spam.example", "write 'spam.example',"),
        ("client", "user@spam.example", "postfix_sender_access"),
        ("client", "*", "smtpd_client_restrictions"),
        ("access", "@spam.example", "write 'spam.example',"),
        ("access", "*@spam.example", "write 'spam.example',"),
        ("access", ".spam.example", "write 'spam.example',"),
        ("access", "*.spam.example", "write 'spam.example',"),
        ("access", "@*.spam.example", "write 'spam.example',"),
        ("access", "user@*", "write 'user@',"),
        ("access", "user@.spam.example", "as in 'user@spam.example'"),
        ("access", "*", "smtpd_sender_restrictions"),
        ("access", "<user@spam.example>", "write 'user@spam.example'"),
        ("access", "192.0.2.1", "postfix_client_access"),
        ("access", "192.0.2.0/24", "postfix_client_access"),
        ("access", "2001:db8::1", "postfix_client_access"),
        ("address", "*@v.example", "write '@v.example',"),
        ("address", ".v.example", "as in '@v.example'"),
        ("address", "@.v.example", "as in '@v.example'"),
        ("address", "info@*.v.example", "as in 'info@v.example'"),
        ("address", "info@", "'info@example.org', or 'info'"),
        ("address", "*", "write '@example.org'"),
        ("address", "<info@v.example>", "write 'info@v.example'"),
        ("transport", "@v.example", "write 'v.example',"),
        ("transport", "*.v.example", "write '.v.example',"),
        ("transport", "info@", "'info@example.org'"),
        ("name", "*", "mail_virtual_aliases"),
        ("name", "bob@example.org", "write 'bob'"),
        ("domain", ".s.example", "as in 's.example'"),
        ("domain", "*.t.example", "as in 't.example'"),
        ("domain", "@t.example", "write 't.example'"),
        ("domain", "info@t.example", "write 't.example'"),
        ("domain", "*", "name each domain"),
        ("recipient", "*@x.example", "write '@x.example',"),
        ("recipient", "ann*", "name each address"),
    ],
)
def test_what_is_never_looked_up_is_told_with_what_works(kind, key, way_out):
    (said,) = problems("the_table", [key], kind)
    assert said.startswith(f"the_table: Postfix would never look up '{key}': ")
    assert way_out in said
    assert "{" not in said


@pytest.mark.parametrize(("kind", "key", "way_out"), [("access", ".x.example", None), ("client", ".x.example", None)])
def test_a_leading_dot_counts_where_parents_do_not_match(kind, key, way_out):
    assert instead(key, kind, parents=False) == way_out
    assert instead(f"*{key}", kind, parents=False) is not None
