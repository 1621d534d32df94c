# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell everything about a mail host in one call."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._host.info import ON_DEMAND, SUBSETS, Host, Questions
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import MTAS


def work(call: Call) -> dict[str, t.Any]:
    return {"changed": False, **Host(call.run).tell(Questions(**call.options))}


DOOR = Door(
    spec={
        "gather": {"type": "list", "elements": "str", "choices": [*SUBSETS, *ON_DEMAND], "default": list(SUBSETS)},
        "packages": {"type": "list", "elements": "str", "default": []},
        "services": {"type": "list", "elements": "str", "default": ["postfix", "dovecot"]},
        "resolve": {"type": "list", "elements": "str", "default": []},
        "accounts": {"type": "list", "elements": "str", "default": []},
        "sasl_mta": {"type": "str", "choices": list(MTAS), "default": "postfix"},
    },
    work=work,
)
