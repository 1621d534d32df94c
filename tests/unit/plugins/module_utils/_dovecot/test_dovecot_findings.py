# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable

SERVERS = [
    {"name": "maria", "driver": "mysql", "host": "db", "dbname": "mail", "user": "dovecot", "password": "geheim"},
    {"name": "lite", "driver": "sqlite", "path": "/srv/users.sqlite"},
    {"name": "people", "driver": "ldap", "uris": ["ldap://ldap"], "base": "dc=org", "auth_dn": "cn=x", "auth_dn_password": "geheim"},
]
SQL = {"driver": "sql", "database": "maria", "query": "SELECT password FROM users WHERE userid = '%u'"}
LDAP = {"driver": "ldap", "database": "people"}
GOOD = {
    "passdb": [SQL],
    "userdb": [{"driver": "passwd"}],
    "databases": SERVERS,
    "auth_mechanisms": ["plain", "login"],
    "auth_username_format": "%{user|username|lower}",
    "protocols": ["imaps", "pop3s", "lmtp"],
}
BOTH = ("2.3.19.1", "2.4.1")


def found(version="2.4.1", settings=None, **changed):
    return problems({**GOOD, **changed}, version, settings)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"passdb": [{"driver": "pam"}]},
        {"passdb": [LDAP]},
        {"passdb": [{**LDAP, "bind": True, "fields": {"user": "%{ldap:uid}"}}]},
        {"passdb": [{**SQL, "query": "CALL who('%u')"}]},
        {"passdb": [{**SQL, "query": "SELECT * FROM users"}]},
        {"passdb": [{"driver": "passwd-file", "path": "/deny", "deny": True}, {"driver": "pam"}]},
        {"passdb": [{"driver": "passwd-file", "path": "/u", "scheme": "sha512-crypt.b64"}]},
        {"passdb": [{"driver": "pam"}, {"driver": "passwd-file", "path": "/u"}], "auth_mechanisms": ["plain", "cram-md5"]},
        {"passdb": [{**SQL, "query": "SELECT password, home AS userdb_home"}], "userdb": [{"driver": "prefetch"}, {"driver": "passwd"}]},
        {"userdb": [{"driver": "prefetch"}, LDAP], "passdb": [{**LDAP, "fields": {"password": "x", "userdb_uid": "y"}}]},
        {"userdb": [{"driver": "prefetch"}, {"driver": "passwd"}], "passdb": [{"driver": "passwd-file", "path": "/u"}]},
        {"denied_users": ["mallory", "trudy"]},
        {"denied_users": ["eve@shop.example"], "auth_username_keep_domains": ["Shop.example"]},
        {"ports": {"imaps": 1993, "pop3s": "1995"}},
        {"ports": {"imaps": 995, "pop3s": 993}},
        {"ports": {"imap": 993}},
        {"protocols": ["lmtp"]},
        {"auth_failure_delay": "6 secs", "auth_listeners": [{"path": "/a"}], "auth_penalty": False},
        {"auth_failure_delay": "15s", "auth_penalty": True},
        {"passdb": [{"driver": "sql", "args": "/etc/dovecot/own.conf.ext"}]},
    ],
)
def test_what_is_good_is_taken_and_can_be_translated(version, changed):
    assert found(version, **changed) == []
    assert translate({**GOOD, **changed}, version)
    databases.files({**GOOD, **changed}, version)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"passdb": [{"driver": "sql", "database": "maria"}]}, ["dovecot_passdbs", "'sql' has no query"], id="no query"),
        pytest.param({"userdb": [{"driver": "sql", "database": "maria", "query": " "}]}, ["dovecot_userdbs", "no query"], id="blank"),
        pytest.param({"passdb": [{**SQL, "database": None}]}, ["does not say whom it asks"], id="no connection"),
        pytest.param({"passdb": [{**SQL, "database": "x"}]}, ["asks 'x', which is not among dovecot_databases"], id="no such server"),
        pytest.param({"passdb": [{**SQL, "database": "people"}]}, ["is of the driver ldap", "mysql or pgsql or sqlite"], id="LDAP for SQL"),
        pytest.param({"passdb": [{**LDAP, "database": "lite"}]}, ["is of the driver sqlite; name one of ldap"], id="SQL for LDAP"),
        pytest.param({"passdb": [{**SQL, "query": "SELECT pw FROM t"}]}, ["no field 'password'", "AS password"], id="no password"),
        pytest.param({"passdb": [{**LDAP, "fields": {"user": "%{ldap:uid}"}}]}, ["without 'password'", "bind: true"], id="LDAP, neither"),
        pytest.param({"passdb": [{"driver": "bogus"}]}, ["'bogus' is none that Dovecot", "passwd-file"], id="unknown driver"),
        pytest.param({"userdb": [{"driver": "pam"}]}, ["dovecot_userdbs", "'pam' is none", "prefetch"], id="no userdb"),
        pytest.param({"passdb": [{"path": "/x"}]}, ["the database with path has no driver"], id="no driver"),
        pytest.param({"passdb": ["pam"]}, ["dovecot_passdbs must be a list of databases"], id="a list of texts"),
        pytest.param({"userdb": {"driver": "passwd"}}, ["dovecot_userdbs must be a list of databases"], id="no list"),
        pytest.param({"databases": ["mysql://x:geheim@db"]}, ["dovecot_databases must be a list of databases"], id="an address"),
        pytest.param({"denied_users": "mallory"}, ["dovecot_denied_users must be a list of names"], id="denied: no list"),
        pytest.param({"passdb": [{"driver": "passwd-file"}]}, ["has no path", "names the users"], id="no file"),
        pytest.param(
            {"passdb": [{"driver": "passwd-file", "deny": True}, {"driver": "pam"}]}, ["has no path", "who may not log in"], id="deny whom"
        ),
        pytest.param({"passdb": [{"driver": "passwd-file", "path": "/d", "deny": True}]}, ["says only who may not"], id="only a deny list"),
        pytest.param({"passdb": []}, ["dovecot_passdbs is empty"], id="no database"),
        pytest.param({"passdb": [{"driver": "passwd-file", "path": "/u", "scheme": "ROT13"}]}, ["'ROT13'", "SHA512-CRYPT"], id="scheme"),
        pytest.param({"passdb": [{"driver": "static", "password": "{ROT13}x"}]}, ["password in a scheme"], id="scheme in sight"),
        pytest.param(
            {"passdb": [{"driver": "static", "fields": {"password": "{X}y"}}]}, ["password in a scheme"], id="scheme among the fields"
        ),
        pytest.param({"passdb": [{"driver": "static", "password": 42798}]}, ["'static': password is a number"], id="password: a number"),
        pytest.param(
            {"passdb": [{"driver": "static", "fields": {"nopassword": True, "pass": True}}]},
            ["'static': fields: pass is a truth value"],
            id="password: a truth value",
        ),
        pytest.param(
            {"databases": [{"name": "maria", "driver": "mysql", "host": "h", "dbname": "m", "password": 12.5}]},
            ["dovecot_databases: 'maria': password is a number"],
            id="password: of a server",
        ),
        pytest.param(
            {"userdb": [{"driver": "prefetch"}, {"driver": "passwd"}]}, ["userdb_ fields", "none of dovecot_passdbs"], id="prefetch"
        ),
        pytest.param(
            {"passdb": [{"driver": "passwd-file", "path": "/u"}], "userdb": [{"driver": "prefetch"}]},
            ["mail for him could not be delivered"],
            id="prefetch alone",
        ),
        pytest.param({"denied_users": [""]}, ["dovecot_denied_users has ''", "names nobody"], id="denied: nobody"),
        pytest.param({"denied_users": [None]}, ["names nobody"], id="denied: null"),
        pytest.param({"denied_users": ["a:b"]}, ["'a:b'", "no name"], id="denied: a colon"),
        pytest.param({"denied_users": ["a\nb"]}, ["'a\\nb'", "no name"], id="denied: two lines"),
        pytest.param({"denied_users": ["eve@example.org"]}, ["without their domain", "write 'eve'"], id="denied: with a domain"),
        pytest.param({"denied_users": ["Eve"]}, ["lower case", "write 'eve'"], id="denied: in capitals"),
        pytest.param({"passdb": [{"driver": "pam"}], "auth_mechanisms": ["cram-md5"]}, ["'cram-md5'", "pam"], id="challenge, but PAM"),
        pytest.param({"quota": {"limit": "lots"}}, ["dovecot_quota: 'lots' is no size"], id="quota"),
        pytest.param({"ports": {"smtp": 25}}, ["dovecot_ports has 'smtp'"], id="ports: not Dovecot's"),
        pytest.param({"ports": {"imaps": 70000}}, ["imaps has the port '70000'"], id="ports: too large"),
        pytest.param({"ports": {"imaps": 0}}, ["imaps has the port '0'"], id="ports: none"),
        pytest.param({"ports": {"imaps": True}}, ["imaps has the port 'True'"], id="ports: no number"),
        pytest.param({"ports": {"imaps": 995}}, ["imaps and pop3s would both listen on port 995"], id="ports: twice"),
        pytest.param({"ports": {"imaps": "0995"}}, ["imaps and pop3s would both listen on port 995"], id="ports: twice, as texts"),
        pytest.param({"ports": {"imaps": 465}}, ["imaps would listen on port 465, which submission has"], id="ports: Postfix's"),
        pytest.param({"auth_failure_delay": "soon"}, ["dovecot_auth_failure_delay is 'soon'"], id="delay: no time"),
        pytest.param({"auth_failure_delay": 2}, ["dovecot_auth_failure_delay is '2'"], id="delay: no unit"),
        pytest.param(
            {"auth_failure_delay": "7s", "auth_listeners": [{"path": "/a"}]},
            ["Postfix waits for ten seconds"],
            id="delay: longer than Postfix's",
        ),
        pytest.param({"listen": []}, ["dovecot_listen is empty"], id="listen: nowhere"),
    ],
)
@pytest.mark.parametrize("version", BOTH)
def test_what_is_wrong_is_said_in_a_sentence(version, changed, words):
    sentences = found(version, **changed)
    assert len(sentences) == 1
    assert all(word in sentences[0] for word in words), sentences[0]
    assert sentences[0].endswith(".")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        pytest.param({"name": "x", "driver": "mysql", "dbname": "m"}, ["'x' has no host"], id="no host"),
        pytest.param({"name": "x", "driver": "pgsql", "host": "h"}, ["has no dbname"], id="no dbname"),
        pytest.param({"name": "x", "driver": "pgsql", "host": "h", "dbname": "m", "port": "x"}, ["the port 'x'"], id="port"),
        pytest.param({"name": "x", "driver": "mysql", "host": ["a b"], "dbname": "m"}, ["the host 'a b'"], id="host"),
        pytest.param(
            {"name": "x", "driver": "mysql", "host": "h", "dbname": "m", "parameters": {"a": 1}},
            ["driver mysql", "parameters"],
            id="parameters",
        ),
        pytest.param({"name": "x", "driver": "sqlite", "path": "users.db"}, ["has no path", "absolute"], id="relative path"),
        pytest.param({"name": "x", "driver": "ldap", "base": "dc=org"}, ["has no uris"], id="no uris"),
        pytest.param({"name": "x", "driver": "ldap", "uris": ["ldap"], "base": "dc=org"}, ["'ldap' among its uris"], id="uri"),
        pytest.param({"name": "x", "driver": "ldap", "uris": ["ldap://h"]}, ["has no base"], id="no base"),
        pytest.param(
            {"name": "x", "driver": "ldap", "uris": ["ldap://h"], "base": "dc=org", "auth_dn_password": "geheim"},
            ["no auth_dn that it belongs to"],
            id="password of nobody",
        ),
        pytest.param(
            {"name": "x", "driver": "mysql", "host": "h", "dbname": "m", "password": "ge\nheim"},
            ["control character in 'password'"],
            id="line",
        ),
        pytest.param({"name": "x", "driver": "oracle"}, ["the driver 'oracle'", "mysql, pgsql, sqlite, ldap"], id="driver"),
        pytest.param({**SERVERS[0], "name": "x", "pw": "geheim"}, ["'x' has 'pw', which nobody knows", "password"], id="key"),
        pytest.param({**SERVERS[0], "name": "x", "starttls": True}, ["'starttls'", "of the driver mysql", "ca_file"], id="key of others"),
        pytest.param({"name": "../x", "driver": "ldap"}, ["'../x' is no name"], id="name"),
        pytest.param({"name": "maria", "driver": "sqlite", "path": "/x"}, ["is there twice"], id="twice"),
    ],
)
@pytest.mark.parametrize("version", BOTH)
def test_what_is_wrong_with_a_server(version, server, words):
    sentences = [sentence for sentence in found(version, databases=[*SERVERS, server]) if sentence.startswith("dovecot_databases: ")]
    assert len(sentences) >= 1
    assert all(word in sentences[0] for word in words), sentences[0]
    assert "geheim" not in " ".join(sentences)


@pytest.mark.parametrize(
    ("version", "changed", "words"),
    [
        ("2.4.1", {"passdb": [{"driver": "shadow"}]}, ["'shadow'", "use pam, which asks the same /etc/shadow"]),
        ("2.4.1", {"passdb": [{"driver": "checkpassword"}]}, ["use passwd-file"]),
        ("2.4.1", {"passdb": [{**SQL, "scheme": "PLAIN-MD5"}]}, ["'PLAIN-MD5'", "auth_allow_weak_schemes"]),
        ("2.3.19.1", {"databases": [{**SERVERS[0], "password": "two words"}]}, ["white space in 'password'"]),
    ],
)
def test_what_only_one_version_cannot_do(version, changed, words):
    other = BOTH[version == BOTH[0]]
    sentences = found(version, **changed)
    assert len(sentences) == 1
    assert all(word in sentences[0] for word in words), sentences[0]
    assert found(other, **changed) == []


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("kind", "entry", "key", "own"),
    [
        ("passdb", {"driver": "pam", "path": "/u"}, "path", "service, fields, mechanisms_filter, deny"),
        ("passdb", {"driver": "pam", "scheme": "CRYPT"}, "scheme", "service, fields, mechanisms_filter, deny"),
        ("passdb", {"driver": "pam", "database": "maria"}, "database", "service, fields, mechanisms_filter, deny"),
        ("passdb", {**LDAP, "query": "SELECT 1"}, "query", "scheme, database, bind, bind_userdn, filter"),
        ("passdb", {**SQL, "bind": True}, "bind", "scheme, database, query, iterate_query, fields"),
        ("passdb", {"driver": "static", "password": "x", "service": "mail"}, "service", "password, fields"),
        ("userdb", {"driver": "static", "password": "x", "fields": {"uid": "v"}}, "password", "allow_all_users, fields"),
        ("userdb", {"driver": "passwd", "username_format": "%n"}, "username_format", "have fields, and settings"),
        ("userdb", {"driver": "passwd-file", "path": "/u", "scheme": "CRYPT"}, "scheme", "username_format, path, fields"),
    ],
)
def test_words_of_other_drivers(version, kind, entry, key, own):
    changed = {kind: [entry], "auth_mechanisms": ["plain"]}
    [sentence] = found(version, **changed)
    assert f"the database '{entry['driver']}' has '{key}', which a {kind} of this driver does not have" in sentence
    assert own in sentence
    with pytest.raises(Untranslatable, match=f"{kind}: the database '{entry['driver']}' has '{key}'"):
        translate({**GOOD, **changed}, version)


@pytest.mark.parametrize(
    ("version", "entry"),
    [
        ("2.3.19.1", {"driver": "oauth2", "path": "/etc/dovecot/oauth2.conf.ext"}),
        ("2.3.19.1", {"driver": "dict", "path": "/etc/dovecot/dict.conf.ext"}),
        ("2.3.19.1", {"driver": "checkpassword", "path": "/usr/bin/check"}),
        ("2.4.1", {"driver": "oauth2", "oauth2_introspection_url": "https://id.example.org/"}),
        ("2.4.1", {"driver": "lua", "lua_file": "/etc/dovecot/auth.lua", "scheme": "CRYPT", "result_failure": "return-fail"}),
    ],
)
def test_words_of_dovecot_go_to_it_as_they_are(version, entry):
    assert found(version, passdb=[entry]) == []
    told = str(translate({**GOOD, "passdb": [entry]}, version))
    assert all(str(value) in told for value in entry.values())


def test_settings_of_the_host_count():
    changed = {"passdb": [{**SQL, "scheme": "PLAIN-MD5"}]}
    assert found("2.4.1", {"auth_allow_weak_schemes": True}, **changed) == []
    assert found("2.4.1", {"passdb own": {"driver": "lua"}}, passdb=[]) == []


@pytest.mark.parametrize(
    ("listen", "address", "process", "taken"),
    [
        (["*", "::"], "127.0.0.1", "imapd", True),
        (["192.0.2.1"], "192.0.2.1", "imapd", True),
        (["192.0.2.1"], "0.0.0.0", "imapd", True),
        (["192.0.2.1"], "127.0.0.1", "imapd", False),
        (["*"], "0.0.0.0", "dovecot", False),
        (["*"], "0.0.0.0", "systemd", False),
        (["*"], "0.0.0.0", None, False),
    ],
)
def test_another_program_on_a_port(listen, address, process, taken):
    listeners = [{"address": address, "port": 993, "process": process}, {"address": address, "port": 143, "process": process}]
    assert (
        problems({**GOOD, "listen": listen}, "2.4.1", listeners=listeners)
        == ["dovecot_ports: imaps would listen on port 993, which another program of this host (imapd) has; give it another one."] * taken
    )


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"driver": "static", "password": "one for all"}, "'password'"),
        ({"driver": "static", "fields": {"password": "x\ty"}}, "'password'"),
        ({"driver": "passwd-file", "path": "/u", "fields": {"allow_nets": "10.0.0.0/8, ::1"}}, "'allow_nets'"),
    ],
)
def test_words_of_a_line_of_2_3_have_no_white_space(entry, named):
    [sentence] = found("2.3.19.1", passdb=[entry])
    assert named in sentence
    assert "one for all" not in sentence
    assert not found("2.4.1", passdb=[entry])
