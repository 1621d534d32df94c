# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._services.applied import (
    Need,
    OnDisk,
    Running,
    files_of_dovecot,
    files_of_postfix,
    interfaces_of_postfix,
    need,
)

EVERYWHERE = frozenset({"0.0.0.0", "::"})
HERE = frozenset({"127.0.0.1", "::1"})
# Started at 100, told to reload at 200; now it is 1000.
RUNNING = Running(100, 200, {25: EVERYWHERE}, frozenset({"/run/dovecot/anvil-auth-penalty"}))
FILE = "/etc/postfix/main.cf"


@pytest.mark.parametrize(
    ("running", "on_disk", "expected"),
    [
        pytest.param(None, OnDisk({FILE: 900}), (False, False), id="not running"),
        pytest.param(RUNNING, OnDisk({FILE: 50}), (False, False), id="older than the start"),
        pytest.param(RUNNING, OnDisk({FILE: 150}), (False, False), id="read at the reload"),
        pytest.param(RUNNING, OnDisk({FILE: 250}), (True, False), id="written and never read"),
        pytest.param(RUNNING, OnDisk({"/cert.pem": 250, FILE: 50}), (True, False), id="a certificate was renewed"),
        pytest.param(RUNNING, OnDisk({FILE: 2000}), (False, False), id="of the future"),
        pytest.param(RUNNING._replace(is_held=True), OnDisk({FILE: 50}), (True, False), id="a killed run held delivery"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, {25: HERE}), (True, True), id="other addresses, never read"),
        pytest.param(RUNNING, OnDisk({FILE: 150}, {25: HERE}), (True, True), id="other addresses, reloaded in vain"),
        pytest.param(RUNNING, OnDisk({FILE: 50}, {25: HERE}), (False, False), id="it started with what it says"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, {25: EVERYWHERE}), (True, False), id="the same addresses"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, {25: EVERYWHERE, 587: EVERYWHERE}), (True, False), id="a port that a reload opens"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, {995: EVERYWHERE}, True), (True, True), id="a port that a start opens"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, sockets={"/run/dovecot/anvil-auth-penalty": False}), (True, True), id="socket to go"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, sockets={"/run/dovecot/anvil-auth-penalty": True}), (True, False), id="socket is there"),
        pytest.param(RUNNING, OnDisk({FILE: 250}, sockets={"/srv/dovecot/master": True}), (True, True), id="socket to come"),
    ],
)
def test_need(running, on_disk, expected):
    found = need("Postfix", running, on_disk, now=1000)
    assert found[:2] == expected
    assert bool(found.reasons) == expected[0]


def test_need_says_why():
    found = need("Postfix", RUNNING, OnDisk({FILE: 250, "/cert.pem": 260}, {25: HERE}), now=1000)
    assert found.reasons == (
        "Postfix has not read /cert.pem, /etc/postfix/main.cf since they changed.",
        "Postfix listens on port 25 of 0.0.0.0, ::, and would listen on that of 127.0.0.1, ::1 after a restart.",
    )
    assert need("Postfix", RUNNING, OnDisk({FILE: 250}), now=1000) == Need(
        True, False, ("Postfix has not read /etc/postfix/main.cf since it changed.",)
    )


OWN = ["/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/sasl/smtpd.conf"]


@pytest.mark.parametrize(
    ("parameters", "overrides", "found"),
    [
        pytest.param({"smtpd_tls_cert_file": "/c.pem", "smtpd_tls_key_file": "$smtpd_tls_cert_file"}, {}, ["/c.pem"], id="TLS"),
        pytest.param({"smtpd_tls_chain_files": "/k.pem, /c.pem"}, {}, ["/k.pem", "/c.pem"], id="chains"),
        pytest.param({"smtp_tls_CAfile": "/ca.pem", "smtpd_tls_dh1024_param_file": "auto"}, {}, ["/ca.pem"], id="authorities"),
        pytest.param({"header_checks": "pcre:$config_directory/checks"}, {}, ["/etc/postfix/checks"], id="a text table"),
        pytest.param({"virtual_mailbox_maps": "proxy:mysql:/m.cf, hash:/v"}, {}, ["/m.cf"], id="a server, and not a compiled table"),
        pytest.param({"alias_maps": "hash:/etc/aliases"}, {}, [], id="a compiled table"),
        pytest.param({}, {"smtpd_client_restrictions": "check_client_access cidr:/c,reject"}, ["/c"], id="in master.cf"),
        pytest.param({"mydestination": "$myhostname, /etc/mail/domains"}, {}, ["/etc/mail/domains"], id="a list in a file"),
        pytest.param({"mynetworks": "127.0.0.0/8 [::1]/128"}, {}, [], id="networks"),
        # They change all the time, or say nothing to Postfix.
        pytest.param({"maillog_file": "/var/log/postfix.log", "mailbox_command": "/usr/bin/procmail"}, {}, [], id="other files"),
    ],
)
def test_files_of_postfix(parameters, overrides, found):
    assert files_of_postfix(parameters, {"smtp/inet": {"overrides": overrides}}, "/etc/postfix") == [*OWN, *found]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("ssl_cert", "</c.pem", ["/c.pem"]),
        ("ssl_server_cert_file", "/c.pem", ["/c.pem"]),
        ("ssl_client_ca_dir", "/etc/ssl/certs", []),
        ("args", "/etc/dovecot/postroom-passdb-x.conf.ext", ["/etc/dovecot/postroom-passdb-x.conf.ext"]),
        ("quota", "pgsql:/etc/dovecot/quota.conf.ext", ["/etc/dovecot/quota.conf.ext"]),
        ("args", "scheme=CRYPT /etc/dovecot/users", []),  # Dovecot looks at its time stamp itself.
        ("imapc_password", "</etc/dovecot/secret", ["/etc/dovecot/secret"]),
        ("mail_location", "maildir:~/Maildir", []),
    ],
)
def test_files_of_dovecot(name, value, found):
    assert files_of_dovecot(["/etc/dovecot/dovecot.conf"], [(name, value)]) == ["/etc/dovecot/dovecot.conf", *found]


@pytest.mark.parametrize(
    ("interfaces", "protocols", "usable", "expected"),
    [
        ("all", "all", ":.", {"0.0.0.0", "::"}),
        ("all", "ipv4", ":.", {"0.0.0.0"}),
        ("all", "all", ".", {"0.0.0.0"}),
        ("loopback-only", "ipv4, ipv6", ":.", {"127.0.0.1", "::1"}),
        ("mail.example, localhost", "all", ":.", {"192.0.2.1", "127.0.0.1", "::1"}),
        ("[::1]", "ipv6", ":.", {"::1"}),
        ("unknown.example", "all", ":.", None),
    ],
)
def test_interfaces_of_postfix(interfaces, protocols, usable, expected):
    names = {"mail.example": ["192.0.2.1"], "localhost": ["127.0.0.1", "::1"], "::1": ["::1"]}

    def is_usable(address):
        return (":" if ":" in address else ".") in usable

    assert interfaces_of_postfix(interfaces, protocols, is_usable, lambda name: names.get(name, [])) == expected
