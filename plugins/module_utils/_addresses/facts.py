# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recipients of a host: its accounts, its own aliases, and the tables that this collection wrote. Pure, save `accounts`."""

from __future__ import annotations

import pwd
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import MANAGED, parse

ALIASES = "/etc/aliases"
PASSWD = "/etc/passwd"
# Where administrators keep their tables, and the role postfix its own.
USUAL_TABLES = (
    "aliases",
    "canonical",
    "client_access",
    "generic",
    "mailbox_transports",
    "recipient_access",
    "recipient_canonical",
    "relocated",
    "sender_access",
    "sender_canonical",
    "virtual",
    "virtual_mailboxes",
)
# A table in a value of main.cf, whatever its type.
_TABLE_FILE = re.compile(r"\b\w+:(/[^\s,{}]+)")


def accounts(names: t.Sequence[str], passwd: str, bounded: t.Callable[[t.Callable[[], t.Any]], t.Any]) -> dict[str, bool]:
    """Return for each of *names* whether there is an account.

    Most are in the text of /etc/passwd. The name service answers for the rest, one name at a time, so that it need not
    list a directory of 50,000 accounts. If it does not answer in time (*bounded*), the name is left out.
    """
    local = {line.partition(":")[0].lower() for line in passwd.splitlines()}
    answer = {name: True for name in names if name.lower() in local}
    further = [name for name in names if name not in answer]
    # The thread fills a dictionary of its own: it may still run when we have given up waiting for it.
    found: dict[str, bool] = {}

    def ask() -> None:
        for name in further:
            found[name] = _is_known(name)

    if further:
        bounded(ask)
    return {**answer, **{name: found[name] for name in further if name in found}}


def _is_known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except (KeyError, ValueError):
        return False
    return True


def aliases(text: str) -> dict[str, str]:
    """Return the names of an aliases file, each with its targets as text; of two with one name the first counts."""
    found: dict[str, str] = {}
    for entry in parse(text, "aliases"):
        if entry.value:
            found.setdefault(entry.key.strip('"').lower(), entry.value)
    return found


def foreign_tables(read: t.Callable[[str], str]) -> list[str]:
    """Return the tables in their usual places that have contents and were not written by this collection."""
    found = []
    for path in (f"/etc/postfix/{name}" for name in USUAL_TABLES):
        text = read(path)
        if not text.startswith(MANAGED) and any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
            found.append(path)
    return found


def managed_tables(parameters: t.Mapping[str, str], read: t.Callable[[str], str], there: t.Iterable[str] = ()) -> list[str]:
    """Return the sources of the tables that this collection writes whole: those that *parameters* name, and those among the files *there*,
    which a killed run may have left.
    """
    paths = {*there, *(path for value in parameters.values() for path in _TABLE_FILE.findall(value))}
    return sorted(path for path in paths if read(path).startswith(MANAGED))
