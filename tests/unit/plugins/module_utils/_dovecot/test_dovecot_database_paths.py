# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fnmatch

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases

MARIADB = {"name": "accounts", "driver": "mysql", "host": "db.example.org", "dbname": "mail", "user": "dovecot", "password": "geheim"}
QUERY = "SELECT userid AS user, password FROM users WHERE userid = '%{user}'"


def test_every_file_is_one_of_those_that_are_promised():
    ask = {"driver": "sql", "database": "accounts", "query": QUERY}
    neutral = {"passdb": [ask, ask], "userdb": [ask], "databases": [MARIADB], "denied_users": ["mallory"]}
    written = {file.path for version in ("2.3.19", "2.4.1") for file in databases.files(neutral, version)}
    assert len(written) == 4
    assert [path for path in written if not any(fnmatch.fnmatchcase(path, pattern) for pattern in databases.PATHS)] == []
