# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account that nobody could have, or that nobody could be asked about, is one sentence before anything is written."""

from __future__ import annotations

import concurrent.futures
import re
import time

import pytest
from harness import FILES, call, play
from virtual_users import CAROL_SHOP

LINE_BREAK = "ev\nil"

# Everything that can be wrong with virtual users, said all at once, and the words of each sentence.
BAD_MAILBOXES = {
    "mail_virtual_users": [
        {"address": "empty@shop.example", "password": ""},
        {"address": "twice@shop.example", "password": "x"},
        {"address": "Twice@shop.example", "password": "x"},
        {"address": "co:lon@shop.example", "password": "x"},
        {"address": "../slash@shop.example", "password": "x"},
        {"address": f"{LINE_BREAK}@shop.example", "password": "x"},
        {"address": "ta+g@shop.example", "password": "x"},
        {"address": "nowhere", "password": "x"},
        {"address": "someone@elsewhere.example", "password": "x"},
        {"address": "rot13@shop.example", "password_hash": "{ROT13}frperg"},
        {"address": "full@shop.example", "password": "x", "quota": "lots"},
    ]
}
MAILBOX_SENTENCES = [
    "The password of user 'empty@shop.example' is empty",
    "'twice@shop.example' is given twice",
    "'co:lon@shop.example' cannot be the name of a mailbox",
    "'../slash@shop.example' cannot be the name of a mailbox",
    r"'ev\\nil@shop.example' cannot be the name of a mailbox",
    "'ta+g@shop.example' cannot be the name of a mailbox",
    "'nowhere' is no whole address",
    "'someone@elsewhere.example' is in no domain of mail_virtual_domains",
    "The password_hash of user 'rot13@shop.example' is in a scheme that Dovecot does not have",
    "'full@shop.example' has a quota that is none: 'lots'",
]
# And all else that is wrong with accounts; mailboxes that are right are asked of them.
BAD_ACCOUNTS = {
    "mail_virtual_aliases": {"lost@shop.example": "nobody-there@shop.example"},
    "postfix_mydestination": ["localhost", "two.example"],
    "dovecot_quota": "plenty",
    "dovecot_denied_users": ["", "mal:lory", "mallory@{{ mail_domain }}"],
    "dovecot_databases": [{"name": "people", "driver": "ldap", "uris": ["http://data.example"]}],
    "dovecot_passdbs": [
        {"driver": "shadow"},
        {"driver": "passwd-file", "deny": True},
        {"driver": "passwd-file", "path": "/etc/dovecot/users", "scheme": "ROT13"},
        {"driver": "ldap", "database": "nobody"},
        {"driver": "pam"},
    ],
    "dovecot_userdbs": [{"driver": "passwd"}],
    "sasl_provider": "sasldb",
    "sasl_mechanisms": ["PLAIN", "GSSAPI"],
    "sasl_users": [{"name": "alice", "password": "x"}, {"name": "alice", "password": "y"}],
}
ACCOUNT_SENTENCES = [
    "lost@shop.example in postfix_virtual_aliases (mail_virtual_aliases) leads to nobody-there@shop.example, which is neither a mailbox",
    "two.example has mailboxes of mail_virtual_users, and is",
    "dovecot_quota: 'plenty' is no size",
    "dovecot_denied_users has '', which names nobody",
    "dovecot_denied_users has 'mal:lory', which is no name",
    "write 'mallory'",
    "'http://data.example' among its uris, which is none of LDAP",
    "has no base",
    "has no path; say which file names who may not log in",
    "has the password scheme 'ROT13', which Dovecot does not know",
    "asks 'nobody', which is not among dovecot_databases",
    "sasl_mechanisms has GSSAPI, which the provider sasldb cannot serve",
    "sasl_users: The user 'alice@mail.{domain}' is given twice",
]
NO_SHADOW = "the database 'shadow' is none that Dovecot 2.4 has"


def refused(run, mails, sentences):
    assert run.rc != 0, run.output
    assert "Traceback" not in run.output
    for mail in mails:
        said = "\n".join(re.findall(rf"^fatal: \[{mail.name}\]: .*", run.output, re.MULTILINE))
        missing = [words for words in sentences if words.format(domain=mail.domain) not in said]
        assert missing == [], said


def test_bad_accounts_are_a_sentence_each_and_write_nothing(mails):
    before = [mail.out(FILES) for mail in mails]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        runs = threads.map(lambda bad: play("site", "--check", limit="mail", variables=bad), (BAD_MAILBOXES, BAD_ACCOUNTS))
        mailboxes, accounts = runs
    refused(mailboxes, mails, MAILBOX_SENTENCES)
    refused(accounts, mails, ACCOUNT_SENTENCES)
    assert [NO_SHADOW in line for line in re.findall(r"^fatal: .*", accounts.output, re.MULTILINE)].count(True) == 1
    assert re.search(rf"^fatal: \[mail13\].*{NO_SHADOW}", accounts.output, re.MULTILINE)
    assert [mail.out(FILES) for mail in mails] == before


# A module, its users, and the words of what it says.
BAD_USERS = {
    "sasldb, empty password": ("sasl_user", [{"name": "alice", "password": ""}], ["The password of the user 'alice@", "is empty"]),
    "sasldb, colon": ("sasl_user", [{"name": "co:lon", "password": "x"}], ["'co:lon'", "has a colon, a slash or a control character"]),
    "sasldb, slash": ("sasl_user", [{"name": "../slash", "password": "x"}], ["'../slash'", "a slash"]),
    "sasldb, line break": ("sasl_user", [{"name": LINE_BREAK, "password": "x"}], [repr(LINE_BREAK), "a control character"]),
    "system, twice": ("mail_user", [{"name": "bob"}, {"name": "bob"}], ["The user 'bob' is given twice"]),
    "passwd-file": (
        "dovecot_user",
        [
            {"name": "empty", "password": ""},
            {"name": "co:lon"},
            {"name": "../slash"},
            {"name": LINE_BREAK},
            {"name": "twice"},
            {"name": "twice"},
            {"name": "rot13", "password_hash": "{ROT13}frperg"},
            {"name": "scheme", "password": "x", "scheme": "ROT14"},
        ],
        [
            "The password of user 'empty' is empty",
            "'co:lon' cannot be a user's name",
            "'../slash' cannot be a user's name",
            f"{LINE_BREAK!r} cannot be a user's name",
            "The user 'twice' is given twice",
            "'rot13' is in a scheme that Dovecot does not have",
            "The scheme 'ROT14' of user 'scheme' is none",
        ],
    ),
}


def test_the_modules_refuse_bad_users(mails):
    before = [mail.out(f"{FILES}; cat /etc/shadow; ls /root") for mail in mails]
    places = {"sasl_user": {"database": "/root/sasldb2"}, "dovecot_user": {"path": "/etc/dovecot/users"}}

    def answer(number, module, users):
        return call(mails[number % 2].name, module, users=users, **places.get(module, {}))

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(answer, range(len(BAD_USERS)), *zip(*[(module, users) for module, users, _words in BAD_USERS.values()])))
    for name, answer, (_module, _users, words) in zip(BAD_USERS, answers, BAD_USERS.values()):
        assert answer["failed"], name
        assert [word for word in words if word not in answer["msg"]] == [], answer["msg"]
    assert [mail.out(f"{FILES}; cat /etc/shadow; ls /root") for mail in mails] == before


@pytest.fixture
def no_packages(mails):
    """apt knows of no package, and saslauthd's is not there."""
    for mail in mails:
        mail.out("if dpkg -s sasl2-bin >/dev/null 2>&1; then dpkg --remove sasl2-bin; fi")
        mail.out("mount --bind /dev/null /etc/apt/sources.list; mount -t tmpfs none /var/lib/apt/lists; mount -t tmpfs none /var/cache/apt")
    yield
    for mail in mails:
        mail.out("umount /etc/apt/sources.list /var/lib/apt/lists /var/cache/apt")


@pytest.mark.usefixtures("no_packages")
def test_a_provider_whose_package_cannot_be_had_changes_nothing(mails):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", "--tags", "sasl", limit="mail", variables={"sasl_provider": "saslauthd"})
    refused(run, mails, ["sasl2-bin"])
    assert [mail.out(FILES) for mail in mails] == before


def test_a_silent_ldap_server_holds_up_those_alone_whom_nobody_else_knows(mails, outside, data):
    """And who waited gets in when it speaks again."""
    waiting = [["imap", {"host": mail.fqdn, "login": ["lena", "lena-pw"]}] for mail in mails]
    others = [["imap", {"host": mail.fqdn, "login": CAROL_SHOP}] for mail in mails]
    data.out("systemctl kill --signal STOP scenario-ldap")
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            late = threads.submit(outside.ask, "together", talks=waiting)
            assert [answer["login"] for answer in outside.ask("together", talks=others)] == [True] * len(mails)
            time.sleep(1)
            assert not late.done()
            data.out("systemctl kill --signal CONT scenario-ldap")
            assert [answer["login"] for answer in late.result()] == [True] * len(mails)
    finally:
        data.out("systemctl kill --signal CONT scenario-ldap")
