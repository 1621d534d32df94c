# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import fetchmail
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import VARIABLES, facts

# As they stand in an inventory: without defaults, a name alone for a list of one, and numbers and flags as texts.
RAW = {"poll": "pop.example", "user": "al", "password": "12345678", "to": "alice"}
OTHER, THIRD = {**RAW, "user": "other"}, {**RAW, "user": "third"}
NAME = "The account al at pop.example"
NO_ACCOUNTS = "fetchmail_accounts must be a list of accounts, each with poll, user, password and is."


def plan(accounts=(), there=None, **more):
    variables = {**VARIABLES, "fetchmail_accounts": list(accounts), **more}
    return fetchmail.plan(variables, facts() if there is None else there, Offers())


@pytest.mark.parametrize(
    ("variables", "accounts"),
    [
        ({}, []),
        ({"fetchmail_accounts": [RAW]}, [RAW]),
        ({"fetchmail_account_other": OTHER}, [OTHER]),
        ({"fetchmail_account_other": OTHER, "fetchmail_accounts": [RAW], "fetchmail_account_a": THIRD}, [RAW, OTHER, THIRD]),
        ({"fetchmail_accountant": OTHER}, []),
    ],
)
def test_a_variable_may_be_an_account_of_its_own(variables, accounts):
    given = {**VARIABLES, **variables}
    assert fetchmail.offers(given, facts(), Offers(myhostname="h")) == Offers(myhostname="h", fetched_accounts=accounts)
    part = fetchmail.plan(given, facts(), Offers())
    assert (part.problems, part.packages) == ([], ("fetchmail",) if accounts else ())
    assert (part.fetchmail_config or {"accounts": []})["accounts"] == accounts


@pytest.mark.parametrize(
    ("accounts", "packages", "asked"),
    [((), {}, False), ((), {"fetchmail": None}, False), ((), {"fetchmail": "6.4"}, True), ((RAW,), {}, True)],
)
def test_a_host_that_never_had_accounts_is_not_asked_about_them(accounts, packages, asked):
    part = plan(accounts, {**facts(), "packages": packages}, fetchmail_settings={"daemon": "60"}, fetchmail_replace_config=True)
    wanted = {"accounts": list(accounts), "settings": {"daemon": "60"}, "replace": True}
    assert part.fetchmail_config == (wanted if asked else None)


def test_before_the_host_has_answered():
    assert plan(there={}).fetchmail_config is None


@pytest.mark.parametrize(
    "accounts",
    [
        [{**RAW, "timeout": "20", "keep": "yes", "port": 995}],
        [RAW, {**RAW, "owner": "alice"}],
        [{**RAW, "to": ["robert=bob", "alice=alice"], "envelope": "X-Envelope-To"}],
    ],
)
def test_accounts_as_they_should_be(accounts):
    assert plan(accounts, fetchmail_settings={"daemon": "60"}).problems == []


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
        ({"owner": "bob"}, f"{NAME} belongs to 'bob', who is absent in mail_users; remove one of the two."),
    ],
)
def test_accounts_that_no_host_can_have(account, problem):
    (found,) = plan([{**RAW, **account}]).problems
    assert found.startswith(problem)


def test_what_is_missing_is_named():
    assert plan([{"user": "al", "password": "s3cret"}]).problems == ["The account al at no server: missing required arguments: poll."]


@pytest.mark.parametrize("account", [None, "al", [RAW]])
def test_what_is_no_account(account):
    assert plan([account]).problems == plan(fetchmail_account_a=account).problems == [NO_ACCOUNTS]


@pytest.mark.parametrize("accounts", [None, "al", {"poll": "pop.example"}, ["al"]])
def test_what_is_no_list_of_accounts(accounts):
    assert list(fetchmail.problems(accounts, {}, [])) == [NO_ACCOUNTS]


def test_settings_are_looked_at_once_for_all():
    accounts = [RAW, {**RAW, "owner": "alice"}]
    found = plan(accounts, fetchmail_settings={"daemon": "0"}).problems
    assert found == ["The setting daemon is 0; write the seconds between two polls, at least 1."]
    (found,) = plan(accounts, fetchmail_settings={"daemon": "often"}).problems
    assert found.startswith("fetchmail_settings: argument 'daemon' is of type")


def test_what_is_wrong_with_each_and_with_all_is_told_at_once():
    found = plan([RAW, {**RAW, "proto": "gopher"}, {**RAW, "owner": "bob"}], fetchmail_settings={"daemon": "often"}).problems
    assert [sentence.partition(":")[0] for sentence in found[:2]] == [NAME, "fetchmail_settings"]
    assert "belongs to 'bob'" in found[2]


def test_a_password_is_in_no_sentence():
    (found,) = plan([{**RAW, "password": "s3cret", "proto": "s3cret"}]).problems
    assert "s3cret" not in found


@pytest.mark.parametrize("password", [42798, True, 12.5, ["x"], {"a": "b"}])
def test_a_password_that_yaml_read_otherwise(password):
    (found,) = plan([{**RAW, "password": password}]).problems
    assert found.startswith("The password of the account al at pop.example is a")
    assert found.endswith("; put it in quotes.")
    assert str(password) not in found


def test_passwords_themselves_are_looked_at():
    (found,) = plan([{**RAW, "password": "two\nlines"}]).problems
    assert found.startswith("The password of the account al at pop.example ")
    assert "lines" not in found.replace("line break", "")
