# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What no password can be, whoever keeps it. Pure."""

from __future__ import annotations

import re

LONGEST = 511  # Bytes; crypt(3) takes no longer phrase.


def problem_with(password: str, without: str, longest: int = LONGEST) -> str | None:
    """What keeps *password* from being one, to be read after it; *without* says what leaving it out is for. None: nothing does."""
    if not password:
        return f"is empty; leave the option out {without}"
    if re.search(r"[\n\r\0]", password):
        return "has a line break or a null character in it, which no mail client could send"
    try:
        length = len(password.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "has half a character in it, which no mail client could send"
    return f"is longer than {longest} bytes" if length > longest else None
