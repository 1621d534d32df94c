# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a host, below a directory."""

from __future__ import annotations


class HostTree:
    def __init__(self, root):
        self.root = root

    def write(self, name, text="", mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def read(self, name):
        path = self.root / name
        return path.read_text() if path.is_file() else None

    def mode(self, name):
        return (self.root / name).stat().st_mode & 0o777
