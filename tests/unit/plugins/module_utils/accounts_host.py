# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose accounts useradd makes and chpasswd gives passwords."""

from __future__ import annotations

import pwd
import zlib

from ansible_collections.postroom.mail.plugins.module_utils._passwords import accounts
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt


class Accounts:
    """Accounts that useradd makes and chpasswd gives passwords."""

    def __init__(self, monkeypatch):
        self.hashes = {}
        monkeypatch.setattr(accounts.Host, "_hashes", lambda host: self.hashes)
        monkeypatch.setattr(accounts.Host, "_uid", lambda host, user: None)
        monkeypatch.setattr(accounts.Host, "uid_range", lambda host: (1000, 60000))
        monkeypatch.setattr(pwd, "getpwnam", self._getpwnam)
        monkeypatch.setattr(LibCrypt, "verify", lambda crypt, pairs: [stored == self.hash(password) for password, stored in pairs])
        monkeypatch.setattr(LibCrypt, "hash", lambda crypt, password: self.hash(password))

    def _getpwnam(self, name):
        if name not in self.hashes:
            raise KeyError(name)
        return pwd.struct_passwd((name, "x", 1001, 1001, "", f"/home/{name}", "/usr/sbin/nologin"))

    def run(self, args, data=None):
        if args[0] == "useradd":
            self.hashes[args[-1]] = "!"
        if args[0] == "chpasswd":
            self.hashes.update(line.split(":") for line in data.splitlines())
        return 0, "", ""

    @staticmethod
    def hash(password):
        return f"${zlib.crc32(password.encode())}"
