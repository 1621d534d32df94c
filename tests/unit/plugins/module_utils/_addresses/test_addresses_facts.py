# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses import facts as addresses_facts
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import MANAGED

PASSWD = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"


def at_once(ask):
    return ask()


@pytest.fixture
def name_service(monkeypatch):
    """A directory that knows dora, and remembers whom it was asked about."""
    asked = []

    def getpwnam(name):
        asked.append(name)
        if name != "dora":
            raise KeyError(name)

    monkeypatch.setattr(addresses_facts.pwd, "getpwnam", getpwnam)
    return asked


def test_the_name_service_is_asked_about_strangers_only(name_service):
    found = addresses_facts.accounts(["alice", "dora", "Root", "eve"], PASSWD, at_once)
    assert found == {"alice": True, "dora": True, "Root": True, "eve": False}
    assert name_service == ["dora", "eve"]


def test_nobody_is_asked_when_everybody_is_known(name_service):
    assert addresses_facts.accounts([], PASSWD, pytest.fail) == {}
    assert addresses_facts.accounts(["alice"], PASSWD, pytest.fail) == {"alice": True}


def test_a_name_service_that_does_not_answer_leaves_names_out():
    assert addresses_facts.accounts(["alice", "dora"], PASSWD, lambda _ask: None) == {"alice": True}


def test_a_name_that_no_account_can_have():
    assert addresses_facts.accounts(["a\0b"], PASSWD, at_once) == {"a\0b": False}


def test_aliases():
    text = '# c\nPostmaster: root\nroot:\n alice,\n bob\nlist: "|/bin/list x"\n"two words": alice\nroot: eve\nempty:\n'
    assert addresses_facts.aliases(text) == {
        "postmaster": "root",
        "root": "alice, bob",
        "list": '"|/bin/list x"',
        "two words": "alice",
    }
    assert addresses_facts.aliases("") == {}


def test_foreign_tables():
    texts = {
        "/etc/postfix/virtual": "# of an administrator\n\na@x.example b\n",
        "/etc/postfix/aliases": f"{MANAGED}a: b\n",
        "/etc/postfix/canonical": "# As Red Hat ships it: comments alone.\n\n  # a b\n",
        "/etc/postfix/generic": "a b\n",
        "/etc/postfix/mine": "a b\n",
    }
    assert addresses_facts.foreign_tables(lambda path: texts.get(path, "")) == ["/etc/postfix/generic", "/etc/postfix/virtual"]


def test_managed_tables():
    texts = {"/etc/postfix/virtual": f"{MANAGED}a b\n", "/etc/postfix/mine": "a b\n", "/etc/postfix/r": MANAGED}
    parameters = {
        "virtual_alias_maps": "hash:/etc/postfix/virtual, hash:/etc/postfix/mine, pcre:/etc/postfix/none",
        "smtpd_recipient_restrictions": "check_recipient_access pipemap:{regexp:/etc/postfix/r, inline:{a=b}}, reject",
        "queue_directory": "/var/spool/postfix",
    }
    assert addresses_facts.managed_tables(parameters, lambda path: texts.get(path, "")) == ["/etc/postfix/r", "/etc/postfix/virtual"]
    # Nothing names them any more.
    there = ["/etc/postfix/mine", "/etc/postfix/r"]
    assert addresses_facts.managed_tables({}, lambda path: texts.get(path, ""), there) == ["/etc/postfix/r"]
