# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import listeners

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = (
    HEADER
    + """\
   0: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41858 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0019 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 41999 1 0000000000000000 100 0 0 10 0
   2: 0100007F:03E1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 38322 1 0000000000000000 100 0 0 10 0
"""
)
TCP6 = (
    HEADER
    + """\
   0: 00000000000000000000000000000000:0019 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 41859 1 0 100 0 0 10 0
   1: B80D0120000000000000000001000000:008F 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 41860 1 0 100 0 0 10 0
"""
)


@pytest.fixture(autouse=True)
def _little_endian(monkeypatch):
    """The samples are from such a machine."""
    monkeypatch.setattr(sys, "byteorder", "little")


def test_only_listeners():
    assert listeners.parse_proc_net_tcp(TCP) == [("0.0.0.0", 25, 41858), ("127.0.0.1", 993, 38322)]


def test_ipv6():
    assert listeners.parse_proc_net_tcp(TCP6) == [("::", 25, 41859), ("2001:db8::1", 143, 41860)]


def test_a_header_alone():
    assert listeners.parse_proc_net_tcp(HEADER) == []


def make_process(proc, pid, name, inodes):
    (proc / str(pid) / "fd").mkdir(parents=True)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S 1 1 1\n")
    for number, inode in enumerate(inodes):
        (proc / str(pid) / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def test_listeners_and_their_processes(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    make_process(tmp_path, 40, "dovecot", [38322])
    make_process(tmp_path, 300, "imap-login", [38322])
    assert listeners.listeners(str(tmp_path)) == [
        {"address": "0.0.0.0", "port": 25, "process": None},
        {"address": "127.0.0.1", "port": 993, "process": "dovecot"},
    ]
