# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.fetchmail_problems import FilterModule

fetchmail_problems = FilterModule().filters()["fetchmail_problems"]

# As they stand in an inventory: without defaults, a name alone for a list of one, and numbers and flags as texts.
RAW = {"poll": "pop.example", "user": "al", "password": "12345678", "to": "alice"}
NAME = "The account al at pop.example"


@pytest.mark.parametrize(
    "accounts",
    [
        [],
        [RAW],
        [{**RAW, "timeout": "20", "keep": "yes", "port": 995}],
        [RAW, {**RAW, "owner": "bob"}],
        [{**RAW, "to": ["robert=bob", "alice=alice"], "envelope": "X-Envelope-To"}],
    ],
)
def test_accounts_as_they_should_be(accounts):
    assert fetchmail_problems(accounts) == []
    assert fetchmail_problems(accounts, {"daemon": "60"}, [{"name": "bob"}]) == []


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        ({"proto": "gopher"}, f"{NAME}: value of proto must be one of: "),
        ({"timeout": "long"}, f"{NAME}: argument 'timeout' is of type"),
        ({"keeep": True}, f"{NAME}: keeep. Supported parameters include: "),
        ({"to": []}, f"{NAME} does not say whose mail it is: "),
        ({"folder": "Junk"}, f"{NAME} has folders, and pop3 knows no folders; "),
        ({"keep": "yes", "fetchall": "yes"}, f"{NAME} has both keep and fetchall, "),
        ({"timeout": "-1"}, f"{NAME} has timeout -1; "),
        ({"password": None}, f"{NAME} has no password, "),
        ({"owner": "carol"}, f"{NAME} belongs to 'carol', who is absent in mail_users; "),
    ],
)
def test_accounts_that_no_host_can_have(account, problem):
    (found,) = fetchmail_problems([{**RAW, **account}], {}, [{"name": "carol", "state": "absent"}])
    assert found.startswith(problem)


def test_what_is_missing_is_named():
    (found,) = fetchmail_problems([{"user": "al", "password": "s3cret"}])
    assert found == "The account al at no server: missing required arguments: poll."


@pytest.mark.parametrize("accounts", [None, "al", {"poll": "pop.example"}, ["al"]])
def test_what_is_no_list_of_accounts(accounts):
    assert fetchmail_problems(accounts) == ["fetchmail_accounts must be a list of accounts, each with poll, user, password and is."]


def test_settings_are_looked_at_once_for_all():
    accounts = [RAW, {**RAW, "owner": "bob"}]
    assert fetchmail_problems(accounts, {"daemon": "0"}) == ["The setting daemon is 0; write the seconds between two polls, at least 1."]
    (found,) = fetchmail_problems(accounts, {"daemon": "often"})
    assert found.startswith("fetchmail_settings: argument 'daemon' is of type")


def test_a_password_is_in_no_sentence():
    found = fetchmail_problems([{**RAW, "password": "s3cret", "proto": "s3cret"}])
    assert len(found) == 1
    assert "s3cret" not in found[0]


@pytest.mark.parametrize("password", [42798, True, 12.5, ["x"], {"a": "b"}])
def test_a_password_that_yaml_read_otherwise(password):
    (found,) = fetchmail_problems([{**RAW, "password": password}])
    assert found.startswith("The password of the account al at pop.example is a")
    assert found.endswith("; put it in quotes.")
    assert str(password) not in found


def test_passwords_themselves_are_looked_at():
    (found,) = fetchmail_problems([{**RAW, "password": "two\nlines"}])
    assert found.startswith("The password of the account al at pop.example ")
    assert "lines" not in found.replace("line break", "")
