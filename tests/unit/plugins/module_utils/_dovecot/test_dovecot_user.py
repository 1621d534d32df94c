# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import user as dovecot_user
from ansible_collections.postroom.mail.plugins.module_utils._passwords.hashes import Hasher
from ansible_collections.postroom.mail.plugins.module_utils._passwords.passwd_file import users_from

OURS = files.Attributes(str(os.getuid()), str(os.getgid()), 0o640)


class NoLibrary:
    """No test here needs a hash that a library would make."""


class FakeRun:
    """Dovecot's programs, as far as they are asked; None stands for a program that is not there."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, args, data=None):
        self.asked.append(args)
        answer = self.answers.get(args[-1])
        return (127, "", "") if answer is None else (0, f"{answer}\n", "")


def host(check_mode=False, **answers):
    return dovecot_user.Host(FakeRun({key.replace("list", "-l"): value for key, value in answers.items()}), check_mode=check_mode)


def update(path, users, *, check_mode=False, exclusive=False, backup=False):
    hasher = Hasher(NoLibrary(), NoLibrary())
    return dovecot_user.update(
        str(path), users_from(users, "CRAM-MD5"), hasher, exclusive=exclusive, wanted=OURS, backup=backup, check_mode=check_mode
    )


def test_a_file_is_made_kept_and_changed(tmp_path):
    path = tmp_path / "users"
    users = [{"name": "alice", "password": "x"}]
    change, plan = update(path, users, check_mode=True)
    assert (change.changed, plan.create, path.exists()) == (True, ["alice"], False)
    assert update(path, users)[0].changed
    before = path.stat()
    assert before.st_mode & 0o777 == 0o640
    assert not update(path, users)[0].changed
    assert path.stat() == before
    path.chmod(0o644)
    change, plan = update(path, [{"name": "alice", "password": "y"}], backup=True)
    assert plan.passwords == ["alice"]
    assert path.stat().st_ino != before.st_ino
    assert len(os.listdir(tmp_path)) == 2
    assert os.stat(change.backup_file).st_mode & 0o777 == 0o640


def test_each_change_is_of_another_second(tmp_path):
    """Dovecot knows a changed file by its size and the second of its last change."""
    path = tmp_path / "users"
    seen = set()
    for number in range(5):
        update(path, [{"name": "alice", "password": str(number)}])
        stat = path.stat()
        seen.add((int(stat.st_mtime), stat.st_size))
    assert len(seen) == 5
    os.utime(path, (10, 10))
    update(path, [{"name": "alice", "password": "x"}])
    assert path.stat().st_mtime > 10


@pytest.mark.parametrize(
    ("group", "owner_group_mode", "wanted"),
    [
        (True, (None, None, None), ("root", "dovecot", 0o640)),
        (False, (None, None, None), ("root", "root", 0o600)),
        (False, (None, "mail", None), ("root", "mail", 0o640)),
        (True, ("vmail", "mail", 0o600), ("vmail", "mail", 0o600)),
    ],
)
def test_who_may_read_the_file(monkeypatch, group, owner_group_mode, wanted):
    def getgrnam(name):
        if not group:
            raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", getgrnam)
    assert dovecot_user.attributes(*owner_group_mode) == files.Attributes(*wanted)


def test_an_owner_that_is_missing():
    with pytest.raises(BadInput, match=r"There is no user 'nobody_there' on this host to own the file\."):
        host().attributes("nobody_there", None, None)
    there = host(check_mode=True)
    assert there.attributes("root", "nobody_there", 0o600) == files.Attributes(mode=0o600)
    assert there.warnings == ["There is no group 'nobody_there' on this host to own the file."]


def test_asks_only_for_schemes_that_not_every_dovecot_has():
    there = host(list="SHA512-CRYPT PLAIN ARGON2ID")
    users = users_from([{"name": "alice", "password": "x"}, {"name": "bob", "password": "x", "scheme": "BLF-CRYPT", "state": "absent"}])
    there.hasher(users, NoLibrary(), NoLibrary())
    assert there._run.asked == []
    there.hasher(users_from([{"name": "alice", "password": "x"}], "ARGON2ID"), NoLibrary(), NoLibrary())
    assert there._run.asked == [["doveadm", "pw", "-l"]]


@pytest.mark.parametrize(
    "user", [{"password": "x", "scheme": "ARGON2ID"}, {"password_hash": "{argon2}$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"}]
)
def test_a_scheme_that_this_dovecot_cannot_check(user):
    with pytest.raises(dovecot_user.SchemeMissing) as caught:
        host(list="SHA512-CRYPT PLAIN SCRAM-SHA-1 SHA").hasher(users_from([{"name": "alice", **user}]), NoLibrary(), NoLibrary())
    assert str(caught.value) == (
        "The Dovecot of this host cannot check passwords in the scheme ARGON2ID; of those that can be made here it has"
        " SHA512-CRYPT, SCRAM-SHA-1, PLAIN."
    )


def test_before_dovecot_is_installed_check_mode_makes_no_hash(tmp_path):
    users = users_from([{"name": "alice", "password": "x", "scheme": "ARGON2ID"}])
    dry = host(check_mode=True).hasher(users, NoLibrary(), NoLibrary())
    change, plan = dovecot_user.update(str(tmp_path / "users"), users, dry, exclusive=False, wanted=OURS, backup=False, check_mode=True)
    assert (change.changed, plan.create, plan.passwords) == (True, ["alice"], ["alice"])
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_missing(tmp_path):
    path = str(tmp_path / "none" / "users")
    says = f"There is no directory {tmp_path}/none for the file {path}; create it, or install Dovecot, first."
    with pytest.raises(BadInput) as caught:
        host().check_directory(path)
    assert str(caught.value) == says
    there = host(check_mode=True)
    there.check_directory(path)
    assert there.warnings == [says]
    with pytest.raises(BadInput, match=r"is a directory; name the file in it\."):
        host().check_directory(str(tmp_path))


def test_accounts_that_are_missing():
    users = users_from(
        [{"name": "a", "uid": "nobody_there", "gid": "100"}, {"name": "b", "uid": "nobody_there"}, {"name": "c", "uid": "5000"}]
    )
    with pytest.raises(
        dovecot_user.NoAccount, match=r"There is no user 'nobody_there' on this host, and Dovecot passes over a user whose uid"
    ):
        host().check_accounts(users)
    there = host(check_mode=True)
    there.check_accounts(users)
    assert len(there.warnings) == 1
    with pytest.raises(dovecot_user.NoAccount, match="no group 'nobody_there'"):
        host().check_accounts(
            users_from([{"name": "a", "uid": "root2", "gid": "nobody_there", "state": "absent"}, {"name": "b", "gid": "nobody_there"}])
        )


@pytest.mark.parametrize(
    ("user", "answers", "says"),
    [
        ({"name": "alice@example.org"}, None, None),
        ({"name": "böb"}, {}, None),
        ({"name": "böb"}, {"auth_username_chars": ""}, None),
        ({"name": "böb"}, {"auth_username_chars": "böc"}, None),
        ({"name": "böb", "state": "absent"}, {"auth_username_chars": "ob"}, None),
        ({"name": "böb"}, {"auth_username_chars": "ob"}, "does not allow all characters of 'böb', so nobody can log in."),
        ({"name": "Bob"}, {"auth_username_format": "%u"}, None),
        ({"name": "Übel"}, {"auth_username_format": "%Lu"}, None),
        ({"name": "Bob"}, {"auth_username_format": "%Lu"}, "so it does not find 'Bob'; write such a name in lower case."),
        ({"name": "Bob"}, {"auth_username_format": "%{user | lower}"}, "so it does not find 'Bob'"),
        ({"name": "bob", "password_hash": "{PLAIN-MD5}00"}, {"auth_allow_weak_schemes": ""}, None),
        ({"name": "bob", "password_hash": "{PLAIN-MD5}00"}, {"auth_allow_weak_schemes": "yes"}, None),
        (
            {"name": "bob", "password_hash": "{plain-md5.HEX}00"},
            {"auth_allow_weak_schemes": "no"},
            "This Dovecot refuses the hash of 'bob' as too weak",
        ),
        ({"name": "bob", "password_hash": "{PLAIN}00"}, None, None),
    ],
)
def test_warns_of_users_that_this_dovecot_would_not_let_in(user, answers, says):
    there = host(**(answers or {}))
    there.remark(users_from([user]))
    assert bool(there.warnings) == bool(says)
    if says:
        assert says in there.warnings[0]
    if answers is None:
        assert there._run.asked == []


def test_many_odd_names_are_not_all_named():
    there = host(auth_username_chars="x")
    there.remark(users_from([{"name": f"ä{number}"} for number in range(8)]))
    assert "'ä4' and 3 more" in there.warnings[0]


def test_secret_extra_fields_are_known_and_not_shown():
    extra = {"pass": "y", "userdb_home": "/h", "master_token": 7, "nopassword": True, "userdb_mail_crypt_private_key": "k"}
    shown, secrets = dovecot_user.judge("extra_fields", extra, {})
    assert secrets == {"y", "7", "k"}
    assert {name for name, value in shown.items() if value != extra[name]} == {"pass", "master_token", "userdb_mail_crypt_private_key"}
    assert dovecot_user.judge("password", "x", {}) is None
