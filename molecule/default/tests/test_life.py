# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a mail host after its first day."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from conftest import ALICE
from harness import play


def serves(client, mail, subject):
    """A stranger's message arrives and is read back."""
    sent = client.ask("submit", host=mail.address, subject=subject, sender="x@example.net", recipient="postmaster@example.org")
    assert sent == {"accepted": True}
    assert client.ask("imap", host=mail.address, login=ALICE, subject=subject)["count"] == 1


def listens(client, mail, port):
    return client.run(f"python3 -c 'import socket; socket.create_connection((\"{mail.address}\", {port}), 5)'").returncode == 0


def site(**variables):
    """One run on both of them, since a run costs more than the asking afterwards."""
    run = play("site", limit="usual:plain", variables=variables)
    assert run.rc == 0, run.output
    return run


def test_it_serves(client, everywhere, subject):
    for mail in everywhere:
        serves(client, mail, subject)


def test_daemons_that_were_stopped_run_again(client, mails, subject):
    for mail in mails:
        mail.out("postfix stop && doveadm stop")
        assert not listens(client, mail, 25)
    run = site()
    for mail in mails:
        assert run.changed(mail.name) > 0
        serves(client, mail, subject)


def test_the_network_a_password_and_the_protocols_change_and_change_back(client, mails):
    site(postfix_inet_interfaces=["loopback-only"], mail_users=[{"name": "alice", "password": "another"}], mail_protocols=["imaps"])
    for mail in mails:
        assert [port for port in (25, 465, 993, 995) if listens(client, mail, port)] == [993]
        assert not client.ask("imap", host=mail.address, login=ALICE)["login"]
        assert client.ask("imap", host=mail.address, login=["alice", "another"])["login"]
    site()
    for mail in mails:
        assert [port for port in (25, 465, 993, 995) if listens(client, mail, port)] == [25, 465, 993, 995]
        assert client.ask("imap", host=mail.address, login=ALICE)["login"]


def test_mail_survives_a_restart_of_the_machine(client, usual, subject):
    serves(client, usual, subject)
    subprocess.run(["docker", "restart", usual.container], check=True, capture_output=True, timeout=60)
    deadline = time.monotonic() + 30
    while not (listens(client, usual, 25) and listens(client, usual, 993)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert client.ask("imap", host=usual.address, login=ALICE, subject=subject)["count"] == 1
    serves(client, usual, f"{subject}-after")


# After the restart: what a daemon did at its start must not look like drift.
@pytest.mark.parametrize("tag", ["host", "postfix", "relay_policy", "sasl", "dovecot", "fetchmail", "filtering"])
def test_each_role_runs_by_itself(usual, tag):
    run = play("site", "--tags", tag, limit=usual.name)
    assert (run.rc, run.changed(usual.name)) == (0, 0), run.output


def test_a_role_takes_the_variables_that_the_play_gives_it(usual, tmp_path):
    """The role host, asked once by the first of them, has not seen these."""
    includes: list[dict] = [{"ansible.builtin.include_role": {"name": "postroom.mail.dovecot"}}]
    networks = ["10.8.0.0/16", "10.9.0.0/16"]
    for network in networks:
        includes.append({"ansible.builtin.include_role": {"name": "postroom.mail.relay_policy"}, "vars": {"mail_networks": [network]}})
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": usual.name, "gather_facts": False, "tasks": includes}]))
    run = play(playbook, "--check", "--diff", limit=usual.name)
    assert run.rc == 0, run.output
    assert [line.split()[-1] for line in run.output.splitlines() if line.startswith("+mynetworks")] == networks
