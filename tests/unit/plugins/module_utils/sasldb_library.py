# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A libsasl2 that keeps its users as JSON."""

from __future__ import annotations

import json
import pathlib

from ansible_collections.postroom.mail.plugins.module_utils._sasl.users import Standing


class FakeLibrary:
    """Keeps its users as JSON; *during* is called once before it writes, as if somebody else were quicker."""

    def __init__(self, during=None):
        self.during = during
        self.stored = []

    def compare(self, database, users):
        there = json.loads(pathlib.Path(database).read_text())
        return [self._standing(there.get(user.identity), user) for user in users]

    @staticmethod
    def _standing(password, user):
        if password is None:
            return Standing.ABSENT
        return Standing.SAME if not user.present or user.password in (None, password) else Standing.OTHER

    def store(self, database, users):
        if self.during:
            self.during, during = None, self.during
            during()
        path = pathlib.Path(database)
        there = json.loads(path.read_text()) if path.exists() else {}
        for user in users:
            self.stored.append(user.identity)
            there.pop(user.identity, None)
            if user.present:
                there[user.identity] = user.password
        path.write_text(json.dumps(there))
