# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf, databases
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable
from hypothesis import given
from hypothesis import strategies as st

MARIADB = {"name": "accounts", "driver": "mysql", "host": "db.example.org", "dbname": "mail", "user": "dovecot", "password": "geheim"}
POSTGRESQL = {**MARIADB, "driver": "pgsql", "port": 5433, "parameters": {"sslmode": "verify-full"}}
SQLITE = {"name": "accounts", "driver": "sqlite", "path": "/srv/users.sqlite"}
DIRECTORY = {
    "name": "people",
    "driver": "ldap",
    "uris": ["ldap://a.example.org", "ldap://b.example.org"],
    "base": "ou=people,dc=example,dc=org",
    "scope": "onelevel",
    "auth_dn": "cn=dovecot,dc=example,dc=org",
    "auth_dn_password": "geheim",
    "starttls": True,
}
QUERY = "SELECT userid AS user, password FROM users WHERE userid = '%{user|username|lower}'"
HOMES = "SELECT home, uid, gid FROM users WHERE userid = '%n'"


def text(settings):
    return conf.render_wanted(conf.wanted_from(settings))


def settings(neutral, version):
    return {key: value for key, value in translate(neutral, version).items() if key.startswith(("passdb", "userdb"))}


def file(neutral, version, number=0):
    return databases.files(neutral, version)[number].content.replace(databases.HEAD, "")


@pytest.mark.parametrize(
    ("server", "old", "new", "secret"),
    [
        pytest.param(
            MARIADB,
            "driver = mysql\n"
            "connect = host=db.example.org dbname=mail user=dovecot password=geheim\n"
            "default_pass_scheme = PLAIN\n"
            "password_query = SELECT userid AS user, password FROM users WHERE userid = '%Ln'\n",
            "passdb sql {\n"
            "  sql_driver = mysql\n"
            "  sql_query = SELECT userid AS user, password FROM users WHERE userid = '%{user|username|lower}'\n"
            "  mysql db.example.org {\n"
            "    dbname = mail\n"
            "    user = dovecot\n"
            "  }\n"
            "  !include_try postroom-passdb-accounts.conf.ext\n"
            "}\n",
            'mysql db.example.org {\n  password = "geheim"\n}\n',
            id="MariaDB",
        ),
        pytest.param(
            {**MARIADB, "host": ["a.example.org", "/run/mysqld/mysqld.sock"], "port": 3307},
            "driver = mysql\n"
            "connect = host=a.example.org host=/run/mysqld/mysqld.sock port=3307 dbname=mail user=dovecot password=geheim\n"
            "default_pass_scheme = PLAIN\n"
            "password_query = SELECT userid AS user, password FROM users WHERE userid = '%Ln'\n",
            "passdb sql {\n"
            "  sql_driver = mysql\n"
            "  sql_query = SELECT userid AS user, password FROM users WHERE userid = '%{user|username|lower}'\n"
            "  mysql a.example.org {\n"
            "    port = 3307\n"
            "    dbname = mail\n"
            "    user = dovecot\n"
            "  }\n"
            "  mysql /run/mysqld/mysqld.sock {\n"
            "    port = 3307\n"
            "    dbname = mail\n"
            "    user = dovecot\n"
            "  }\n"
            "  !include_try postroom-passdb-accounts.conf.ext\n"
            "}\n",
            'mysql a.example.org {\n  password = "geheim"\n}\n\nmysql /run/mysqld/mysqld.sock {\n  password = "geheim"\n}\n',
            id="two MariaDBs",
        ),
        pytest.param(
            POSTGRESQL,
            "driver = pgsql\n"
            "connect = host=db.example.org port=5433 dbname=mail user=dovecot password=geheim sslmode=verify-full\n"
            "default_pass_scheme = PLAIN\n"
            "password_query = SELECT userid AS user, password FROM users WHERE userid = '%Ln'\n",
            "passdb sql {\n"
            "  sql_driver = pgsql\n"
            "  sql_query = SELECT userid AS user, password FROM users WHERE userid = '%{user|username|lower}'\n"
            "  pgsql db.example.org {\n"
            "    parameters {\n"
            "      port = 5433\n"
            "      dbname = mail\n"
            "      user = dovecot\n"
            "      sslmode = verify-full\n"
            "    }\n"
            "  }\n"
            "  !include_try postroom-passdb-accounts.conf.ext\n"
            "}\n",
            'pgsql db.example.org {\n  parameters {\n    password = "geheim"\n  }\n}\n',
            id="PostgreSQL",
        ),
        pytest.param(
            SQLITE,
            "driver = sqlite\n"
            "connect = /srv/users.sqlite\n"
            "default_pass_scheme = PLAIN\n"
            "password_query = SELECT userid AS user, password FROM users WHERE userid = '%Ln'\n",
            "passdb sql {\n"
            "  sql_driver = sqlite\n"
            "  sqlite_path = /srv/users.sqlite\n"
            "  sqlite_readonly = yes\n"
            "  sql_query = SELECT userid AS user, password FROM users WHERE userid = '%{user|username|lower}'\n"
            "}\n",
            None,
            id="SQLite has no password",
        ),
    ],
)
def test_passwords_from_sql(server, old, new, secret):
    neutral = {"passdb": [{"driver": "sql", "database": "accounts", "query": QUERY}], "databases": [server]}
    given = copy.deepcopy(neutral)
    assert settings(neutral, "2.3.19.1") == {"passdb": [{"driver": "sql", "args": "/etc/dovecot/postroom-passdb-accounts.conf.ext"}]}
    assert file(neutral, "2.3.19.1") == old
    assert text(settings(neutral, "2.4.1")) == new
    assert [entry.content.replace(databases.HEAD, "") for entry in databases.files(neutral, "2.4.1")] == ([secret] if secret else [])
    assert neutral == given


def test_homes_from_sql():
    neutral = {
        "userdb": [
            {
                "driver": "sql",
                "database": "accounts",
                "query": HOMES,
                "iterate_query": "SELECT userid AS user FROM users",
                "fields": {"mail": "maildir:~/Maildir"},
                "result_internalfail": "return-fail",
            }
        ],
        "databases": [SQLITE],
    }
    assert settings(neutral, "2.3.19.1") == {
        "userdb": [
            {
                "driver": "sql",
                "override_fields": "mail=maildir:~/Maildir",
                "args": "/etc/dovecot/postroom-userdb-accounts.conf.ext",
                "result_internalfail": "return-fail",
            }
        ]
    }
    assert file(neutral, "2.3.19.1") == (
        "driver = sqlite\nconnect = /srv/users.sqlite\n"
        "user_query = SELECT home, uid, gid FROM users WHERE userid = '%n'\n"
        "iterate_query = SELECT userid AS user FROM users\n"
    )
    assert settings(neutral, "2.4.1") == {
        "userdb sql": {
            "sql_driver": "sqlite",
            "sqlite_path": "/srv/users.sqlite",
            "sqlite_readonly": True,
            "sql_query": "SELECT home, uid, gid FROM users WHERE userid = '%{user|username}'",
            "sql_iterate_query": "SELECT userid AS user FROM users",
            "fields": {"mail": "maildir:~/Maildir"},
            "result_internalfail": "return-fail",
        }
    }


@pytest.mark.parametrize(
    ("kind", "entry", "old", "new"),
    [
        pytest.param(
            "passdb",
            {"bind": True},
            "auth_bind = yes\npass_filter = (&(objectClass=posixAccount)(uid=%u))\npass_attrs =\n",
            {"ldap_bind": True, "ldap_filter": "(&(objectClass=posixAccount)(uid=%{user}))"},
            id="binding as the user",
        ),
        pytest.param(
            "passdb",
            {"bind": True, "bind_userdn": "uid=%{user},ou=people,dc=example,dc=org"},
            "auth_bind = yes\nauth_bind_userdn = uid=%u,ou=people,dc=example,dc=org\n"
            "pass_filter = (&(objectClass=posixAccount)(uid=%u))\npass_attrs =\n",
            {
                "ldap_bind": True,
                "ldap_bind_userdn": "uid=%{user},ou=people,dc=example,dc=org",
                "ldap_filter": "(&(objectClass=posixAccount)(uid=%{user}))",
            },
            id="binding without a search",
        ),
        pytest.param(
            "passdb",
            {},
            "pass_filter = (&(objectClass=posixAccount)(uid=%u))\npass_attrs = =password=%{ldap:userPassword}\n",
            {"ldap_filter": "(&(objectClass=posixAccount)(uid=%{user}))", "fields": {"password": "%{ldap:userPassword}"}},
            id="looking the password up",
        ),
        pytest.param(
            "passdb",
            {
                "filter": "(mail=%u)",
                "scheme": "SSHA",
                "fields": {"user": "%{ldap:uid}", "password": "%{ldap:userPassword}", "userdb_home": "/srv/%{user}"},
                "result_failure": "return-fail",
            },
            "pass_filter = (mail=%u)\n"
            "pass_attrs = =user=%{ldap:uid}, =password=%{ldap:userPassword}, =userdb_home=/srv/%u\n"
            "default_pass_scheme = SSHA\n",
            {
                "ldap_filter": "(mail=%{user})",
                "fields": {"user": "%{ldap:uid}", "password": "%{ldap:userPassword}", "userdb_home": "/srv/%{user}"},
                "default_password_scheme": "SSHA",
                "result_failure": "return-fail",
            },
            id="everything said",
        ),
        pytest.param(
            "userdb",
            {"iterate_filter": "(objectClass=posixAccount)", "iterate_fields": {"user": "%{ldap:uid}"}},
            "user_filter = (&(objectClass=posixAccount)(uid=%u))\n"
            "user_attrs = =home=%{ldap:homeDirectory}, =uid=%{ldap:uidNumber}, =gid=%{ldap:gidNumber}\n"
            "iterate_filter = (objectClass=posixAccount)\n"
            "iterate_attrs = =user=%{ldap:uid}\n",
            {
                "ldap_filter": "(&(objectClass=posixAccount)(uid=%{user}))",
                "ldap_iterate_filter": "(objectClass=posixAccount)",
                "ldap_iterate_fields": {"user": "%{ldap:uid}"},
                "fields": {"home": "%{ldap:homeDirectory}", "uid": "%{ldap:uidNumber}", "gid": "%{ldap:gidNumber}"},
            },
            id="homes",
        ),
    ],
)
def test_ldap(kind, entry, old, new):
    neutral = {kind: [{"driver": "ldap", "database": "people", **entry}], "databases": [DIRECTORY]}
    rest = {key: value for key, value in entry.items() if key.startswith("result_")}
    name = f"postroom-{kind}-people.conf.ext"
    assert settings(neutral, "2.3.19.1") == {kind: [{"driver": "ldap", "args": f"/etc/dovecot/{name}", **rest}]}
    assert file(neutral, "2.3.19.1") == (
        "uris = ldap://a.example.org ldap://b.example.org\n"
        "dn = cn=dovecot,dc=example,dc=org\ndnpass = geheim\ntls = yes\nbase = ou=people,dc=example,dc=org\nscope = onelevel\n" + old
    )
    assert settings(neutral, "2.4.1") == {
        f"{kind} ldap": {
            "ldap_uris": "ldap://a.example.org ldap://b.example.org",
            "ldap_auth_dn": "cn=dovecot,dc=example,dc=org",
            "ldap_starttls": True,
            "ldap_base": "ou=people,dc=example,dc=org",
            "ldap_scope": "onelevel",
            **new,
            "!include_try": name,
        }
    }
    assert file(neutral, "2.4.1") == 'ldap_auth_dn_password = "geheim"\n'


def test_an_anonymous_search_needs_no_file_in_24():
    server = {key: value for key, value in DIRECTORY.items() if not key.startswith("auth_dn")}
    neutral = {"passdb": [{"driver": "ldap", "database": "people", "bind": True}], "databases": [server]}
    assert databases.files(neutral, "2.4.1") == []
    assert "!include_try" not in settings(neutral, "2.4.1")["passdb ldap"]


@pytest.mark.parametrize(
    ("password", "old", "new"),
    [
        ("a#b", 'connect = "host=db.example.org dbname=mail user=dovecot password=a#b"\n', 'password = "a#b"\n'),
        ('a"b\\c', 'connect = host=db.example.org dbname=mail user=dovecot password=a"b\\c\n', 'password = "a\\"b\\\\c"\n'),
        ("50%{user}%", "connect = host=db.example.org dbname=mail user=dovecot password=50%{user}%\n", 'password = "50%%{user}%"\n'),
        ("<x$y'", "connect = host=db.example.org dbname=mail user=dovecot password=<x$y'\n", 'password = "<x$y\'"\n'),
        ("end\\", 'connect = "host=db.example.org dbname=mail user=dovecot password=end\\\\"\n', 'password = "end\\\\"\n'),
    ],
)
def test_a_password_is_taken_as_it_is(password, old, new):
    neutral = {"passdb": [{"driver": "sql", "database": "accounts", "query": "q"}], "databases": [{**MARIADB, "password": password}]}
    assert old in file(neutral, "2.3.19.1")
    assert new in file(neutral, "2.4.1")


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_any_password_comes_out_as_it_went_in(password):
    neutral = {"passdb": [{"driver": "sql", "database": "accounts", "query": "q"}], "databases": [{**MARIADB, "password": password}]}
    old, new = (conf.flatten(conf.parse(databases.files(neutral, version)[0].content)) for version in ("2.3.19.1", "2.4.1"))
    assert old[("connect",)][0] == f"host=db.example.org dbname=mail user=dovecot password={password}"
    assert new[("mysql db.example.org", "password")] == (password.replace("%{", "%%{"), False)


@pytest.mark.parametrize(("password", "written"), [("it's", "'it\\'s'"), ("a\\b", "'a\\\\b'"), ("plain", "plain")])
def test_postgresql_reads_quotes_of_its_own_in_23(password, written):
    neutral = {"passdb": [{"driver": "sql", "database": "accounts", "query": "q"}], "databases": [{**POSTGRESQL, "password": password}]}
    assert f"password={written} " in file(neutral, "2.3.19.1")


@pytest.mark.parametrize(
    ("server", "old", "new"),
    [
        (MARIADB, " ssl_ca=/etc/ca.pem\n", "  ssl_client_ca_file = /etc/ca.pem\n"),
        (MARIADB, " ssl_ca=/etc/ca.pem\n", "    ssl = yes\n"),
        (POSTGRESQL, " sslmode=verify-full sslrootcert=/etc/ca.pem\n", "      sslrootcert = /etc/ca.pem\n"),
        (DIRECTORY, "tls_ca_cert_file = /etc/ca.pem\ntls_require_cert = demand\n", "  ssl_client_ca_file = /etc/ca.pem\n"),
    ],
)
def test_a_server_is_verified_by_its_authority(server, old, new):
    ask = {"driver": "ldap"} if server is DIRECTORY else {"driver": "sql", "query": "q"}
    neutral = {
        "passdb": [{**ask, "database": server["name"]}],
        "databases": [{**server, "ca_file": "/etc/ca.pem"}],
    }
    assert old in file(neutral, "2.3.19.1")
    assert new in text(settings(neutral, "2.4.1"))


def test_files_are_for_root_alone_and_have_names_of_their_own():
    neutral = {
        "passdb": [
            {"driver": "sql", "database": "accounts", "query": "SELECT 1"},
            {"driver": "sql", "database": "accounts", "query": "SELECT 2", "mechanisms_filter": ["cram-md5"]},
        ],
        "userdb": [{"driver": "prefetch"}, {"driver": "sql", "database": "accounts", "query": "SELECT 3"}],
        "databases": [MARIADB],
    }
    names = [f"/etc/dovecot/postroom-{name}.conf.ext" for name in ("passdb-accounts", "passdb-accounts.2", "userdb-accounts")]
    for version in ("2.3.19.1", "2.4.1"):
        assert [(entry.path, entry.mode) for entry in databases.files(neutral, version)] == [(name, "0600") for name in names]
    assert settings(neutral, "2.3.19.1") == {
        "passdb": [{"driver": "sql", "args": names[0]}, {"driver": "sql", "args": names[1], "mechanisms": ["cram-md5"]}],
        "userdb": [{"driver": "prefetch"}, {"driver": "sql", "args": names[2]}],
    }
    new = settings(neutral, "2.4.1")
    assert list(new) == ["passdb sql", "passdb sql2", "userdb prefetch", "userdb sql"]
    assert new["passdb sql2"]["driver"] == "sql"
    assert new["passdb sql2"]["mechanisms_filter"] == ["cram-md5"]
    assert new["passdb sql2"]["!include_try"] == "postroom-passdb-accounts.2.conf.ext"
    assert "geheim" not in text(new)


def test_who_may_not_log_in_is_asked_for_first():
    neutral = {"passdb": [{"driver": "pam"}], "denied_users": ["mallory", "trudy"]}
    assert settings(neutral, "2.3.19.1") == {
        "passdb": [{"driver": "passwd-file", "args": databases.DENIED_USERS, "deny": True}, {"driver": "pam"}]
    }
    assert settings(neutral, "2.4.1") == {
        "passdb deny": {"driver": "passwd-file", "passwd_file_path": databases.DENIED_USERS, "deny": True},
        "passdb pam": {},
    }
    assert databases.files(neutral, "2.4.1") == [databases.File(databases.DENIED_USERS, "mallory\ntrudy\n", "0644")]


def test_without_databases_and_denied_users_there_is_nothing_more():
    neutral = {"passdb": [{"driver": "pam"}], "userdb": [{"driver": "passwd"}], "databases": [], "denied_users": []}
    assert databases.files(neutral, "2.4.1") == []
    assert settings(neutral, "2.4.1") == {"passdb pam": {}, "userdb passwd": {}}
    assert translate(neutral, "2.3.19.1") == {"passdb": [{"driver": "pam"}], "userdb": [{"driver": "passwd"}]}


@pytest.mark.parametrize("entry", [{"password": "x"}, {"fields": {"password": "x"}}])
def test_a_static_password(entry):
    neutral = {"passdb": [{"driver": "static", **entry}]}
    assert settings(neutral, "2.3.19.1") == {"passdb": [{"driver": "static", "args": "password=x"}]}
    assert settings(neutral, "2.4.1")["passdb static"]["static_password"] == "x"


def test_a_static_userdb_that_knows_everybody():
    neutral = {"userdb": [{"driver": "static", "allow_all_users": True, "fields": {"home": "/srv/%u"}}]}
    assert settings(neutral, "2.3.19.1") == {"userdb": [{"driver": "static", "args": "allow_all_users=yes home=/srv/%u"}]}
    assert settings(neutral, "2.4.1") == {"userdb static": {"static_allow_all_users": True, "fields": {"home": "/srv/%{user}"}}}


@pytest.mark.parametrize(
    ("neutral", "version", "message"),
    [
        ({"passdb": [{"driver": "sql", "database": "x", "query": "q"}], "databases": [MARIADB]}, "2.4", "asks 'x'"),
        ({"passdb": [{"driver": "ldap", "database": "accounts"}], "databases": [MARIADB]}, "2.4", "no server of its kind"),
        ({"passdb": [{"driver": "shadow"}]}, "2.4", "use pam"),
        ({"passdb": [{"path": "/u"}]}, "2.3", "passdb: a database has no driver; write one of pam, shadow"),
        (
            {"passdb": [{"driver": "ldap", "database": "people", "fields": {"a": "b,c"}}], "databases": [DIRECTORY]},
            "2.3",
            "'a' of an LDAP database has a comma",
        ),
    ],
)
def test_what_cannot_be_translated_is_said(neutral, version, message):
    with pytest.raises(Untranslatable, match=".*") as caught:
        [databases.files(neutral, version), translate(neutral, version)]
    assert message in str(caught.value)
