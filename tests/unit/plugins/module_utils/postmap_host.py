# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Postfix that compiles tables."""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import SUFFIXES

MAGIC = {"hash": bytes(12) + b"\x61\x15\x06\x00", "lmdb": bytes(16) + b"\xde\xc0\xef\xbe"}


class Postfix:
    """A stand-in that compiles what has no line "bad", complains of one that has, and remembers what it was asked."""

    def __init__(self, types=("hash", "lmdb", "regexp", "texthash", "sqlite")):
        self.types = types
        self.calls = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        if args[0] == "postconf":
            return (0, "\n".join(self.types) + "\n", "") if "-m" in args else (0, "hash\n", "")
        stderr = ""
        for name in args[3:]:
            kind, colon, source = name.partition(":")
            if not colon:
                continue
            with open(source) as f:
                text = f.read()
            if "bad" in text:
                stderr += f"{args[0]}: warning: {source}, line 1: is bad\n"
            if "fatal" in text:
                return 1, "", f"{args[0]}: fatal: {source}: no\n"
            if kind in MAGIC:
                with open(source + SUFFIXES[kind][0], "wb") as f:
                    f.write(MAGIC[kind] + text.encode())
        return 0, "", stderr + "postmap: warning: /etc/postfix/main.cf, line 3: overriding earlier entry\n"
