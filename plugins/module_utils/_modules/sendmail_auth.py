# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have sendmail offer SMTP AUTH on the submission port."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._host import names
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_auth import Auth, Paths, blamed
from ansible_collections.postroom.mail.plugins.module_utils._sasl.sendmail_mc import Wanted


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    family = names.distribution(sasl_facts.read("/etc/os-release")).os_family
    wanted, reads = None, [sendmail_facts.place(family, False, sasl_facts.read).config_path]
    if options["state"] == "present":
        files = options["certificate"], options["private_key"]
        words = blamed(options["private_key"], options["sasldb"])
        wanted = Wanted(options["mechanisms"], options["realm"], *files, options["auth_on_port_25"], words)
        reads += files
    auth = Auth(call.run, Paths(options["path"], options["configuration"], reads), call.check_mode, options["timeout"])
    outcome = auth.bring(wanted, options["replace"], options["backup"])
    result = {"changed": bool(outcome.actions), "actions": outcome.actions}
    return {**result, "diff": outcome.diff} if call.diff else result


DOOR = Door(
    spec={
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "mechanisms": {"type": "list", "elements": "str", "default": ["PLAIN", "LOGIN"]},
        "realm": {"type": "str", "default": ""},
        "certificate": {"type": "path"},
        "private_key": {"type": "path", "no_log": False},
        "auth_on_port_25": {"type": "bool", "default": False},
        "sasldb": {"type": "bool", "default": False},
        "replace": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": False},
        "path": {"type": "path", "default": "/etc/mail/sendmail.mc"},
        "configuration": {"type": "path", "default": "/etc/mail/sendmail.cf"},
        "timeout": {"type": "int", "default": 30},
    },
    work=work,
    rules={"required_if": [("state", "present", ("certificate", "private_key"))]},
)
