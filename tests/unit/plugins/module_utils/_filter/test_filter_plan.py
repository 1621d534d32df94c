# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter import plan as plans
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import BadRule

RULE = {"name": "lists", "match": [{"header": "List-Id", "exists": True}], "folder": "Lists"}


def plan(engine="sieve", rules=(), rules_after=(), users=(), **more):
    options = {"domain": "example.org", "mail_location": "maildir:~/Maildir", **more}
    wanted, problems = plans.plan(engine, list(rules), list(rules_after), list(users), **options)
    assert problems == []
    return wanted


def test_who_has_which_engine():
    wanted = plan(users=[{"name": "bob", "engine": "procmail"}, {"name": "alice"}])
    assert wanted.engines == {"sieve", "procmail"}
    assert [wanted.engine_of(name) for name in ("alice", "bob", "somebody")] == ["sieve", "procmail", "sieve"]
    assert wanted.user("somebody").is_empty


def test_the_rules_of_the_site_are_for_each_engine_in_use():
    wanted = plan(rules=[RULE])
    assert plans.procmail_site(wanted) is None
    assert 'fileinto :create "Lists";' in (plans.sieve_site(wanted, wanted.rules) or "")
    both = plan(rules=[RULE], users=[{"name": "bob", "engine": "procmail"}])
    assert '"$MAILDIR/.Lists/"' in (plans.procmail_site(both) or "")
    assert "DROPPRIVS=yes" in (plans.procmail_site(both) or "")
    alone = plan("procmail", rules=[RULE])
    assert plans.sieve_site(alone, alone.rules) is None


def test_a_user_without_rules_keeps_what_he_has():
    wanted = plan(users=[{"name": "bob", "engine": "procmail"}, {"name": "alice"}])
    assert [plans.procmail_user(wanted, user) for user in wanted.users] == [None, None]
    assert [plans.sieve_user(wanted, user) for user in wanted.users] == [None, None]


def test_a_script_is_taken_as_it_is():
    wanted = plan(users=[{"name": "alice", "script": 'require "fileinto";\nkeep;\n\n'}])
    text = plans.sieve_user(wanted, wanted.users[0])
    assert text == '# Managed by postroom.mail: what is changed in this file by hand is overwritten.\nrequire "fileinto";\nkeep;\n'


@pytest.mark.parametrize(("name", "address"), [("alice", "alice@example.org"), ("carol@shop.example", "carol@shop.example")])
def test_what_comes_back_is_known_by_the_own_address(name, address):
    wanted = plan(users=[{"name": name, "rules": [{"forward": "x@y.example"}]}])
    assert plans.address_of(wanted, name) == address
    assert f'not header :is ["X-Loop", "X-Sieve-Redirected-From"] "{address}"' in (plans.sieve_user(wanted, wanted.users[0]) or "")


def test_what_the_site_has_flagged_is_so_for_the_user():
    bob = {"name": "bob", "engine": "procmail", "rules": [RULE]}
    for rules, expected in (([{"flag": "\\Seen"}], True), ([RULE], False)):
        wanted = plan(rules=rules, users=[bob])
        assert ("TRAP=" in (plans.procmail_user(wanted, wanted.users[0]) or "")) is expected


def test_dovecot_allows_its_usual_number_of_redirects_at_least():
    assert plan().redirects == 4
    rules = [{"forward": ["a@b.example", "c@d.example"], "copy": True}]
    users = [{"name": "alice", "rules": rules}, {"name": "bob", "engine": "procmail", "rules": rules * 9}]
    assert plan(rules=rules, rules_after=(), users=users).redirects == 4
    assert plan(rules=rules * 2, users=users).redirects == 6


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"users": [{"name": "alice", "script": ["x"]}]}, "The script of alice must be a text."),
        ({"users": [{"name": "alice", "engine": "procmail", "variables": ["x"]}]}, "The variables of alice must be a dictionary"),
        ({"users": [{}]}, "The user '' of the filter rules has a name that no user can have."),
        ({"domain": "a b"}, "The domain 'a b' of the filter rules is no domain name."),
        ({"mail_location": "Maildir"}, "mail_location 'Maildir' is not understood"),
    ],
)
def test_what_cannot_be(options, sentence):
    given = {"domain": "example.org", "mail_location": "maildir:~/Maildir", "users": [], **options}
    users = given.pop("users")
    wanted, problems = plans.plan("sieve", [], [], users, **given)
    assert problems[0].startswith(sentence)
    with pytest.raises(BadRule) as error:
        plans.checked(wanted, problems)
    assert str(error.value) == " ".join(problems)


def test_what_the_site_says_has_to_suit_each_engine():
    _wanted, problems = plans.plan(
        "sieve",
        [{"name": "no", "reject": "x"}],
        [],
        [{"name": "bob", "engine": "procmail"}],
        domain="example.org",
        mail_location="maildir:~/M",
    )
    assert problems == ["The rule no of the site has reject, which procmail does not support; Sieve does (engine: sieve)."]
