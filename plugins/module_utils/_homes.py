# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Files in the home of a user: they are his, and so is what lies there already."""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils import _files
from ansible_collections.postroom.mail.plugins.module_utils._errors import HostError


@contextlib.contextmanager
def acting_as(owner: str | None) -> t.Iterator[None]:
    """Do what is done in a user's home as that user: a link that he laid there leads to nothing that is not his anyway."""
    if owner is None or os.geteuid() != 0:
        yield
        return
    account, groups = pwd.getpwnam(owner), os.getgroups()
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def read_text(path: str) -> str | None:
    """As `_files.read_text`, of a plain file only: for a pipe, one would wait until its owner cares to write."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as e:
        raise HostError(f"Cannot read {path}: {e.strerror}.") from e
    if not stat.S_ISREG(mode):
        raise HostError(f"Cannot read {path}: it is no file.")
    return _files.read_text(path)
