# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host, and the plan of its addresses, as the tests of that plan have it."""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._addresses.plan import plan as address_plan

HOST = {
    "destinations": ["$myhostname", "$mydomain", "localhost.${mydomain}", "localhost", "hash:/etc/postfix/more"],
    "names": {"myhostname": "mail.example.org", "mydomain": "example.org", "myorigin": "$mydomain"},
    "virtual_domains": ["virt.example", "other.example"],
    "users": [{"name": "alice"}, {"name": "bob", "state": "present"}, {"name": "gone", "state": "absent"}],
    "accounts": {"root": True, "carol": True, "ghost": False, "gone": True},
    "system_aliases": {"postmaster": "root", "webmaster": "root"},
    "commands": ["forward"],
    "files": ["forward"],
}


def plan(aliases=None, **more):
    return address_plan({"root": "alice", **(aliases or {})}, **{**HOST, **more})


def postmasters(*domains):
    """The entries that domains of their own get beside those of the inventory."""
    return {f"postmaster@{domain}": "postmaster@example.org" for domain in domains}
