# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All roles of a play and what each of them wants of a host. Pure."""

from __future__ import annotations

import importlib
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._plan import host
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Part, Planner

# These tell what others take for granted: Dovecot's version decides how the role host writes down a quota, and filtering asks who has
# a mailbox.
FIRST = ("dovecot", "host")
_HERE = __name__.rpartition(".")[0]

Result = t.TypeVar("Result")


class UnreadableVariables(BadInput):
    """Variables of which a role can make nothing, and that its argument specification lets pass."""


def plan(variables: t.Mapping[str, t.Any], facts: Facts, roles: t.Collection[str], unreadable: t.Collection[str] = ()) -> dict[str, Part]:
    """Plan the part of each of the *roles* of a play.

    The *unreadable* ones are not asked: there are mistakes in their variables. Where nobody knows what the host is called or what is on it,
    the part of the role host is the only one, because what others would say only follows from that. Raises `UnreadableVariables`.
    """
    is_known = not facts or host.is_known({**variables, **host.names(variables, facts)}, facts)
    return _parts(variables, facts, roles, [role for role in roles if role not in unreadable and (is_known or role == "host")])


def names_to_look_up(variables: t.Mapping[str, t.Any], roles: t.Collection[str], unreadable: t.Collection[str] = ()) -> list[str]:
    """The names of which mail_info must say whether the host has an account; they do not depend on the host."""
    asking = [role for role in roles if role not in unreadable and getattr(_planner(role), "LOOKS_UP_NAMES", False)]
    return sorted({name for part in _parts(variables, {}, roles, asking).values() for name in part.names_to_look_up})


def _parts(variables: t.Mapping[str, t.Any], facts: Facts, roles: t.Collection[str], wanted: t.Sequence[str]) -> dict[str, Part]:
    """Return the parts of the *wanted* ones of the *roles*, that of the role host first."""
    known = {**variables, **host.names(variables, facts)}
    offers = Offers(roles=tuple(sorted(roles, key=lambda role: FIRST.index(role) if role in FIRST else len(FIRST))))
    for role in offers.roles:
        offers = _asked(role, _planner(role).offers, known, facts, offers)
    return {role: _asked(role, _planner(role).plan, known, facts, offers) for role in sorted(wanted, key="host".__ne__)}


def packages(roles: t.Collection[str]) -> list[str]:
    """All that the *roles* may want to have installed, on hosts of any family: mail_info must say which are there."""
    return sorted({name for role in roles for name in _planner(role).PACKAGES})


def _planner(role: str) -> Planner:
    # By name, so that nothing is loaded for roles that are not in the play.
    return t.cast("Planner", importlib.import_module(f"{_HERE}.{role}"))


def _asked(
    role: str, ask: t.Callable[[t.Any, Facts, Offers], Result], variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers
) -> Result:
    try:
        return ask(variables, facts, offers)
    except (TypeError, AttributeError, KeyError, ValueError) as e:
        # The variables are not shown: there may be passwords in them.
        raise UnreadableVariables(
            f"The role {role} can make nothing of its variables ({type(e).__name__}): write them as its argument specification has them."
        ) from None
