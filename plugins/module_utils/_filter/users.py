# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Whose mail is to be sorted, and whether there is anybody of that name: rules of nobody would be taken, and never run. Pure."""

from __future__ import annotations

import typing as t


def problems(
    names: t.Sequence[str], *, domain: str, users: t.Collection[str], accounts: t.Mapping[str, bool], mailboxes: t.Collection[str]
) -> list[str]:
    """A sentence for each of *names* that is nobody, or is written as an address although they have an account.

    *users* are to be made, *accounts* tells of whom the host was asked, *mailboxes* are the virtual ones.
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
