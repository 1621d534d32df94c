# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things that each role writes: by the parts that its plan gives it in `_sample_play`, and the paths in its tasks."""

from __future__ import annotations

import functools
import re
import typing as t

from _house import ROOT, roles, tasks
from _sample_play import PLAYS, parts
from ansible_collections.postroom.mail.plugins.module_utils._fetchmail import config
from ansible_collections.postroom.mail.plugins.module_utils._filter import mail_filter
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part
from ansible_collections.postroom.mail.plugins.module_utils._postfix.owned_parameters import VARIABLES
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Place
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import paths as whole_files

PARAMETER, SERVICE, TABLE, FILE = "parameter of main.cf", "service of master.cf", "lookup table", "file"
DOCUMENT = ROOT / "docs/ownership.md"
HEAD = "| what | name | role |\n|---|---|---|\n"
VARIABLES_HEAD = "| parameter | variable | role |\n|---|---|---|\n"
# A file for each database and each block with a secret in it.
OF_A_DATABASE = re.compile(r"(/postroom-(?:passdb-|userdb-|secrets)).*(\.conf\.ext)")


def parameters(part: Part) -> t.Iterable[str]:
    return part.parameters


def services(part: Part) -> t.Iterable[str]:
    return (f"{service['name']}/{service['type']}" for service in part.services)


def tables(part: Part) -> t.Iterable[str]:
    return (table["path"] for table in part.tables)


def files(part: Part) -> t.Iterable[str]:
    return (OF_A_DATABASE.sub(r"\1*\2", path) for path in [*(file.path for file in part.files), *part.former_files])


def files_of_sasl(part: Part) -> t.Iterator[str]:
    """Those that the provider needs on hosts of each family; the module asks the host for more than the plan does."""
    if part.sasl_provider is None:
        return
    for family in ("Debian", "RedHat"):
        place = Place(family, config_path=sasl_facts.config_path({}, family))
        yield from (*whole_files(place), place.settings_file)
    if part.sendmail_auth is not None:
        yield sendmail_facts.DEFAULT_CANDIDATES[0]


def files_of_sasldb(part: Part) -> t.Iterable[str]:
    return () if part.sasl_user is None else ("/etc/sasldb2", Place().database_copy)


def files_of_sendmail(part: Part) -> t.Iterable[str]:
    return () if part.sendmail_auth is None else ("/etc/mail/sendmail.mc", "/etc/mail/sendmail.cf")


def files_of_fetchmail(part: Part) -> t.Iterator[str]:
    if part.fetchmail_config is not None:
        yield from (config.SYSTEM_FILE, config.SETTINGS_FILE, f"~/{config.USER_FILE}")
        yield from (f"{config.UNITS}/{unit}.service" for unit in (config.SERVICE, config.TEMPLATE))


def files_of_filters(part: Part) -> t.Iterator[str]:
    if part.mail_filter is not None:
        yield from (mail_filter.PROCMAIL_FILE, mail_filter.BEFORE, mail_filter.AFTER)
        yield from (f"{mail_filter.SIEVE_USERS}/*.sieve", f"~/{mail_filter.USER_FILE}")


def files_of_certificate(part: Part) -> t.Iterator[str]:
    if part.certificate is not None:
        yield from (part.certificate["certificate"], part.certificate["private_key"])


# What a field of a part says is written. Of settings and virtual_users the tasks have the path.
WRITTEN: dict[str, tuple[str, t.Callable[[Part], t.Iterable[str]]]] = {
    "parameters": (PARAMETER, parameters),
    "services": (SERVICE, services),
    "tables": (TABLE, tables),
    "files": (FILE, files),
    "sasl_user": (FILE, files_of_sasldb),
    "sasl_provider": (FILE, files_of_sasl),
    "sendmail_auth": (FILE, files_of_sendmail),
    "mail_filter": (FILE, files_of_filters),
    "fetchmail_config": (FILE, files_of_fetchmail),
    "certificate": (FILE, files_of_certificate),
}
# Fields by which nothing is written, or not by the role: accounts and sockets are no files, foreign_files are kept as backups, and whose
# former_files are is told with files.
NOT_WRITTEN = {
    *("problems", "warnings", "packages", "former_mail_servers", "has_waiting_mail", "is_nameless", "names_to_look_up"),
    *("accounts", "units", "open_relay", "former_files", "former_sockets", "foreign_files", "probes", "delivery"),
}
BY_TASK = {"settings", "virtual_users"}

# The module of each field, and its option. Where there is none, the field's own options are the module's.
MODULES = {
    "postfix_config": ("parameters", "parameters"),
    "postfix_service": ("services", "services"),
    "postmap": ("tables", "tables"),
    "mail_file": ("files", "files"),
    "dovecot_setting": ("settings", "settings"),
    "dovecot_user": ("virtual_users", "users"),
    "mail_user": ("accounts", "users"),
    "mail_certificate": ("certificate", None),
    **{name: (name, None) for name in ("sasl_user", "sasl_provider", "sendmail_auth", "mail_filter", "fetchmail_config")},
}
# Modules whose tasks name the file.
WITH_PATH = {
    **dict.fromkeys(("postroom.mail.dovecot_setting", "postroom.mail.dovecot_user"), "path"),
    **dict.fromkeys((f"ansible.builtin.{name}" for name in ("lineinfile", "blockinfile")), "path"),
    **dict.fromkeys((f"ansible.builtin.{name}" for name in ("copy", "template")), "dest"),
}


class Unclear(AssertionError):
    pass


def by_plan(part: Part) -> t.Iterator[tuple[str, str]]:
    for kind, names in WRITTEN.values():
        yield from ((kind, name) for name in names(part))


def by_tasks(role: str) -> t.Iterator[tuple[str, str]]:
    for task in tasks(role):
        for action in WITH_PATH.keys() & task.keys():
            yield FILE, path_in(task, action)


def path_in(task: t.Mapping[str, t.Any], action: str) -> str:
    path = str(task[action].get(WITH_PATH[action], ""))
    if not path.startswith("/") or "{{" in path:
        raise Unclear(f"{task.get('name')}: cannot tell which file '{path}' is; write its path, or have the plan say it.")
    return path


@functools.cache
def writes(role: str) -> frozenset[tuple[str, str]]:
    """Return the things that *role* writes in any of the plays."""
    planned = [by_plan(found[role]) for found in map(parts, PLAYS) if role in found]
    return frozenset(what for listed in [*planned, by_tasks(role)] for what in listed)


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
