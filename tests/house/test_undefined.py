# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A value of the inventory whose template fails is not taken for one that was not given.

``mail_domains | default([])`` and ``mail_domains is defined`` do so: of ``mail_domains: "{{ typo }}"`` nothing is left, and no error.
What may be missing has a default in its role, or is asked for with ``lookup('ansible.builtin.vars', NAME, default=...)``.
"""

from __future__ import annotations

import functools
import re
import typing as t

import jinja2
import pytest
from _house import ROOT, files, load, roles, scalars
from jinja2 import nodes

# Their values are expressions without braces.
BARE = ("when", "that", "failed_when", "changed_when", "until")
# What Ansible itself has to say.
MAGIC = re.compile(r"(ansible|inventory)_")
SOURCES = [
    str(name)
    for name in files()
    if name.suffix == ".yml"
    and (name.parts[0] == "playbooks" or (name.parts[0] == "roles" and name.parts[2] in ("defaults", "handlers", "tasks", "vars")))
]


@functools.cache
def registered() -> set[str]:
    """Give the answers of modules, and the plans of the roles: what they hold is no longer a template."""
    return {str(value) for source in SOURCES for key, value in scalars(load(ROOT / source)) if key == "register"} | {
        f"{role}_plan" for role in roles()
    }


def swallowed(text: str, answers: t.Collection[str] = ()) -> list[str]:
    """Give the variables that *text* takes for missing when their values fail."""
    tree = jinja2.Environment().parse(text)
    # Names of the template's own, such as that of a loop.
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    tests = [node.node for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")]
    filters = [node.node for node in tree.find_all(nodes.Filter) if node.name in ("default", "d")]
    names = {name for node in (*tests, *filters) for name in [root(node)] if name}
    return sorted(name for name in names if name not in own and name not in answers and not MAGIC.match(name))


def root(node: t.Any) -> str | None:
    while not isinstance(node, nodes.Name):
        if not hasattr(node, "node") or node.node is None:
            return None
        node = node.node
    return t.cast("str", node.name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{ mail_x | default([]) }}", ["mail_x"]),
        ("{{ mail_x.y[0] | trim | d('') }}", ["mail_x"]),
        ("{{ [] if mail_x is not defined else mail_y.z is defined }}", ["mail_x", "mail_y"]),
        ("{% for mail_x in [1] %}{{ mail_x | default(2) }}{% endfor %}", []),
        ("{{ answer.mail_x | default([]) }}", []),
        ("{{ lookup('ansible.builtin.vars', 'mail_x', default=[]) | length }}", []),
    ],
)
def test_the_rule_sees_what_it_should(text, found):
    assert swallowed(text, ["answer"]) == found


@pytest.mark.parametrize("source", SOURCES)
def test_no_failing_template_counts_as_missing(source):
    answers = registered()
    found = []
    for key, value in scalars(load(ROOT / source)):
        if isinstance(value, str):
            text = f"{{{{ {value} }}}}" if key in BARE and "{{" not in value else value
            found += [f"{key}: {name}" for name in swallowed(text, answers)]
    assert found == []
