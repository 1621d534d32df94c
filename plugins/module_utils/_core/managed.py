# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The marks of the collection in a file: the whole file, or a block at its end. Pure."""

from __future__ import annotations

import re
import typing as t

HEADER = "# Managed by postroom.mail: what is changed in this file by hand is overwritten.\n"


def comment(text: str) -> str:
    """Return a comment line for the lines after it; a line end in the text does not break it."""
    return "# " + text.rstrip("\\ ")


def is_managed(text: str) -> bool:
    """Return whether a whole file was written by the collection."""
    return text.startswith(HEADER)


class Block(t.NamedTuple):
    """A block at the end of a file of another owner: its first and its last line."""

    begin: str = "# BEGIN: managed by postroom.mail; what stands above is overridden.\n"
    end: str = "# END: managed by postroom.mail\n"

    def put(self, text: str, lines: str) -> str:
        """Return *text* with the block at its end, in the place of a former one; without *lines* the block goes."""
        rest = self.without(text)
        if not lines:
            return rest
        newline = "" if not rest or rest.endswith("\n") else "\n"
        return f"{rest}{newline}{self.begin}{lines}{self.end}"

    def without(self, text: str) -> str:
        return re.sub(f"^{re.escape(self.begin)}.*?^{re.escape(self.end)}", "", text, flags=re.DOTALL | re.MULTILINE)

    def is_in(self, text: str) -> bool:
        return self.without(text) != text


# For files that a shell, or systemd as an EnvironmentFile, reads: the last assignment counts.
SETTINGS = Block()
