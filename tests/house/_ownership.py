# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each role writes, read from its tasks, its variables and the templates between them."""

from __future__ import annotations

import re
import typing as t

from _house import ROOT, load, roles, tasks
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import config
from ansible_collections.postroom.mail.plugins.module_utils._filter import mail_filter
from ansible_collections.postroom.mail.plugins.module_utils._postfix.owned_parameters import VARIABLES
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Place
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import paths as whole_files

PARAMETER, SERVICE, TABLE, FILE = "parameter of main.cf", "service of master.cf", "lookup table", "file"
DOCUMENT = ROOT / "docs/ownership.md"
HEAD = "| what | name | role |\n|---|---|---|\n"
VARIABLES_HEAD = "| parameter | variable | role |\n|---|---|---|\n"

# These are the files of a plan.
PLANNED_FILES = {"dovecot_plan.files": databases.PATHS}


class Unclear(AssertionError):
    pass


def variables(role: str) -> dict[str, t.Any]:
    """Give what the role itself says its variables are: its vars, and its defaults as they stand without an inventory."""
    found: dict[str, t.Any] = {}
    for path in [ROOT / "roles" / role / "defaults/main.yml", *sorted((ROOT / "roles" / role / "vars").glob("*.yml"))]:
        for name, value in (load(path) or {}).items():
            # Several files of vars, one a family of distributions: what any of them says counts.
            found.setdefault(name, []).append(value)
    # A plan is kept as a fact; what it is made of stands beside it.
    return {**found, **{name: found[f"{name}_anew"] for name in found if f"{name}_anew" in found}}


def literals(value: t.Any, known: dict[str, list[t.Any]], where: str) -> t.Iterator[t.Any]:
    """Give every literal dict or list that *value* is made of, through templates and the variables they name."""
    if not isinstance(value, str):
        yield value
        return
    code = " ".join(re.findall(r"{{(.*?)}}", value, re.DOTALL))
    if not code:
        raise Unclear(f"{where}: {value!r} is neither a literal nor a template")
    text_free = re.sub(r"'[^']*'|\"[^\"]*\"", "''", code)
    text_free = re.sub(r"\b(?:select|reject)(?:attr)?\([^()]*\)", " ", text_free)
    # What decides is not what is written, and neither is one value of many within a dict that stands here itself.
    text_free = re.sub(r"\bif\b.*?\belse\b", " ", text_free, flags=re.DOTALL)
    text_free = re.sub(r"{[^{}]*}", lambda literal: re.sub(r"\b\w+(\.\w+)+", " ", literal[0]), text_free)
    names = [name for name in re.findall(r"(?<![\w.])([a-z_]\w*)\b(?!\s*\()", text_free) if name in known]
    inline = re.findall(r"['\"](\w+)['\"]\s*:", code)
    if not names and not inline:
        raise Unclear(f"{where}: cannot tell what {value!r} holds; let it name a variable of the role")
    yield dict.fromkeys(inline)
    for name in names:
        for meaning in known[name]:
            yield from literals(meaning, {key: v for key, v in known.items() if key != name}, f"{where}, {name}")


def each(value: t.Any, known: dict[str, list[t.Any]], where: str) -> t.Iterator[t.Any]:
    """Give the elements of the lists, and the keys of the dicts, that *value* is made of."""
    for literal in literals(value, known, where):
        yield from literal or ()


def writes(role: str) -> t.Iterator[tuple[str, str]]:
    for task in tasks(role):
        where = f"roles/{role}: {task.get('name')}"
        known = {**variables(role), **{name: [value] for name, value in task.get("vars", {}).items()}}
        for action, options in task.items():
            if action == "postroom.mail.postfix_config":
                # A plan that a filter makes of tables and parameters is read for each of them: what is none is another's.
                for name in each(options["parameters"], known, where):
                    if isinstance(name, str):
                        yield PARAMETER, name
            elif action == "postroom.mail.postfix_service":
                for service in each(options["services"], known, where):
                    yield SERVICE, f"{service['name']}/{service['type']}"
            elif action == "postroom.mail.postmap":
                for table in each(options.get("tables", [options]), known, where):
                    if isinstance(table, dict) and "path" in table:
                        yield TABLE, table["path"]
            elif action == "postroom.mail.sasl_provider":
                for family in ("Debian", "RedHat"):
                    place = Place(family, config_path=sasl_facts.config_path({}, family))
                    yield from ((FILE, name) for name in (*whole_files(place), place.settings_file))
                if options.get("mta") == "sendmail":
                    yield FILE, sendmail_facts.DEFAULT_CANDIDATES[0]
            elif action == "postroom.mail.sendmail_auth":
                yield from ((FILE, f"/etc/mail/sendmail.{suffix}") for suffix in ("mc", "cf"))
            elif action == "postroom.mail.sasl_user":
                yield from ((FILE, name) for name in ("/etc/sasldb2", Place().database_copy))
            elif action == "postroom.mail.fetchmail_config":
                yield from (
                    (FILE, name)
                    for name in (
                        config.SYSTEM_FILE,
                        config.SETTINGS_FILE,
                        f"~/{config.USER_FILE}",
                        f"{config.UNITS}/{config.SERVICE}.service",
                        f"{config.UNITS}/{config.TEMPLATE}.service",
                    )
                )
            elif action == "postroom.mail.mail_filter":
                users = (f"{mail_filter.SIEVE_USERS}/*.sieve", f"~/{mail_filter.USER_FILE}")
                yield from ((FILE, name) for name in (mail_filter.PROCMAIL_FILE, mail_filter.BEFORE, mail_filter.AFTER, *users))
            elif action == "postroom.mail.dovecot_user":
                for name in paths(options["path"], known, where):
                    yield FILE, name
            elif action == "postroom.mail.dovecot_setting":
                for name in paths(options.get("path", "/etc/dovecot/dovecot.conf"), known, where):
                    yield FILE, name
            elif action == "postroom.mail.mail_certificate":
                for option in ("certificate", "private_key"):
                    for name in paths(options[option], known, where):
                        yield FILE, name
            elif action in (
                "ansible.builtin.copy",
                "ansible.builtin.template",
                "ansible.builtin.lineinfile",
                "ansible.builtin.blockinfile",
            ):
                for name in paths(options.get("dest") or options["path"], known, where):
                    yield FILE, name
            elif action == "postroom.mail.mail_file":
                text = " ".join(map(str, known[str(options["files"]).strip("{} ")]))
                yield from ((FILE, name) for plan, names in PLANNED_FILES.items() if plan in text for name in names)
                for variable in re.findall(r"'path': (\w+)", text):
                    for name in paths(f"{{{{ {variable} }}}}", known, where):
                        yield FILE, name


def paths(value: str, known: dict[str, list[t.Any]], where: str) -> t.Iterator[str]:
    """Give the path that *value* is, or those that its variable may be."""
    if "{{" not in value:
        yield value
        return
    variable = re.fullmatch(r"{{\s*([\w.]+)\s*}}", value)
    meanings = known.get(variable[1], []) if variable else []
    # A template is the inventory's file, or else the one that it names.
    found = [name for text in map(str, meanings) for name in (re.findall(r"'(/[^']+)'", text) if "{{" in text else [text])]
    if not found:
        raise Unclear(f"{where}: cannot tell which file {value!r} is; let it name a variable of the role that is a path")
    yield from found


def written() -> dict[tuple[str, str], set[str]]:
    owners: dict[tuple[str, str], set[str]] = {}
    for role in roles():
        for what in writes(role):
            owners.setdefault(what, set()).add(role)
    return owners


def document(old: str) -> str:
    """Give docs/ownership.md as it should be: the prose of *old*, and the tables as the roles are now."""
    rows = (f"| {kind} | `{name}` | `{', '.join(sorted(owners))}` |\n" for (kind, name), owners in sorted(written().items()))
    variables = sorted((name, variable, role) for role, listed in VARIABLES.items() for name, variable in listed.items())
    said = (f"| `{name}` | `{variable.replace(' and ', '` and `')}` | `{role}` |\n" for name, variable, role in variables)
    return old.partition(VARIABLES_HEAD)[0] + VARIABLES_HEAD + "".join(said) + f"\n## All of it\n\n{HEAD}" + "".join(rows)
