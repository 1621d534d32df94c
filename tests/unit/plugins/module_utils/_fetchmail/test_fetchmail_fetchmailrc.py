# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import fetchmailrc
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail.fetchmailrc import problems, quote, render, warnings
from hypothesis import given
from hypothesis import strategies as st

POP3 = {"poll": "pop.example", "proto": "pop3", "user": "al", "password": "s3cret", "is": ["alice"], "ssl": True, "sslcertck": True}
IMAP = {**POP3, "proto": "imap"}
SEVERAL = {**POP3, "is": ["robert=bob", "alice"], "envelope": "X-Envelope-To"}
LMTP = {**POP3, "lmtp": True, "smtphost": ["localhost/24"]}
NAME = "The account al at pop.example"


def unquoted(text):
    """Read a string as fetchmail(1) says it is read, without regard to how it was written."""
    assert text[0] == text[-1] == '"'
    inside, found = text[1:-1], ""
    while inside:
        if inside[0] == "\\":
            assert inside[1] == "x"
            found, inside = found + chr(int(inside[2:4], 16)), inside[4:]
        else:
            found, inside = found + inside[0], inside[1:]
    return found


# What fetchmail's own quoting is about comes up often, hexadecimal digits behind it too.
TEXTS = st.text(st.sampled_from("\"\\'x0aF \t\n\x00\x1f\x7f#ü") | st.characters())


@given(TEXTS)
def test_a_quoted_text_is_read_as_it_was_meant(text):
    quoted = quote(text)
    assert unquoted(quoted) == text
    assert not re.search(r'["\x00-\x1f\x7f]|\\(?!x[0-9a-f]{2})', quoted[1:-1])


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b', r'"a\x22b"'),
        ("\\x41", r'"\x5cx41"'),
        ("a\nb\t", r'"a\x0ab\x09"'),
        ("\x7f", r'"\x7f"'),
        ("grün \udcff", '"grün \udcff"'),
    ],
)
def test_quoted_texts(text, quoted):
    assert quote(text) == quoted


def clauses(account):
    """The words of the only account's server, the lines before its user, that of the user, and the user's."""
    text = render([account], {})
    head, rest = text.removeprefix(managed.HEADER).strip().split("\n", 1)
    lines = rest.splitlines()
    user = next(n for n, line in enumerate(lines) if line.startswith("    user "))
    assert all(line.startswith(" " * 8) for line in lines[user + 1 :])
    return head, [line.strip() for line in lines[:user]], lines[user].strip(), [line.strip() for line in lines[user + 1 :]]


def test_the_whole_file():
    accounts = [{**POP3, "keep": True, "ssl": False}, {**SEVERAL, "poll": "b.example", "skip": True, "envelope_skip": 1}]
    assert render(accounts, {"daemon": 300, "bouncemail": False, "logfile": None}) == (
        managed.HEADER + "set daemon 300\n"
        "set no bouncemail\n"
        "\n"
        'poll "pop.example" proto pop3 uidl\n'
        '    user "al" there password "s3cret" is "alice" here\n'
        "        no ssl\n"
        '        sslproto "tls1.2+"\n'
        "        sslcertck\n"
        "        keep\n"
        "\n"
        'skip "b.example" proto pop3\n'
        '    envelope 1 "X-Envelope-To"\n'
        '    user "al" there password "s3cret" is "robert" = "bob" "alice" here\n'
        "        ssl\n"
        "        sslcertck\n"
    )


VALUES = {
    fetchmailrc.TEXT: [('a "b"', r'"a \x22b\x22"'), ("", '""')],
    fetchmailrc.WORD: [("imap", "imap")],
    fetchmailrc.NUMBER: [(12, "12"), (0, "0")],
    fetchmailrc.TEXTS: [(["a b", "c"], '"a b" "c"')],
    fetchmailrc.NUMBERS: [([571, 550], "571 550")],
}


def options(keywords):
    """Each keyword with each value of its kind, and how it stands in the file; None: not at all."""
    for keyword, kind in keywords.items():
        yield keyword, None, None
        if keyword == "badheader":
            yield keyword, "accept", "bad-header accept"
        elif kind in VALUES:
            yield from ((keyword, value, f"{keyword} {words}") for value, words in VALUES[kind])
        else:
            yield keyword, True, keyword
            yield keyword, False, f"no {keyword}" if kind == fetchmailrc.FLAG else None
        if kind in (fetchmailrc.TEXTS, fetchmailrc.NUMBERS):
            yield keyword, [], None


@pytest.mark.parametrize(("keyword", "value", "line"), list(options(fetchmailrc.GLOBALS)))
def test_settings(keyword, value, line):
    assert render([], {keyword: value}) == managed.HEADER + (f"set {line}\n" if line else "\n")


@pytest.mark.parametrize(("keyword", "value", "words"), list(options(fetchmailrc.SERVER)))
def test_options_of_the_server(keyword, value, words):
    head = clauses({"poll": "x", "user": "al", keyword: value})[0]
    assert head == " ".join(['poll "x"', *([words] if words else [])])


@pytest.mark.parametrize(("keyword", "value", "line"), list(options(fetchmailrc.USER)))
def test_options_of_the_user(keyword, value, line):
    # Without TLS from the beginning there would be a line of its own.
    others = [] if keyword == "sslproto" else ['sslproto ""']
    lines = clauses({"poll": "x", "user": "al", "sslproto": "", keyword: value})[3]
    assert sorted(lines) == sorted([*others, *([line] if line else [])])


def test_folders_are_named_as_imap_spells_them():
    lines = clauses({"poll": "x", "user": "al", "folder": ["INBOX", "Entwürfe", "R&D", "Entw&APw-rfe"], "ssl": True})[3]
    assert lines[-1] == 'folder "INBOX" "Entw&APw-rfe" "R&-D" "Entw&APw-rfe"'


@pytest.mark.parametrize(
    ("account", "line"),
    [
        ({}, 'user "al" there'),
        ({"password": "", "is": []}, 'user "al" there password ""'),
        ({"password": 'p"\\', "is": ["a b"]}, r'user "al" there password "p\x22\x5c" is "a b" here'),
        ({"is": ["rob=bob=x", "*"]}, 'user "al" there is "rob" = "bob=x" * here'),
        ({"is": ["*=bob"]}, 'user "al" there is "*" = "bob" here'),
    ],
)
def test_login_and_local_names(account, line):
    assert clauses({"poll": "x", "user": "al", **account})[2] == line


@pytest.mark.parametrize(
    ("account", "lines"),
    [
        ({}, []),
        ({"envelope": ""}, ["no envelope"]),
        ({"envelope": "", "envelope_skip": 1}, ["no envelope"]),
        ({"envelope": "Delivered-To", "envelope_skip": 0}, ['envelope "Delivered-To"']),
        ({"envelope": "Received", "envelope_skip": 2}, ['envelope 2 "Received"']),
        ({"envelope_skip": 2}, []),
    ],
)
def test_the_envelope_stands_before_the_user(account, lines):
    assert clauses({"poll": "x", "user": "al", **account})[1] == lines


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"proto": "pop3", "keep": True}, ["proto pop3 uidl"]),
        ({"proto": "pop3", "keep": True, "uidl": False}, ["proto pop3 no uidl"]),
        ({"proto": "imap", "keep": True}, ["proto imap"]),
        ({"proto": "pop3", "keep": False}, ["proto pop3"]),
    ],
)
def test_what_stays_with_pop3_is_fetched_once(account, words):
    assert clauses({"poll": "x", "user": "al", **account})[0] == " ".join(['poll "x"', *words])


@pytest.mark.parametrize(
    ("account", "lines"),
    [
        ({"ssl": False}, ["no ssl", 'sslproto "tls1.2+"']),
        ({"ssl": False, "sslproto": ""}, ["no ssl", 'sslproto ""']),
        ({"ssl": False, "sslproto": "tls1.3+"}, ["no ssl", 'sslproto "tls1.3+"']),
        ({"ssl": True}, ["ssl"]),
        ({}, []),
    ],
)
def test_without_tls_from_the_beginning_it_is_insisted_on(account, lines):
    assert clauses({"poll": "x", "user": "al", **account})[3] == lines


GOOD = [
    POP3,
    IMAP,
    SEVERAL,
    LMTP,
    {**POP3, "password": '\x01ü\\"'},
    {**POP3, "password": None, "auth": "external"},
    {**POP3, "password": None, "auth": "gssapi"},
    {**POP3, "password": None, "proto": "etrn"},
    {**POP3, "auth": "password"},
    {**POP3, "is": ["robert=bob"], "envelope": ""},
    {**POP3, "is": ["*"], "envelope": "Delivered-To"},
    *({**POP3, "service": service} for service in ("1", "993", "65535", "imaps", "pop3-alt")),
    {**IMAP, "folder": ["INBOX", "Junk"]},
    {**IMAP, "proto": "auto", "folder": ["INBOX"]},
    {**IMAP, "idle": True},
    {**POP3, "keep": True, "fetchall": False},
    {**POP3, "interface": "eth0/192.0.2.1"},
    {**POP3, "interface": "eth0/192.0.2.1/255.255.255.0"},
    {**LMTP, "smtphost": ["/run/dovecot/lmtp", "localhost/24"]},
    {**POP3, "lmtp": False, "mda": "/usr/bin/procmail"},
    {**POP3, "ssl": False, "sslproto": "tls1.3+"},
    {**POP3, "ssl": False},
    {**POP3, "limit": 0, "envelope_skip": 0, "antispam": [-1]},
]


@pytest.mark.parametrize("account", GOOD)
def test_nothing_is_wrong(account):
    assert problems([account], {"daemon": 1, "logfile": "/var/log/fetchmail", "postmaster": None, "syslog": True}) == []
    assert warnings([account]) == []


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"mda": "a\nb"}, f"{NAME} has a line break or another control character in mda."),
        ({"is": ["alice", "a\x7f"], "envelope": ""}, f"{NAME} has a line break or another control character in is."),
        ({"poll": ""}, "The account al at  has no poll; fetchmail needs the server and the login there."),
        ({"user": ""}, "The account  at pop.example has no user; fetchmail needs"),
        ({"password": ""}, "The password of the account al at pop.example is empty; leave the option out for an account that logs in"),
        ({"password": "s3cret\n"}, "The password of the account al at pop.example has a line break or a null character in it"),
        ({"password": "s3cret\0"}, "has a line break or a null character in it"),
        ({"password": "s3cret" * 100}, "The password of the account al at pop.example is longer than 511 bytes."),
        *(
            ({"password": None, "auth": auth}, f"{NAME} has no password, and a daemon cannot ask for one; set it, or an auth that")
            for auth in (None, "any", "password", "cram-md5", "ntlm", "msn", "otp")
        ),
        ({"is": None}, f"{NAME} does not say whose mail it is: set 'is' to a local user, or to several"),
        ({"is": []}, "does not say whose mail it is"),
        ({"is": [""]}, f"{NAME} has an empty name in 'is'; write 'bob', or 'robert=bob' for a user whom the provider calls robert."),
        ({"is": ["robert="], "envelope": ""}, "has an empty name in 'is'"),
        ({"is": [" =bob"], "envelope": ""}, "has an empty name in 'is'"),
        ({"is": ["*=bob"], "envelope": ""}, f"{NAME} has a '*' beside a '=' in 'is', which fetchmail takes for a name; a '*' for all"),
        ({"is": ["bob=*"], "envelope": ""}, "has a '*' beside a '='"),
        *(
            ({"service": service}, f"{NAME} has the service '{service}', which is neither a port from 1 to 65535 nor a name of /etc")
            for service in ("", "0", "65536", "-1", "a b", "٣")
        ),
        ({"folder": ["INBOX"]}, f"{NAME} has folders, and pop3 knows no folders; use imap, or take them away."),
        ({"idle": True}, f"{NAME} is idle, which only imap can be."),
        ({"keep": True, "fetchall": True}, f"{NAME} has both keep and fetchall, and would bring every message again each time; take one"),
        *(
            ({"interface": interface}, f"{NAME} has the interface '{interface}'; write its name, an IPv4 address and perhaps a mask, as")
            for interface in ("eth0", "/192.0.2.1", "eth0/x", "eth0/2001:db8::1", "eth0/192.0.2.1/255.0.0.0/1")
        ),
        ({"lmtp": True}, f"{NAME} is to be delivered through LMTP, and does not say where; set smtphost to HOST/PORT or to the path"),
        ({"lmtp": True, "smtphost": ["a/24", "b"]}, "is to be delivered through LMTP, and does not say where"),
        ({**LMTP, "mda": "/bin/x"}, f"{NAME} has both lmtp and mda; its mail can go one way only."),
        ({"sslproto": ""}, f"{NAME} has an empty sslproto, which is for a connection without TLS; set ssl to false with it, or leave"),
        ({"is": ["alice", "bob"]}, f"{NAME} is a mailbox of several, and does not say which header names the recipient: set env"),
        ({"is": ["*"]}, "is a mailbox of several"),
        ({"is": ["robert=bob"]}, "is a mailbox of several"),
        ({"limit": -1}, f"{NAME} has limit -1; it cannot be less than 0."),
        ({"timeout": -2}, f"{NAME} has timeout -2; it cannot be less than 0."),
        ({"envelope_skip": -1}, f"{NAME} has envelope_skip -1; it cannot be less than 0."),
        ({"skip": True}, f"{NAME} is skipped, and so is each beside it: fetchmail would have nothing to do, and end. Take them out of"),
    ],
)
def test_what_fetchmail_could_not_work_with(account, words):
    found = problems([{**POP3, **account}], {"daemon": 300})
    assert len(found) == 1
    assert found[0].startswith(words) or words in found[0]
    assert found[0].endswith(".")
    assert "s3cret" not in found[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"daemon": 0}, "The setting daemon is 0; write the seconds between two polls, at least 1."),
        ({"daemon": -5}, "The setting daemon is -5; write the seconds between two polls, at least 1."),
        ({"logfile": "/a\nb"}, "The setting logfile has a line break or another control character in it."),
        ({"postmaster": "a\tb"}, "The setting postmaster has a line break or another control character in it."),
    ],
)
def test_settings_that_fetchmail_could_not_work_with(settings, words):
    assert problems([POP3], settings) == [words]


def test_accounts_that_cannot_stand_beside_each_other():
    other = {**POP3, "user": "bo"}
    assert problems([POP3, other, {**POP3, "poll": "b.example"}, {**other, "poll": "c.example", "skip": True}], {}) == []
    assert problems([POP3, other, POP3, POP3], {}) == [
        f"{NAME} is given 3 times; join them, or give each a poll of its own and name the server in via."
    ]
    assert problems([other, {**IMAP, "idle": True}], {}) == [
        f"{NAME} is idle, and fetchmail would wait there for ever and never come to the others: take away idle, or give the account to an"
        " owner who has no other."
    ]
    assert problems([], {}) == []


def test_all_that_is_wrong_is_told_at_once():
    found = problems([{**POP3, "limit": -1, "timeout": -1}, {**POP3, "user": "bo", "is": []}], {"daemon": 0})
    assert [re.search(r"limit|timeout|whose|daemon", sentence)[0] for sentence in found] == ["limit", "timeout", "whose", "daemon"]


@given(
    password=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\0"), min_size=5).filter(lambda p: len(set(p)) > 4),
    account=st.sampled_from([{}, {"is": []}, {"service": "0"}, {"user": ""}, {"keep": True, "fetchall": True}]),
)
def test_no_sentence_tells_a_password(password, account):
    marked = f"<<{password}>>"
    given_account = {**POP3, **account, "sslcertck": False, "password": marked}
    said = " ".join([*problems([given_account, given_account], {}), *warnings([given_account])])
    assert marked not in said
    assert "<<" not in said


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"sslcertck": False}, [f"{NAME} takes any certificate: an attacker between the two hosts gets its password."]),
        ({"sslcertck": False, "sslfingerprint": "AA:BB"}, []),
        ({"ssl": False, "sslproto": ""}, [f"{NAME} sends its password and its mail in clear."]),
        ({"ssl": False, "sslproto": None}, []),
        ({"sslcertck": None}, []),
    ],
)
def test_what_somebody_should_think_about_again(account, words):
    assert warnings([POP3, {**POP3, **account}]) == words
    assert problems([{**POP3, **account}], {}) == []
