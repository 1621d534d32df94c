# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that can be part of a change."""

from __future__ import annotations

# In this order they are carried out. The first ones make what the others need to be judged, and are not put back.
FIRST = ("mail_certificate", "mail_user")
KINDS = (
    *FIRST,
    "mail_file",
    "postmap",
    "postfix_config",
    "postfix_service",
    "dovecot_user",
    "dovecot_setting",
    "sasl_user",
    "sasl_provider",
    "fetchmail_config",
    "mail_filter",
    "mail_service",
)
