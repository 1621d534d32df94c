# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the collection's own plays against the hosts of the scenario, as an administrator would start them."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import typing as t

SCENARIO = pathlib.Path(__file__).parents[1]


class Run(t.NamedTuple):
    rc: int
    output: str

    def changed(self, host: str) -> int:
        """What the recap says of *host*."""
        recap = re.search(rf"^{host}\s+:.*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert recap, self.output[-2000:]
        return int(recap.group(1))


def play(name: str, *arguments: str, limit: str = "mail", variables: dict[str, t.Any] | None = None) -> Run:
    """Run ``postroom.mail.NAME`` on *limit*, with *variables* on top of the inventory's."""
    argv = ["ansible-playbook", "-i", str(SCENARIO / "inventory"), f"postroom.mail.{name}", "--limit", limit, *arguments]
    if variables:
        argv += ["-e", json.dumps(variables)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, check=False)
    return Run(done.returncode, done.stdout + done.stderr)


# Inode, time of last change of content and of attributes: what a converged run must not touch.
FILES = "find /etc/postfix /etc/dovecot /etc/aliases* /etc/ssl/private/postroom* -printf '%i %T@ %C@ %m %u %g %p\\n' | sort"
