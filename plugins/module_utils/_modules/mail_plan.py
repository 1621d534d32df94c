# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the change of a mail host, which the controller does by itself."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput


def work(call: Call) -> dict[str, t.Any]:
    raise BadInput("mail_plan does its work on the controller (plugins/action/mail_plan.py) and is no module for a host: run it as a task.")


DOOR = Door(spec={"anew": {"type": "bool", "default": False}}, work=work)
