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


class Task(t.NamedTuple):
    """A module's call in a role, with the variables that its options may name."""

    options: t.Mapping[str, t.Any]
    known: dict[str, list[t.Any]]
    where: str

    def each(self, value: t.Any) -> t.Iterator[t.Any]:
        return each(value, self.known, self.where)

    def paths(self, value: str) -> t.Iterator[str]:
        return paths(value, self.known, self.where)


def parameters(task: Task) -> t.Iterator[str]:
    # A plan that a filter makes of tables and parameters is read for each of them: what is none is another's.
    return (name for name in task.each(task.options["parameters"]) if isinstance(name, str))


def services(task: Task) -> t.Iterator[str]:
    return (f"{service['name']}/{service['type']}" for service in task.each(task.options["services"]))


def tables(task: Task) -> t.Iterator[str]:
    found = task.each(task.options.get("tables", [task.options]))
    return (table["path"] for table in found if isinstance(table, dict) and "path" in table)


def files_of_sasl(task: Task) -> t.Iterator[str]:
    for family in ("Debian", "RedHat"):
        place = Place(family, config_path=sasl_facts.config_path({}, family))
        yield from (*whole_files(place), place.settings_file)
    if task.options.get("mta") == "sendmail":
        yield sendmail_facts.DEFAULT_CANDIDATES[0]


def files_of_fetchmail(task: Task) -> t.Iterator[str]:
    yield from (config.SYSTEM_FILE, config.SETTINGS_FILE, f"~/{config.USER_FILE}")
    yield from (f"{config.UNITS}/{unit}.service" for unit in (config.SERVICE, config.TEMPLATE))


def files_of_filters(task: Task) -> t.Iterator[str]:
    yield from (mail_filter.PROCMAIL_FILE, mail_filter.BEFORE, mail_filter.AFTER)
    yield from (f"{mail_filter.SIEVE_USERS}/*.sieve", f"~/{mail_filter.USER_FILE}")


def files_of_certificate(task: Task) -> t.Iterator[str]:
    return (name for option in ("certificate", "private_key") for name in task.paths(task.options[option]))


def any_file(task: Task) -> t.Iterator[str]:
    return task.paths(task.options.get("dest") or task.options["path"])


def whole(task: Task) -> t.Iterator[str]:
    """Give the files that a variable lists: those of a plan, and those whose path a variable holds."""
    text = " ".join(map(str, task.known[str(task.options["files"]).strip("{} ")]))
    yield from (name for plan, names in PLANNED_FILES.items() if plan in text for name in names)
    for variable in re.findall(r"'path': (\w+)", text):
        yield from task.paths(f"{{{{ {variable} }}}}")


# What a call of each module writes: of which kind, and its names.
WRITERS: dict[str, tuple[str, t.Callable[[Task], t.Iterable[str]]]] = {
    "postroom.mail.postfix_config": (PARAMETER, parameters),
    "postroom.mail.postfix_service": (SERVICE, services),
    "postroom.mail.postmap": (TABLE, tables),
    "postroom.mail.sasl_provider": (FILE, files_of_sasl),
    "postroom.mail.sendmail_auth": (FILE, lambda task: ("/etc/mail/sendmail.mc", "/etc/mail/sendmail.cf")),
    "postroom.mail.sasl_user": (FILE, lambda task: ("/etc/sasldb2", Place().database_copy)),
    "postroom.mail.fetchmail_config": (FILE, files_of_fetchmail),
    "postroom.mail.mail_filter": (FILE, files_of_filters),
    "postroom.mail.dovecot_user": (FILE, lambda task: task.paths(task.options["path"])),
    "postroom.mail.dovecot_setting": (FILE, lambda task: task.paths(task.options.get("path", "/etc/dovecot/dovecot.conf"))),
    "postroom.mail.mail_certificate": (FILE, files_of_certificate),
    "postroom.mail.mail_file": (FILE, whole),
    **dict.fromkeys((f"ansible.builtin.{name}" for name in ("copy", "template", "lineinfile", "blockinfile")), (FILE, any_file)),
}


def writes(role: str) -> t.Iterator[tuple[str, str]]:
    for task in tasks(role):
        known = {**variables(role), **{name: [value] for name, value in task.get("vars", {}).items()}}
        for action in WRITERS.keys() & task.keys():
            kind, names = WRITERS[action]
            call = Task(task[action], known, f"roles/{role}: {task.get('name')}")
            yield from ((kind, name) for name in names(call))


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
