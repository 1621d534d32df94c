# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.addresses_host import HOST, address_plan, plan, postmasters
from hypothesis import given as examples
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("aliases", "virtual"),
    [
        pytest.param({"me": "alice", "wizards": ["root", "alice", "bob"], "methere": "panda@panda.example"}, {}, id="the plain ones"),
        pytest.param({"alice": "alice, bob"}, {}, id="a copy to somebody else"),
        pytest.param({"alice": ["alice@example.org", "x@y.example"]}, {}, id="a copy, written in full"),
        pytest.param({"alice": [r"\alice", "bob"]}, {}, id="a copy, the old way"),
        pytest.param({"a": "b", "b": "c", "c": "carol"}, {}, id="one after the other"),
        pytest.param({"a": "postmaster", "b": "webmaster"}, {}, id="to an alias of the system's own"),
        pytest.param({"a": "alice+lists", "b": "ALICE@Mail.Example.ORG"}, {}, id="tags and capitals"),
        pytest.param({"a": '"alice"', "b": "Alice Liddell <alice@example.org>"}, {}, id="quotes and brackets"),
        pytest.param({"a": ":include:/etc/lists/a", "b": '":include:/etc/lists/b c"'}, {}, id="include"),
        pytest.param({"a": "x@$mydomain", "b": "user%host", "c": "a!b"}, {}, id="what cannot be followed"),
        pytest.param({"a": None}, {"b@virt.example": None}, id="no value is no entry"),
        pytest.param({"unasked": "somebody"}, {}, id="who was not asked about may be there"),
        pytest.param({}, {"a@virt.example": "alice", "b@virt.example": ["bob", "x@y.example"]}, id="virtual"),
        pytest.param({}, {"alice@example.org": "alice@example.org, bob"}, id="virtual to itself"),
        pytest.param({}, {"@virt.example": "@example.org"}, id="domain to domain"),
        pytest.param({}, {"@virt.example": "@other.example", "@other.example": "alice"}, id="domain to domain to one"),
        pytest.param({}, {"@example.org": "alice"}, id="catch-all"),
        pytest.param({}, {"@example.org": "boss@example.org", "boss@example.org": ["carol", "bob"]}, id="catch-all to an alias"),
        pytest.param({"me": "you@virt.example"}, {"you@virt.example": "alice"}, id="out and in again"),
        pytest.param({"alice": "carol"}, {"carol@example.org": "alice"}, id="virtual before local is no circle"),
        pytest.param({}, {"sales": "bob", "x@elsewhere.example": "sales@example.org"}, id="a name alone"),
        pytest.param({"list": "list+x", "list+x": "alice"}, {}, id="an alias with a tag"),
    ],
)
def test_what_is_right_is_not_objected_to(aliases, virtual):
    assert plan(aliases, virtual_aliases=virtual)["problems"] == []


@pytest.mark.parametrize(
    ("aliases", "virtual", "told"),
    [
        pytest.param({"me": "you", "you": "me"}, {}, ["me -> you -> me", "come back as undeliverable"], id="two"),
        pytest.param({"a": "b", "b": ["c", "bob"], "c": "a"}, {}, ["a -> b -> c -> a"], id="three, one way out"),
        pytest.param({"start": "me", "me": "You", "YOU": "me+tag"}, {}, ["me -> you -> me "], id="capitals and tags"),
        pytest.param({"postmaster": "webmaster", "webmaster": "postmaster"}, {}, ["postmaster -> webmaster -> postmaster"], id="over it"),
        pytest.param({"root": "postmaster"}, {}, ["root -> postmaster -> root"], id="through the system's own"),
        pytest.param(
            {},
            {"a@virt.example": "b@virt.example", "b@virt.example": "a@virt.example"},
            ["a@virt.example -> b@virt.example ->", "451"],
            id="virtual",
        ),
        pytest.param(
            {}, {"@virt.example": "@other.example", "@other.example": "@virt.example"}, ["@virt.example -> @other.example ->"], id="domains"
        ),
        pytest.param({"me": "you@virt.example"}, {"you@virt.example": "me"}, ["you@virt.example -> me -> you@virt.example"], id="both"),
        pytest.param({}, {"@example.org": "boss", "boss@example.org": "ghost"}, ["@example.org"], id="a catch-all, and nobody to catch it"),
        pytest.param({"list": "list+x", "list+x": "list"}, {}, ["list -> list+x -> list"], id="an alias with a tag"),
    ],
)
def test_circles(aliases, virtual, told):
    problems = plan(aliases, virtual_aliases=virtual)["problems"]
    assert len(problems) == 1, problems
    assert "lead in a circle" in problems[0]
    for words in told:
        assert words in problems[0]


@pytest.mark.parametrize(
    ("aliases", "virtual", "told"),
    [
        pytest.param({"me": "ghost"}, {}, "me in postfix_aliases (mail_aliases) leads to ghost, which is neither", id="alias"),
        pytest.param({"me": "alice, Ghost+x@example.org"}, {}, "leads to ghost, which", id="one of two, in full, with a tag"),
        pytest.param({"me": "gone"}, {}, "me in postfix_aliases (mail_aliases) leads to gone", id="a user who is to go"),
        pytest.param({"ghost": ["ghost", "bob"]}, {}, "ghost in postfix_aliases (mail_aliases) leads to ghost", id="a copy for nobody"),
        pytest.param({}, {"v@virt.example": "ghost"}, "v@virt.example in postfix_virtual_aliases", id="virtual"),
        pytest.param({}, {"ghost@example.org": "ghost@example.org"}, "leads to ghost, which", id="virtual to itself"),
        pytest.param({}, {"v@virt.example": "v@virt.example"}, "virt.example has virtual aliases only", id="no mailboxes there"),
        pytest.param({}, {"v@virt.example": "w@other.example"}, "leads to w@other.example, and other.example has virtual", id="nor there"),
        pytest.param({"me": "w@other.example"}, {}, "leads to w@other.example, and other.example", id="from an alias"),
    ],
)
def test_nobody(aliases, virtual, told):
    problems = plan(aliases, virtual_aliases=virtual)["problems"]
    assert len(problems) == 1, problems
    assert told in problems[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(
            {"aliases": {"me": "bob", "Me": "alice"}}, "postfix_aliases (mail_aliases): The key 'Me' stands twice", id="alias twice"
        ),
        pytest.param({"virtual_aliases": {"a@virt.example": "bob", "A@virt.example": "alice"}}, "stands twice", id="virtual twice"),
        pytest.param(
            {"tables": {"postfix_canonical": {"a@x": "b@x", "A@x": "c@x"}}}, "postfix_canonical: The key 'A@x'", id="another table"
        ),
        pytest.param({"virtual_aliases": {"a@virt.example": ""}}, "The value of 'a@virt.example' is empty", id="empty"),
        pytest.param({"aliases": {"a@example.org": "bob"}}, "put it into a table of virtual aliases", id="alias with a domain"),
        pytest.param({"aliases": ["alice"]}, "postfix_aliases (mail_aliases): Entry 1 is text", id="no dictionary"),
        pytest.param({"virtual_aliases": "alice"}, "Entries are a dictionary", id="text"),
        pytest.param({"access": {"postfix_client_access": {"192.0.2.1": "REJCT"}}}, "postfix_client_access, 192.0.2.1", id="action"),
        pytest.param({"aliases": {"list": "|/bin/list"}}, "list in postfix_aliases (mail_aliases) hands mail to a command", id="command"),
        pytest.param({"aliases": {"list": ["bob", "|/bin/a, b"]}}, "add 'alias' to postfix_allow_mail_to_commands", id="one of two"),
        pytest.param({"aliases": {"list": "/var/mail/list"}}, "add 'alias' to postfix_allow_mail_to_files", id="file"),
        pytest.param(
            {"system_aliases": {"list": '"|/bin/x y"'}}, "list in /etc/aliases hands mail to a command (|/bin/x y)", id="system's"
        ),
        pytest.param({"virtual_aliases": {"a@virt.example": "|/bin/x"}}, "which only a local alias can", id="virtual command"),
        pytest.param(
            {"relocated": {"me@example.org": "x@y"}, "aliases": {"me": "bob"}}, "would forward: remove one", id="moved, and alias"
        ),
        pytest.param(
            {"relocated": {"a@virt.example": "x@y"}, "virtual_aliases": {"A@virt.example": "bob"}},
            "A@virt.example",
            id="moved, and virtual",
        ),
        pytest.param({"relocated": {"carol": "x@y"}, "virtual_aliases": {"@example.org": "bob"}}, "@example.org in", id="moved, caught"),
    ],
)
def test_what_else_is_wrong(given, told):
    given = {"aliases": {}, "virtual_aliases": {}, **given}
    if isinstance(given["aliases"], dict):
        given["aliases"] = {"root": "alice", **given["aliases"]}
    problems = address_plan(**{**HOST, **given})["problems"]
    assert len(problems) == 1, problems
    assert told.lower() in problems[0].lower()


def test_commands_where_they_are_allowed():
    more = {"commands": ["alias", "forward"], "files": ["alias"], "system_aliases": {"x": "|/bin/x", "y": "/var/y"}}
    assert plan({"list": "|/bin/list", "archive": "/var/mail/archive"}, **more)["problems"] == []


def test_a_system_alias_that_is_not_asked_any_more():
    assert plan({"list": "alice"}, system_aliases={"list": "|/bin/list"})["problems"] == []


@pytest.mark.parametrize(
    "action", ["OK", "reject with a word", "550 5.7.1 no", "permit_mynetworks", "mine, reject", "PREPEND X: y", None, 450]
)
def test_actions_of_access_tables(action):
    assert plan(access={"postfix_client_access": {"192.0.2.1": action}}, classes=["mine"])["problems"] == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param({"aliases": {"me": "bob"}}, ["Mail for root cannot be delivered"], id="nobody reads root's"),
        pytest.param({"aliases": {"Root": "bob"}}, [], id="an alias"),
        pytest.param({"aliases": {}, "system_aliases": {"root": "bob"}}, [], id="the system's"),
        pytest.param({"aliases": {}, "virtual_aliases": {"root@example.org": "bob"}}, [], id="a virtual alias"),
        pytest.param({"aliases": {"root": "bob"}, "relocated": {"alice": "x@y"}}, ["although alice is in mail_users"], id="moved user"),
        pytest.param({"aliases": {"root": "bob"}, "relocated": {"alice@elsewhere.example": "x@y"}}, [], id="moved stranger"),
    ],
)
def test_warnings(given, told):
    found = address_plan(**{**HOST, **given})["warnings"]
    assert len(found) == len(told)
    assert all(words in said for words, said in zip(told, found))


def test_a_catch_all_leaves_everybody_his_mail():
    virtual = {"@example.org": "alice", "Sales@example.org": "bob", "info": "bob", "@virt.example": "carol"}
    found = plan({"me": "bob", "sales": "alice", "two words": "bob", "info": "alice"}, virtual_aliases=virtual)
    assert found["problems"] == []
    assert found["catch_alls"] == ["example.org"]
    assert found["virtual_aliases"] == {
        **virtual,
        "info@example.org": "bob",
        **{f"{name}@example.org": f"{name}@example.org" for name in ("alice", "bob", "root", "me", "postmaster", "webmaster")},
        **postmasters("other.example"),
    }
    assert found["name_rows"] == [{"pattern": r"/^([^@+]+)(\+[^@]*)?@(example\.org)$/", "value": "$1"}]
    # Whom Dovecot keeps no mail for is caught like anybody.
    (row,) = found["account_rows"]
    assert row["value"] == "$1@example.org"
    assert re.search(row["pattern"].strip("/"), "carol:x:1001:1001::/home/carol:/bin/sh")
    assert not re.search(row["pattern"].strip("/"), "games:x:5:60:games:/usr/games:/usr/sbin/nologin")


SHOP = {"mailbox_domains": ["Shop.example", "two.example"], "mailboxes": ["Carol@shop.example", "carol@two.example"]}


@pytest.mark.parametrize(
    ("aliases", "virtual"),
    [
        pytest.param({"sales": "carol@shop.example"}, {}, id="an alias to it"),
        pytest.param({}, {"info@shop.example": "Carol+info@shop.example"}, id="a virtual alias to it, with a tag"),
        pytest.param({}, {"info@shop.example": "alice"}, id="a virtual alias in its domain to an account"),
        pytest.param({}, {"@shop.example": "carol@shop.example"}, id="a catch-all"),
        pytest.param(
            {}, {"@shop.example": "x@virt.example", "x@virt.example": "carol@shop.example"}, id="a catch-all that comes back to a mailbox"
        ),
        pytest.param({"sales": "dave@shop.example"}, {"@shop.example": "alice"}, id="a catch-all for a name without a mailbox"),
        pytest.param({}, {"carol@shop.example": ["carol@shop.example", "alice"]}, id="a copy"),
        pytest.param({}, {"carol@shop.example": "carol@two.example"}, id="two people of one name"),
    ],
)
def test_what_is_right_with_virtual_mailboxes(aliases, virtual):
    assert plan(aliases, virtual_aliases=virtual, **SHOP)["problems"] == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param({"aliases": {"x": "dave@shop.example"}}, "leads to dave@shop.example, which is neither a mailbox", id="nobody"),
        pytest.param(
            {"virtual_aliases": {"dave@shop.example": "dave@shop.example"}}, "leads to dave@shop.example, which is neither", id="to itself"
        ),
        pytest.param({"destinations": ["shop.example"]}, "shop.example has mailboxes of mail_virtual_users, and is the host's", id="local"),
        pytest.param({"virtual_domains": ["shop.example"]}, "virtual aliases only, by postfix_virtual_alias_domains", id="aliases"),
        pytest.param({"relay_domains": ["Two.example"]}, "two.example has mailboxes of mail_virtual_users, and is another", id="relayed"),
        pytest.param(
            {"virtual_aliases": {"a@shop.example": "b@shop.example", "b@shop.example": "a@shop.example"}}, "lead in a circle", id="circle"
        ),
        pytest.param(
            {"virtual_aliases": {"@shop.example": "x@virt.example", "x@virt.example": "dave@shop.example"}},
            "lead in a circle",
            id="a catch-all that comes back to itself",
        ),
    ],
)
def test_what_is_wrong_with_virtual_mailboxes(given, told):
    given = {"aliases": {}, "virtual_aliases": {}, **SHOP, **given}
    problems = address_plan(**{**HOST, **given, "aliases": {"root": "alice", **given["aliases"]}})["problems"]
    assert len(problems) == 1, problems
    assert told in problems[0]


def test_a_catch_all_leaves_mailboxes_their_mail():
    virtual = {"@shop.example": "alice", "@two.example": "alice", "Carol@Two.example": "bob"}
    found = plan(virtual_aliases=virtual, **SHOP)
    assert found["virtual_aliases"] == {
        **virtual,
        "carol@shop.example": "carol@shop.example",
        **postmasters("virt.example", "other.example"),
    }
    # Only the host's own accounts have to be asked for.
    assert found["catch_alls"] == []


@pytest.mark.parametrize(
    ("virtual", "warned"),
    [
        ({"carol@shop.example": "alice"}, True),
        ({"carol@shop.example": "alice, Carol@shop.example"}, False),
        ({"carol@shop.example": "@shop.example"}, False),
        ({"@shop.example": "alice"}, False),
    ],
)
def test_a_mailbox_that_gets_no_mail(virtual, warned):
    found = plan(virtual_aliases=virtual, **SHOP)["warnings"]
    assert [said.startswith("carol@shop.example in mail_virtual_users gets no mail") for said in found] == [True] * warned


def test_without_a_catch_all_the_table_is_what_was_given():
    virtual = {"@virt.example": "alice", "a@virt.example": None}
    found = plan(virtual_aliases=virtual)
    assert found["virtual_aliases"] == {**virtual, **postmasters("other.example")}
    assert [found[name] for name in ("catch_alls", "name_rows", "account_rows")] == [[], [], []]


def test_only_names_that_matter_are_looked_up():
    aliases = {"me": ["alice", "panda@panda.example", "|/bin/x"], "you": "me, Carol+x@mail.example.org"}
    assert plan(aliases, virtual_aliases={"v@virt.example": "dora", "w@virt.example": "x@y.example"})["look_up"] == [
        "alice",
        "carol",
        "dora",
    ]


def test_an_inventory_without_a_word_about_addresses():
    assert address_plan({}, names={"myorigin": ""})["problems"] == []


def test_a_name_that_is_no_text_is_somebody_elses_to_refuse():
    assert plan(destinations=["$myhostname"], names={"myhostname": ["a.example.org", "b.example.org"]})["problems"] == []


def test_a_long_chain_and_a_wide_table_take_little_time():
    chain = {f"n{i}": f"n{i + 1}" for i in range(20_000)}
    problems = plan({**chain, "n20000": "n0"})["problems"]
    assert len(problems) == 1


TARGETS = st.one_of(st.none(), st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3), st.integers())
ENTRIES = st.dictionaries(st.text(max_size=12), TARGETS, max_size=4)


@examples(aliases=ENTRIES, virtual=ENTRIES, system=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3))
def test_whatever_stands_there_is_answered(aliases, virtual, system):
    found = address_plan(aliases, virtual_aliases=virtual, **{**HOST, "system_aliases": system, "relocated": virtual})
    assert all(isinstance(said, str) for said in found["problems"])


def test_keys_that_are_never_looked_up_are_told_for_each_table():
    said = plan(
        {"*": "alice"},
        virtual_aliases={"*@virt.example": "bob"},
        tables={"postfix_generic": {"<a@b.example>": "c@d.example"}},
        access={
            "postfix_client_access": {"198.18.77.0/24": "REJECT"},
            "postfix_sender_access": {"@spam.example": "REJECT"},
            "postfix_recipient_access": {".spam.example": "REJECT"},
        },
        transports={"bob@example.org": "lmtp:unix:/x"},
        virtual_domains=[".s.example", "*.t.example"],
        destinations=["$mydomain", "@example.org"],
    )["problems"]
    assert [one.partition(": Postfix would never look up ")[0] for one in said] == [
        "postfix_aliases (mail_aliases)",
        "postfix_virtual_aliases (mail_virtual_aliases)",
        "postfix_mailbox_transports",
        "postfix_generic",
        "postfix_client_access",
        "postfix_sender_access",
        "postfix_recipient_access",
        *["postfix_virtual_alias_domains (mail_virtual_domains)"] * 2,
        "postfix_mydestination",
    ]


def test_a_leading_dot_is_right_in_an_access_table_where_parents_do_not_match():
    access = {"postfix_client_access": {".spam.example": "REJECT"}}
    assert plan(access=access, parents=False)["problems"] == []
    assert len(plan(access=access)["problems"]) == 1


@pytest.mark.parametrize(
    ("destinations", "virtual", "is_told"),
    [
        pytest.param(["$myhostname", "localhost"], {}, True, id="left out"),
        pytest.param(["$mydomain", "localhost"], {}, False, id="named"),
        pytest.param(["example.org"], {}, False, id="written out"),
        pytest.param(["localhost", "hash:/etc/postfix/more"], {}, False, id="a table may name it"),
        pytest.param(["localhost"], {"root@example.org": "x@elsewhere.example"}, False, id="a virtual alias has it"),
    ],
)
def test_mail_without_a_domain_that_goes_to_another_host_is_told(destinations, virtual, is_told):
    warnings = plan(destinations=destinations, virtual_aliases=virtual)["warnings"]
    assert [one for one in warnings if "another host gets it" in one and "example.org" in one] == warnings
    assert bool(warnings) == is_told


def test_names_that_are_numbers_or_have_no_value_are_taken():
    found = plan({4711: "bob", "sales": None}, relocated={4712: "new@elsewhere.example"})
    assert found["problems"] == []


def test_a_network_that_yaml_took_for_a_number_is_told():
    (said,) = plan(access={"postfix_client_access": {192.1: "REJECT", 10: "OK"}})["problems"]
    assert "put it in quotes" in said
