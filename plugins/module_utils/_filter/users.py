# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The users of the filter rules, and whether each exists: rules for a missing user would be written, and never run. Pure."""

from __future__ import annotations

import typing as t


def problems(
    names: t.Sequence[str], *, domain: str, users: t.Collection[str], accounts: t.Mapping[str, bool], mailboxes: t.Collection[str]
) -> list[str]:
    """Report each of *names* that does not exist, or that is written as an address although there is an account.

    *users* are the users to make, *accounts* holds the host's answers by name, *mailboxes* are the virtual ones.
    """
    found = []
    virtual = {address.lower() for address in mailboxes}
    for name in names:
        local, at, own = name.rpartition("@")
        if not at and name not in users and accounts.get(name) is False:
            found.append(
                f"filtering_users has {name}, and there is no such user: correct the name, add them to mail_users, or write the whole"
                " address of a virtual mailbox."
            )
        elif at and own.lower() == domain.lower() and name.lower() not in virtual and (local in users or accounts.get(local)):
            found.append(f"filtering_users has {name}, whose mailbox is that of the account {local}: write {local}.")
    return found
