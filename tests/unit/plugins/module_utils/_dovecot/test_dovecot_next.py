# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Dovecot yet to come: 2.5 with a driver of its own is one `Dialect` and one `Driver`, and nothing else knows of them."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import checks, conf, databases, dialects, drivers, servers
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.secrets import parted
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable


def wrong(kind, entry):
    if "url" not in entry:
        yield "has no url; say who knows the passwords."


V25 = dataclasses.replace(
    dialects.V24,
    name="2.5",
    since=(2, 5),
    head={**dialects.V24.head, "dovecot_config_version": "2.5.0"},
    names={"passwd_file_path": "passwd_file_name", "mail_home": "mail_homes", "login_greeting": "login_banner"},
    mechanisms=("plain", "passkey"),
    variables=lambda text: dialects.V24.variables(text).replace("%{user}", "%{login}"),
)
HTTP = drivers.Driver(
    "http",
    kinds=("passdb",),
    since=(2, 5),
    keys={"url": drivers.Key("url={}", "http_url", has_variables=True), "token": drivers.Key("token={}", "http_token")},
    package="dovecot-http",
    says_yes_or_no=True,
    wrong=wrong,
)
ENTRY = {"driver": "http", "url": "https://id.example.org/%u", "token": "geheim"}
NEUTRAL = {
    "login_greeting": "Hi",
    "mail_home": "/home/%u",
    "passdb": [ENTRY, {"driver": "passwd-file", "path": "/u"}],
    "userdb": [{"driver": "passwd"}],
    "auth_mechanisms": ["plain"],
}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(dialects, "DIALECTS", [*dialects.DIALECTS, V25])
    monkeypatch.setitem(drivers.DRIVERS, HTTP.name, HTTP)


@pytest.mark.parametrize(("version", "name"), [("2.3.21", "2.3"), ("2.4.9", "2.4"), ("2.5.0-1", "2.5"), ("3.0", "2.5")])
def test_its_version_tells_it(version, name):
    assert dialects.of(version).name == name


def test_settings_are_written_in_it():
    public, files = parted(translate(NEUTRAL, "2.5.1"))
    assert conf.render_wanted(conf.wanted_from(public)) == (
        "dovecot_config_version = 2.5.0\n"
        "dovecot_storage_version = 2.4.0\n"
        "login_banner = Hi\n"
        "mail_homes = /home/%{login}\n"
        "auth_mechanisms = plain\n"
        "\n"
        "passdb http {\n"
        "  http_url = https://id.example.org/%{login}\n"
        "  !include_try postroom-secrets-passdb-http.conf.ext\n"
        "}\n"
        "\n"
        "passdb passwd-file {\n"
        "  passwd_file_name = /u\n"
        "}\n"
        "\n"
        "userdb passwd {\n"
        "}\n"
    )
    assert [file.content for file in files] == [databases.HEAD + "http_token = geheim\n"]


def test_those_before_it_stay_as_they_are():
    neutral = {**NEUTRAL, "passdb": NEUTRAL["passdb"][1:]}
    assert translate(neutral, "2.4.1")["passdb passwd-file"] == {"passwd_file_path": "/u"}
    with pytest.raises(Untranslatable, match="passdb: Dovecot 2.4 has no driver 'http'"):
        translate(NEUTRAL, "2.4.1")


@pytest.mark.parametrize("version", ["2.3.21", "2.4.1"])
def test_a_driver_may_be_in_all_of_them(monkeypatch, version):
    monkeypatch.setitem(drivers.DRIVERS, "http", dataclasses.replace(HTTP, since=(0,)))
    assert problems(NEUTRAL, version) == []
    assert "url=https://id.example.org/%u token=geheim" in str(translate(NEUTRAL, "2.3.21"))


@pytest.mark.parametrize(
    ("version", "changed", "words"),
    [
        ("2.5.0", {}, []),
        ("2.5.0", {"passdb": [{"driver": "http"}]}, ["the database 'http' has no url"]),
        ("2.5.0", {"passdb": [{**ENTRY, "query": "q"}]}, ["'http' has 'query'", "in Dovecot 2.5; it may have url, token, fields"]),
        ("2.5.0", {"passdb": [{"driver": "pam", "url": "x"}]}, ["'pam' has 'url'", "it may have service, fields"]),
        ("2.5.0", {"passdb": [{"driver": "bogus"}]}, ["none that Dovecot 2.5 has", "bsdauth, http."]),
        ("2.5.0", {"passdb": [{"driver": "shadow"}]}, ["none that Dovecot 2.5 has", "use pam"]),
        ("2.5.0", {"passdb": [{"driver": "passwd-file", "path": "/u", "scheme": "PLAIN-MD5"}]}, ["which Dovecot 2.5 refuses as too weak"]),
        ("2.4.1", {}, ["'http' is none that Dovecot 2.4 has"]),
        ("2.4.1", {"userdb": [{"driver": "http"}], "passdb": [{"driver": "pam"}]}, ["dovecot_userdbs", "'http' is none"]),
    ],
)
def test_what_is_wrong_is_found(version, changed, words):
    found = problems({**NEUTRAL, **changed}, version)
    assert len(found) == bool(words)
    assert [word for word in words if word not in found[0]] == []


def test_the_host_is_asked_for_it():
    host = checks.Host("2.5.0", passdbs=("pam", "http"), has_module=lambda name: name != "libauthdb_http.so")
    text = "auth_mechanisms = plain cram-md5 passkey\npassdb http {\n}\n"
    told = checks.complaints(conf.changes("", text), conf.flatten(conf.parse(text)), ["http"], host)
    assert len(told) == 2
    assert "has no mechanism 'cram-md5'" in told[0]
    assert "on Debian dovecot-http" in told[1]


def test_a_server_may_be_new_too(monkeypatch):
    kind = dataclasses.replace(
        servers.SERVERS["sqlite"],
        keys=("path", "threads"),
        settings=lambda kind, entry, server, dialect: {
            "sql_driver": "duckdb",
            "duckdb_path": server["path"],
            "sql_query": dialect.variables(entry["query"]),
        },
    )
    monkeypatch.setitem(servers.SERVERS, "duckdb", kind)
    ask = {"driver": "sql", "database": "ducks", "query": "SELECT password FROM u WHERE n = '%u'"}
    neutral = {**NEUTRAL, "passdb": [ask], "databases": [{"name": "ducks", "driver": "duckdb", "path": "/srv/ducks", "threads": 2}]}
    assert problems(neutral, "2.5.0") == []
    assert translate(neutral, "2.5.0")["passdb sql"] == {
        "sql_driver": "duckdb",
        "duckdb_path": "/srv/ducks",
        "sql_query": "SELECT password FROM u WHERE n = '%{login}'",
    }
    [sentence] = problems({**neutral, "databases": [{**neutral["databases"][0], "host": "h"}]}, "2.5.0")
    assert "'ducks' has 'host', which a server of the driver duckdb does not have; it may have name, driver, path, threads." in sentence


def test_what_asks_a_new_server_is_told_in_it():
    neutral = {
        **NEUTRAL,
        "passdb": [{"driver": "ldap", "database": "people", "bind": True, "filter": "(uid=%u)"}],
        "databases": [{"name": "people", "driver": "ldap", "uris": ["ldap://h"], "base": "dc=org"}],
    }
    assert translate(neutral, "2.5.0")["passdb ldap"]["ldap_filter"] == "(uid=%{login})"
