# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._passwords import accounts as passwords_accounts
from ansible_collections.postroom.mail.plugins.module_utils._passwords.accounts import (
    Account,
    User,
    choose_uid,
    parse_login_defs,
    plan,
    users_from,
)

ALICE = Account("alice", 1000, 1000, "", "/home/alice", "/usr/sbin/nologin", "hash of right")


class FakeCrypt:
    def verify(self, pairs):
        return [stored == f"hash of {password}" for password, stored in pairs]

    def hash(self, password):
        return f"hash of {password}"


def planned(users, accounts=(ALICE,), memberships=None):
    return plan(users, {account.name: account for account in accounts}, memberships or {}, 1000, FakeCrypt())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "Alice"}, "'Alice' cannot be the name"),
        ({"name": ""}, "'' cannot be the name"),
        ({"name": "a:b"}, "'a:b' cannot be the name"),
        ({"name": "a/b"}, "'a/b' cannot be the name"),
        ({"name": "a\nb"}, r"'a\nb' cannot be the name"),
        ({"name": "-a"}, "'-a' cannot be the name"),
        ({"name": "1a"}, "'1a' cannot be the name"),
        ({"name": "a" * 33}, "1 to 32"),
        ({"name": "müller"}, "cannot be the name"),
        ({"name": "alice", "password": ""}, "is empty"),
        ({"name": "alice", "password": "s3cr\net"}, "line break"),
        ({"name": "alice", "password": "s3cr\0et"}, "line break"),
        ({"name": "alice", "password": "s3cret" * 100}, "longer than 511 bytes"),
        ({"name": "alice", "shell": "bash"}, "absolute path"),
        ({"name": "alice", "home": "/home/a:b"}, "colon or a line break"),
        ({"name": "alice", "comment": "a\nb"}, "colon or a line break"),
    ],
)
def test_what_no_host_can_have_is_refused(options, words):
    with pytest.raises(passwords_accounts.BadAccount, match=re.escape(words)) as caught:
        users_from([options])
    assert "s3cr" not in str(caught.value)


def test_one_name_twice_is_refused():
    with pytest.raises(passwords_accounts.BadAccount, match="'alice' is given twice"):
        users_from([{"name": "alice"}, {"name": "alice", "state": "absent"}])


def test_all_bad_users_are_told_at_once():
    users = [{"name": "a b"}, {"name": "carol", "password": ""}, {"name": "alice"}, {"name": "alice"}, {"name": "alice"}]
    with pytest.raises(passwords_accounts.BadAccount) as told:
        users_from(users)
    for words in ("'a b'", "carol", "'alice' is given 3 times"):
        assert words in str(told.value)


def test_root_is_nobodys_mail_user():
    with pytest.raises(passwords_accounts.ProtectedAccount, match="administrator"):
        users_from([{"name": "root", "state": "absent"}])


def test_the_password_of_a_leaving_user_does_not_matter():
    (user,) = users_from([{"name": "alice", "password": "x", "state": "absent"}])
    assert user.password is None


def test_a_password_is_in_no_representation():
    assert "s3cret" not in repr(User("alice", "s3cret"))
    assert "hash" not in repr(ALICE)


def test_a_new_user_is_created_and_given_the_password():
    todo = planned([User("bob", "x"), User("carol")])
    assert [user.name for user in todo.create] == ["bob", "carol"]
    assert [user.name for user in todo.passwords] == ["bob"]
    assert todo.lines() == ("", "bob: account\ncarol: account\nbob: [password changed]\n")


@pytest.mark.parametrize(
    "user",
    [
        User("alice"),
        User("alice", "right"),
        User("alice", shell="/usr/sbin/nologin", home="/home/alice", comment=""),
        User("alice", groups=("mail",)),
        User("dave", present=False),
    ],
)
def test_what_is_so_already_is_left_alone(user):
    assert not planned([user], memberships={"alice": {"mail", "adm"}}).changed


def test_another_password_is_set():
    todo = planned([User("alice", "other")])
    assert [user.name for user in todo.passwords] == ["alice"]
    assert "other" not in "".join(todo.lines())


def test_a_locked_account_stays_locked_while_its_password_is_right():
    locked = Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh", "!hash of right")
    assert [user.name for user in planned([User("alice", "right")], [locked]).locked] == ["alice"]
    assert not planned([User("alice", "right")], [locked]).changed
    assert planned([User("alice", "other")], [locked]).passwords


def test_fields_that_are_given_are_changed():
    todo = planned([User("alice", shell="/bin/sh", groups=("mail",))], memberships={"alice": {"adm"}})
    ((_user, changes),) = todo.modify
    assert changes == {"shell": ("/usr/sbin/nologin", "/bin/sh"), "groups": ("adm", "adm,mail")}


@pytest.mark.parametrize(
    ("user", "what"),
    [
        (User("mail", present=False), "does not remove"),
        (User("mail", "x"), "does not set the password of"),
        (User("mail", shell="/bin/sh"), "does not change"),
        (User("nobody", present=False), "does not remove"),
    ],
)
def test_accounts_of_the_system_are_protected(user, what):
    accounts = [Account("mail", 8, 8, "", "/var/mail", "/usr/sbin/nologin"), Account("nobody", 65534, 65534, "", "/", "/usr/sbin/nologin")]
    with pytest.raises(passwords_accounts.ProtectedAccount, match=what):
        planned([User("bob"), user], accounts)


def test_a_system_account_may_be_named_when_nothing_is_wanted_of_it():
    assert not planned([User("mail")], [Account("mail", 8, 8, "", "/var/mail", "/usr/sbin/nologin")]).changed


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        (None, (1000, 60000)),
        ("# UID_MIN 5\nUID_MIN\t\t 500\n", (500, 60000)),
        ("UID_MIN 2000\nUID_MAX 3000\nSYS_UID_MAX 999\n", (2000, 3000)),
    ],
)
def test_login_defs_are_read(text, uids):
    assert parse_login_defs(text) == uids


@pytest.mark.parametrize(
    ("home_owner", "taken", "left_behind", "uid"),
    [
        (None, {0, 1000, 1001}, {0, 1000}, None),
        (None, {0, 1000}, {1000, 1001}, 1002),
        (1001, {0, 1000}, {1000, 1001}, 1001),
        (1000, {0, 1000}, {1000}, None),
        (0, {0, 1000}, {0, 1000}, None),
        (None, {0, 1000, 1005}, {1003}, 1006),
        (None, {0}, {60000}, None),
    ],
)
def test_nobody_inherits_a_removed_users_mail(home_owner, taken, left_behind, uid):
    assert choose_uid(home_owner, taken, left_behind, 1000, 60000) == uid


def test_passwords_go_through_a_pipe_in_one_go(monkeypatch):
    calls = []

    def run(args, data=None):
        calls.append((args, data))
        return 0, "", ""

    host = passwords_accounts.Host(run)
    monkeypatch.setattr(host, "_uid", lambda user: None)
    host.carry_out(planned([User("bob", "x"), User("carol", "y"), User("alice", present=False)]), FakeCrypt())
    assert [args[0] for args, _data in calls] == ["useradd", "useradd", "chpasswd", "userdel"]
    assert calls[2] == (["chpasswd", "-e"], "bob:hash of x\ncarol:hash of y\n")
    assert calls[3][0] == ["userdel", "alice"]


def test_a_failed_command_is_told_in_its_own_words(monkeypatch):
    host = passwords_accounts.Host(lambda args, data=None: (10, "", "useradd: cannot lock /etc/passwd; try again later.\n"))
    monkeypatch.setattr(host, "_uid", lambda user: None)
    with pytest.raises(passwords_accounts.CommandFailed, match="Cannot create user 'bob': useradd: cannot lock"):
        host.carry_out(planned([User("bob")]), FakeCrypt())


def test_an_account_that_another_run_made_meanwhile_is_no_failure(monkeypatch):
    host = passwords_accounts.Host(lambda args, data=None: (passwords_accounts.EXISTS, "", "useradd: user 'bob' already exists"))
    monkeypatch.setattr(host, "_uid", lambda user: None)
    host.carry_out(planned([User("bob")]), FakeCrypt())
    with pytest.raises(passwords_accounts.CommandFailed):
        host.carry_out(planned([User("alice", present=False)]), FakeCrypt())


@pytest.mark.parametrize("spool", ["/var/mail", "/var/spool/mail"])
def test_whoever_left_mail_in_a_spool_has_a_uid_that_nobody_gets(monkeypatch, tmp_path, spool):
    (tmp_path / "gone").touch()
    left = {}
    monkeypatch.setattr(passwords_accounts, "_entries", lambda directory: [str(tmp_path / "gone")] if directory == spool else [])
    monkeypatch.setattr(
        passwords_accounts, "choose_uid", lambda home, taken, left_behind, first, last: left.setdefault("behind", left_behind)
    )
    passwords_accounts.Host(lambda args, data=None: (0, "", ""))._uid(User("bob"))
    assert left["behind"] == {(tmp_path / "gone").stat().st_uid}
