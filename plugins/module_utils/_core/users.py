# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that all lists of users share. Pure."""

from __future__ import annotations

import collections
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

User = t.TypeVar("User")


def all_from(
    given: t.Iterable[t.Any], make: t.Callable[[t.Any], User], name_of: t.Callable[[User], str], error: type[BadInput]
) -> list[User]:
    """Return the users that *make* makes of the *given* options; raise *error* with all problems, not only the first."""
    users, problems = [], []
    for options in given:
        try:
            users.append(make(options))
        except error as e:
            problems.append(str(e))
    problems += repeated(map(name_of, users))
    if problems:
        raise error(" ".join(problems))
    return users


def repeated(names: t.Iterable[str]) -> list[str]:
    """Report each name that is given more than once."""
    return [
        f"The user {name!r} is given {'twice; join the two' if times == 2 else f'{times} times; join them'}."
        for name, times in collections.Counter(names).items()
        if times > 1
    ]
