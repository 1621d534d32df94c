# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wanted settings that Postfix does not have yet, compared with the facts of ``mail_info``.

It spares a converged run the modules, and leaves every doubtful setting to them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.values import render

Options = t.Mapping[str, t.Any]
_COLUMNS = ("private", "unprivileged", "chroot", "wakeup", "process_limit", "command", "args")


def parameters(wanted: Options, live: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return those of the *wanted* parameters with another value in main.cf; None stands for a parameter that must not be set."""
    return {name: value for name, value in wanted.items() if not _is(value, name, live)}


def services(wanted: t.Iterable[Options], live: t.Mapping[str, Options]) -> list[Options]:
    """Return those of the *wanted* services that master.cf lacks, or has in another form."""
    return [service for service in wanted if not _is_settled(service, live.get(f"{service.get('name')}/{service.get('type')}"))]


def _is_settled(wanted: Options, live: Options | None) -> bool:
    if wanted.get("state", "present") == "absent" or live is None:
        return wanted.get("state", "present") == "absent" and live is None
    overrides = wanted.get("overrides") or {}
    return (
        wanted.get("state", "present") == "present"
        and not wanted.get("exclusive_overrides")
        and all(wanted[column] is None or wanted[column] == live[column] for column in _COLUMNS if column in wanted)
        and not parameters(overrides, live["overrides"])
    )


def _is(value: t.Any, name: str, live: t.Mapping[str, str]) -> bool:
    if value is None or name not in live:
        return value is None and name not in live
    try:
        text = render(name, value)
    except BadInput:
        return False  # The module says what is wrong with it.
    return text == live[name] or (isinstance(value, (list, tuple)) and words(text) == words(live[name]))
