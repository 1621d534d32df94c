# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of mail_change that can be imported on the host.

A play calls the module twice, first to ask the host and then to change it, because Ansible builds the program of a module once in a run.
Only the second call needs all other modules, which take the host half a second to load: so they are imported when they are needed.
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import KINDS
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door, completed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput


def judge(option: str, value: t.Any, options: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """Of a wish, and of a probe, those options are secret that are it in the module itself."""
    if not value:
        return value, set()
    from ansible_collections.postroom.mail.plugins.module_utils._modules import carry_out

    return carry_out.judge(option, value, options)


def work(call: Call) -> dict[str, t.Any]:
    if call.options["state"] == "asked":
        return _asked(call)
    from ansible_collections.postroom.mail.plugins.module_utils._modules import carry_out

    return carry_out.work(call)


def _asked(call: Call) -> dict[str, t.Any]:
    """Return the answers of the host. Raises `BadInput` for questions that mail_info does not take."""
    from ansible_collections.postroom.mail.plugins.module_utils._modules import mail_info

    questions, wrong = completed(mail_info.DOOR, call.options["questions"])
    if wrong:
        raise BadInput(f"The host cannot be asked: {'; '.join(wrong)}.")
    return mail_info.DOOR.work(call.like(questions))


WISH: dict[str, dict[str, t.Any]] = {
    "module": {"type": "str", "choices": list(KINDS), "required": True},
    "options": {"type": "dict", "required": True, "no_log": True},
    "role": {"type": "str", "default": ""},
}

DOOR = Door(
    spec={
        "state": {"type": "str", "choices": ["asked", "begun", "done"], "default": "done"},
        "questions": {"type": "dict", "default": {}},
        "wishes": {"type": "list", "elements": "dict", "default": [], "options": WISH, "no_log": True},
        "services": {"type": "dict", "default": {}},
        "files": {"type": "dict", "default": {}},
        "proof": {"type": "dict", "default": {}, "no_log": True},
        "timeout": {"type": "int", "default": 30},
    },
    work=work,
    judge=judge,
    # What is secret has been taken out of each part by itself.
    only_names=True,
)
