# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address or a table that cannot be meant is one clear sentence before anything is written."""

from __future__ import annotations

import contextlib
import re

import pytest
from harness import FILES, play

# Everything that can be wrong with addresses, said all at once: what is set, and the words of each sentence.
BAD_ADDRESSES = {
    "mail_aliases": {
        "me": "you",
        "you": "me",
        "a": "b",
        "b": ["c", "alice"],
        "c": "A",
        "root": "postmaster",
        "lost": "nobody-here",
        "twice": "alice",
        "Twice": "bob",
        "list": "|/bin/list",
        "archive": "/var/mail/list",
        "old": "alice",
    },
    "mail_virtual_domains": ["only.example"],
    "mail_virtual_aliases": {
        "a@virt.example": "b@virt.example",
        "b@virt.example": "a@virt.example",
        "@one.example": "@two.example",
        "@two.example": "@one.example",
        "lost@virt.example": "nobody-there",
        "c@only.example": "d@only.example",
        "twice@virt.example": "alice",
        "Twice@virt.example": "bob",
        "list@virt.example": "|/bin/list",
        "old@virt.example": "alice",
    },
    "postfix_relocated": {"old": "new@elsewhere.example", "old@virt.example": "new@elsewhere.example"},
    "postfix_canonical": {"a@x.example": "b@x.example", "A@x.example": "c@x.example"},
    "postfix_client_access": {"192.0.2.1": "REJCT"},
}
SENTENCES = [
    "me -> you -> me",
    "a -> b -> c -> a",
    "root -> postmaster -> root",
    "nobody-here",
    "'Twice' stands twice",
    "|/bin/list",
    "postfix_allow_mail_to_commands",
    "postfix_allow_mail_to_files",
    "a@virt.example -> b@virt.example -> a@virt.example",
    "@one.example -> @two.example -> @one.example",
    "nobody-there",
    "only.example has virtual aliases only",
    "only a local alias",
    "old in postfix_relocated",
    "old@virt.example in postfix_relocated",
    "postfix_canonical",
    "REJCT",
]
BAD_TABLES = [
    pytest.param(
        {"postfix_tables": [{"path": "/etc/postfix/bad", "type": "regexp", "entries": [{"pattern": "/(/", "value": "x"}]}]},
        ["regexp:/etc/postfix/bad", "line 2"],
        id="a pattern that does not compile",
    ),
    pytest.param(
        {"postfix_tables": [{"path": "/etc/postfix/bad", "type": "hsah", "entries": {"a": "b"}}]},
        ["hsah", "/etc/postfix/bad"],
        id="no such type",
    ),
    pytest.param(
        {"postfix_parameters": {"canonical_maps": "proxy:/etc/postfix/x"}}, ["canonical_maps", "proxy:/etc/postfix/x"], id="proxy of what"
    ),
]


def files_of(mail):
    """Every file, and not the time of the directory: candidates of tables are tried beside the tables, and are gone again."""
    return [line for line in mail.out(FILES).splitlines() if not line.endswith(" /etc/postfix")]


def refused(mails, variables, words, *arguments):
    before = [files_of(mail) for mail in mails]
    run = play("site", *arguments, limit="mail", variables=variables)
    assert run.rc != 0, run.output
    assert "Traceback" not in run.output
    for mail, files in zip(mails, before):
        said = "\n".join(re.findall(rf"^fatal: \[{mail.name}\]: .*(?:\n .*)*", run.output, re.MULTILINE))
        for word in words:
            assert word in said, run.output[-3000:]
        assert files_of(mail) == files


def test_bad_addresses_are_a_sentence_each_and_write_nothing(mails):
    refused(mails, BAD_ADDRESSES, SENTENCES)


@pytest.mark.parametrize(("variables", "words"), BAD_TABLES)
def test_bad_tables_are_one_sentence_and_write_nothing(mails, variables, words):
    refused(mails, variables, words)


def test_bad_addresses_are_refused_by_a_check_too(mails):
    refused(mails, {"mail_aliases": {"me": "you", "you": "me"}}, ["me -> you -> me"], "--check")


@contextlib.contextmanager
def on(mails, before, after):
    for mail in mails:
        mail.out(before)
    try:
        yield
    finally:
        for mail in mails:
            mail.out(after)


def test_a_command_in_the_systems_own_aliases_does_not_silently_bounce(mails):
    line = 'list: "|/usr/local/bin/list --all"'
    with on(
        mails,
        f"cp -a /etc/aliases /etc/aliases.kept; echo '{line}' >> /etc/aliases && newaliases",
        "mv /etc/aliases.kept /etc/aliases; newaliases",
    ):
        refused(mails, {}, ["list in /etc/aliases", "|/usr/local/bin/list --all", "postfix_allow_mail_to_commands"])
        run = play("site", "--tags", "postfix", "--check", limit="mail", variables={"postfix_allow_mail_to_commands": ["alias", "forward"]})
        assert run.rc == 0, run.output[-3000:]


def test_what_somebody_else_set_is_not_silently_replaced(mails):
    hand_made = "printf 'a@x.example b@x.example\\n' > /etc/postfix/mine && postmap /etc/postfix/mine"
    with on(
        mails,
        f"{hand_made} && postconf -e canonical_maps=hash:/etc/postfix/mine && postfix reload",
        "rm /etc/postfix/mine*; postconf -X canonical_maps; postfix reload",
    ):
        refused(mails, {"postfix_canonical": {"a@y.example": "b@y.example"}}, ["canonical_maps = hash:/etc/postfix/mine", "postconf -X"])
        # Without entries of our own it is none of our business.
        run = play("site", "--tags", "postfix", limit="mail")
        assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output[-3000:]
        assert [mail.out("postconf -h canonical_maps") for mail in mails] == ["hash:/etc/postfix/mine"] * 2


def test_a_table_of_somebody_else_is_not_overwritten(mails):
    hand_made = "cp -p /etc/postfix/virtual /root/virtual && echo 'a@x.example alice' >/etc/postfix/virtual"
    with on(mails, hand_made, "mv /root/virtual /etc/postfix/virtual; rm -f /etc/postfix/virtual.*~"):
        refused(mails, {}, ["would be lost: /etc/postfix/virtual.", "postfix_replace_config"])
        run = play("site", "--tags", "postfix", limit="mail", variables={"postfix_replace_config": True})
        assert run.rc == 0, run.output[-3000:]
        for mail in mails:
            assert mail.out("cat /etc/postfix/virtual") == mail.out("cat /root/virtual")
            assert mail.out("cat /etc/postfix/virtual.*~") == "a@x.example alice"


def test_roots_mail_without_an_alias_is_a_warning(mails):
    run = play("site", "--tags", "postfix", "--check", limit="mail", variables={"mail_aliases": {}})
    assert run.rc == 0, run.output[-3000:]
    assert run.output.count("WARNING: Mail for root cannot be delivered") == len(mails)
