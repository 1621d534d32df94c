# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the TLS certificate of a mail host, or make a self-signed one."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._host import certificate


def work(call: Call) -> dict[str, t.Any]:
    options, run, now = call.options, call.run, time.time()
    names = certificate.checked_names(options["common_name"], options["subject_alt_names"]) if options["common_name"] else []
    if options["self_signed"] and options["days"] <= options["warn_days"]:
        raise BadInput(f"A certificate for {options['days']} days would be renewed at every run; days must be more than warn_days.")
    pair = certificate.SelfSigned(options["certificate"], options["private_key"], names, options["days"], options["key_type"])
    found = None
    if not options["self_signed"] or os.path.lexists(pair.certificate):
        found = certificate.inspect(run, pair.certificate, pair.private_key)
    action, reason = certificate.decide(found, names, options["self_signed"], options["warn_days"], now)
    if action != "none":
        if not call.check_mode:
            pair.write(run)
            found = certificate.inspect(run, pair.certificate, pair.private_key)
        call.warnings.append(
            f"The self-signed certificate {pair.certificate} for {', '.join(names)} {'would be' if call.check_mode else 'was'} {action}"
            f" ({reason}). Clients must be told to trust it; give the host a certificate of a public authority when you can."
        )
    ours = action == "none" and options["self_signed"] and found is not None and found.ours
    exposed = ours and certificate.close_key(pair, call.check_mode)
    result = {
        "changed": action != "none" or exposed,
        "action": action,
        **certificate.describe(None if call.check_mode and action != "none" else found, names),
    }
    if found and action == "none":
        certificate.check_dates(found, pair.certificate, now)
        call.warnings += certificate.warnings_about(found, pair, options["warn_days"], now)
    if call.diff:
        result["diff"] = certificate.diff(pair, action, reason, exposed)
    return result


DOOR = Door(
    spec={
        "certificate": {"type": "path", "default": "/etc/ssl/certs/postroom-mail.pem"},
        "private_key": {"type": "path", "default": "/etc/ssl/private/postroom-mail.key", "no_log": False},
        "self_signed": {"type": "bool", "default": False},
        "common_name": {"type": "str"},
        "subject_alt_names": {"type": "list", "elements": "str", "default": []},
        "days": {"type": "int", "default": 3650},
        "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa", "no_log": False},
        "warn_days": {"type": "int", "default": 30},
    },
    work=work,
    rules={"required_if": [("self_signed", True, ("common_name",))]},
)
