# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever adds a role adds its own files, and one line to the list of the roles in the playbook. No other file has to know of it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from _house import ROOT, files

HEAD = "".join((ROOT / "plugins/module_utils/_plan/part.py").read_text().partition("-or-later\n")[:2])
OWN = {
    "plugins/module_utils/_plan/example.py": f'''{HEAD}
"""The role example: a filter that Postfix asks. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan import host
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, File, Offers, Part

PACKAGES = ("exampled",)


class Variables(host.Variables, total=False):
    example_action: str


def offers(variables: Variables, facts: Facts, offers: Offers) -> Offers:
    return offers


def plan(variables: Variables, facts: Facts, offers: Offers) -> Part:
    return Part(
        packages=PACKAGES,
        files=[File("/etc/exampled.conf", f"action = {{variables['example_action']}}\\n", service="exampled")],
        parameters={{"smtpd_milters": "inet:127.0.0.1:7357"}},
        units=[{{"name": "exampled", "state": "started", "enabled": True}}],
    )
''',
    "roles/example/defaults/main.yml": """---
# What becomes of mail that the filter does not like.
example_action: reject
""",
    "roles/example/vars/main.yml": """---
# What the role wants of the host, in the words of the modules; plugins/module_utils/_plan/example.py works it out.
example_plan: "{{ lookup('postroom.mail.plan', 'example') }}"
""",
    "roles/example/meta/main.yml": (ROOT / "roles/filtering/meta/main.yml").read_text(),
    "roles/example/meta/argument_specs.yml": """---
argument_specs:
  main:
    short_description: Ask a filter about mail
    description:
      - Sets up a filter that Postfix asks about each mail.
    author: The postroom.mail contributors
    version_added: 0.1.0
    options:
      example_action:
        type: str
        default: reject
        description: What becomes of mail that the filter does not like.
""",
    "roles/example/tasks/main.yml": (ROOT / "roles/filtering/tasks/main.yml").read_text().replace("the filters", "the example"),
    "roles/example/tasks/wishes.yml": """---
- name: Write exampled.conf
  postroom.mail.mail_file:
    files: "{{ example_plan.files }}"

- name: Set the parameters of main.cf
  postroom.mail.postfix_config:
    parameters: "{{ example_plan.parameters }}"

- name: Start the filter, now and at every boot
  postroom.mail.mail_service:
    services: "{{ example_plan.units }}"
""",
}
# Written by tests/house/write_documents.
WRITTEN = {"roles/example/README.md", "docs/ownership.md"}
LIST = "playbooks/site.yml"
HOLDS = ("role_contracts", "role_templates", "plan_variables", "ownership", "owned_parameters", "rehearsals", "words", "packages")

ASK = """
from ansible_collections.postroom.mail.plugins.plugin_utils import _variables
from ansible_collections.postroom.mail.plugins.module_utils._plan import roles
import sys
sys.path.insert(0, "tests/house")
import _sample_play as sample
variables = {**sample.PLAIN, **_variables.defaults()["example"]}
part = roles.plan(variables, sample.facts(), list(_variables.defaults()))["example"]
assert "exampled" in roles.packages(["example"])
print(part.packages, part.files[0].path, part.parameters, part.units[0]["name"])
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the house, in which the role has been added."""
    place = tmp_path_factory.mktemp("house") / "ansible_collections/postroom/mail"
    for name in files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    for command in (["init", "--quiet"], ["add", "--all"], ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=place, check=True)
    for name, text in OWN.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    playbook = (place / LIST).read_text()
    last = playbook[playbook.index("    - name: Configure the filters\n") : playbook.index("    - name: Change the host\n")]
    assert "postroom.mail.filtering" in last
    (place / LIST).write_text(playbook.replace(last, f"{last}{last.replace('filtering', 'example').replace('filters', 'example')}"))
    return place


def run(place: pathlib.Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(place.parents[2])}
    done = subprocess.run([sys.executable, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_planned_with_the_others(copy):
    assert run(copy, "-c", ASK).split() == ("('exampled',) /etc/exampled.conf {'smtpd_milters': 'inet:127.0.0.1:7357'} exampled".split())


def test_the_house_takes_it_and_no_other_file_changes(copy):
    run(copy, "tests/house/write_documents")
    held = [f"tests/house/test_{name}.py" for name in HOLDS]
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *held)
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=copy, check=True, capture_output=True, text=True
    ).stdout
    assert {line[3:] for line in status.splitlines() if ".pyc" not in line} == {*OWN, *WRITTEN, LIST}
