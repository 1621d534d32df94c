# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases of mail_change and of the files that it writes."""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._modules import mail_change as door
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import FakeServices
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost
from ansible_collections.postroom.mail.tests.unit.plugins.modules.case import OWNER, SECRET, Case, always_with, below, postfix, programs


def mail_change(tmp_path, monkeypatch):
    root = postfix(tmp_path, "myhostname = old.example\n")
    always_with(monkeypatch, Journal, place=str(tmp_path / "journal"))
    monkeypatch.setattr(door, "Daemons", lambda *arguments, **options: FakeServices())
    file = {"path": f"{root}/sql.conf", "content": f"password={SECRET}\n", "secret": True, **OWNER}
    parameters = {"config_directory": str(root), "parameters": {"myhostname": "mail.example.net"}}
    wishes = [
        {"module": "mail_file", "options": {"files": [file]}, "role": "dovecot"},
        {"module": "postfix_config", "options": parameters, "role": "postfix"},
    ]
    return Case(
        root,
        PostfixHost(),
        {"wishes": wishes, "proof": {"host": "mail.example.net", "smtp": {"user": "alice", "password": SECRET}}},
        result={"changed_files": [f"{root}/sql.conf", f"{root}/main.cf"], "actions": [], "reasons": [], "proof": ""},
        diff="mail.example.net",
        wrong={"wishes": [*wishes, {"module": "mail_file", "options": {"files": [{**file, "content": SECRET + SECRET}]}, "role": "sasl"}]},
        error="Contradiction",
        message=f"The roles dovecot and sasl both want different things of {root}/sql.conf (mail_file)",
        secrets=(SECRET,),
    )


def mail_file(tmp_path, monkeypatch):
    root = below(tmp_path)
    (root / "former").touch()
    file = {"path": f"{root}/sql.conf", "content": f"password={SECRET}\n", "secret": True, "reload": True, "mode": "0640", **OWNER}
    return Case(
        root,
        programs(),
        {"files": [file], "absent": [f"{root}/former", f"{root}/never"]},
        result={"changed_files": [f"{root}/sql.conf", f"{root}/former"], "reload_required": True},
        diff="[the content is not shown]",
        wrong={"files": [file, {**file, "mode": "0600"}]},
        error="BadInput",
        message=f"{root}/sql.conf is listed twice, in 'files' or in 'absent': list it once.",
        secrets=(SECRET,),
    )
