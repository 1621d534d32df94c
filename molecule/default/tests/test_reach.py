# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways by which Ansible may reach a mail host, besides the engine's own: over SSH with sudo, and from the host itself."""

from __future__ import annotations

import json
import subprocess

import pytest
from conftest import ALICE
from harness import SCENARIO, play

KEY = "/root/.ssh/id_ed25519"


@pytest.fixture(scope="module")
def over_ssh(client, usual):
    """An administrator's account on the host, with sudo, that the client's key opens."""
    client.out(f"test -f {KEY} || ssh-keygen -q -t ed25519 -N '' -f {KEY}")
    key = client.out(f"cat {KEY}.pub")
    usual.out(
        "DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends openssh-server sudo"
        " && (id admin || useradd -m -s /bin/bash admin) && mkdir -p ~admin/.ssh"
        f" && echo '{key}' > ~admin/.ssh/authorized_keys && chown -R admin: ~admin/.ssh && chmod -R go= ~admin/.ssh"
        " && echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin && systemctl start ssh"
    )
    return {
        "ansible_connection": "ssh",
        "ansible_host": usual.address,
        "ansible_user": "admin",
        "ansible_ssh_executable": str(SCENARIO / "ssh"),
        "ansible_ssh_args": f"-o ControlMaster=no -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {KEY}",
    }


def test_over_ssh_as_an_administrator_with_sudo(over_ssh, usual):
    run = play("site", "--become", limit=usual.name, variables=over_ssh)
    assert (run.rc, run.changed(usual.name)) == (0, 0), run.output


def test_over_ssh_without_sudo_is_one_sentence(over_ssh, usual):
    run = play("site", limit=usual.name, variables=over_ssh)
    assert run.rc != 0
    assert "run the play with --become" in run.output
    assert "Traceback" not in run.output


def test_from_the_host_itself(usual):
    """Debian 13 brings an ansible-core that is new enough."""
    usual.out("DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends ansible-core")
    checkout = SCENARIO.parents[1]
    files = subprocess.run(
        ["tar", "-C", checkout, "-c", "galaxy.yml", "meta", "plugins", "roles", "playbooks"], capture_output=True, check=True
    )
    place = "/root/.ansible/collections/ansible_collections/postroom/mail"
    usual.out(f"mkdir -p {place}")
    subprocess.run(["docker", "exec", "-i", usual.container, "tar", "-C", place, "-x"], input=files.stdout, check=True)
    inventory = {
        "mail_hosts": "all",
        "mail_domain": "example.org",
        "mail_users": [{"name": ALICE[0], "password": ALICE[1]}],
        "mail_aliases": {"postmaster": "root", "root": "alice"},
    }
    said = usual.out(f"ansible-playbook -i localhost, -c local -e '{json.dumps(inventory)}' postroom.mail.site")
    assert "changed=0" in said
    assert "failed=0" in said
