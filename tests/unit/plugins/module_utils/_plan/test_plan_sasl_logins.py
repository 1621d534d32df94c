# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins that own sender addresses, as the role sasl has Postfix told."""

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import sasl
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan import host_play
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import FACTS, said

BOXES = {**host_play.NO_MAILBOXES, "addresses": ["carol@shop.example"]}
VARIABLES = {
    **host_play.VARIABLES,
    **host_play.defaults("sasl"),
    "sasl_users": [{"name": "alice", "password": "a"}],
    "sasl_aliases": {"sales": ["alice", "bob"], "root": "root@elsewhere.example"},
    "sasl_virtual_aliases": {"info@shop.example": "carol@shop.example"},
}
HOME = "example\\.org|mail\\.example\\.org"


def tables(variables, **others):
    told = {f"sasl_{name}": value for name, value in variables.items()}
    part = sasl.plan({**VARIABLES, **told}, FACTS, said(**{"virtual_mailboxes": BOXES, **others}))
    of_others, own = part.tables
    assert (of_others["path"], own["path"], own["type"]) == (sasl.SENDER_LOGINS, sasl.OWN_ADDRESSES, "regexp")
    return of_others["entries"], own["entries"]


def own(domains, value="$1", chars="+", tag="\\+"):
    return {"pattern": f"/^([^@{chars}]+)({tag}[^@]*)?@({domains})$/", "value": value}


def sales(at_main, at_host=None):
    return {"sales@example.org": at_main, "sales@mail.example.org": at_host or at_main}


CAROL = {"carol@shop.example": "carol@shop.example", "info@shop.example": "carol@shop.example"}
ALL_REALMS = "alice, alice@mail.example.org, alice@example.org, bob, bob@mail.example.org, bob@example.org"
EVERYBODY = "$1, $1@mail.example.org, $1@example.org"


@pytest.mark.parametrize(
    ("variables", "entries", "rows"),
    [
        ({}, {**sales("alice, bob"), **CAROL}, [own(HOME)]),
        # Of a name with any realm the rest is left out, so carol of the host must not send as another carol.
        ({"provider": "saslauthd"}, sales(ALL_REALMS), [own(HOME, EVERYBODY)]),
        # In a realm that is asked for, everybody is a person apart.
        (
            {"provider": "saslauthd", "saslauthd_join_realm": True, "realm": "mail.example.org"},
            {**sales("alice@example.org, bob@example.org", "alice, alice@mail.example.org, bob, bob@mail.example.org"), **CAROL},
            [own("mail\\.example\\.org", "$1, $1@mail.example.org"), own("example\\.org", "$1@$3")],
        ),
        ({"provider": "sasldb"}, sales(ALL_REALMS), [own(HOME, EVERYBODY)]),
        (
            {
                "provider": "sasldb",
                "users": [{"name": "carol@shop.example", "password": "c"}, {"name": "dave", "realm": "third.example", "password": "d"}],
            },
            {**sales(ALL_REALMS), **CAROL},
            [own(HOME, EVERYBODY), own("shop\\.example|third\\.example", "$1@$3")],
        ),
        # A variable of its own for each.
        ({"domains": ["a.example"]}, {"sales@a.example": "alice, bob", **CAROL}, [own("a\\.example")]),
        ({"virtual_mailboxes": [], "aliases": {}, "virtual_aliases": {}}, {}, [own(HOME)]),
        ({"recipient_delimiter": "+-"}, {**sales("alice, bob"), **CAROL}, [own(HOME, chars="+-", tag="[+-]")]),
    ],
)
def test_who_owns_which_address(variables, entries, rows):
    assert tables(variables) == (entries, rows)


def test_a_tag_begins_as_postfix_has_it():
    assert tables({}, recipient_delimiter="=")[1] == [own(HOME, chars="=", tag="=")]


def test_without_domains_nobody_has_an_address():
    assert tables({"domains": [], "virtual_mailboxes": []}, recipient_delimiter="")[1] == []
