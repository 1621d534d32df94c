# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.changed_at import changed_at
from ansible_collections.postroom.mail.plugins.module_utils._services import running

HERE = "127.0.0.1"


def test_the_age_of_a_process_compares_with_the_clock_of_the_files(tmp_path):
    before = tmp_path / "before"
    before.touch()
    time.sleep(0.05)
    with subprocess.Popen(["sleep", "60"]) as process:
        started = running.started_at(process.pid)
        time.sleep(0.05)
        after = tmp_path / "after"
        after.touch()
        process.kill()
    assert started is not None
    assert changed_at([str(before)])[str(before)] < started < changed_at([str(after)])[str(after)]
    assert running.started_at(2**22 + 1) is None


def test_where_a_process_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert running._listens(os.getpid(), "/proc")[port] == {"127.0.0.1"}
    assert port not in running._listens(os.getpid(), "/proc")


def test_where_root_does_not_see_whose_a_socket_is_all_count(tmp_path):
    (tmp_path / "net").mkdir()
    row = "   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 291192 1 0"
    (tmp_path / "net/tcp").write_text(f"  sl  local_address ...\n{row}\n")
    assert running._listens(7, str(tmp_path)) == {25: {"127.0.0.1"}}
    # Where it does, they are somebody else's.
    (tmp_path / "7/fd").mkdir(parents=True)
    (tmp_path / "7/fd/3").symlink_to("socket:[4]")
    assert running._listens(7, str(tmp_path)) == {}


@pytest.mark.parametrize(
    ("settings", "ports"),
    [
        pytest.param({"protocols": "imap lmtp"}, {143: ["0.0.0.0"], 993: ["0.0.0.0"]}, id="words"),
        pytest.param({"protocols": {"pop3": "yes", "imap": "no"}}, {110: ["0.0.0.0"], 995: ["0.0.0.0"]}, id="2.4's list"),
        pytest.param({"protocols": "imap", "listen": "127.0.0.1"}, {143: ["127.0.0.1"], 993: ["127.0.0.1"]}, id="listen"),
        pytest.param(
            {"protocols": "imap", "service imap-login": {"inet_listener imap": {"port": "0"}, "inet_listener imaps": {"address": HERE}}},
            {993: ["127.0.0.1"]},
            id="listeners of their own",
        ),
        pytest.param({"protocols": "imap", "listen": "no-such-host.invalid"}, {}, id="what nobody can tell"),
    ],
)
def test_where_dovecot_would_listen(settings, ports, monkeypatch):
    monkeypatch.setattr(running, "is_usable", lambda address: ":" not in address)
    monkeypatch.setattr(running, "resolve", lambda name: [name] if name[:1].isdigit() else [])
    assert running._listens_of_dovecot(settings) == {port: frozenset(addresses) for port, addresses in ports.items()}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "archive").mkdir()
    for name in ("one.pem", "two.pem"):
        (tmp_path / "archive" / name).write_text(name)
    (tmp_path / "live.pem").symlink_to("archive/one.pem")
    (tmp_path / "dir").symlink_to("archive")
    time.sleep(0.02)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "renew"),
    [
        pytest.param("archive/one.pem", lambda at: (at / "archive/one.pem").write_text("new"), id="written"),
        pytest.param("archive/one.pem", lambda at: (at / "archive/two.pem").rename(at / "archive/one.pem"), id="renamed"),
        pytest.param("live.pem", lambda at: (at / "archive/one.pem").write_text("new"), id="behind a link"),
        pytest.param("live.pem", lambda at: point(at / "live.pem", "archive/two.pem"), id="a link turned"),
        pytest.param("dir/one.pem", lambda at: point(at / "dir", str(at / "archive")), id="a link on the way turned"),
    ],
)
def test_however_a_file_becomes_another_one_it_shows(files, path, renew):
    before = changed_at([str(files / path)])
    renew(files)
    assert changed_at([str(files / path)])[str(files / path)] > before[str(files / path)]


def point(link, target):
    link.unlink()
    link.symlink_to(target)


def test_what_is_no_file_is_left_out(files):
    assert changed_at([str(files), str(files / "missing"), "/dev/null"]) == {}


@pytest.mark.parametrize(("version", "restart"), [("2.3.19.1", False), ("2.4.1", True)])
def test_a_new_port_of_dovecot_takes_a_restart_where_its_language_says_so(monkeypatch, tmp_path, version, restart):
    config = tmp_path / "dovecot.conf"
    config.write_text("protocols = imap\n")
    (tmp_path / "net").mkdir()
    (tmp_path / "net/unix").write_text("Num RefCount Protocol Flags Type St Inode Path\n")
    monkeypatch.setattr(running, "_running", lambda *_: running.applied.Running(time.time() - 60, time.time() - 60))
    monkeypatch.setattr(running.services, "master", lambda _: 1)
    dovecot = {
        "installed": True,
        "version": version,
        "config_path": str(config),
        "config_error": None,
        "settings": {"protocols": "imap", "listen": "127.0.0.1", "service imap-login": {"inet_listener imaps": {"port": "0"}}},
    }
    need = running.need_of_dovecot(dovecot, str(tmp_path))
    assert (need.reload_required, need.restart_required) == (True, restart)
