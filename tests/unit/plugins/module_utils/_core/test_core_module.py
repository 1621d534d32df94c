# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import module


class Module:
    """As much of AnsibleModule as runs a command: like it, with the whole environment and what is added."""

    def run_command(self, args, *, data, environ_update, **options):
        done = subprocess.run(args, input=data, env={**os.environ, **environ_update}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def run(monkeypatch):
    given = {"https_proxy": "http://u:s3cret@p", "PATH": os.environ["PATH"], "HOME": "/root", "LC_ALL": "de_DE.UTF-8", "TZ": "UTC"}
    monkeypatch.setattr(os, "environ", given)
    return module.runner(Module())


def test_no_program_is_told_more_of_the_environment_than_it_needs(run):
    rc, told, _stderr = run(["env"])
    assert rc == 0
    names = dict(line.split("=", 1) for line in told.splitlines())
    assert {name: names.get(name) for name in ("HOME", "LC_ALL", "LANGUAGE", "TZ")} == {
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "TZ": "UTC",
    }
    assert names["PATH"].endswith(":/usr/local/sbin:/usr/sbin:/sbin")
    assert "s3cret" not in told


def test_nor_is_one_that_is_started_otherwise(run):
    assert "https_proxy" not in os.environ


def test_a_program_that_is_not_there(run):
    assert run(["no-such-program"]) == (127, "", "no-such-program: No such file or directory")
