# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.addresses_host import plan, postmasters


@pytest.mark.parametrize(
    "given",
    [
        {"virtual_domains": ["müller.example", "shop.example"]},
        {"destinations": ["$mydomain", "Müller.example"]},
        {"relay_domains": ["müller.example"]},
        {"virtual_aliases": {"info@müller.example": "alice", "jürgen": "alice"}},
    ],
)
def test_a_domain_is_known_by_its_a_label(given):
    (problem,) = plan(**given)["problems"]
    assert problem.startswith("müller.example in ")
    assert problem.endswith("write xn--mller-kva.example.")


def test_a_name_that_would_be_taken_for_one_with_a_tag():
    users = [{"name": "mary-ann"}, {"name": "bob"}, {"name": "bo-b", "state": "absent"}]
    assert plan(users=users)["problems"] == []
    problems = plan(users=users, delimiter="+-", mailbox_domains=["shop.example"], mailboxes=["c-d@shop.example"])["problems"]
    assert [said.split(" would get no mail")[0] for said in problems] == [
        "mary-ann in mail_users",
        "c-d@shop.example in mail_virtual_users",
    ]


@pytest.mark.parametrize(
    ("account", "lost"),
    [
        ({"is": "alice"}, []),
        ({"to": ["root", "Carol+x@example.org", "x@elsewhere.example", "*", "robert=bob"]}, []),
        ({"is": "ghost"}, ["ghost"]),
        ({"is": ["robert@shop.example=gone", "bob", "x@virt.example"]}, ["gone", "x@virt.example"]),
        ({"is": "ghost", "smtphost": ["lmtp.example"]}, []),
        ({"is": None}, []),
        ({}, []),
    ],
)
def test_for_whom_mail_is_fetched(account, lost):
    found = plan(fetched=[{"poll": "pop.example", "user": "al", "password": "s3cret", **account}, "no account"])
    assert [said.split(",")[0] for said in found["problems"]] == [f"The account al at pop.example is fetched for {name}" for name in lost]
    assert set(found["look_up"]) >= {name for name in lost if "@" not in name}


@pytest.mark.parametrize(
    ("given", "aliases"),
    [
        pytest.param({"system_aliases": {}}, {"root": "alice", "postmaster": "root"}, id="nobody is"),
        pytest.param({}, {"root": "alice", "postmaster": "root"}, id="the system's is the same"),
        pytest.param({"system_aliases": {"postmaster": "bob"}}, {"root": "alice"}, id="the system's is somebody else"),
        pytest.param({"aliases": {"root": "alice", "Postmaster": "bob"}}, {"root": "alice", "Postmaster": "bob"}, id="given"),
        pytest.param({"system_aliases": {}, "accounts": {"postmaster": True}}, {"root": "alice"}, id="an account"),
        pytest.param({"system_aliases": {}, "users": [{"name": "postmaster"}]}, {"root": "alice"}, id="a user"),
    ],
)
def test_the_postmaster_of_the_host(given, aliases):
    assert plan(**given)["aliases"] == aliases


@pytest.mark.parametrize(
    ("virtual", "more", "expected"),
    [
        pytest.param({}, {}, postmasters("virt.example", "other.example"), id="of virtual aliases"),
        pytest.param({"Postmaster@virt.example": "bob", "@other.example": "bob"}, {}, {}, id="given"),
        pytest.param(
            {},
            {"virtual_domains": [], "mailbox_domains": ["a.example", "b.example"], "mailboxes": ["postmaster@a.example"]},
            postmasters("b.example"),
            id="of mailboxes",
        ),
        pytest.param(
            {},
            {"virtual_domains": ["virt.example"], "names": {"myorigin": "far.example"}, "destinations": ["host.example"]},
            {"postmaster@virt.example": "postmaster@host.example"},
            id="mail of the host itself goes elsewhere",
        ),
    ],
)
def test_the_postmaster_of_each_domain(virtual, more, expected):
    found = plan(virtual_aliases=virtual, **more)
    assert found["problems"] == []
    assert found["virtual_aliases"] == {**virtual, **expected}


# Two domains of virtual aliases, one of mailboxes, and the host's own.
DOMAINS = {
    "virtual_domains": ["old.example", "virt.example"],
    "mailbox_domains": ["shop.example"],
    "mailboxes": ["carol@shop.example"],
    "system_aliases": {"webmaster": "root"},
    "users": [{"name": "alice"}, {"name": "gone", "state": "absent"}],
}
GIVEN = {"a@virt.example": "alice", "b@virt.example": None}


def alias_domain(target, **more):
    """Return the entries of old.example, an alias of *target*, and the plan."""
    found = plan({"me": "alice"}, virtual_aliases={**GIVEN, "@old.example": target, **more}, **DOMAINS)
    assert found["problems"] == []
    return {key.partition("@")[0]: value for key, value in found["virtual_aliases"].items() if key.endswith("@old.example")}, found


def test_an_alias_domain_has_the_recipients_of_its_target():
    assert alias_domain("@virt.example")[0] == {"a": "a@virt.example", "postmaster": "postmaster@virt.example"}
    assert alias_domain("@Shop.example")[0] == {"carol": "carol@shop.example", "postmaster": "postmaster@shop.example"}
    # What the inventory says of an address stays.
    assert alias_domain("@virt.example", **{"a@old.example": "bob", "c@old.example": "bob"})[0] == {
        "a": "bob",
        "c": "bob",
        "postmaster": "postmaster@virt.example",
    }
    assert alias_domain(["@virt.example", "@shop.example"])[0] == {
        "a": "a@virt.example",
        "carol": "carol@shop.example",
        "postmaster": ["postmaster@virt.example", "postmaster@shop.example"],
    }


def test_an_alias_domain_of_the_hosts_own_has_its_accounts():
    own, found = alias_domain("@example.org")
    assert own == {name: f"{name}@example.org" for name in ("alice", "root", "me", "webmaster", "postmaster")}
    assert found["name_rows"] == [{"pattern": r"/^([^@+]+)(\+[^@]*)?@(old\.example)$/", "value": "$1"}]
    # The first domain of the accounts, which is the host's name.
    assert [row["value"] for row in found["account_rows"]] == ["$1@mail.example.org"]


def test_an_alias_domain_of_another_one():
    own, found = alias_domain("@virt.example", **{"@virt.example": "@shop.example"})
    assert own == {
        "a": "a@virt.example",
        "carol": "carol@virt.example",
        "postmaster": "postmaster@virt.example",
    }
    assert {key: value for key, value in found["virtual_aliases"].items() if key.endswith("@virt.example")} == {
        **GIVEN,
        "carol@virt.example": "carol@shop.example",
        "postmaster@virt.example": "postmaster@shop.example",
    }


@pytest.mark.parametrize(
    ("target", "more", "verified"),
    [
        pytest.param("@far.example", {}, ["old.example"], id="nobody knows"),
        pytest.param("@virt.example", {"@virt.example": "bob"}, [], id="everybody is somebody"),
        pytest.param("@virt.example", {"@virt.example": "@shop.example", "@shop.example": "bob"}, [], id="further on"),
        pytest.param("@virt.example", {"@virt.example": "@far.example"}, ["old.example", "virt.example"], id="nobody knows, further on"),
        pytest.param("bob", {}, [], id="a catch-all"),
    ],
)
def test_an_alias_domain_whose_recipients_are_not_in_the_inventory(target, more, verified):
    own, found = alias_domain(target, **more)
    assert own == {"": target}
    assert found["recipient_access"] == dict.fromkeys(verified, "reject_unverified_recipient")


def test_what_the_inventory_says_of_a_recipient_comes_before_its_verification():
    access = {"postfix_recipient_access": {"old.example": "REJECT", "x@y.example": "OK"}}
    assert plan(virtual_aliases={"@old.example": "@far.example"}, access=access)["recipient_access"] == access["postfix_recipient_access"]
