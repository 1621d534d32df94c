# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.filter.dovecot_settings import FilterModule as Settings
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.databases import files as files_of_databases
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import DATABASE_FILE
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.secrets import parted

dovecot_settings = Settings().filters()["dovecot_settings"]
NEUTRAL = {
    "passdb": [{"driver": "static", "fields": {"password": "s3cret", "proxy": True, "host": "h"}}, {"driver": "pam"}],
    "userdb": [{"driver": "passwd"}],
}
MORE = {
    "imapc_password": "s3cret two",
    "imapc_user": "u",
    "plugin": {"a": "b", "crypt_key": "s3cret", "mail_crypt_global_private_key": "</etc/key"},
    "service doveadm": {"inet_listener x": {"port": 1}, "deep": {"deeper": {"api_key": "s3cret#3"}}},
}


def text(settings):
    return conf.render_wanted(conf.wanted_from(settings))


def files(version):
    return [*files_of_databases(NEUTRAL, version), *parted(translate(NEUTRAL, version, MORE))[1]]


@pytest.mark.parametrize("version", ["2.3.19", "2.4.1"])
def test_no_secret_is_among_the_settings(version):
    public = dovecot_settings(NEUTRAL, version, MORE)
    assert "s3cret" not in text(public)
    assert [file.content.count("s3cret") for file in files(version)] == [1, 1, 1, 1]
    assert {file.mode for file in files(version)} == {"0600"}
    # Each is included, and taken away when nothing needs it any more.
    names = [file.path.rpartition("/")[2] for file in files(version)]
    assert all(text(public).count(f"!include_try {name}\n") == 1 for name in names)
    assert all(DATABASE_FILE.fullmatch(name) for name in names)


@pytest.mark.parametrize("version", ["2.3.19", "2.4.1"])
def test_with_its_files_the_configuration_says_the_same(version):
    public = text(dovecot_settings(NEUTRAL, version, MORE))
    for file in files(version):
        public = public.replace(f"!include_try {file.path.rpartition('/')[2]}\n", file.content)
    said = {conf.display(path): value for path, (value, _resolved) in conf.flatten(conf.parse(public)).items() if path[-1]}
    assert said["imapc_password"] == "s3cret two"
    assert said["imapc_user"] == "u"
    assert said["plugin/crypt_key"] == "s3cret"
    assert said["plugin/mail_crypt_global_private_key"] == "</etc/key"
    assert said["service doveadm/deep/deeper/api_key"] == "s3cret#3"
    if version.startswith("2.3"):
        assert said["passdb[0]/args"] == "password=s3cret proxy=True host=h"
    else:
        assert said["passdb static/static_password"] == "s3cret"
        assert said["passdb static/fields/host"] == "h"


def test_of_two_databases_of_one_kind_each_has_its_file():
    _public, files = parted({"passdb": [{"args": "password=a"}, {"driver": "pam"}, {"args": "password=b"}]})
    assert [file.path for file in files] == [
        "/etc/dovecot/postroom-secrets-passdb.conf.ext",
        "/etc/dovecot/postroom-secrets-passdb.2.conf.ext",
    ]


def test_other_includes_of_a_block_stay():
    public, _files = parted({"passdb sql": {"!include_try": "x.conf.ext", "password": "a"}, "!include_try": "y", "api_key": "k"})
    assert public["passdb sql"]["!include_try"] == ["x.conf.ext", "postroom-secrets-passdb-sql.conf.ext"]
    assert public["!include_try"] == ["y", "postroom-secrets.conf.ext"]
    assert list(public) == ["!include_try", "passdb sql"]


def test_without_secrets_nothing_changes():
    settings = {"a": "b", "passdb": [{"driver": "pam"}], "plugin": {}, "imapc_password": None, "protocols": ["imap"]}
    assert parted(settings) == ({**settings}, [])


def test_wrong_settings_are_not_repeated():
    with pytest.raises(Exception, match="must be a dictionary, and this is text") as e:
        dovecot_settings({}, "2.4", "imapc_password=s3cret")
    assert "s3cret" not in str(e.value)


@pytest.mark.parametrize("value", [42798, True, 12.5])
def test_a_secret_that_yaml_read_otherwise(value):
    (problem,) = problems(NEUTRAL, "2.4.1", {"imapc_password": value})
    assert problem.startswith("dovecot_settings: imapc_password is a")
    with pytest.raises(conf.BadSetting) as e:
        conf.wanted_from({"imapc_password": value})
    assert str(value) not in problem + str(e.value)
