# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What ``doveconf -n`` accepts and what nevertheless keeps people from logging in.

Each check looks only at settings that a change touches, and says in one sentence what is wrong and what to do.
"""

from __future__ import annotations

# Mechanisms by Dovecot's own names; the auth process dies of any other one, and with it every login.
_COMMON = (
    "plain",
    "login",
    "cram-md5",
    "digest-md5",
    "scram-sha-1",
    "scram-sha-256",
    "otp",
    "apop",
    "anonymous",
    "external",
    "oauthbearer",
    "xoauth2",
)
MECHANISMS = {"2.3": (*_COMMON, "dovecot-token"), "2.4": (*_COMMON, "scram-sha-1-plus", "scram-sha-256-plus")}
