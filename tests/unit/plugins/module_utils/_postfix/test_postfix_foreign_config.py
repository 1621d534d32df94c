# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import foreign_config

TABLES = [
    {"path": "/etc/postfix/aliases", "entries": {}},
    {"path": "/etc/aliases", "exclusive": False, "entries": {}},
    {"path": "/etc/postfix/virtual", "entries": {}},
]
PARAMETERS = {
    "myhostname": "mail.example.org",
    "mydomain": "example.org",
    "mydestination": ["$myhostname", "$mydomain", "localhost.$mydomain", "localhost"],
    "alias_database": ["hash:/etc/postfix/aliases", "hash:/etc/aliases"],
    "alias_maps": "$alias_database",
    "virtual_alias_maps": ["hash:/etc/postfix/virtual"],
    "virtual_alias_domains": ["virtual.example"],
}
HOST = {"fqdn": "box.lan.example", "hostname": "box"}
# As Debian's and Red Hat's packages write them on a fresh host.
STOCK = [
    {
        "myhostname": "box.lan.example",
        "alias_maps": "hash:/etc/aliases",
        "alias_database": "hash:/etc/aliases",
        "mydestination": "$myhostname, mail.example.org, box.lan.example, localhost.lan.example, localhost",
    },
    {
        "alias_maps": "lmdb:/etc/aliases",
        "mydestination": "$myhostname, localhost.$mydomain, localhost",
        "alias_database": "lmdb:/etc/aliases",
    },
    {"myhostname": "1843", "mydestination": "$myhostname, example.org, box, localhost.localdomain, , localhost"},
    {},
]


def lost(parameters, foreign=(), managed=(), tables=None, **options):
    postfix = {"parameters": parameters, "foreign_tables": list(foreign), "managed_tables": list(managed)}
    return foreign_config.lost(TABLES if tables is None else tables, PARAMETERS, postfix=postfix, host=HOST, **options)


@pytest.mark.parametrize("parameters", STOCK)
def test_nobody_loses_what_a_package_wrote(parameters):
    assert lost({**parameters}) == []


def test_what_is_not_installed_loses_nothing():
    assert foreign_config.lost(TABLES, PARAMETERS, postfix={}, host=HOST) == []


@pytest.mark.parametrize(
    ("name", "value", "gone"),
    [
        ("alias_maps", "hash:/etc/aliases, hash:/var/lib/mailman/data/aliases", "hash:/var/lib/mailman/data/aliases"),
        ("virtual_alias_maps", "hash:/etc/postfix/virtual, ldap:/etc/postfix/people.cf", "ldap:/etc/postfix/people.cf"),
        ("virtual_alias_domains", "one.example two.example, VIRTUAL.example", "one.example, two.example"),
        ("mydestination", "$myhostname, shop.example, hash:/etc/postfix/domains", "shop.example, hash:/etc/postfix/domains"),
    ],
)
def test_values_of_somebody_else(name, value, gone):
    live = {"myhostname": "box.lan.example", name: value}
    assert lost(live) == [f"{name} = {gone}"]
    # Who gives the whole value has thought of it; and where tables are ours, the inventory has changed its mind.
    assert lost(live, by_hand={name: value}) == []
    assert lost(live, managed=["/etc/postfix/virtual"]) == []


def test_tables_of_somebody_else():
    live = {"virtual_alias_maps": "hash:/etc/postfix/virtual", "virtual_alias_domains": "$virtual_alias_maps"}
    assert lost(live, foreign=["/etc/postfix/virtual", "/etc/postfix/generic"]) == ["/etc/postfix/virtual"]
    assert lost({}, foreign=["/etc/postfix/virtual"], managed=["/etc/postfix/aliases"]) == ["/etc/postfix/virtual"]
    # One of which only some entries are ours loses nothing.
    shared = [{"path": "/etc/postfix/virtual", "exclusive": False}, {"path": "/etc/postfix/generic", "state": "absent"}]
    assert lost({}, foreign=["/etc/postfix/virtual", "/etc/postfix/generic"], tables=shared) == []


def test_what_cannot_be_told_from_here_is_nobodys():
    assert lost({"mydestination": "${nobody?a}, localhost", "virtual_alias_domains": "$nowhere"}) == []
