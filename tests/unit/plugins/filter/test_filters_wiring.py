# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters whose work is another file's: under their name they give what the core gives, for what a template hands over."""

from __future__ import annotations

import importlib
import pathlib

import pytest
from ansible_collections.postroom.mail.plugins import filter as filters

PACKAGE = "ansible_collections.postroom.mail.plugins.filter"
NAMES = sorted(path.stem for directory in filters.__path__ for path in pathlib.Path(directory).glob("*.py"))
ACCOUNT = {"poll": "pop.example", "user": "al", "password": "12345678", "to": "alice"}


def the(name):
    return importlib.import_module(f"{PACKAGE}.{name}").FilterModule().filters()[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_has_the_name_of_its_file(name):
    assert callable(the(name))


@pytest.mark.parametrize(("interfaces", "protocols", "address"), [(["all"], ["ipv6"], "::1"), ("192.0.2.7", "all", "192.0.2.7")])
def test_where_postfix_answers_its_own_host(interfaces, protocols, address):
    assert the("address_to_greet")(interfaces, protocols) == address


@pytest.mark.parametrize(
    ("account", "more", "problem"),
    [
        ({}, [], None),
        ({"owner": "carol"}, [], None),
        ({"owner": "carol"}, [{"daemon": "60"}, [{"name": "carol"}]], None),
        ({"owner": "carol"}, [None, None], None),
        (
            {"owner": "carol"},
            [{}, [{"name": "carol", "state": "absent"}]],
            "The account al at pop.example belongs to 'carol', who is absent",
        ),
        ({}, [{"daemon": "0"}], "The setting daemon is 0; write the seconds between two polls, at least 1."),
    ],
)
def test_what_is_wrong_with_accounts_of_fetchmail(account, more, problem):
    found = the("fetchmail_problems")([{**ACCOUNT, **account}], *more)
    assert [problem in sentence for sentence in found] == ([True] if problem else [])


@pytest.mark.parametrize("accounts", [None, "al", {"poll": "pop.example"}, ["al"]])
def test_what_is_no_list_of_accounts_of_fetchmail(accounts):
    assert the("fetchmail_problems")(accounts) == ["fetchmail_accounts must be a list of accounts, each with poll, user, password and is."]
