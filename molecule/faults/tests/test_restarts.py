# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail flows while both daemons are reloaded and restarted: each message that was accepted arrives, once.

And no connection breaks between the end of a message and its reply, for then the client sends it again.
"""

from __future__ import annotations

import base64
import collections
import json
import os
import pathlib
import shlex
import subprocess
import time
import uuid

import pytest
from harness import SHARED, call, play
from mail_hosts import ALICE, BOB

# So many messages to each host, and so many a second of them.
MAILS = int(os.environ.get("POSTROOM_LOAD", "500"))
PACE = float(os.environ.get("POSTROOM_LOAD_PACE", "10"))
# What a load is there for: so many times all of this.
ROUNDS = int(os.environ.get("POSTROOM_LOAD_ROUNDS", "3"))
ACTIONS = [("postfix", "reloaded"), ("dovecot", "reloaded"), ("postfix", "restarted"), ("dovecot", "restarted")]
LOAD = base64.b64encode(pathlib.Path(SHARED, "load.py").read_bytes()).decode()
QUEUES = " ".join(f"/var/spool/postfix/{queue}" for queue in ("maildrop", "incoming", "active", "deferred"))


# One play, for its start takes longer than all that it does.
PLAY = [
    {
        "hosts": "mail",
        "gather_facts": False,
        "strategy": "free",
        "tasks": [
            {"name": "Act", "postroom.mail.mail_service": {"services": [{"name": "{{ item[0] }}", "state": "{{ item[1] }}"}]},
             "loop": ACTIONS * ROUNDS, "loop_control": {"pause": 2}},
        ],
    }
]  # fmt: skip
# So many changes of the host, in turn with a restart of both daemons and a reload of both.
RUNS = int(os.environ.get("POSTROOM_LOAD_RUNS", "2"))


def change(run):
    """The wishes of the run number *run*."""
    second = (run + 1) // 2 % 2
    return {
        "postfix_parameters": {"smtpd_timeout": f"{200 + run}s", "hash_queue_names": ["deferred, defer", "deferred, defer, hold"][second]},
        "dovecot_listen": [["*", "::"], ["*"]][second],
        "dovecot_settings": {"login_greeting": f"Ready for run {run}."},
    }


class Load:
    """Messages for *mail* from *client*, to its users, to an alias, to both users at once, and to a user elsewhere."""

    def __init__(self, mail, client, sink, **options):
        self.mail, self.client, self.sink = mail, client, sink
        self.mark = f"load-{uuid.uuid4().hex[:12]}"
        self.script, self.end = f"/tmp/{self.mark}.py", f"/tmp/{self.mark}.end"
        alice, bob, sales = (f"{name}@{mail.domain}" for name in ("alice", "bob", "sales"))
        self.mailboxes = [["alice"], ["bob"], ["alice", "bob"], ["bob"], ["elsewhere"]]
        recipients = [[alice], [bob], [alice, bob], [sales], ["somebody@elsewhere.example"]]
        client.out(f"echo {LOAD} | base64 -d >{self.script}")
        self.sending = subprocess.Popen(
            self._command("send", host=mail.fqdn, mark=self.mark, recipients=recipients, until=self.end, most=10 * MAILS, **options),
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _command(self, what, **options):
        script = f"exec python3 {self.script} {what} {shlex.quote(json.dumps(options))}"
        return ["docker", "exec", self.client.container, "sh", "-c", script]

    def stop(self):
        """Let it come to its end, and return what it says of itself."""
        self.client.out(f"touch {self.end}")
        said = json.loads(self.sending.communicate(timeout=900)[0])
        print(self.mail.name, {name: len(value) if isinstance(value, list) else value for name, value in said.items()})
        return said

    def kill(self):
        self.sending.kill()
        self.sending.communicate()
        self.client.run(f"touch {self.end}; rm -f {self.script}")

    def delivered(self, seconds=600):
        """Wait until the queue is empty, and return by mailbox how often each number is there."""
        self.mail.out("postqueue -f")
        deadline = time.monotonic() + seconds
        while self.mail.out(f"find {QUEUES} -type f | wc -l") != "0":
            assert time.monotonic() < deadline, self.mail.out("postqueue -p | tail -20")
            time.sleep(1)
        found = {login[0]: self._found(login) for login in (ALICE, BOB)}
        numbers = self.sink.out(f"grep -rhoiE '^Message-ID: <{self.mark}[.][0-9]+' /var/spool/sink | sed 's/.*[.]//' || true")
        return {**found, "elsewhere": collections.Counter(map(int, numbers.split()))}

    def _found(self, login):
        command = self._command("found", host=self.mail.fqdn, login=login, mark=self.mark)
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        return {int(number): count for number, count in json.loads(done.stdout).items()}


@pytest.fixture
def load(inside, outside):
    """Start a load on a mail host; what it sent is removed in the end."""
    loads = []

    def start(mail, **options):
        loads.append(Load(mail, inside, outside, **options))
        return loads[-1]

    yield start
    for one in loads:
        one.kill()
        for user in ("alice", "bob"):
            one.mail.run(f"doveadm expunge -u {user} mailbox INBOX header Message-ID {one.mark}")
        outside.run(f"grep -rlZ '{one.mark}' /var/spool/sink | xargs -0r rm")


def faults(load, said):
    """The messages that were lost, doubled, broken after their end or never accepted."""
    there = load.delivered()
    awaited = [(number, box) for number in said["accepted"] for box in load.mailboxes[number % len(load.mailboxes)]]
    counts = {(number, box): there[box].get(number, 0) for number, box in awaited}
    return {
        "lost": [key for key, count in counts.items() if count == 0],
        "doubled": [key for key, count in counts.items() if count > 1],
        "broken": said["broken"],
        "unsent": said["unsent"],
    }


NO_FAULTS = {"lost": [], "doubled": [], "broken": [], "unsent": []}


def assert_all_arrived_once(loads):
    said = [one.stop() for one in loads]
    for one, of in zip(loads, said):
        assert of["retried"], "no client has noticed a restart"
        assert faults(one, of) == NO_FAULTS


def test_no_mail_is_lost_or_doubled_by_reloads_and_restarts(mails, load, tmp_path):
    book = tmp_path / "book.yml"
    book.write_text(json.dumps(PLAY))
    loads = [load(mail, least=MAILS, seconds=3600, pace=PACE) for mail in mails]
    run = play(book, limit="mail", timeout=3000)
    assert run.rc == 0, run.output
    assert run.output.count("changed: [") == len(ACTIONS) * ROUNDS * len(mails), run.output
    assert "may arrive twice" not in run.output
    assert_all_arrived_once(loads)


@pytest.fixture
def as_converged():
    yield
    assert play("site", limit="mail", timeout=1800).rc == 0


def test_no_mail_is_lost_or_doubled_by_changes_of_the_host(mails, load, as_converged):
    # A parameter that is wished for no more stays as it is.
    assert play("site", limit="mail", variables=change(0), timeout=1800).rc == 0
    loads = [load(mail, least=MAILS * RUNS // 10, seconds=3600, pace=PACE) for mail in mails]
    for run in range(1, RUNS + 1):
        output = play("site", limit="mail", variables=change(run), timeout=1800).output
        for daemon in ("postfix", "dovecot"):
            assert output.count(f"] {'restart' if run % 2 else 'reload'} {daemon}") == len(mails), output
        assert "may arrive twice" not in output
    assert_all_arrived_once(loads)


# A client that is slow in the middle of a message keeps Postfix from its rest for a while.
SLOW_CLIENT = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 25), 30)
lines = connection.makefile("rb")
lines.readline()
for command in ("HELO slow.example.net", "MAIL FROM:<x@y.example>", "RCPT TO:<" + sys.argv[2] + ">", "DATA"):
    connection.sendall(command.encode() + b"\\r\\n")
    print(lines.readline().decode().strip(), flush=True)
time.sleep(60)
"""
# Ends the run that has closed the intake of Postfix, and with an argument its guard, too.
KILLER = """
import os, signal, sys, time
deadline = time.monotonic() + 120
while os.stat("/var/spool/postfix/public/cleanup").st_mode & 0o222:
    time.sleep(0.01)
    if time.monotonic() > deadline:
        sys.exit("the intake was not closed")
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
words = {}
parents = {}
for pid in pids:
    try:
        words[pid] = open(f"/proc/{pid}/cmdline").read()
        parents[pid] = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    except OSError:
        pass
guard, = [pid for pid in words if words[pid].startswith("/bin/sh\\0-c\\0timeout ")]
for pid in ([guard] if sys.argv[1:] else []) + [parents[guard]]:
    os.kill(pid, signal.SIGKILL)
"""
INTAKE = "stat -c %a /var/spool/postfix/public/cleanup"


@pytest.fixture
def slow_client(mail, outside):
    argv = ["docker", "exec", outside.container, "python3", "-c", SLOW_CLIENT, mail.fqdn, f"alice@{mail.domain}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as client:
        replies = [client.stdout.readline()[:3] for _command in range(4)]
        assert replies == ["250", "250", "250", "354"]
        yield
        client.kill()
    # So that a failure here is not one of the next test, too.
    call(mail.name, "mail_service", services=[{"name": "postfix", "state": "applied"}])


def reasons(mail):
    """Return the reasons for which the next run would reload or restart Postfix."""
    return call(mail.name, "mail_info", services=["postfix"], gather=["postfix", "services"])["services"]["postfix"]["reasons"]


def wait(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.2)
    return true()


@pytest.mark.parametrize("more", [[], ["its guard, too"]], ids=["run", "run and guard"])
def test_a_run_that_is_killed_in_a_restart_leaves_nothing_held(mail, outside, slow_client, subject, more):
    killer = ["docker", "exec", mail.container, "python3", "-c", KILLER, *more]
    with subprocess.Popen(killer, stderr=subprocess.PIPE, text=True) as killing:
        assert call(mail.name, "mail_service", services=[{"name": "postfix", "state": "restarted"}])["failed"], "it was not killed"
        assert killing.wait(timeout=10) == 0, killing.stderr.read()
    if more:
        assert mail.out(INTAKE) == "444"
        assert "A run that was killed" in " ".join(reasons(mail))
        done = call(mail.name, "mail_service", services=[{"name": "postfix", "state": "applied"}])
        assert done["actions"] == ["reload postfix"], done
    assert wait(lambda: mail.out(INTAKE) == "666")
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"bob@{mail.domain}")
    assert sent == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject)["count"] == 1
    assert reasons(mail) == []
