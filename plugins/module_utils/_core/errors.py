# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The root of the collection's exceptions: one subclass per cause, one sentence per instance."""

from __future__ import annotations


class MailError(Exception):
    """An error for the administrator: the message names the object, the cause and the way out.

    Subclasses live beside the code that raises them, one per cause. Only `run_module` turns them into ``fail_json``.
    """


class BadInput(MailError):
    """An option has a value that cannot be right on any host."""


class HostError(MailError):
    """This host cannot do the task: a program is missing, a disk is full, a command failed."""


class RejectedByDaemon(MailError):
    """The daemon's own checker refused the candidate; nothing was written."""
