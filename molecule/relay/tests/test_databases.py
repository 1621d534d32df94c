# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup tables that are asked of real databases: they answer, they may be away for a while, and passwords stay secret."""

from __future__ import annotations

import re
import time

import pytest
from harness import FILES, call, play
from mail_hosts import ALICE, MAIL_HOSTS

DATA = "data.example"
TABLES = [
    {
        "path": "/etc/postfix/virtual.mysql",
        "type": "mysql",
        "parameters": {
            "hosts": DATA,
            "user": "postfix",
            "password": 'my$ql "secret"',
            "dbname": "mail",
            "query": "SELECT target FROM aliases WHERE address = '%s'",
        },
    },
    {
        "path": "/etc/postfix/filter.mysql",
        "type": "mysql",
        "parameters": {
            "hosts": DATA,
            "user": "postfix",
            "password": 'my$ql "secret"',
            "dbname": "mail",
            "query": "SELECT action FROM filter WHERE address = '%s'",
        },
    },
    {
        "path": "/etc/postfix/virtual.pgsql",
        "type": "pgsql",
        "parameters": {
            "hosts": DATA,
            "user": "postfix",
            "password": "pg secret",
            "dbname": "mail",
            "query": "SELECT target FROM aliases WHERE address = '%s'",
        },
    },
    {
        "path": "/etc/postfix/virtual.ldap",
        "type": "ldap",
        "parameters": {
            "server_host": f"ldap://{DATA}",
            "version": 3,
            "search_base": "dc=data,dc=example",
            "bind": True,
            "bind_dn": "cn=postfix,dc=data,dc=example",
            "bind_pw": "ldap-secret",
            "query_filter": "(mail=%s)",
            "result_attribute": "employeeType",
        },
    },
    {
        "path": "/etc/postfix/virtual.sqlite",
        "type": "sqlite",
        "parameters": {"dbpath": "/srv/mail.sqlite", "query": "SELECT target FROM aliases WHERE address = '%s'"},
    },
]
# What stands in every form of the passwords above, escaped for a shell, JSON or not at all.
SECRETS = r"my.?ql .?.?.?secret|pg secret|ldap-secret"
SOURCES = ["mysql", "pgsql", "ldap", "sqlite"]
SERVERS = {"mysql": "mariadb", "pgsql": "postgresql", "ldap": "scenario-ldap"}
VARIABLES = {
    "postfix_tables": TABLES,
    "postfix_parameters": {
        "virtual_alias_maps": ["proxy:mysql:/etc/postfix/virtual.mysql", *(f"{s}:/etc/postfix/virtual.{s}" for s in SOURCES[1:])],
        "smtpd_recipient_restrictions": ["check_recipient_access proxy:mysql:/etc/postfix/filter.mysql"],
    },
}

SQLITE = """
import sqlite3
database = sqlite3.connect("/srv/mail.sqlite")
database.execute("CREATE TABLE IF NOT EXISTS aliases (address TEXT PRIMARY KEY, target TEXT)")
database.execute("INSERT OR REPLACE INTO aliases VALUES ('in-sqlite@{domain}', 'alice')")
database.commit()
"""

each_mail = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)


@pytest.fixture(scope="module", autouse=True)
def sources(mails):
    """Both mail hosts ask all four sources; afterwards they ask their own table again."""
    for mail in mails:
        mail.out(f"python3 - <<'EOF'\n{SQLITE.format(domain=mail.domain)}\nEOF")
    run = play("site", "--tags", "postfix", limit="mail", variables=VARIABLES)
    assert run.rc == 0, run.output[-3000:]
    yield
    tables = [{"path": table["path"], "type": table["type"], "state": "absent"} for table in TABLES]
    unnamed = {"postfix_parameters": {"smtpd_recipient_restrictions": None}}
    assert play("site", "--tags", "postfix", limit="mail", variables=unnamed).rc == 0
    assert play("site", "--tags", "postfix", limit="mail", variables={"postfix_tables": tables}).rc == 0


@each_mail
@pytest.mark.parametrize("source", SOURCES)
def test_an_address_in_a_database_delivers(mail, outside, subject, source):
    recipient = f"in-{source}@{mail.domain}"
    assert outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=recipient) == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["count"] == 1


@each_mail
def test_a_refusal_from_a_database(mail, outside, subject):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"shut@{mail.domain}")
    assert sent["code"] == 554
    assert "shut by MySQL" in sent["text"]


@each_mail
def test_who_is_in_no_database_is_refused_for_good(mail, outside, subject):
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"nobody-here@{mail.domain}")
    assert sent["code"] == 550


def test_tables_that_stand_are_left_alone_and_passwords_unsaid(mails):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", "--tags", "postfix", "-vvv", "--diff", limit="mail", variables=VARIABLES)
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output[-3000:]
    assert [mail.out(FILES) for mail in mails] == before
    # An administrator must hide the values on the own command line without our help.
    said = [line for line in run.output.splitlines() if re.search(SECRETS, line) and "ansible-playbook" not in line]
    assert said == []
    for mail in mails:
        for table in TABLES:
            assert mail.out(f"stat -c '%a %U %G' {table['path']}") == "640 root postfix"
        assert mail.run(f"journalctl --no-pager | grep -E '{SECRETS}'").returncode == 1


NEEDED = ("hosts", "query", "dbname", "server_host", "search_base", "dbpath")
LACKING = [(table, name) for table in [TABLES[0], *TABLES[2:]] for name in NEEDED if name in table["parameters"]]


@pytest.mark.parametrize(("table", "missing"), LACKING, ids=lambda part: part if isinstance(part, str) else part["type"])
def test_a_source_that_lacks_what_it_needs(mails, table, missing):
    parameters = {key: value for key, value in table["parameters"].items() if key != missing}
    for mail in mails:
        before = mail.out(FILES)
        result = call(mail.name, "postmap", **{**table, "parameters": parameters})
        assert result["failed"]
        assert missing in result["msg"]
        assert mail.out(FILES) == before


def test_databases_that_are_away_and_come_back(mails, outside, data):
    """451 while they are away, never 550 and never 250; accepted when they are back, and Postfix was not touched."""
    started = [mail.out("cat /var/spool/postfix/pid/master.pid") for mail in mails]
    units = " ".join(SERVERS.values())
    data.out(f"systemctl stop {units}")
    try:
        for mail in mails:
            for source in SERVERS:
                asked = mail.run(f"postmap -q in-{source}@{mail.domain} {source}:/etc/postfix/virtual.{source}")
                assert asked.returncode != 0
                assert asked.stderr, source
            for recipient in (f"in-mysql@{mail.domain}", f"in-pgsql@{mail.domain}", f"alice@{mail.domain}", f"nobody-here@{mail.domain}"):
                replies = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", f"RCPT TO:<{recipient}>"])["replies"]
                assert replies[1][0] == 451, replies
    finally:
        data.out(f"systemctl start {units}")
    for mail in mails:
        commands = ["MAIL FROM:<x@y.example>", f"RCPT TO:<in-pgsql@{mail.domain}>"]
        # Postfix asks a server that did not answer again after a minute.
        deadline = time.monotonic() + 90
        while True:
            replies = outside.ask("smtp", host=mail.fqdn, commands=commands)["replies"]
            if replies[1][0] == 250 or time.monotonic() > deadline:
                break
            time.sleep(2)
        assert replies[1][0] == 250, replies
    assert [mail.out("cat /var/spool/postfix/pid/master.pid") for mail in mails] == started
