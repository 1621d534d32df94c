# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles hand over what the plan says, and compute nothing in templates; no role reads the variables of another one."""

from __future__ import annotations

import ast
import re
import typing as t

import pytest
from _house import ROOT, files, load, roles, scalars
from test_role_contracts import spec

YAML = [str(name) for name in files() if name.parts[0] == "roles" and name.suffix == ".yml"]
# What Ansible reads at run time; meta/ only tells.
READ = [name for name in YAML if name.split("/")[2] in ("defaults", "handlers", "tasks", "vars")]
EXPRESSION = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
LONGEST, MOST_LINES = 160, 30
# Their values are expressions without braces.
BARE = ("when", "that", "failed_when", "changed_when", "until", "loop", "register")
PREFIX = re.compile(rf"({'|'.join(roles())})_")


def keys(node: t.Any) -> t.Iterator[str]:
    for inner in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else []):
        yield str(inner[0])
        yield from keys(inner[1])


def expressions(source: str) -> t.Iterator[str]:
    for key, value in scalars(load(ROOT / source)):
        yield from [str(value)] if key in BARE and "{{" not in str(value) else EXPRESSION.findall(str(value))


def named(code: str) -> list[str]:
    """Give the names of variables in an expression, also those in a text, for a lookup; what stands behind a dot is none."""
    return re.findall(r"(?<![\w.])[a-z_]\w*", code)


def of_another(role: str, names: t.Iterable[str]) -> list[str]:
    """Give those of *names* that begin as variables of another role do; those that begin with mail_ are the site's."""
    begun = ((name, PREFIX.match(name)) for name in names)
    return sorted({name for name, match in begun if match and match[1] != role and not name.startswith(f"{role}_")})


@pytest.mark.parametrize("source", YAML)
def test_no_expression_is_long(source):
    assert [code for code in expressions(source) if len(code) > LONGEST] == []


def test_few_lines_have_expressions():
    """Tasks hand over what was planned; what a variable is by itself is said in few places."""
    said = [source for source in YAML if source.split("/")[2] != "tasks"]
    count = {source: sum("{{" in line or "{%" in line for line in (ROOT / source).read_text().splitlines()) for source in said}
    assert sum(count.values()) <= MOST_LINES, {source: lines for source, lines in count.items() if lines}


@pytest.mark.parametrize("role", roles())
def test_vars_of_a_role_are_its_plan(role):
    assert [path.name for path in (ROOT / "roles" / role / "vars").iterdir()] == ["main.yml"]
    assert load(ROOT / "roles" / role / "vars/main.yml") == {f"{role}_plan": f"{{{{ lookup('postroom.mail.plan', '{role}') }}}}"}


@pytest.mark.parametrize("source", READ)
def test_no_role_names_the_variables_of_another(source):
    names = [*keys(load(ROOT / source)), *(name for code in expressions(source) for name in named(code))]
    assert of_another(source.split("/")[1], names) == []


@pytest.mark.parametrize(
    ("role", "code", "found"),
    [
        ("dovecot", "{{ postfix_recipient_delimiter }}", ["postfix_recipient_delimiter"]),
        ("dovecot", "{{ lookup('ansible.builtin.vars', 'sasl_provider', default='dovecot') }}", ["sasl_provider"]),
        ("dovecot", "host_virtual_users | length > 0", ["host_virtual_users"]),
        ("dovecot", "{{ mail_users + dovecot_plan.virtual_users }}", []),
        ("sasl", "sasl_plan.sasl_user is not none", []),
        ("postfix", "{{ postfix_plan.dovecot_something }}", []),
        ("relay_policy", "{{ relay_policy_plan.tables }}", []),
    ],
)
def test_the_variable_of_another_role_is_seen(role, code, found):
    assert of_another(role, named(code)) == found


@pytest.mark.parametrize("role", roles())
def test_no_plan_reads_the_variables_of_another_role(role):
    """Those of the role host are everybody's; whatever else another role says is in Offers."""
    own = [path for path in (ROOT / "plugins/module_utils/_plan").glob("*.py") if path.stem == role or path.stem.startswith(f"{role}_")]
    assert own
    texts = {node.value for path in own for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    others = {name for other in roles() if other not in (role, "host") for name in spec(other)}
    assert sorted(texts & others) == []
