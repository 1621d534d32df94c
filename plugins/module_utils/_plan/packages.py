# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages by role: the role host installs those of all roles at once, apart from a role that has to do more. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Part


def missing(parts: t.Mapping[str, Part], facts: Facts, handled: t.Collection[str] = ()) -> dict[str, list[str]]:
    """Give the packages that each role has to install. The *handled* ones were given to a task before."""
    there = {name for name, is_there in facts.get("packages", {}).items() if is_there} | set(handled)
    lacking = {role: [name for name in part.packages if name not in there] for role, part in parts.items()}
    together = [name for role, names in lacking.items() if not parts[role].installs_by_itself for name in names]
    alone = {role: names if parts[role].installs_by_itself else [] for role, names in lacking.items()}
    return {**alone, "host": list(dict.fromkeys(together))}
