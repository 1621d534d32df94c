# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import email
import email.policy
import json

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import Message, dot_stuffed, parse_headers
from hypothesis import given
from hypothesis import strategies as st


def test_every_message_is_unique():
    a, b = Message("a@x", "b@x"), Message("a@x", "b@x")
    assert a.message_id != b.message_id
    assert a.render() != b.render()


@pytest.mark.parametrize(
    "body",
    [None, "", "one\ntwo\n", "no line end", "ä and ü\n", "x" * 5000, "a\r\nb\rc\n", "From here\n.\n..\n"],
    ids=lambda body: repr(body)[:20],
)
def test_message_is_what_a_mail_reader_expects(body):
    data = Message("a@example.org", "b@example.org", subject="Prüfung", body=body, headers={"X-Test": "ja, für uns"}).render()
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert (message["from"], message["to"], message["subject"]) == ("a@example.org", "b@example.org", "Prüfung")
    assert message["x-test"] == "ja, für uns"
    assert not message.defects
    if body is not None:
        assert message.get_content().splitlines() == body.splitlines()


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_size(size):
    data = Message("a@x", "b@x", size=size).render()
    assert size <= len(data) < size + 1000


def test_null_sender():
    assert b"From: <postmaster@postroom.invalid>\r\n" in Message("", "b@x").render()


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b""))))
def test_dot_stuffing_is_undone_by_the_receiver(lines):
    data = b"".join(line + b"\r\n" for line in lines)
    *sent, dot, empty = dot_stuffed(data).split(b"\r\n")
    assert (dot, empty) == (b".", b"")
    assert b"." not in sent
    assert [line[1:] if line.startswith(b".") else line for line in sent] == lines


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"", []),
        (b"A: 1\r\nB: 2\r\n\r\nC: 3\r\n", [("A", "1"), ("B", "2")]),
        (b"A: 1\n two\n\tthree\nA: 4\n", [("A", "1 two three"), ("A", "4")]),
        (b"no header\nA: 1\n", [("A", "1")]),
        (b"A: \xff\n", [("A", "\ufffd")]),
    ],
)
def test_parse_headers(data, headers):
    assert [(h["name"], h["value"]) for h in parse_headers(data)] == headers


@pytest.mark.parametrize("line", [b"a:\r\n", b"Subject: " + b"x" * 5000 + b"\r\n", b" folded for ever\r\n"])
def test_what_is_kept_of_headers_without_end(line):
    headers = parse_headers(b"From: a\r\n" + line * (17 * 1024 * 1024 // len(line)))
    assert headers[0]["name"] == "From"
    assert len(json.dumps(headers)) < 200_000
