# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.virtual_mailboxes import plan
from ansible_collections.postroom.mail.plugins.module_utils._passwords.passwd_file import users_from
from hypothesis import given as examples
from hypothesis import strategies as st

DOMAINS = ["shop.example", "two.example", "aliases.example"]
CAROL = {"address": "Carol@Shop.example", "password": "secret", "quota": "2G"}
OTHER = {"address": "carol@two.example", "password_hash": "{SHA512-CRYPT}$6$salt$" + 86 * "x"}
GONE = {"address": "dave@two.example", "state": "absent"}


def test_everything_that_follows():
    assert plan([CAROL, OTHER, GONE], DOMAINS, "2.3.19.1") == {
        "problems": [],
        "domains": ["shop.example", "two.example"],
        "alias_domains": ["aliases.example"],
        "addresses": ["carol@shop.example", "carol@two.example"],
        "accounts": [
            {
                "name": "carol@shop.example",
                "password": "secret",
                "uid": "vmail",
                "gid": "vmail",
                "home": "/var/vmail/shop.example/carol",
                "extra_fields": {"userdb_quota_rule": "*:storage=2G"},
            },
            {
                "name": "carol@two.example",
                "password_hash": OTHER["password_hash"],
                "uid": "vmail",
                "gid": "vmail",
                "home": "/var/vmail/two.example/carol",
                "extra_fields": {},
            },
        ],
    }


def test_the_quota_in_the_language_of_the_host():
    (account,) = plan([CAROL], DOMAINS, "2.4.1")["accounts"]
    assert account["extra_fields"] == {"userdb_quota_storage_size": "2G"}


def test_a_domain_whose_last_user_goes_has_no_mailboxes_any_more():
    told = plan([CAROL, GONE], ["Shop.example", "Two.example"])
    assert (told["domains"], told["alias_domains"], told["addresses"]) == (["shop.example"], ["Two.example"], ["carol@shop.example"])


@pytest.mark.parametrize("users", [None, []])
def test_nobody(users):
    assert plan(users, DOMAINS) == {"problems": [], "domains": [], "alias_domains": DOMAINS, "addresses": [], "accounts": []}


@pytest.mark.parametrize(
    ("user", "told"),
    [
        pytest.param({}, "a user without an address", id="no address"),
        pytest.param("carol@shop.example", "a user without an address", id="no dictionary"),
        pytest.param(
            {"address": "carol"}, "'carol' is no whole address; write it with its domain, such as carol@shop.example", id="no domain"
        ),
        pytest.param({"address": "@shop.example"}, "is no whole address", id="no local part"),
        pytest.param(
            {"address": "carol@elsewhere.example"}, "is in no domain of mail_virtual_domains; add elsewhere.example", id="elsewhere"
        ),
        pytest.param({"address": "carol@sub.shop.example"}, "is in no domain", id="below a domain"),
        pytest.param({"address": "carol@shop.example;x"}, "'shop.example;x' behind its '@', which is not a domain", id="odd domain"),
        pytest.param({"address": "a/b@shop.example"}, "cannot be the name of a mailbox", id="slash"),
        pytest.param({"address": "../b@shop.example"}, "cannot be the name of a mailbox", id="up and out"),
        pytest.param({"address": "..@shop.example"}, "cannot be the name of a mailbox", id="dots"),
        pytest.param({"address": "a\nb@shop.example"}, r"'a\nb@shop.example' cannot be the name of a mailbox", id="newline"),
        pytest.param({"address": "a\n@shop.example"}, "cannot be the name of a mailbox", id="newline at the end"),
        pytest.param({"address": "a:b@shop.example"}, "cannot be the name of a mailbox", id="colon"),
        pytest.param({"address": "a+b@shop.example"}, "cannot be the name of a mailbox", id="tag"),
        pytest.param({"address": "a@b@shop.example"}, "cannot be the name of a mailbox", id="two @"),
        pytest.param({"address": "x@shop.example", "password": ""}, "The password of user 'x@shop.example' is empty", id="empty password"),
        pytest.param(
            {"address": "x@shop.example", "password": "a", "password_hash": OTHER["password_hash"]}, "give one of them", id="both"
        ),
        pytest.param({"address": "x@shop.example", "password_hash": "{ROT13}x"}, "The password_hash of user 'x@shop.example'", id="hash"),
        pytest.param({"address": "x@shop.example", "quota": "lots"}, "has a quota that is none: 'lots' is no size", id="quota"),
        pytest.param({"address": "CAROL@shop.example", "password": "p"}, "'carol@shop.example' is given twice", id="twice"),
        pytest.param({"address": "carol@shop.example", "state": "absent"}, "'carol@shop.example' is given twice", id="there and not there"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_planned(user, told):
    found = plan([CAROL, user], DOMAINS)
    assert len(found["problems"]) == 1, found["problems"]
    assert told in found["problems"][0]
    assert found["problems"][0].endswith(".")
    assert found["accounts"] == found["addresses"] == found["domains"] == []


def test_who_is_to_go_needs_neither_password_nor_quota():
    assert plan([{**GONE, "password": "", "quota": "lots"}], DOMAINS)["problems"] == []


def test_no_password_is_ever_told():
    users = [{"address": "x@shop.example", "password": "hunter2", "password_hash": "{ROT13}hunter2", "quota": "?"}]
    assert "hunter2" not in str(plan(users, DOMAINS)["problems"])


@examples(st.text(max_size=70))
def test_no_address_leads_out_of_the_directory(local):
    found = plan([{"address": f"{local}@shop.example", "password": "p"}], DOMAINS)
    for account in found["accounts"]:
        assert account["home"].startswith("/var/vmail/shop.example/")
        name = account["home"][len("/var/vmail/shop.example/") :]
        assert name
        assert name == account["name"].partition("@")[0]
        assert not set(name) & set("/\n\r\0:+@ ")
        assert ".." not in name


def test_the_module_takes_what_is_planned():
    users = users_from(plan([CAROL, OTHER], DOMAINS)["accounts"])
    assert [user.name for user in users] == ["carol@shop.example", "carol@two.example"]
