# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_daemon
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_daemon import NotServing
from ansible_collections.postroom.mail.plugins.module_utils._takeover import facts as takeover_facts


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A process table with a daemon, a child of it that serves a client, and a queue runner that was started later."""

    def add(pid, parent, ticks=100):
        fields = " ".join(["0"] * 17)
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (sendmail-mta) S {parent} {fields} {ticks} 0 0\n")

    for pid, parent in ((50, 1), (60, 50), (70, 1)):
        add(pid, parent)
    monkeypatch.setattr(takeover_facts, "processes", lambda server, proc: [int(name) for name in os.listdir(proc) if name.isdigit()])
    return tmp_path


def test_the_daemon_is_the_first_that_nobody_started(proc):
    assert sendmail_daemon.daemon((), str(proc)) == 50


@pytest.mark.parametrize(("content", "pid"), [("70\n/usr/sbin/sendmail -bd\n", 70), ("99\n", 50), ("nonsense\n", 50), ("", 50)])
def test_a_pid_file_is_believed_when_it_names_a_sendmail(proc, content, pid):
    path = proc / "sendmail.pid"
    path.write_text(content)
    assert sendmail_daemon.daemon([str(proc / "missing"), str(path)], str(proc)) == pid


def test_where_none_runs_there_is_none(proc, monkeypatch):
    monkeypatch.setattr(takeover_facts, "processes", lambda server, proc: [])
    assert sendmail_daemon.daemon((), str(proc)) is None


def test_the_age_of_a_process_is_that_of_the_kernel(proc, monkeypatch):
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 1000.0)
    monkeypatch.setattr(time, "time", lambda: 5000.0)
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    assert sendmail_daemon.started_at(50, str(proc)) == 5000.0 - 1000.0 + 1.0
    assert sendmail_daemon.started_at(99, str(proc)) == 0.0


def test_this_very_process_is_younger_than_a_minute_old_file_and_older_than_a_new_one(tmp_path):
    path = tmp_path / "sendmail.cf"
    assert not sendmail_daemon.is_behind(os.getpid(), ["/proc/1/no-such-file"])
    path.touch()
    assert sendmail_daemon.is_behind(os.getpid(), [str(path)])


def test_a_link_that_leads_elsewhere_counts(tmp_path, monkeypatch):
    target, link = tmp_path / "old.pem", tmp_path / "mail.pem"
    target.touch()
    time.sleep(0.05)
    link.symlink_to(target)
    assert sendmail_daemon.changed_at([str(link)]) > sendmail_daemon.changed_at([str(target)])
    assert sendmail_daemon.changed_at([str(tmp_path / "missing")]) == 0.0


def test_the_daemon_is_told_by_a_signal_and_waited_for(monkeypatch):
    told, pids = [], iter([50, None, 51])
    monkeypatch.setattr(os, "kill", lambda pid, signal: told.append((pid, signal.name)))
    monkeypatch.setattr(sendmail_daemon, "started_at", lambda pid: 1.0)
    monkeypatch.setattr(sendmail_daemon, "daemon", lambda files: next(pids))
    sendmail_daemon.read_again(50, "O PidFile=/run/sendmail.pid\n", 5)
    assert told == [(50, "SIGHUP")]
    assert list(pids) == []


def test_a_daemon_that_stays_what_it_is_is_told(monkeypatch):
    monkeypatch.setattr(os, "kill", lambda pid, signal: None)
    monkeypatch.setattr(sendmail_daemon, "started_at", lambda pid: 1.0)
    monkeypatch.setattr(sendmail_daemon, "daemon", lambda files: 50)
    with pytest.raises(NotServing, match=r"not started itself anew 0\.1 s after"):
        sendmail_daemon.read_again(50, "", 0.1)


def serve(*answers):
    """A server that greets, and then answers each line with the next of *answers*; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def talk():
        session, _peer = listener.accept()
        with session, listener, session.makefile("rb") as lines:
            session.sendall(b"220 mail.example.org\r\n")
            for answer in answers:
                if not lines.readline():
                    break
                session.sendall(answer)

    threading.Thread(target=talk, daemon=True).start()
    return listener.getsockname()[1]


def test_a_server_without_tls_is_found_out():
    port = serve(b"250-mail.example.org\r\n250 8BITMIME\r\n", b"221 bye\r\n")
    with pytest.raises(NotServing, match=rf"offers no STARTTLS on port {port}"):
        sendmail_daemon.prove("127.0.0.1", 5, port)


def test_a_closed_door_is_found_out():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotServing, match=rf"does not answer on port {port} .*refused"):
        sendmail_daemon.prove("127.0.0.1", 0.1, port)
