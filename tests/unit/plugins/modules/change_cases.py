# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases of the modules that write whole files and that carry out a change."""

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.tests.unit.plugins.modules.case import OWNER, SECRET, Case, always_with, below, programs


def mail_file(tmp_path, monkeypatch):
    root = below(tmp_path, "etc")
    (root / "etc/former").write_text("nobody reads it\n")
    files = [
        {"path": f"{root}/etc/pam", "content": "auth include dovecot\n", **OWNER},
        {
            "path": f"{root}/etc/people.ext",
            "content": f"password = {SECRET}\n",
            "secret": True,
            "service": "dovecot",
            "mode": "0600",
            **OWNER,
        },
    ]
    return Case(
        root,
        programs(),
        {"files": files, "absent": [f"{root}/etc/former", f"{root}/etc/never"]},
        result={"changed_files": [f"{root}/etc/pam", f"{root}/etc/people.ext", f"{root}/etc/former"], "services": ["dovecot"]},
        diff="auth include dovecot",
        wrong={"absent": ["etc/pam"]},
        error="BadInput",
        message="'etc/pam' is no place for a file: give an absolute path.",
        secrets=(SECRET,),
    )


def mail_change(tmp_path, monkeypatch):
    root = below(tmp_path, "etc")
    always_with(monkeypatch, Journal, place=str(tmp_path / "journal"))
    path = f"{root}/etc/people.ext"
    file = {"path": path, "content": f"password = {SECRET}\n", "secret": True, "mode": "0600", **OWNER}
    wish = {"module": "mail_file", "options": {"files": [file]}, "role": "dovecot"}
    return Case(
        root,
        programs(),
        {"wishes": [wish], "services": {"dovecot": {"running": False}}},
        result={"changed_files": [path], "actions": [], "reasons": []},
        diff="the content is not shown",
        wrong={"wishes": [wish, {**wish, "role": "sasl", "options": {"files": [{**file, "mode": "0644"}]}}]},
        error="Contradiction",
        message="dovecot and sasl",
        secrets=(SECRET,),
    )
