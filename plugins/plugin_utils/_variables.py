# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The variables of the roles, evaluated once and held to the contracts of the roles."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import re
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.template import trust_as_template
from ansible_collections.postroom.mail.plugins.module_utils._core.contract import as_promised, problems

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"

# Variables that are in no contract, by the beginnings of their names: each account of fetchmail can have one of its own, so that a file of
# the inventory can bring one and take it away; and a probe's mailbox is the site's.
MORE = {"fetchmail": ("fetchmail_account_",), "dovecot": ("mail_probe_user", "mail_probe_password")}
# What Ansible itself says of the task, the role and the play, and what roles of this collection remember by the way.
_OF_THE_TASK = re.compile(r"ansible_(?!host$|connection$)|role_|hostvars$|groups$|group_names$|play_hosts$|environment$|omit$|vars$")

_REFERENCE = re.compile(r"\{\{ (\w+) \}\}")

Contract = t.Mapping[str, t.Any]
Facts = t.Mapping[str, t.Any]


class Variables(t.NamedTuple):
    """The values of the roles' variables, and their mistakes."""

    values: dict[str, t.Any]
    problems: list[str]
    # The roles that have a mistake in one of theirs.
    unreadable: set[str]
    # The names of variables that have the same value whatever the host answers: there is no template in them.
    constant: set[str]


@functools.cache
def contracts() -> dict[str, Contract]:
    """The options of each role by the names of its variables."""
    return {role.name: _loaded(role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {}) for role in _roles()}


@functools.cache
def defaults() -> dict[str, dict[str, t.Any]]:
    """The default values of each role's variables."""
    return {role.name: _loaded(role / "defaults/main.yml") for role in _roles()}


def roles_in(variables: t.Mapping[str, t.Any]) -> list[str]:
    """The roles that are in the play: those whose defaults its tasks see."""
    return [role for role, names in defaults().items() if names.keys() <= variables.keys()]


def evaluated(
    templar: t.Any, variables: t.Mapping[str, t.Any], roles: t.Collection[str], facts: Facts, before: Variables | None = None
) -> Variables:
    """The variables of *roles*, of which those with a mistake have the value that the role itself gives them.

    Before the host has answered, *facts* are empty. In the inventory a variable can be a template with ``host_info``, the answer, and with
    ``host_fqdn``, the host's name. What is constant in *before*, an earlier evaluation of the same variables, is not evaluated again.
    """
    found = Variables({}, [], set(), set())
    given = variables.get("host_fqdn")
    named = {"host_fqdn": variables.get("mail_hostname") or facts.get("host", {}).get("fqdn", "")} if given is None else {}
    known = {**variables, **named, **({"host_info": facts} if facts else {})}
    scope = templar.copy_with_new_env(available_variables=known)
    # The site's variables are among those of the role host: others are what one of these is.
    for name, role in [*_names(variables, sorted(roles, key="host".__ne__))]:
        raw = variables[name]
        same = _REFERENCE.fullmatch(raw) if isinstance(raw, str) else None
        if same and same[1] in found.values and raw == defaults()[role].get(name):
            found.values[name] = as_promised(name, found.values[same[1]], contracts()[role].get(name, {}))
            continue
        if before is not None and name in before.constant:
            found.values[name] = before.values[name]
            continue
        found.values[name], wrong = _evaluate(scope, name, raw, role, is_asked=bool(facts))
        if not wrong and not _may_be_template(raw):
            found.constant.add(name)
        found.problems.extend(wrong)
        found.unreadable.update({role} if wrong else ())
    return found


def _names(variables: t.Mapping[str, t.Any], roles: t.Collection[str]) -> t.Iterator[tuple[str, str]]:
    """The names of variables that are there, and the roles that read them."""
    for role in roles:
        yield from ((name, role) for name in contracts()[role] if name in variables)
        yield from ((name, role) for name in variables if name.startswith(MORE.get(role, "\n")) and name not in contracts()[role])


def fingerprint(variables: t.Mapping[str, t.Any]) -> str:
    """Return a text that differs for variables of which one has another value."""
    digest = hashlib.blake2b()
    for name in sorted(variables):
        if not _OF_THE_TASK.match(name):
            digest.update(f"{name}={variables[name]!r}\n".encode())
    return digest.hexdigest()


def _evaluate(scope: t.Any, name: str, raw: t.Any, role: str, *, is_asked: bool) -> tuple[t.Any, list[str]]:
    default, option = defaults()[role].get(name), contracts()[role].get(name, {})
    try:
        value = _plain(scope.template(raw)) if _may_be_template(raw) else raw
    except AnsibleError as e:
        waits = not is_asked and "'host_info'" in str(e)
        # What the role itself says only follows from another variable, which is told.
        wrong = [] if waits or raw == default else [f"{name} cannot be worked out: {_cause(e)}. Correct the name, or give it a value."]
        return _of_role(scope, default), wrong
    wrong = problems({name: value}, {name: option}) if option and raw != default else []
    return (_of_role(scope, default), wrong) if wrong else (as_promised(name, value, option), [])


def _may_be_template(raw: t.Any) -> bool:
    """Tell if there is something to evaluate in *raw*; ten thousand users without a template would take Ansible seconds."""
    if isinstance(raw, str):
        return "{{" in raw or "{%" in raw or "{#" in raw or "#jinja2:" in raw
    if isinstance(raw, dict):
        return any(map(_may_be_template, raw.values()))
    if isinstance(raw, list):
        return any(map(_may_be_template, raw))
    # A text of the vault is decrypted by the way.
    return not (raw is None or isinstance(raw, (bool, int, float)))


def _of_role(scope: t.Any, default: t.Any) -> t.Any:
    """The value that a role itself gives."""
    try:
        return _plain(scope.template(trust_as_template(default))) if isinstance(default, str) else default
    except AnsibleError:
        return None


def _roles() -> list[pathlib.Path]:
    return sorted(path for path in ROLES.iterdir() if path.is_dir())


def _loaded(path: pathlib.Path) -> dict[str, t.Any]:
    return yaml_load(path.read_text(encoding="utf-8")) or {}


def _plain(value: t.Any) -> t.Any:
    """*value* with nothing in it that still waits to be evaluated."""
    if isinstance(value, t.Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


def _cause(error: BaseException) -> str:
    """Return the sentence at the bottom of *error*, without its frame."""
    while isinstance(error.__cause__, AnsibleError):
        error = error.__cause__
    return str(getattr(error, "message", "") or error).rstrip(".")
