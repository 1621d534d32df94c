# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._core.unix_sockets import Connection
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold

UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000008f3098e: 00000002 00000000 00000000 0002 03 273449
0000000095c0d701: 00000002 00000000 00010000 0001 01 270115 private/lmtp
0000000095c0d702: 00000003 00000000 00000000 0001 03 270116 private/lmtp
0000000095c0d703: 00000002 00000000 00010000 0001 01 519474 /var/spool/postfix/private/dovecot-lmtp
"""
SESSION = "0000000095c0d704: 00000003 00000000 00000000 0001 03 519999 /var/spool/postfix/private/dovecot-lmtp\n"


def test_lmtp_sessions():
    assert delivery_hold.lmtp_sessions(UNIX) == 0
    assert delivery_hold.lmtp_sessions(UNIX + 2 * SESSION) == 2


def test_messages_on_their_way():
    assert (
        delivery_hold.messages(UNIX + SESSION.replace("/var/spool/postfix/private/dovecot-lmtp", "public/cleanup"), {"public/cleanup"}) == 1
    )
    assert delivery_hold.messages(UNIX, {"public/cleanup"}) == 0


def test_a_delivery_is_under_way_until_its_agent_has_answered():
    connections = [Connection("private/lmtp"), Connection("private/lmtp", True), Connection("private/rewrite"), Connection("")]
    assert delivery_hold.deliveries(connections, {"private/lmtp", "private/local"}) == 1


def test_sockets_of_services():
    commands = {"lmtp/unix": "lmtp", "mine/unix": "pipe", "smtp/inet": "smtpd", "rewrite/unix": "trivial-rewrite", "early/unix": "cleanup"}
    services = {name: {"type": name.partition("/")[2], "command": command} for name, command in commands.items()}
    assert delivery_hold.sockets(services) == (frozenset({"private/lmtp", "private/mine"}), frozenset({"public/early"}))


@pytest.fixture
def manager(monkeypatch):
    """A process that counts, in the place of Postfix's queue manager."""
    count = "import sys, time\nwhile True:\n    print('.', flush=True)\n    time.sleep(0.01)"
    process = subprocess.Popen([sys.executable, "-c", count], stdout=subprocess.PIPE)
    monkeypatch.setattr(delivery_hold, "children", lambda parent: [Process(process.pid, "qmgr", parent)])
    yield process
    process.kill()
    process.communicate()


def state(process):
    with open(f"/proc/{process.pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def test_the_queue_manager_sleeps_while_the_block_runs(manager):
    with delivery_hold.held(1, patience=0.2):
        assert state(manager) == "T"
    assert state(manager) != "T"


def test_the_queue_manager_goes_on_when_the_block_fails(manager):
    with pytest.raises(RuntimeError), delivery_hold.held(1, patience=0.2):
        raise RuntimeError
    assert state(manager) != "T"


def test_the_queue_manager_goes_on_at_the_limit_even_if_nobody_wakes_it(manager):
    with delivery_hold.held(1, patience=0.1, limit=0.3):
        time.sleep(0.8)
        assert state(manager) != "T"


def test_the_queue_manager_goes_on_when_the_run_is_killed(manager):
    ready, told = os.pipe()
    run = os.fork()
    if not run:
        with delivery_hold.held(1, patience=0.1, limit=60):
            os.write(told, state(manager).encode())
            time.sleep(60)
        os._exit(0)
    assert os.read(ready, 1) == b"T"
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    deadline = time.monotonic() + 10
    while state(manager) == "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_waits_for_open_sessions(manager, monkeypatch):
    sessions = iter([2, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    monkeypatch.setattr(delivery_hold, "lmtp_sessions", lambda text: next(sessions))
    with delivery_hold.held(1):
        assert next(sessions, "all polled") == "all polled"


def test_it_waits_no_longer_than_it_has_patience(manager, monkeypatch):
    monkeypatch.setattr(delivery_hold, "lmtp_sessions", lambda text: 1)
    started = time.monotonic()
    with delivery_hold.held(1, patience=0.2):
        assert time.monotonic() - started < 2


def test_without_postfix_there_is_nothing_to_hold():
    with delivery_hold.held(None):
        pass


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue directory with sockets as Postfix has them, bound below it; nobody accepts yet."""
    monkeypatch.chdir(tmp_path)
    with contextlib.ExitStack() as stack:
        listeners = {}
        for path in ("private/lmtp", "public/cleanup"):
            os.makedirs(os.path.dirname(path))
            listeners[path] = stack.enter_context(socket.socket(socket.AF_UNIX))
            listeners[path].bind(path)
            listeners[path].listen()
            os.chmod(path, 0o666)
        yield listeners


OF = delivery_hold.Sockets(frozenset({"private/lmtp"}), frozenset({"public/cleanup"}))


def is_open(path="public/cleanup"):
    return os.stat(path).st_mode & 0o777 == 0o666


@contextlib.contextmanager
def request(queue, path, answer=b""):
    """A request that a service works on; its *answer* is not read."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        with queue[path].accept()[0] as service:
            service.sendall(answer)
            yield


def test_postfix_rests_while_the_block_runs(manager, queue, tmp_path):
    with delivery_hold.at_rest(1, str(tmp_path), OF) as rest:
        assert rest == (manager.pid, 0, 0)
        assert state(manager) == "T"
        assert not is_open()
        assert not delivery_hold.is_abandoned(1, str(tmp_path)), "its guard is there"
        rest.wake()
        assert state(manager) != "T"
    assert is_open()


def test_postfix_goes_on_when_the_block_fails(manager, queue, tmp_path):
    with pytest.raises(RuntimeError), delivery_hold.at_rest(1, str(tmp_path), OF):
        raise RuntimeError
    assert state(manager) != "T"
    assert is_open()


@pytest.mark.parametrize(("path", "left"), [("private/lmtp", (1, 0)), ("public/cleanup", (0, 1))])
def test_it_tells_what_is_not_over_when_there_is_no_more_patience(manager, queue, tmp_path, path, left):
    with request(queue, path), delivery_hold.at_rest(1, str(tmp_path), OF, patience=0.6) as rest:
        assert rest[1:] == left
        assert "{} deliveries and {} messages".format(*left) in rest.warning("restart")


@pytest.mark.parametrize("path", ["private/lmtp", "public/cleanup"])
def test_it_waits_for_the_end_of_a_request(manager, queue, tmp_path, path):
    with contextlib.ExitStack() as stack:
        stack.enter_context(request(queue, path))
        timer = threading.Timer(0.8, stack.close)
        timer.start()
        started = time.monotonic()
        with delivery_hold.at_rest(1, str(tmp_path), OF) as rest:
            assert rest == (manager.pid, 0, 0)
            assert time.monotonic() - started > 0.8
        timer.join()


@pytest.mark.parametrize("answer", [b"protocol", b"status=0"])
def test_an_agent_that_waits_for_the_queue_manager_has_no_delivery(manager, queue, tmp_path, answer):
    """It announces itself before it gets the order, and waits after its last word until the queue manager hangs up."""
    with request(queue, "private/lmtp", answer), delivery_hold.at_rest(1, str(tmp_path), OF, patience=1.0) as rest:
        assert rest.deliveries == 0


def test_where_the_kernel_does_not_tell_sessions_with_dovecot_count(manager, queue, tmp_path, monkeypatch):
    def refuses():
        raise OSError

    monkeypatch.setattr(delivery_hold.unix_sockets, "connections", refuses)
    monkeypatch.setattr(delivery_hold, "_proc_net_unix", lambda: UNIX + SESSION)
    with delivery_hold.at_rest(1, str(tmp_path), OF, patience=0.2) as rest:
        assert rest.deliveries == 1


RUN = """
import sys
from ansible_collections.postroom.mail.plugins.module_utils._core.processes import Process
from ansible_collections.postroom.mail.plugins.module_utils._postfix import delivery_hold
delivery_hold.children = lambda parent: [Process(int(sys.argv[1]), "qmgr", parent)]
of = delivery_hold.Sockets(frozenset(), frozenset({"public/cleanup"}))
with delivery_hold.at_rest(1, ".", of, limit=float(sys.argv[2])):
    print("at rest", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(manager, queue):
    """A run that has brought Postfix to rest."""
    argv = [sys.executable, "-c", RUN, str(manager.pid), "600"]
    env = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout.readline() == "at rest\n"
        assert (state(manager), is_open()) == ("T", False)
        yield run
        run.kill()


def guards(manager):
    """The processes of the guard, the shell first."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as f:
            if str(manager.pid) in (words := f.read().split("\0")) and delivery_hold._GUARD in words:
                found.append(int(pid))
    return found


def wait(true):
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_a_run_that_is_killed_leaves_postfix_as_it_was(manager, run):
    run.kill()
    assert wait(lambda: (state(manager) != "T", is_open()) == (True, True))


def test_the_next_run_releases_what_a_run_and_its_guard_left(manager, run, tmp_path):
    for pid in guards(manager):
        os.kill(pid, signal.SIGKILL)
    run.kill()
    run.wait()
    assert wait(lambda: delivery_hold.is_abandoned(1, str(tmp_path)))
    assert (state(manager), is_open()) == ("T", False)
    assert delivery_hold.release_abandoned(1, str(tmp_path))
    assert (state(manager) != "T", is_open()) == (True, True)
    assert not delivery_hold.is_abandoned(1, str(tmp_path))
    assert not delivery_hold.release_abandoned(1, str(tmp_path))


@pytest.fixture
def secret(tmp_path):
    """A file that only root can read and write, for which Postfix's account puts a link where its socket was."""
    path = tmp_path / "secret"
    path.touch(0o600)
    return path


def put_a_link(link, secret):
    os.unlink("public/cleanup")
    link(secret, "public/cleanup")


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("is_late", [False, True])
def test_a_link_in_the_place_of_a_socket_opens_no_other_file(manager, queue, tmp_path, secret, link, is_late):
    if not is_late:
        put_a_link(link, secret)
    with delivery_hold.at_rest(1, str(tmp_path), OF):
        if is_late:
            put_a_link(link, secret)
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_nor_does_the_guard_of_a_run_that_was_killed(manager, run, secret, link):
    put_a_link(link, secret)
    left = guards(manager)
    run.kill()
    # Nobody may reap them here.
    assert wait(lambda: all(not os.path.exists(f"/proc/{pid}/exe") for pid in left))
    assert (len(left), state(manager) != "T") == (1, True)
    assert secret.stat().st_mode & 0o777 == 0o600


def test_nobody_but_root_connects_to_a_closed_socket(manager, queue, tmp_path):
    code = "import os, socket; os.getuid() or os.setuid(65534); socket.socket(socket.AF_UNIX).connect('public/cleanup')"

    def refusal():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr.rpartition("\n")[0][-50:]

    os.chmod(tmp_path, 0o755)
    assert refusal() == ""
    with delivery_hold.at_rest(1, str(tmp_path), OF):
        assert "Permission denied" in refusal()


def test_a_queue_manager_that_nobody_will_wake_is_found_and_released(manager, tmp_path):
    assert not delivery_hold.is_abandoned(1, str(tmp_path))
    with delivery_hold.held(1, patience=0.1):
        assert not delivery_hold.is_abandoned(1, str(tmp_path)), "its guard is there"
    # The module and the guard were killed, both.
    manager.send_signal(signal.SIGSTOP)
    while state(manager) != "T":
        time.sleep(0.01)
    assert delivery_hold.is_abandoned(1, str(tmp_path))
    assert delivery_hold.release_abandoned(1, str(tmp_path))
    assert state(manager) != "T"
    assert not delivery_hold.release_abandoned(1, str(tmp_path))
