# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How IMAP, and the disk, spell the name of a folder. Pure."""

from __future__ import annotations

import base64
import re


def modified_utf7(name: str) -> str:
    """A mailbox name as IMAP writes it (RFC 3501, 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        return f"&{base64.b64encode(match.group().encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))
