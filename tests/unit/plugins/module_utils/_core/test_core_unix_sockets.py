# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import unix_sockets
from ansible_collections.postroom.mail.plugins.module_utils._core.unix_sockets import Connection


def test_connections_of_this_host(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = f"{os.getpid()}-listener"

    def now():
        return sorted(connection for connection in unix_sockets.connections() if connection.path == path)

    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen()
        assert now() == []
        client.connect(path)
        assert now() == [], "nobody has accepted it"
        with listener.accept()[0] as accepted:
            assert now() == [Connection(path)]
            accepted.sendall(b"done")
            assert now() == [Connection(path, is_answered=True)]
            client.recv(100)
            assert now() == [Connection(path)]
            with socket.socket(socket.AF_UNIX) as another:
                another.connect(path)
                with listener.accept()[0] as second:
                    second.sendall(b"x")
                    assert now() == [Connection(path), Connection(path, is_answered=True)]
            client.close()
            assert now() == [Connection(path)], "its other end is gone"
        assert now() == []


def test_the_kernel_refuses():
    refusal = struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -errno.ENOENT)
    with pytest.raises(OSError, match="sock_diag"):
        unix_sockets.parse(refusal, {})


def test_the_end_of_the_answer():
    assert not unix_sockets.parse(struct.pack("=IHHII", 16, 3, 0, 1, 0), {})
    assert not unix_sockets.parse(b"\0" * 16, {}), "no answer of the kernel"
