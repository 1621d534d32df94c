# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._passwords import passwd_file
from hypothesis import given
from hypothesis import strategies as st

SHA512 = "{SHA512-CRYPT}$6$salt$" + "a" * 86


class FakeHasher:
    """A hash is the password itself, with a number, so that each one made is another."""

    def __init__(self):
        self.made = []

    def verify(self, pairs):
        return [stored.text.split("#")[0] == who.password for stored, who in pairs]

    def make(self, wanted):
        self.made += [(scheme, who.user) for scheme, who in wanted]
        return [f"{{{scheme}}}{who.password}#new" for scheme, who in wanted]


def planned(users, before, exclusive=False, scheme=None, realm=None):
    hasher = FakeHasher()
    result = passwd_file.plan(passwd_file.users_from(users, scheme, realm), before, exclusive, hasher)
    # Once carried out, there is nothing left to do.
    again = passwd_file.plan(passwd_file.users_from(users, scheme, realm), result.text, exclusive, FakeHasher())
    assert again == passwd_file.Plan(text=result.text)
    return result


def test_new_users_come_at_the_end():
    users = [
        {"name": "alice@example.org", "password": "pw"},
        {"name": "bob", "password_hash": SHA512, "uid": "5000", "gid": "vmail", "gecos": "Bob", "home": "/var/vmail/bob"},
        {"name": "carol"},
        {
            "name": "dave",
            "extra_fields": {"nopassword": True, "allow_nets": "::1", "userdb_quota_rule": "*:storage=1G", "a": 1, "b": False, "c": None},
        },
    ]
    result = planned(users, "# ours\nzoe:{PLAIN}x::::::\n")
    assert result.text == (
        "# ours\nzoe:{PLAIN}x::::::\n"
        "alice@example.org:{SHA512-CRYPT}pw#new::::::\n"
        f"bob:{SHA512}:5000:vmail:Bob:/var/vmail/bob::\n"
        "carol:{CRYPT}*::::::\n"
        "dave:::::::nopassword allow_nets=::1 userdb_quota_rule=*:storage=1G a=1\n"
    )
    assert result.create == ["alice@example.org", "bob", "carol", "dave"]
    assert result.passwords == ["alice@example.org", "bob"]
    assert (result.modify, result.remove) == ({}, [])


@pytest.mark.parametrize(
    ("user", "line", "after"),
    [
        # Nothing given, nothing changed; not even how it is written.
        ({}, "alice:{FOO}x", "alice:{FOO}x"),
        ({}, "alice:{PLAIN}x:1:2:g:/h:/bin/sh:b=2  a=1:2", "alice:{PLAIN}x:1:2:g:/h:/bin/sh:b=2  a=1:2"),
        (
            {"extra_fields": {"a": "1:2", "b": 2}},
            "alice:{PLAIN}x:1:2:g:/h:/bin/sh:b=2  a=1:2",
            "alice:{PLAIN}x:1:2:g:/h:/bin/sh:b=2  a=1:2",
        ),
        ({"uid": 1}, "alice:{PLAIN}x:1\r", "alice:{PLAIN}x:1\r"),
        # A right password stays, in whatever scheme; a wrong one is made anew in the usual scheme.
        ({"password": "x"}, "alice:{SSHA512}x", "alice:{SSHA512}x"),
        ({"password": "y"}, "alice:{SSHA512}x", "alice:{SHA512-CRYPT}y#new::::::"),
        ({"password": "x"}, "alice:x", "alice:{SHA512-CRYPT}x#new::::::"),
        ({"password": "x"}, "alice", "alice:{SHA512-CRYPT}x#new::::::"),
        # Who asks for a scheme gets it.
        ({"password": "x", "scheme": "BLF-CRYPT"}, "alice:{SSHA512}x", "alice:{BLF-CRYPT}x#new::::::"),
        ({"password": "x", "scheme": "blf-crypt"}, "alice:{BLF-CRYPT}x", "alice:{BLF-CRYPT}x"),
        ({"password": "x", "scheme": "PLAIN"}, "alice:{CLEARTEXT}x", "alice:{CLEARTEXT}x"),
        # Hashes
        ({"password_hash": SHA512}, f"alice:{SHA512[14:]}", f"alice:{SHA512[14:]}"),
        ({"password_hash": SHA512[14:]}, f"alice:{SHA512}", f"alice:{SHA512}"),
        ({"password_hash": SHA512[14:]}, "alice:{PLAIN}x", f"alice:{SHA512}::::::"),
        # The rest
        ({"home": "/new", "uid": ""}, "alice:{PLAIN}x:1:2:g:/h:/bin/sh:a=1", "alice:{PLAIN}x::2:g:/new:/bin/sh:a=1"),
        ({"extra_fields": {}}, "alice:{PLAIN}x:1:2:g:/h:/bin/sh:a=1", "alice:{PLAIN}x:1:2:g:/h:/bin/sh:"),
        # nopassword and a password exclude each other; without either nobody gets in.
        ({"extra_fields": {"nopassword": True}}, "alice:{PLAIN}x", "alice:::::::nopassword"),
        ({}, "alice:::::::nopassword", "alice:::::::nopassword"),
        ({"password": "x"}, "alice:::::::nopassword a=1", "alice:{SHA512-CRYPT}x#new::::::a=1"),
        ({"password_hash": SHA512}, "alice:::::::nopassword a=1", f"alice:{SHA512}::::::a=1"),
        ({"extra_fields": {}}, "alice:::::::nopassword", "alice:{CRYPT}*::::::"),
    ],
)
def test_one_user_there_already(user, line, after):
    before = f"# top\n\nalice2:{{PLAIN}}x\n{line}\n:no name\nbob:{{PLAIN}}y"
    result = planned([{"name": "alice", **user}], before)
    # The last line of the file gets its end when the file is written at all.
    end = "" if line == after else "\n"
    assert result.text == f"# top\n\nalice2:{{PLAIN}}x\n{after}\n:no name\nbob:{{PLAIN}}y{end}"
    assert (result.create, result.remove) == ([], [])


class CountingHasher(FakeHasher):
    def __init__(self):
        super().__init__()
        self.checked = []

    def verify(self, pairs):
        self.checked += [who.user for _stored, who in pairs]
        return super().verify(pairs)


def test_a_hash_in_the_inventory_costs_a_comparison_and_a_password_one_check():
    hashed = [{"name": "alice", "password_hash": SHA512}, {"name": "bob", "password_hash": "{PLAIN}new"}]
    users = [*hashed, {"name": "carol", "password": "pw"}]
    wanted, before = passwd_file.users_from(users), f"alice:{SHA512}::::::\nbob:{{PLAIN}}old::::::\ncarol:{{PLAIN}}pw::::::\n"
    hasher = CountingHasher()
    assert passwd_file.plan(wanted, before, True, hasher).passwords == ["bob"]
    # The hasher is not even asked about the hashes, the right one and the new one.
    assert (hasher.checked, hasher.made) == (["carol"], [])


def test_what_changes_of_whom_is_told_without_secrets():
    before = "alice:{PLAIN}old1:1:1::/a::pass=old2 keep=1 gone=old3\nbob:{PLAIN}b\n"
    users = [
        {"name": "alice", "password": "new1", "home": "/b", "extra_fields": {"pass": "new2", "keep": 1, "added": "new3"}},
        {"name": "bob", "state": "absent"},
        {"name": "nobody", "state": "absent"},
        {"name": "carol", "password": "new4"},
    ]
    result = planned(users, before)
    assert result.remove == ["bob"]
    assert list(result.modify) == ["alice"]
    assert result.passwords == ["alice", "carol"]
    lines = result.lines()
    assert lines == (
        "alice: home /a\nbob: user\n",
        "carol: user\nalice: home /b\nalice: pass [changed]\nalice: gone [removed]\nalice: added [added]\n"
        "alice: [password changed]\ncarol: [password changed]\n",
    )
    assert "new1" not in repr([result, users_of(users)])


def users_of(users):
    return passwd_file.users_from(users)


def test_a_bare_hash_is_of_the_scheme_that_all_have():
    (user,) = passwd_file.users_from([{"name": "alice", "password_hash": "0" * 32}], "DIGEST-MD5")
    assert user.hash == "{DIGEST-MD5}" + "0" * 32


def test_exclusive_removes_others_and_keeps_comments():
    result = planned([{"name": "alice"}], "# a\nbob:x\nalice:{PLAIN}x\n\ncarol\n", exclusive=True)
    assert result.text == "# a\nalice:{PLAIN}x\n\n"
    assert result.remove == ["bob", "carol"]


def test_of_two_lines_for_a_user_the_first_is_kept_as_dovecot_does():
    result = planned([{"name": "alice", "password": "x"}], "alice:{PLAIN}x\nalice:{PLAIN}y\n")
    assert result.text == "alice:{PLAIN}x\n"
    assert result.lines() == ("", "alice: second line [removed]\n")
    assert planned([{"name": "alice", "state": "absent"}], "alice:{PLAIN}x\nalice:{PLAIN}y\n").text == ""


@pytest.mark.parametrize("exclusive", [True, False])
def test_no_users_at_all(exclusive):
    assert planned([], None, exclusive) == passwd_file.Plan()
    assert planned([], "# only this", exclusive).text == "# only this"


def test_a_scheme_for_all_and_one_for_a_user():
    hasher = FakeHasher()
    users = [{"name": "alice", "password": "x"}, {"name": "bob@example.org", "password": "x", "scheme": "DIGEST-MD5"}]
    passwd_file.plan(passwd_file.users_from(users, "cram-md5", "example.org"), None, False, hasher)
    assert hasher.made == [("CRAM-MD5", "alice"), ("DIGEST-MD5", "bob")]


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"name": ""}, "'' cannot be a user's name"),
        ({"name": "a:b"}, "'a:b' cannot be a user's name: a passwd-file's names are not empty, have no colon, slash or line break"),
        ({"name": "a/b"}, "'a/b' cannot be"),
        ({"name": "a\nb"}, r"'a\nb' cannot be"),
        ({"name": "#a"}, "'#a' cannot be"),
        ({"name": ".."}, "'..' cannot be"),
        ({"password": ""}, "The password of user 'alice' is empty; leave the option out for a user who cannot log in."),
        (
            {"password": "geheim\n"},
            "The password of user 'alice' has a line break or a null character in it, which no mail client could send.",
        ),
        ({"password": "ä" * 256}, "The password of user 'alice' is longer than 511 bytes."),
        (
            {"password": "geheim", "password_hash": "{PLAIN}geheim"},
            "The user 'alice' has both a password and a password_hash; give one of them.",
        ),
        (
            {"password_hash": "{FOO}geheim"},
            "The password_hash of user 'alice' is in a scheme that Dovecot does not have; write it",
        ),
        ({"password_hash": ""}, "The password_hash of user 'alice' does not tell its scheme; write it"),
        ({"password_hash": "{PLAIN}geh:eim"}, "The password_hash of user 'alice' has a colon or a line break in it, which a passwd-file"),
        ({"password_hash": "{PLAIN}geheim\n"}, "The password_hash of user 'alice' has a colon or a line break in it"),
        (
            {"password": "geheim", "scheme": "ROT13"},
            "The scheme 'ROT13' of user 'alice' is none that a password can be stored in here; there are SHA512-",
        ),
        ({"password": "geheim", "scheme": "SSHA"}, "The scheme 'SSHA' of user 'alice' is none"),
        ({"uid": "0"}, "The uid of user 'alice' is root's, and Dovecot serves no mail as root; name another account."),
        ({"gid": "root"}, "The gid of user 'alice' is root's"),
        ({"gecos": "a:b"}, "The gecos of user 'alice' has a colon or a line break in it, which a passwd-file cannot hold."),
        ({"home": "/a\nb"}, "The home of user 'alice' has a colon or a line break"),
        ({"home": "mail"}, "The home of user 'alice' must be an absolute path, and 'mail' is not."),
        ({"extra_fields": {"a b": "1"}}, "The extra field 'a b' of user 'alice' has no name that Dovecot could read"),
        ({"extra_fields": {"a=b": "1"}}, "The extra field 'a=b' of user 'alice' has no name"),
        ({"extra_fields": {"": "1"}}, "The extra field '' of user 'alice' has no name"),
        ({"extra_fields": {"a": "geheim geheim"}}, "The extra field a of user 'alice' has a space or a line break in its value"),
        ({"extra_fields": {"a": ["geheim"]}}, "The extra field a of user 'alice' must be one text, number or boolean."),
        (
            {"extra_fields": {"nopassword": "y"}, "password": "geheim"},
            "The user 'alice' has both a password and the extra field nopassword",
        ),
    ],
)
def test_bad_input(user, says):
    with pytest.raises(passwd_file.BadUser) as caught:
        users_of([{"name": "alice", **user}])
    sentence = str(caught.value)
    assert sentence.startswith(says)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "geheim" not in sentence


def test_all_that_is_wrong_is_told_at_once():
    users = [{"name": "alice", "password": ""}, {"name": "bob"}, {"name": "bob"}, {"name": "bob"}]
    assert passwd_file.problems(users, "FOO") == [
        "The scheme 'FOO' of users is none that a password can be stored in here; there are SHA512-CRYPT, SHA256-CRYPT, BLF-CRYPT,"
        " ARGON2ID, SCRAM-SHA-1, SCRAM-SHA-256, CRAM-MD5, DIGEST-MD5, PLAIN.",
        "The password of user 'alice' is empty; leave the option out for a user who cannot log in.",
        "The user 'bob' is given 3 times; join them.",
    ]


NAMES = st.sampled_from(["alice", "alice@example.org", "böb", "c d", "%u"])
USERS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "password": st.sampled_from(["x", "y"]),
            "home": st.sampled_from(["", "/h"]),
            "extra_fields": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", True, None, "*:x=y"])),
            "state": st.sampled_from(["present", "absent"]),
        },
    ),
    unique_by=lambda user: user["name"],
)


@given(USERS, st.text("ab:#{}=\n \r$alice", max_size=80), st.booleans())
def test_whatever_is_in_the_file(users, before, exclusive):
    result = planned(users, before, exclusive)
    names = {user["name"] for user in users}
    theirs = {line for line in before.split("\n") if (entry := passwd_file.parse_line(line)) and entry.name not in names}
    assert exclusive or theirs <= set(result.text.split("\n"))
    there = {entry.name for line in result.text.split("\n") if (entry := passwd_file.parse_line(line))}
    assert {user["name"] for user in users if user.get("state") != "absent"} <= there
    assert not {user["name"] for user in users if user.get("state") == "absent"} & there
