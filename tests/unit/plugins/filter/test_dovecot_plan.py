# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.dovecot_plan import FilterModule

dovecot_plan = FilterModule().filters()["dovecot_plan"]
NEUTRAL = {
    "passdb": [{"driver": "ldap", "database": "people", "bind": True}],
    "userdb": [{"driver": "passwd"}],
    "databases": [{"name": "people", "driver": "ldap", "uris": ["ldap://h"], "base": "dc=org"}],
}
FILE = "/etc/dovecot/postroom-passdb-people.conf.ext"


def test_files_that_are_needed_and_those_that_are_not_any_more():
    plan = dovecot_plan(NEUTRAL, "2.3.19.1", present=[FILE, "/etc/dovecot/postroom-userdb-x.conf.ext"])
    assert [(file["path"], file["mode"]) for file in plan["files"]] == [(FILE, "0600")]
    assert "auth_bind = yes\n" in plan["files"][0]["content"]
    assert plan["former"] == ["/etc/dovecot/postroom-userdb-x.conf.ext"]
    assert plan["problems"] == []


def test_a_file_that_a_database_names_is_needed():
    path = "/etc/dovecot/postroom-virtual-users"
    assert dovecot_plan(NEUTRAL, "2.4.1", present=[path])["former"] == [path]
    for kind in ("passdb", "userdb"):
        neutral = {**NEUTRAL, kind: [{"driver": "passwd-file", "path": path}, *NEUTRAL[kind]]}
        assert dovecot_plan(neutral, "2.4.1", present=[path])["former"] == []


def test_what_is_wrong_is_told_and_nothing_written():
    for passdb in ({"driver": "bogus"}, "pam"):
        plan = dovecot_plan({**NEUTRAL, "passdb": [passdb]}, "2.3.19.1")
        assert plan["files"] == []
        assert len(plan["problems"]) == 1


def test_what_only_the_translation_finds_is_told_likewise():
    plan = dovecot_plan({**NEUTRAL, "userdb": [{"driver": "ldap", "database": "people", "fields": {"home": "a,b"}}]}, "2.3.19.1")
    assert "has a comma" in plan["problems"][0]
    assert plan["files"] == []


@pytest.mark.parametrize(("arguments", "message"), [(([], "2.4"), "The neutral settings"), (({}, "2.4", ["x"]), "The option 'settings'")])
def test_arguments_that_are_no_dictionaries(arguments, message):
    with pytest.raises(AnsibleFilterError, match=message):
        dovecot_plan(*arguments)
