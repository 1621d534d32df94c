# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._postfix import ports
from ansible_collections.postroom.mail.plugins.module_utils._postfix.ports import (
    BadListener,
    check_listener,
    known_ports,
    port_number,
    split_name,
)

KNOWN = {"smtp": 25, "submission": 587}


@pytest.mark.parametrize(
    ("name", "parts"),
    [("smtp", ("", "smtp")), ("127.0.0.1:10025", ("127.0.0.1", "10025")), ("[::1]:smtp", ("::1", "smtp")), ("host:25", ("host", "25"))],
)
def test_split_name(name, parts):
    assert split_name(name) == parts


def test_known_ports():
    assert known_ports("lmtp=24, smtps=submissions=465") == {"lmtp": 24, "smtps": 465, "submissions": 465}


def test_port_numbers():
    assert (port_number("10025", KNOWN), port_number("127.0.0.1:smtp", KNOWN)) == (10025, 25)


@pytest.mark.parametrize("name", ["submision", "0", "65536", "x:submision"])
def test_what_is_no_port_is_refused(name):
    with pytest.raises(BadListener):
        port_number(name, KNOWN)


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_passes(taken):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    check_listener(f"127.0.0.1:{free}", ["smtp"], ["smtp"], "all", KNOWN)


@pytest.mark.parametrize("interfaces", ["all", "loopback-only"])
def test_a_port_of_another_program_is_refused(taken, interfaces):
    with pytest.raises(BadListener, match=r"cannot listen on port \d+: \S+ does; stop it"):
        check_listener(str(taken), [], [], interfaces, KNOWN)


@pytest.mark.parametrize(
    ("holder", "running", "passes"),
    [("master", ["master"], True), (None, ["master"], True), (None, [], False), ("nginx", ["master", "nginx"], False)],
)
def test_a_port_that_a_running_postfix_still_holds_passes(taken, monkeypatch, holder, running, passes):
    monkeypatch.setattr(ports, "listeners", lambda: [{"port": taken, "process": holder}])
    monkeypatch.setattr(ports, "processes", lambda: [Process(1, name, 0) for name in running])
    if passes:
        check_listener(str(taken), [], [], "loopback-only", KNOWN)
    else:
        with pytest.raises(BadListener, match=holder or "another program"):
            check_listener(str(taken), [], [], "loopback-only", KNOWN)


def test_a_port_that_postfix_has_by_now_passes(taken):
    check_listener(f"127.0.0.1:{taken}", [], [f"{taken}"], "all", KNOWN)


@pytest.mark.parametrize(
    ("name", "message"), [("192.0.2.77:10025", "no address of this host"), ("no-such-host.invalid:10025", "cannot be resolved")]
)
def test_an_address_that_is_not_ours_is_refused(name, message):
    with pytest.raises(BadListener, match=message):
        check_listener(name, [], [], "all", KNOWN)


def test_two_names_for_one_port_are_refused():
    with pytest.raises(BadListener, match="the same to Postfix, port 25"):
        check_listener("25", ["submission", "smtp"], ["smtp"], "all", KNOWN)


def test_one_port_at_two_addresses_passes():
    check_listener("127.0.0.1:smtp", ["smtp", "not-a-port"], ["smtp"], "all", KNOWN)
