# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._sasl import users as sasl_users
from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import (
    Standing,
    User,
    others_than,
    parse_listing,
    plan,
    problem_with_name,
    problem_with_realm,
    users_from,
)
from hypothesis import given
from hypothesis import strategies as st

ALICE = User("alice", "example.org", "secret")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ""}, "'' cannot be the name of a SASL user: it is empty."),
        ({"name": "@example.org"}, "it is empty."),
        ({"name": "a:b"}, "'a:b' cannot be the name of a SASL user: it has a colon, a slash or a control character in it."),
        ({"name": "a/b"}, "'a/b' cannot be the name"),
        ({"name": "a\nb"}, r"'a\nb' cannot be the name"),
        ({"name": "a\0b"}, "control character"),
        ({"name": " a"}, "begins or ends with a space"),
        ({"name": "a "}, "begins or ends with a space"),
        ({"name": "alice", "realm": ""}, "The realm '' of the user 'alice' is empty"),
        ({"name": "alice", "realm": "a b"}, "The realm 'a b' of the user 'alice' has an '@'"),
        ({"name": "alice", "realm": "a@b"}, "has an '@'"),
        ({"name": "alice@"}, "The realm '' of the user 'alice' is empty"),
        ({"name": "alice@a@b"}, "The realm 'a@b' of the user 'alice' has an '@'"),
        ({"name": "alice@example.org", "realm": "example.org"}, "has its realm in its name and another in 'realm'"),
        ({"name": "a" * 989}, "with its realm is longer than 1000 bytes"),
        ({"name": "alice", "password": ""}, "The password of the user 'alice@example.org' is empty"),
        ({"name": "alice", "password": "s3cr\net"}, "line break"),
        ({"name": "alice", "password": "s3cr\0et"}, "null character"),
        ({"name": "alice", "password": "s3cret" * 1000}, "longer than 4096 bytes"),
    ],
)
def test_what_nobody_could_log_in_with_is_refused(options, words):
    with pytest.raises(sasl_users.BadUser, match=re.escape(words)) as caught:
        users_from([options], "example.org")
    assert "s3cr" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["a b", "per%cent", '"quoted"', "-dash", "müller", "a\\b", "$HOME", "a,b;c", "a" * 988])
def test_odd_names_are_names(name):
    assert users_from([{"name": name, "password": "%s \"'-ü"}], "example.org") == [User(name, "example.org", "%s \"'-ü")]


def test_the_realm_is_the_users_own_or_that_of_the_name_or_everybodys():
    users = [{"name": "alice"}, {"name": "alice", "realm": "b.example"}, {"name": "alice@c.example"}]
    assert [user.identity for user in users_from(users, "a.example")] == ["alice@a.example", "alice@b.example", "alice@c.example"]


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ([{"name": "alice"}, {"name": "alice@example.org"}], "'alice@example.org' is given twice; join the two."),
        ([{"name": "alice", "state": state} for state in ("present", "absent", "present")], "given 3 times"),
    ],
)
def test_two_with_one_name_and_realm_are_refused(users, words):
    with pytest.raises(sasl_users.BadUser, match=re.escape(words)):
        users_from(users, "example.org")


def test_all_bad_users_are_told_at_once():
    users = [{"name": "a:b"}, {"name": "carol", "password": ""}, {"name": "alice"}, {"name": "alice"}, {"name": "alice"}]
    with pytest.raises(sasl_users.BadUser) as told:
        users_from(users, "example.org")
    for words in ("'a:b'", "carol@example.org", "'alice@example.org' is given 3 times"):
        assert words in str(told.value)


def test_who_goes_needs_no_good_password():
    assert users_from([{"name": "alice", "password": "", "state": "absent"}], "r") == [User("alice", "r", "", present=False)]


def test_a_user_shows_no_password():
    assert "secret" not in repr(ALICE)


@pytest.mark.parametrize(
    ("user", "standing", "create", "change", "remove"),
    [
        (ALICE, Standing.ABSENT, 1, 0, 0),
        (ALICE, Standing.OTHER, 0, 1, 0),
        (ALICE, Standing.SAME, 0, 0, 0),
        (User("alice", "r"), Standing.SAME, 0, 0, 0),
        (User("alice", "r", present=False), Standing.SAME, 0, 0, 1),
        (User("alice", "r", present=False), Standing.ABSENT, 0, 0, 0),
    ],
)
def test_a_plan_follows_from_how_a_user_stands(user, standing, create, change, remove):
    todo = plan([user], [standing])
    assert (len(todo.create), len(todo.change), len(todo.remove)) == (create, change, remove)
    assert todo.changed == bool(create + change + remove)
    assert "secret" not in "".join(todo.lines())


def test_a_new_user_needs_a_password():
    with pytest.raises(sasl_users.BadUser, match=re.escape("'alice@r' is not in the database yet and has no password; give one.")):
        plan([User("alice", "r")], [Standing.ABSENT])


def test_the_diff_tells_who_comes_who_changes_and_who_goes():
    users = [ALICE, User("bob", "r", "secret"), User("carol", "r", present=False)]
    todo = plan(users, [Standing.ABSENT, Standing.OTHER, Standing.SAME], [User("dave", "r", present=False)])
    assert todo.lines() == ("dave@r\ncarol@r\n", "alice@example.org\nbob@r: [password changed]\n")


def test_a_listing_names_each_user_once():
    listing = "alice@example.org: userPassword\nalice@example.org: authPassword\na: b@r: userPassword\nlisting failed\n"
    listed = parse_listing(listing)
    assert [user.identity for user in listed] == ["alice@example.org", "a: b@r"]
    assert not any(user.present for user in listed)
    assert others_than([ALICE], listed) == [User("a: b", "r", present=False)]


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=30)


@given(TEXT.filter(lambda name: not problem_with_name(name)), TEXT.filter(lambda realm: not problem_with_realm(realm)))
def test_what_is_taken_comes_back_from_a_listing(name, realm):
    if "@" not in name:
        (user,) = users_from([{"name": name, "realm": realm}], "unused")
        assert others_than([user], parse_listing(f"{user.identity}: userPassword\n")) == []
