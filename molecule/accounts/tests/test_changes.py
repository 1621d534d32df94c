# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run that changes every password there is and lets a virtual user go: what it does, and what it keeps to itself."""

from __future__ import annotations

import concurrent.futures
import itertools
import re
import types
import uuid

import pytest
import yaml
from harness import SCENARIO, play
from secrecy import in_files, in_journal, seen
from virtual_users import CAROL_SHOP, CAROL_TWO, together

INVENTORY = yaml.safe_load((SCENARIO / "inventory/group_vars/mail.yml").read_text())
# Whom sasldb knows, too.
SASL_USERS = [
    {"name": "alice", "password": "old-Secret-of-sasldb"},
    {"name": "printer", "realm": "devices.example", "password": "printer-pw"},
]

OF_USERS, OF_SERVERS = ("mail_users", "mail_virtual_users"), ("dovecot_databases", "postfix_tables")

# Where passwords have to be, for root and for whoever has to read them.
THEIR_FILES = re.compile(
    r"/etc/dovecot/postroom-(passdb|userdb)-[a-z.0-9]+\.conf\.ext|/run/dovecot/dovecot\.conf\.binary|/etc/postfix/accounts\.mysql"
    r"|(/var/spool/postfix)?/etc/sasldb2"
)


def with_other_passwords(value, numbers):
    """*value* with another password wherever there is one."""
    if isinstance(value, list):
        return [with_other_passwords(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: f"other-'\"\\Secret-{next(numbers)}%x" if key.endswith("password") else with_other_passwords(item, numbers)
        for key, item in value.items()
    }


def passwords(value):
    """All passwords in *value*."""
    if isinstance(value, list):
        return [found for item in value for found in passwords(item)]
    if not isinstance(value, dict):
        return []
    own = [item for key, item in value.items() if key.endswith("password")]
    return own + [found for item in value.values() for found in passwords(item)]


@pytest.fixture(scope="module")
def letter(mails, outside):
    """The subject of a letter to carol@two.example, who is about to leave."""
    subject = f"before-{uuid.uuid4()}"
    for mail in mails:
        submitted = {"subject": subject, "sender": "x@y.example", "recipient": CAROL_TWO[0]}
        assert outside.ask("submit", host=mail.fqdn, **submitted) == {"accepted": True}
        assert outside.ask("letters", host=mail.fqdn, login=CAROL_TWO, subject=subject, count=1) == [subject]
    return subject


@pytest.fixture(scope="module")
def changed(letter, site):
    """Two runs, and all secrets from before and after them.

    In the first the passwords of the servers are others, too, and these do not let anybody in. So no mail arrives.
    """
    old = {**{name: INVENTORY[name] for name in (*OF_USERS, *OF_SERVERS)}, "sasl_users": SASL_USERS}
    new = with_other_passwords(old, itertools.count())
    new["mail_virtual_users"][1] = {"address": CAROL_TWO[0], "state": "absent"}
    new["mail_virtual_aliases"] = {**INVENTORY["mail_virtual_aliases"], "alice@shop.example": "bob@{{ mail_domain }}"}
    new["sasl_provider"] = "sasldb"
    refused = play("site", "-vvv", "--diff", limit="mail", variables=new)
    run = site("-vvv", "--diff", **{name: value for name, value in new.items() if name not in OF_SERVERS})
    return types.SimpleNamespace(refused=refused, run=run, secrets=passwords(old) + passwords(new), **new)


def test_a_password_that_a_server_refuses_is_put_back(changed, mails):
    assert changed.refused.rc != 0
    assert changed.refused.output.count("Everything was put back, and the daemons run with what they had before.") >= len(mails)


def test_secrets_stay_secret(changed, mail):
    assert seen(changed.refused.output, changed.secrets) == []
    assert seen(changed.run.output, changed.secrets) == []
    found = in_files(mail, changed.secrets)
    assert "/etc/postfix/accounts.mysql" in found
    assert [path for path in found if not THEIR_FILES.fullmatch(path)] == []
    assert in_files(mail, changed.secrets, "nobody") == []
    assert in_journal(mail, changed.secrets) == ""


def test_the_new_passwords_count_and_the_old_ones_do_not(changed, mails, outside):
    names = ["alice", "printer@devices.example"]
    logins = [[name, user["password"]] for users in (changed.sasl_users, SASL_USERS) for name, user in zip(names, users)]
    talks = [("auth", {"login": login, "port": 465}) for login in logins]
    carol = [CAROL_SHOP[0], changed.mail_virtual_users[0]["password"]]
    talks += [("imap", {"login": login}) for login in (carol, CAROL_SHOP, CAROL_TWO)]
    with concurrent.futures.ThreadPoolExecutor(len(mails)) as threads:
        answers = threads.map(lambda mail: together(outside, mail, talks), mails)
    found = [[answer.get("code", answer.get("login")) for answer in of_one] for of_one in answers]
    assert found == [[235, 235, 535, 535, True, False, False]] * len(mails)


def test_who_leaves_leaves_the_mail_behind(changed, letter, mail, outside):
    said = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", f"RCPT TO:<{CAROL_TWO[0]}>"])
    assert said["replies"][1][0] == 550
    assert mail.run("grep carol@two.example /etc/dovecot/postroom-virtual-users").stdout == ""
    mail.out(f"grep -rl '^Subject: {letter}$' /var/vmail/two.example/carol")


def test_a_mailbox_without_mail_is_a_warning(changed, mails):
    words = "WARNING: alice@shop.example in mail_virtual_users gets no mail"
    assert changed.run.output.count(words) == len(mails)
