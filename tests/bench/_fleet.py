# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases on hosts of their own: the first run, many hosts at once, and inventories with many users."""

from __future__ import annotations

import pathlib
import time
import typing as t

from _cases import PING, Case, Group
from _host import Host

SITE = "postroom.mail.site"
FLEET = (1, 4, 8)
USERS = (100, 1_000, 10_000)
# So many rounds, because each of them takes long.
SLOW = 3


def first(host: Host) -> Group:
    """A host from nothing to a mail host. Packages come from the container's own disk, so that no network is measured."""

    def run(_number: int) -> float:
        inventory = host.inventory([host.another()])
        start = time.monotonic()
        host.play(SITE, changed=True, inventory=inventory)
        return time.monotonic() - start

    return Group("a first run", lambda: None, [Case("whole host, all roles, first run, packages at hand", run, budget=14)], SLOW)


def fleet(host: Host) -> Group:
    """Hosts that have converged, in one run; each further one costs less than the first."""

    def prepare() -> None:
        others = _others(host, max(FLEET))
        # No more at a time than a step has time for.
        for begin in range(0, len(others), 4):
            host.play(SITE, changed=None, inventory=host.inventory(others[begin : begin + 4]))

    def case(size: int) -> Case:
        def run(_number: int) -> None:
            host.play(SITE, inventory=host.inventory(host.others[:size]))

        alone = size == FLEET[0]
        budget = None if alone else size * 0.9
        return Case(_hosts(size), run, against=PING if alone else _hosts(FLEET[0]), budget=budget, unit="× one host")

    return Group("many hosts", prepare, [case(size) for size in FLEET], SLOW)


def scale(host: Host) -> Group:
    """As many virtual users as virtual aliases, on a host for each number; their passwords are hashes, which cost the host nothing."""
    inventories: dict[int, pathlib.Path] = {}
    used: dict[int, float] = {}

    def prepare() -> None:
        for size, other in zip(USERS, _others(host, len(USERS))):
            inventories[size] = host.inventory([other], _virtual(size))
            host.play(SITE, changed=None, inventory=inventories[size])

    def cases(size: int) -> list[Case]:
        def run(_number: int) -> None:
            host.play(SITE, inventory=inventories[size])
            used[size] = host.used

        smallest = size == USERS[0]
        name = f"{size} virtual users"
        return [
            Case(f"{name}, all roles, converged", run),
            # Of the run before.
            Case(
                f"{name}: processor time of the controller",
                lambda _n: used[size],
                against=PING if smallest else f"{USERS[0]} virtual users: processor time of the controller",
                budget=None if smallest else 2,
                processor=True,
                unit=f"× that of {USERS[0]}",
            ),
        ]

    return Group("many virtual users", prepare, [case for size in USERS for case in cases(size)], SLOW)


def _hosts(count: int) -> str:
    return f"{count} {'host' if count == 1 else 'hosts'}, all roles, converged"


def _others(host: Host, count: int) -> list[str]:
    while len(host.others) < count:
        host.another()
    return host.others[:count]


def _virtual(count: int) -> dict[str, t.Any]:
    addresses = [f"user{number:05d}@shop.example" for number in range(count)]
    return {
        "mail_virtual_domains": ["shop.example"],
        "mail_virtual_users": [
            {"address": address, "password_hash": f"{{SHA512-CRYPT}}$6$salt${number:086d}"} for number, address in enumerate(addresses)
        ],
        "mail_virtual_aliases": {f"alias{number:05d}@shop.example": address for number, address in enumerate(addresses)},
    }
