# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PAM service by which Dovecot asks for the passwords of system accounts. Pure.

PAM has no idea of user ids. Root and the system's own accounts are refused before their password is looked at, so that nobody can tell
a right one from a wrong one, and after the same time. Who is no account of the host is left to the modules that follow.
"""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.databases import HEAD

_REFUSAL = "[success=ignore user_unknown=ignore default=die] pam_succeed_if.so quiet"


def service(first_valid_uid: int, last_valid_uid: int) -> str:
    """The text of its file; 0 as the last one is no limit."""
    lines = ["auth optional pam_faildelay.so delay=2000000", f"auth {_REFUSAL} uid >= {first_valid_uid}"]
    if last_valid_uid > 0:
        lines.append(f"auth {_REFUSAL} uid <= {last_valid_uid}")
    lines += [f"{kind} include dovecot" for kind in ("auth", "account", "session")]
    return HEAD + "\n".join(lines) + "\n"
