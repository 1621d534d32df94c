# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._policy import facts as policy_facts

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
           |-- 192.0.2.25
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
           |-- 192.0.2.25
              /32 host LOCAL
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000025 02 40 00 80     eth0
fe800000000000000042acfffe110002 02 40 20 80     eth0
"""
PARAMETERS = {
    "mail_version": "3.10.13",
    "myhostname": "mail.example.org",
    "known_tcp_ports": "smtp=25, submission=587",
    "mydestination": "example.org",
    "mynetworks": "127.0.0.0/8",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
}
MASTER = """\
smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       y       -       -       smtpd
  -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=$mua_relay_restrictions
no-such-port inet n      -       y       -       -       smtpd
qmgr       unix  n       -       n       300     1       qmgr
"""


class Host:
    """Answers like postconf(1) and postmap(1), and remembers what it was asked."""

    def __init__(self, master=MASTER, tables=None, **parameters):
        self.parameters = {**PARAMETERS, **parameters}
        self.master = master
        self.tables = tables or {}
        self.calls = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        if args[:2] == ["postconf", "-M"]:
            return 0, self.master, ""
        if args[0] == "postconf":
            overrides = dict(word.split("=", 1) for word in args if "=" in word)
            expanded = {
                name: value.replace("$mua_relay_restrictions", "permit_sasl_authenticated,reject") for name, value in overrides.items()
            }
            return 0, "".join(f"{name} = {value}\n" for name, value in {**self.parameters, **expanded}.items()), ""
        entries = self.tables[args[-1]]
        if args[1] == "-s":
            return 0, "".join(f"{key}\t{value}\n" for key, value in entries.items()), ""
        return 0, "".join(f"{key}\t{entries[key]}\n" for key in data.split() if key in entries), ""


@pytest.fixture(autouse=True)
def sockets(monkeypatch):
    rows = [{"address": "0.0.0.0", "port": port, "process": "master"} for port in (25, 587)]
    monkeypatch.setattr(policy_facts.core_listeners, "listeners", lambda: rows)


def test_own_addresses():
    assert policy_facts.own_addresses(FIB_TRIE, IF_INET6) == ["127.0.0.1", "192.0.2.25", "::1", "2001:db8::25"]
    assert policy_facts.own_addresses("", "") == []


def test_services_with_their_overrides():
    told = policy_facts.ask(Host())
    assert [(row["service"], row["port"]) for row in told["listeners"]] == [
        ("no-such-port/inet", None),
        ("smtp/inet", 25),
        ("submission/inet", 587),
    ]
    submission = told["listeners"][2]
    assert submission["auth"] == "in clear"
    assert submission["restrictions"] == {"smtpd_relay_restrictions": "permit_sasl_authenticated,reject"}
    assert submission["addresses"] == ["0.0.0.0"]
    assert told["listeners"][1]["auth"] == "never"


def test_postscreen_hands_over_to_smtpd():
    master = "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd -o smtpd_relay_restrictions=reject\n"
    row = policy_facts.ask(Host(master))["listeners"][0]
    assert (row["command"], row["service"], row["strangers"]["own"]) == ("postscreen", "smtp/inet", "refused")


def test_a_service_on_one_address():
    master = "127.0.0.1:25 inet n - y - - smtpd\n[::1]:587 inet n - y - - smtpd\n"
    assert [row["addresses"] for row in policy_facts.ask(Host(master))["listeners"]] == [[], []]


def test_tables_are_listed_when_they_are_there_and_small(tmp_path, monkeypatch):
    table = f"hash:{tmp_path}/relay"
    host = Host(tables={table: {"in.example": "x", "sub.in.example": "x"}}, relay_domains=table)
    assert policy_facts.ask(host)["forwarded"]["relay"]["domains"] == []
    assert not any(args[0] == "postmap" for args in host.calls), "postmap waits a second before it says that there is no table"
    assert any(found["say"].startswith(f"There is no lookup table {table}") for found in policy_facts.ask(host)["findings"])
    (tmp_path / "relay.db").write_text("db")
    assert policy_facts.ask(host)["forwarded"]["relay"]["domains"] == ["in.example", "sub.in.example"]
    monkeypatch.setattr(policy_facts, "LARGEST", 1)
    relay = policy_facts.ask(host)["forwarded"]["relay"]
    assert (relay["domains"], relay["tables"]) == ([], [table])


def test_files_and_cidr_tables_are_read(tmp_path):
    (tmp_path / "domains").write_text("# ours\none.example two.example\n")
    (tmp_path / "nets").write_text("# ours\n0.0.0.0/0 OK\n")
    told = policy_facts.ask(Host(mydestination=f"{tmp_path}/domains", mynetworks=f"cidr:{tmp_path}/nets"))
    assert told["final"]["local"]["domains"] == ["one.example", "two.example"]
    assert told["findings"][0]["say"] == "Every network may relay on no-such-port/inet and port 25: mynetworks has 0.0.0.0/0."


def test_routes_are_asked_for(tmp_path):
    first, second = f"hash:{tmp_path}/first", f"pcre:{tmp_path}/second"
    for name in ("first.db", "second"):
        (tmp_path / name).write_text("x")
    tables = {first: {"in.example": "smtp:[10.0.0.1]"}, second: {"in.example": "smtp:[10.0.0.9]", ".else.example": "slow:"}}
    host = Host(tables=tables, transport_maps=f"{first}, {second}", relay_domains="in.example a.else.example", relay_transport="relay")
    routes = policy_facts.ask(host)["forwarded"]["relay"]["routes"]
    assert [route["next_hop"] for route in routes] == ["smtp:[10.0.0.1]", "slow:MX"]
    assert ["postmap", "-s", second] not in host.calls


@pytest.mark.parametrize(("key", "there"), [("[isp.example]:587", True), ("isp.example", True), ("other.example", False)])
def test_the_password_for_the_smarthost_is_looked_for_and_not_told(tmp_path, key, there):
    (tmp_path / "passwords.db").write_text("x")
    table = f"hash:{tmp_path}/passwords"
    more = {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": table, "default_transport": "smtp"}
    told = policy_facts.ask(Host(tables={table: {key: "me:secret"}}, relayhost="[isp.example]:587", **more))
    assert told["smarthost"]["credentials"] is there
    assert "secret" not in str(told)


def test_a_host_without_postfix():
    assert policy_facts.ask(lambda args, data=None: (127, "", "")) == {"installed": False, "config_error": None}


def test_a_broken_configuration():
    told = policy_facts.ask(lambda args, data=None: (1, "", "postconf: warning: x\npostconf: fatal: main.cf, line 3: missing '='\n"))
    assert told == {"installed": True, "config_error": "postconf: fatal: main.cf, line 3: missing '='"}
