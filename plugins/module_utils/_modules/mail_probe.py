# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove by protocol what a mail host does."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door
from ansible_collections.postroom.mail.plugins.module_utils._probe.judge import verdict
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import OUTCOMES, STEPS, probes
from ansible_collections.postroom.mail.plugins.module_utils._probe.probe import run
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import Target
from ansible_collections.postroom.mail.plugins.module_utils._probe.tls import VERSIONS


def work(call: Call) -> dict[str, t.Any]:
    rows = run(probes(call.options), check_mode=call.check_mode)
    ok, msg = verdict(rows)
    return {"changed": False, "ok": ok, "failed": call.options["fail"] and not ok, "msg": msg, "probes": rows}


STRINGS = {"type": "list", "elements": "str"}


def endpoint(**more: t.Any) -> dict[str, t.Any]:
    """Return the spec of one server."""
    options = {
        "host": {"type": "str"},
        "port": {"type": "int"},
        "tls": {"type": "str", "choices": ["none", "starttls", "implicit"], "default": "implicit"},
        "user": {"type": "str"},
        "password": {"type": "raw", "no_log": True},
        "mechanism": {"type": "str", "choices": ["plain", "login", "cram-md5"]},
        "allow_cleartext": {"type": "bool", "default": False},
        "server_hostname": {"type": "str"},
        **more,
    }
    return {"type": "dict", "options": options, "no_log": True}


def relay() -> dict[str, t.Any]:
    """Return the spec of a host that must not relay."""
    options = {
        "domain": {"type": "str", "required": True},
        "hostname": {"type": "str"},
        "addresses": STRINGS,
        "other_domain": {"type": "str"},
        "elsewhere": {"type": "str", "default": Target.elsewhere},
        "stranger": {"type": "str", "default": Target.stranger},
        "catch_all": {"type": "bool", "default": False},
        "skip": {**STRINGS, "default": []},
        "send": {"type": "bool", "default": False},
    }
    return {"type": "dict", "options": options}


def probe_options() -> dict[str, t.Any]:
    """The options of one probe, without defaults: a probe in a list takes those of the call."""
    return {
        "name": {"type": "str"},
        "host": {"type": "str"},
        "smtp": endpoint(),
        "imap": endpoint(mailbox={"type": "str", "default": "INBOX"}),
        "pop3": endpoint(),
        "recipient": {"type": "str"},
        "sender": {"type": "str"},
        "subject": {"type": "str"},
        "body": {"type": "str"},
        "headers": {"type": "dict"},
        "size": {"type": "int"},
        "message_id": {"type": "str"},
        "relay": relay(),
        "stop_after": {"type": "str", "choices": ["connect", "auth", "rcpt"]},
        "helo": {"type": "str"},
        "cleanup": {"type": "bool"},
        "expect": {"type": "str", "choices": list(OUTCOMES)},
        "reply_code": STRINGS,
        "expect_step": {**STRINGS, "choices": list(STEPS)},
        "expect_answer": {"type": "str"},
        "expect_capabilities": {
            "type": "dict",
            "options": dict.fromkeys(("present", "absent", "present_before_tls", "absent_before_tls"), STRINGS),
        },
        "validate_certs": {"type": "bool"},
        "ca_file": {"type": "path"},
        "ca_content": {"type": "str"},
        "certificate_fingerprint": {"type": "str"},
        "server_hostname": {"type": "str"},
        "tls_min_version": {"type": "str", "choices": list(VERSIONS)},
        "tls_max_version": {"type": "str", "choices": list(VERSIONS)},
        "source_address": {"type": "str"},
        "timeout": {"type": "float"},
    }


def argument_spec() -> dict[str, t.Any]:
    defaults = {"cleanup": True, "validate_certs": True, "tls_min_version": "TLSv1.2", "timeout": 30.0}
    spec = {name: {**option, "default": defaults[name]} if name in defaults else option for name, option in probe_options().items()}
    spec["probes"] = {"type": "list", "elements": "dict", "options": probe_options(), "no_log": True}
    spec["fail"] = {"type": "bool", "default": True}
    return spec


DOOR = Door(spec=argument_spec(), work=work)
