# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user whose home is laid with traps, and who looks into root's processes: it stops nobody else, and tells them nothing."""

from __future__ import annotations

import json
import os
import subprocess

from conftest import SCENARIO
from mail_hosts import MAIL_HOSTS

NAMES = ("alice", "mallory")
ACCOUNTS = [{"poll": "isp.example", "user": f"{name}-there", "password": "s3cret", "is": [name], "owner": name} for name in NAMES]
# All that it can see of the environment of others while its owner's rules are tried.
LOOKS = "cat /proc/[0-9]*/environ >>$HOME/seen 2>/dev/null; true"
RULE = {"name": "look", "match": [{"program": LOOKS}], "discard": True}
USERS = [{"name": name, "engine": "procmail", "rules": [RULE]} for name in NAMES]
SAMPLE = {"user": "mallory", "mail": "Subject: x\n\nx\n"}
ROOTS_SECRET = "what-root-tells-the-proxy"


def shell(command):
    return {"ansible.builtin.shell": f"cd ~mallory && {command}"}


def as_mallory(command):
    return shell(f"runuser -u mallory -- sh -c '{command}'")


def fetchmail(accounts, skipped):
    return module("fetchmail_config", skipped, accounts=accounts)


def filters(users, skipped, **options):
    return module("mail_filter", skipped, domain="mail.example", users=users, samples=options.pop("samples", []), **options)


def module(name, skipped, check=False, **options):
    wrong = f"done is failed or done.skipped_users != {skipped}" + (" or done is changed" if check else "")
    return {f"postroom.mail.{name}": options, "register": "done", "failed_when": wrong, "check_mode": check, "timeout": 300}


TASKS = [
    as_mallory("rm -f .fetchmailrc .procmailrc && mkfifo .fetchmailrc && truncate -s 300G .procmailrc"),
    fetchmail(ACCOUNTS, ["mallory"]),
    filters(USERS, ["mallory"]),
    # Of mallory nobody wants anything, and what lies there is not looked at.
    filters(USERS[:1], [], check=True),
    as_mallory("rm .fetchmailrc .procmailrc"),
    fetchmail(ACCOUNTS, []),
    filters(USERS, [], samples=[SAMPLE]),
    as_mallory("chmod a-w . && test -s .fetchmailrc"),
    fetchmail(ACCOUNTS[:1], ["mallory"]),
    shell("chmod u+w . && cp seen /tmp/seen && head -n1 /home/alice/.fetchmailrc /home/alice/.procmailrc >/tmp/of-alice"),
]
AFTERWARDS = [fetchmail([], []), filters([], []), shell("rm -f seen .fetchmailrc .procmailrc; apt-get purge -qy fetchmail procmail")]


def test_traps_in_a_home_stop_nobody_else_and_a_trial_tells_nothing_of_root(tmp_path):
    for mail in MAIL_HOSTS:
        mail.out("apt-get install -qy fetchmail procmail >/dev/null 2>&1")
    play = {
        "hosts": "mail",
        "gather_facts": False,
        "environment": {"https_proxy": f"http://u:{ROOTS_SECRET}@proxy.example"},
        "tasks": [{"block": TASKS, "always": AFTERWARDS}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    argv = ["ansible-playbook", "-i", str(SCENARIO / "inventory"), str(tmp_path / "play.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for mail in MAIL_HOSTS:
        assert mail.out("grep -c 'Managed by postroom.mail' /tmp/of-alice") == "2"
        # It has looked, and seen what was run for it.
        seen = mail.out("tr '\\0' '\\n' </tmp/seen")
        assert "PATH=" in seen
        assert ROOTS_SECRET not in seen
        assert mail.run("ls /run/postroom").stdout == ""
