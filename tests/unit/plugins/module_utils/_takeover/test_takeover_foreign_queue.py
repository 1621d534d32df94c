# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._takeover import foreign_queue
from ansible_collections.postroom.mail.plugins.module_utils._takeover.foreign_queue import FORMATS, Unreadable
from hypothesis import given
from hypothesis import strategies as st

# As Exim 4.98 wrote it, with an ACL variable whose value has lines of its own, and a replaced header.
EXIM_H = b"""\
1xV5At-000000000yb-26M6-H
root 0 0
<alice@x.example>
1795344719 0
-received_time_usec .501090
-aclm 0 8
XX
0

-x
--helo_name evil
-deliver_firsttime
%s2
far@far.test
wizards@mail.example.org

121P Received: from root by mail.example.org with local (Exim 4.98.2)
\t(envelope-from <alice@x.example>)
\tid 1xV5At-0000-26M6
020* From: Alice <alice>
037F From: Alice <alice@mail.example.org>
034  Subject: remote one
  folded: yes
"""
EXIM_D = b"1xV5At-000000000yb-26M6-D\nhello\n.\n\nende"

# As sendmail 8.17 wrote it: headers with conditions, an escaped byte, addresses with and without brackets.
SENDMAIL_QF = b"""\
V8
T1795344575
K0
N0
F8bs
$_localhost [127.0.0.1]
${daemon_flags}c u
S<alice@mail.example.org>
C:wizards
rRFC822; wizards@mail.example.org
RPFD:wizards
RPNFD:<far@far.test>
R:\\bob
H?P?Return-Path: <\x81g>
H??Received: (from root@localhost)
\tby mail.example.org (8.17.1.9/8.17.1.9/Submit) id 6AMAnZ96001196;
H?D?Date: Sun, 22 Nov 2026 10:49:35 GMT
H?F?From: root
H?x?Full-Name: root
H?M?Message-Id: <x@mail.example.org>
H??Subject: \xc3\xff\x84rger \xff\xff
.
"""


def test_exim():
    mail = foreign_queue.read_exim(EXIM_H % b"XX\n", EXIM_D, None)
    assert mail.sender == "alice@x.example"
    assert mail.recipients == ("far@far.test", "wizards@mail.example.org")
    assert mail.content == (
        b"Received: from root by mail.example.org with local (Exim 4.98.2)\n"
        b"\t(envelope-from <alice@x.example>)\n\tid 1xV5At-0000-26M6\n"
        b"From: Alice <alice@mail.example.org>\nSubject: remote one\n  folded: yes\n\nhello\n.\n\nende"
    )
    assert mail.again == ""


@pytest.mark.parametrize(
    ("tree", "journal", "recipients", "again"),
    [
        pytest.param(b"NN far@far.test\n", None, ("wizards@mail.example.org",), "", id="one is done"),
        pytest.param(b"XX\n", b"far@far.test\n", ("wizards@mail.example.org",), "", id="by the journal"),
        pytest.param(b"YY far@far.test\nNN a\nNN wizards@mail.example.org\n", None, (), "", id="all are done"),
        pytest.param(
            b"NY alice@mail.example.org\nYN far@far.test\nNN bob@mail.example.org\n",
            None,
            ("wizards@mail.example.org",),
            "alice@mail.example.org, bob@mail.example.org",
            id="an alias is done in part",
        ),
    ],
)
def test_exim_knows_who_has_got_it(tree, journal, recipients, again):
    mail = foreign_queue.read_exim(EXIM_H % tree, EXIM_D, journal)
    assert (mail.recipients, mail.again) == (recipients, again)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("bob@x.test", "bob@x.test"),
        ('"a b"@x.test', '"a b"@x.test'),
        ("bob@x.test owner@x.test 12,0#1", "bob@x.test"),
        ('"a b"@x.test  0,-1#1', '"a b"@x.test'),
    ],
)
def test_exim_recipient(line, address):
    assert foreign_queue._exim_address(line) == address


@pytest.mark.parametrize(
    ("control", "data", "words"),
    [
        pytest.param(EXIM_H % b"XX\n", None, "-D file", id="no body"),
        pytest.param((EXIM_H % b"XX\n")[:100], EXIM_D, "ends in the middle", id="cut off"),
        pytest.param((EXIM_H % b"XX\n")[:-5], EXIM_D, "damaged", id="headers cut off"),
        pytest.param(EXIM_H % b"-spool_file_wireformat\nXX\n", EXIM_D, "spool_wireformat", id="wire format"),
        pytest.param((EXIM_H % b"XX\n").replace(b"<alice@x.example>\n1795", b"alice\n1795"), EXIM_D, "no sender", id="no sender"),
        pytest.param((EXIM_H % b"XX\n").replace(b"\n2\n", b"\ntwo\n"), EXIM_D, "number of recipients", id="no number"),
    ],
)
def test_exim_refuses_what_it_does_not_understand(control, data, words):
    with pytest.raises(Unreadable, match=words):
        foreign_queue.read_exim(control, data, None)


@given(st.binary(), st.binary())
def test_exim_never_breaks(control, data):
    for raw in (control, (EXIM_H % b"XX\n")[: len(control) * 9] + control):
        with contextlib.suppress(Unreadable):
            foreign_queue.read_exim(raw, data, None)


@given(st.integers(10, 6000), st.sampled_from([b"-aclm 0 8\n", b"\n2\n"]))
def test_numbers_that_are_too_long(digits, before):
    control, many = EXIM_H % b"XX\n", b"9" * digits
    after = before.replace(b"2" if b"2" in before else b"8", many)
    for raw in (control.replace(before, after, 1), control + many + b"  Subject: x\n"):
        with pytest.raises(Unreadable):
            foreign_queue.read_exim(raw, EXIM_D, None)


@given(st.text(max_size=20))
def test_no_address_ends_a_line_or_an_argument(address):
    bad = any(ord(letter) < 32 or ord(letter) == 127 for letter in address)
    for mail in (foreign_queue.Mail(address, (), b""), foreign_queue.Mail("", ("a@x.test", address), b"")):
        if bad:
            with pytest.raises(Unreadable, match="control character"):
                foreign_queue.checked(mail)
        else:
            assert foreign_queue.checked(mail) is mail


def test_exim_frozen():
    assert FORMATS["exim"].is_held(EXIM_H % b"-frozen 1795344720\nXX\n")
    assert not FORMATS["exim"].is_held(EXIM_H % b"XX\n")


def test_sendmail():
    mail = foreign_queue.read_sendmail(SENDMAIL_QF, b"hello\n")
    assert mail.sender == "alice@mail.example.org"
    assert mail.recipients == ("wizards", "far@far.test", "bob")
    assert mail.content == (
        b"Received: (from root@localhost)\n\tby mail.example.org (8.17.1.9/8.17.1.9/Submit) id 6AMAnZ96001196;\n"
        b"Date: Sun, 22 Nov 2026 10:49:35 GMT\nFrom: root\nMessage-Id: <x@mail.example.org>\n"
        b"Subject: \xc3\x84rger \xff\n\nhello\n"
    )


def test_sendmail_body_may_lie_in_a_folder_of_its_own():
    assert foreign_queue.read_sendmail(SENDMAIL_QF, None, b"b").content.endswith(b"\n\nb")


@pytest.mark.parametrize("sender", [b"<>", b"MAILER-DAEMON"])
def test_sendmail_bounce(sender):
    assert foreign_queue.read_sendmail(SENDMAIL_QF.replace(b"<alice@mail.example.org>", sender), b"x").sender == ""


@pytest.mark.parametrize(
    ("control", "data", "words"),
    [
        pytest.param(SENDMAIL_QF, None, "df file", id="no body"),
        pytest.param(SENDMAIL_QF[:-3], b"", "ends in the middle", id="cut off"),
        pytest.param(SENDMAIL_QF.replace(b"S<", b"s<"), b"", "no sender", id="no sender"),
        pytest.param(SENDMAIL_QF.replace(b"D:wizards", b'D:"|/bin/sh"'), b"", "leads it to", id="a program"),
        pytest.param(SENDMAIL_QF.replace(b"D:wizards", b"D:/var/mbox"), b"", "leads it to", id="a file"),
    ],
)
def test_sendmail_refuses_what_it_does_not_understand(control, data, words):
    with pytest.raises(Unreadable, match=words):
        foreign_queue.read_sendmail(control, data)


@given(st.binary())
def test_sendmail_never_breaks(control):
    for raw in (control, control + b"\n.\n", SENDMAIL_QF[: len(control) * 9] + control):
        with contextlib.suppress(Unreadable):
            foreign_queue.read_sendmail(raw, b"")


def test_nullmailer():
    mail = foreign_queue.read_nullmailer(b"root@mail.example.org\nbob@x.test\neve@x.test\n\nSubject: a\n\nb\n")
    assert mail == foreign_queue.Mail("root@mail.example.org", ("bob@x.test", "eve@x.test"), b"Subject: a\n\nb\n")
    assert foreign_queue.read_nullmailer(b"\nbob@x.test\n\nb").sender == ""
    with pytest.raises(Unreadable):
        foreign_queue.read_nullmailer(b"root@mail.example.org\n\nb")


def test_dma():
    control = b"ID: 1a2b.55d0\nSender: root@mail.example.org\nRecipient: bob@x.test\n"
    assert foreign_queue.read_dma(control, b"Subject: a\n") == ("root@mail.example.org", ("bob@x.test",), b"Subject: a\n", "")
    assert foreign_queue.read_dma(control.replace(b"root@mail.example.org", b""), b"x").sender == ""
    with pytest.raises(Unreadable):
        foreign_queue.read_dma(control, None)
