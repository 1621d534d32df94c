# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import parted, port_in_brackets
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems as dovecot_problems
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.fetchmailrc import problems as fetchmail_problems
from ansible_collections.postroom.mail.plugins.module_utils._postfix.kinds import Kind
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import BadValue, check
from ansible_collections.postroom.mail.plugins.module_utils._relay.routes import routes
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Saslauthd, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import problems as sasl_problems


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("imap.example.org:993", ("imap.example.org", "993")),
        ("[imap.example.org:imaps]", ("imap.example.org", "imaps")),
        ("[2001:db8::7]:993", ("2001:db8::7", "993")),
        ("192.0.2.7:993", ("192.0.2.7", "993")),
        ("imap.example.org", None),
        ("2001:db8::7", None),
        ("[2001:db8::7]", None),
        ("imap.example.org/993", None),
        ("/run/mysqld/mysqld.sock", None),
        ("ldap://ldap.example.org:389", None),
        ("", None),
    ],
)
def test_host_and_port(text, found):
    assert parted(text) == found


@pytest.mark.parametrize(
    ("next_hop", "right"),
    [
        ("[smtp.example.com:587]", "[smtp.example.com]:587"),
        ("smtp:[192.0.2.7:2525]", "smtp:[192.0.2.7]:2525"),
        ("[smtp.example.com]:587", None),
        ("[2001:db8::7]:587", None),
        ("[ipv6:2001:db8::7]:587", None),
        ("lmtp:unix:private/dovecot-lmtp", None),
        ("lmtp:inet:127.0.0.1:24", None),
    ],
)
def test_a_port_in_brackets(next_hop, right):
    assert port_in_brackets(next_hop) == right


def test_it_is_refused_wherever_a_host_is_named():
    bad = "x.example:587"
    assert "write [x.example]:587." in routes([{"relayhost": f"[{bad}]", "auth": False}]).problems[0]
    assert "write smtp:[x.example]:587." in routes(transport={"y.example": f"smtp:[{bad}]"}).problems[0]
    domain = {"name": "y.example", "any_recipient": True, "next_hop": f"[{bad}]"}
    assert "write [x.example]:587." in routes(domains=[domain]).problems[0]
    for name in ("relayhost", "default_transport", "smtp_fallback_relay"):
        with pytest.raises(BadValue, match=r"as in \[x\.example\]:587"):
            check(name, f"[{bad}]", Kind("list"))
    account = {"poll": bad, "user": "u", "password": "p", "is": ["alice"]}
    assert any("write poll: x.example and service: 587." in said for said in fetchmail_problems([account], {}))
    assert any("write x.example/25." in said for said in fetchmail_problems([{**account, "poll": "x", "smtphost": ["x.example:25"]}], {}))
    assert any("write x.example/587." in said for said in sasl_problems(Wanted("saslauthd", saslauthd=Saslauthd("rimap", bad))))
    server = {"name": "users", "driver": "mysql", "host": [bad], "dbname": "mail"}
    assert any("write host: x.example and port: 587." in said for said in dovecot_problems({"databases": [server]}, "2.4"))
