# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dovecot's auth processes of before a reload.

Each smtpd(8) of Postfix stays connected to the one that it asked first. After a reload that one asks workers that read other passdbs, and
every login there is put off (454) until Dovecot ends it, six seconds later. Ended at once, it is not missed: smtpd connects again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.processes import children, process
from ansible_collections.postroom.mail.plugins.module_utils._services.ready import wait_until

# What is being answered just now is answered.
_GRACE_SECONDS = 0.5


def of(master: int | None) -> list[int]:
    """The auth processes of this Dovecot."""
    return [child.pid for child in children(master) if child.name == "auth"]


def end(former: t.Sequence[int], master: int | None) -> None:
    """End those of *former* that are still there beside the new ones of *master*."""

    def still_there() -> list[int]:
        # The number of one that is gone may be somebody else's.
        return [pid for pid in former if (found := process(pid)) is not None and (found.parent, found.name) == (master, "auth")]

    if wait_until(lambda: not still_there(), time.monotonic() + _GRACE_SECONDS):
        return
    for pid in still_there():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not still_there(), time.monotonic() + _GRACE_SECONDS)
