# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The spelling of folder names in IMAP and on disk. Pure."""

from __future__ import annotations

import base64
import binascii
import re


def modified_utf7(name: str) -> str:
    """Return a mailbox name as IMAP writes it (RFC 3501, 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        return f"&{base64.b64encode(match.group().encode('utf-16-be', 'surrogatepass')).decode().rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))


def as_imap(name: str) -> str:
    """Return the same for a name that people wrote, perhaps already in the spelling of IMAP."""
    return name if "&" in name and _is_modified_utf7(name) else modified_utf7(name)


def _is_modified_utf7(name: str) -> bool:
    try:
        plain = re.sub("&([^-]*)-", _unshifted, name)
    except (ValueError, binascii.Error):
        return False
    # Every other spelling of the same name would be found wanting here, half a shift and an ampersand of its own too.
    return modified_utf7(plain) == name


def _unshifted(match: re.Match[str]) -> str:
    code = match.group(1).replace(",", "/")
    return base64.b64decode(code + "=" * (-len(code) % 4), validate=True).decode("utf-16-be") if code else "&"
