# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By Ansible itself, which works a value out when it is looked at."""

from __future__ import annotations

import json
import subprocess
import sys

ACCOUNT = {
    "poll": "mail.isp.example",
    "user": "a",
    "password": "b",
    "is": ["bob"],
    "interface": "{{ 'eth9/192.0.2.1' | regex_replace('9', '0') }}",
}
PROBLEMS = "{{ accounts | postroom.mail.fetchmail_problems({}, users=[{'name': 'bob'}]) }}"


def test_an_account_may_hold_a_template_with_a_filter(tmp_path):
    task = {"ansible.builtin.assert": {"that": "problems == []"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"accounts": [ACCOUNT], "problems": PROBLEMS}, "tasks": [task]}
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(playbook)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
