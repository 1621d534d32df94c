# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A shared library of the host, used through ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError


def load(names: t.Iterable[str], missing: HostError) -> ctypes.CDLL:
    """Return the first library of these *names* that the host has; raise *missing* when it has none of them."""
    for name in names:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    raise missing
