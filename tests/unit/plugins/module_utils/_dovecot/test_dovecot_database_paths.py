# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import CONFIG_DIRECTORY, DATABASE_FILE

MARIADB = {"name": "accounts", "driver": "mysql", "host": "db.example.org", "dbname": "mail", "user": "dovecot", "password": "geheim"}
QUERY = "SELECT userid AS user, password FROM users WHERE userid = '%{user}'"


def test_every_file_is_found_again_when_nothing_needs_it_any_more():
    ask = {"driver": "sql", "database": "accounts", "query": QUERY}
    neutral = {"passdb": [ask, ask], "userdb": [ask], "databases": [MARIADB], "denied_users": ["mallory"]}
    written = {file.path for version in ("2.3.19", "2.4.1") for file in databases.files(neutral, version)}
    assert len(written) == 4
    assert {os.path.dirname(path) for path in written} == {CONFIG_DIRECTORY}
    assert [path for path in written if not DATABASE_FILE.fullmatch(os.path.basename(path))] == []
