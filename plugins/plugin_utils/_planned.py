# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Options of tasks that are a field of a plan.

Ansible looks at each text of a value for a template, which takes it a second for ten thousand users, in each task. There are none in a
plan: it was made from variables that had been evaluated.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans

_FIELD = re.compile(r"\{\{ (?P<role>\w+)_plan\.(?P<field>\w+)(?:\.(?P<option>\w+))? \}\}")


def field(value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return what a plan says, if *value* is a template of that alone; None for any other value, and for what Ansible has to judge."""
    named = _FIELD.fullmatch(value) if isinstance(value, str) else None
    # In vars/main.yml of each role.
    if named is None or variables.get(f"{named['role']}_plan") != f"{{{{ lookup('postroom.mail.plan', '{named['role']}') }}}}":
        return None
    try:
        found = Plans(variables["inventory_hostname"]).field(named["role"], named["field"])
        return found if named["option"] is None else found[named["option"]]
    except (LookupError, TypeError):
        return None
