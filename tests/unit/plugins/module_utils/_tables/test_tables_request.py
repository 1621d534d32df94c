# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import MANAGED
from ansible_collections.postroom.mail.plugins.module_utils._tables.request import judge, requests_from, table_from

DEFAULTS = {
    "type": None,
    "format": "table",
    "entries": None,
    "content": None,
    "src": None,
    "parameters": None,
    "exclusive": True,
    "secret": None,
    "owner": None,
    "group": None,
    "mode": None,
    "state": "present",
}
MYSQL = {"hosts": "localhost", "dbname": "mail", "query": "SELECT 1", "password": "s3cret"}


class FakeHost:
    def default_type(self):
        return "lmdb"

    def owner_for(self, owner):
        return owner

    def group_for(self, group):
        return group


class SilentHost(FakeHost):
    def default_type(self):
        raise AssertionError("the host was asked needlessly")


def options(**given):
    return {**DEFAULTS, "path": "/etc/postfix/virtual", **given}


def table(**given):
    return table_from(options(**given), FakeHost(), {"/srv/list": "a b\n"}.get)


@pytest.mark.parametrize(
    ("given", "name", "style", "text"),
    [
        ({"entries": {"a": "b"}}, "lmdb:/etc/postfix/virtual", "table", MANAGED + "a b\n"),
        ({"entries": {"a": "b"}, "type": "hash"}, "hash:/etc/postfix/virtual", "table", MANAGED + "a b\n"),
        ({"content": "a b"}, "lmdb:/etc/postfix/virtual", "table", "a b\n"),
        ({"content": ""}, "lmdb:/etc/postfix/virtual", "table", ""),
        ({"src": "/srv/list"}, "lmdb:/etc/postfix/virtual", "table", "a b\n"),
        ({"src": "/etc/postfix/virtual"}, "lmdb:/etc/postfix/virtual", "table", None),
        ({}, "lmdb:/etc/postfix/virtual", "table", None),
        ({"entries": {"/a/": "b"}, "type": "pcre"}, "pcre:/etc/postfix/virtual", "regexp", MANAGED + "/a/ b\n"),
        ({"entries": {"::1": "b"}, "type": "cidr"}, "cidr:/etc/postfix/virtual", "cidr", MANAGED + "::1 b\n"),
        ({"entries": {"a": "b"}, "format": "aliases"}, "lmdb:/etc/postfix/virtual", "aliases", MANAGED + "a: b\n"),
        ({"content": "hosts = x", "type": "mysql"}, "mysql:/etc/postfix/virtual", "parameters", "hosts = x\n"),
        ({"path": "/etc//postfix/./virtual", "content": ""}, "lmdb:/etc/postfix/virtual", "table", ""),
    ],
)
def test_options_make_a_table(given, name, style, text):
    made = table(**given)
    assert (made.name, made.style, made.text) == (name, style, text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"path": "virtual"}, "must be absolute"),
        ({"path": "/etc/postfix/"}, "name a file"),
        ({"path": "/etc/my tables/virtual"}, "white space"),
        ({"path": "/etc/postfix/virtual.db"}, "give the path of its source, /etc/postfix/virtual."),
        ({"entries": {}, "content": ""}, "entries and content; give only one"),
        ({"type": "static", "content": ""}, "The type 'static'"),
        ({"type": "proxy:mysql", "content": ""}, "The type 'proxy:mysql'"),
        ({"parameters": MYSQL}, "its type must be one of mysql"),
        ({"parameters": MYSQL, "type": "hash"}, "its type must be one of mysql"),
        ({"entries": {"a": "b"}, "type": "mysql"}, "'parameters', not 'entries'"),
        ({"content": "", "type": "pcre", "format": "aliases"}, "postalias"),
        ({"content": "", "exclusive": False}, "only entries can be merged"),
        ({"src": "/srv/missing"}, "There is no file /srv/missing"),
        ({"entries": {"a": ""}}, "/etc/postfix/virtual: The value of 'a' is empty"),
        ({"content": "", "mode": "rw"}, "The mode rw of /etc/postfix/virtual is not understood"),
    ],
)
def test_bad_options_are_refused(given, words):
    with pytest.raises(BadInput, match=re.escape(words)):
        table(**given)


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({"content": ""}, files.Attributes()),
        ({"content": "", "mode": "0640", "group": "adm"}, files.Attributes(None, "adm", 0o640)),
        ({"content": "", "secret": True}, files.Attributes("root", "root", 0o600)),
        ({"content": "", "secret": True, "mode": "0640", "group": "postfix"}, files.Attributes("root", "postfix", 0o640)),
        ({"parameters": MYSQL, "type": "mysql"}, files.Attributes("root", "postfix", 0o640)),
        ({"parameters": MYSQL, "type": "mysql", "secret": False}, files.Attributes()),
    ],
)
def test_secrets_are_for_those_who_need_them(given, attributes):
    assert table(**given).attributes == attributes


def test_a_given_type_costs_no_question():
    assert table_from(options(type="hash", content=""), SilentHost()).type == "hash"
    assert table_from(options(state="absent"), SilentHost()).present is False


def test_merged_entries_stay_entries():
    made = table(entries={"a": "b"}, exclusive=False)
    assert made.text is None
    assert made.wanted("c d\n") == "c d\na b\n"


def test_a_source_that_nobody_gives_must_be_there():
    assert table().wanted("a b\n") == "a b\n"
    with pytest.raises(BadInput, match="There is no /etc/postfix/virtual to compile"):
        table().wanted(None)


@pytest.mark.parametrize("missing", ["hosts", "dbname", "query"])
def test_a_client_that_could_not_answer_is_refused(missing):
    given = {name: value for name, value in MYSQL.items() if name != missing}
    made = table(parameters=given, type="mysql")
    with pytest.raises(BadInput, match=f"no parameter '{missing}"):
        made.check_parameters(made.text)


def test_the_same_table_twice_is_refused():
    with pytest.raises(BadInput, match="given twice"):
        requests_from([options(content=""), options(content="x y")], FakeHost())


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ({"entries": {"a": "me:pw"}}, set()),
        ({"entries": {"a": "me:pw"}, "secret": True}, {"me:pw", "pw"}),
        ({"entries": [{"key": "a", "value": ["x", "y"]}], "secret": True}, {"x", "y"}),
        ({"entries": "nonsense", "secret": True}, set()),
        ({"content": "a me:pw\n", "secret": True}, {"a me:pw\n", "a me:pw"}),
        ({"parameters": MYSQL}, {"s3cret"}),
        ({"parameters": {"hosts": "h", "bind_pw": 12}}, {"12"}),
        ({"parameters": {"hosts": "postgresql://u:s3cret@h/db"}}, {"postgresql://u:s3cret@h/db", "s3cret"}),
        ({"parameters": {"hosts": ["h", "postgresql://u:s3cret@h/db"]}}, {"s3cret"}),
    ],
)
def test_secrets_are_found_before_anything_is_checked(given, secrets):
    found = set().union(*(judge(name, value, options(**given))[1] for name, value in given.items() if name != "secret"))
    assert found >= secrets
    assert "localhost" not in found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"entries": {"a": "b"}}, {"entries": {"a": "b"}}),
        ({"entries": {"a": "b"}, "secret": True}, {"entries": "[not shown]"}),
        ({"content": "a b", "secret": True}, {"content": "[not shown]"}),
        (
            {"parameters": {"hosts": "h", "password": "pw"}},
            {"parameters": {"hosts": "h", "password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}},
        ),
        ({"parameters": {"hosts": "h"}, "secret": True}, {"parameters": "[not shown]"}),
    ],
)
def test_the_invocation_shows_no_secret(given, told):
    assert {name: judge(name, given[name], options(**given))[0] for name in told} == told
