# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.packages import missing
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part

EXIM = {"name": "exim", "installed": True}
PARTS = {
    "dovecot": Part(packages=["dovecot-core", "dovecot-imapd"]),
    "host": Part(packages=["openssl"]),
    "postfix": Part(packages=["postfix", "ca-certificates"]),
    "relay_policy": Part(packages=["libsasl2-modules", "ca-certificates"]),
    "sasl": Part(packages=["libsasl2-modules", "sasl2-bin"]),
    "fetchmail": Part(),
}
NOBODY: dict[str, list[str]] = {role: [] for role in PARTS}
ALL = [
    *("dovecot-core", "dovecot-imapd", "openssl", "postfix", "ca-certificates"),
    *("libsasl2-modules", "sasl2-bin"),
]


def facts(*there, without=()):
    return {"packages": {**dict.fromkeys(there, "1.0"), **dict.fromkeys(without)}}


@pytest.mark.parametrize(
    ("there", "handled", "lacking"),
    [
        (facts(), [], ALL),
        ({}, [], ALL),
        # What mail_info has not found is not there.
        (facts(without=ALL), [], ALL),
        (facts("openssl", "postfix", "libsasl2-modules"), [], ["dovecot-core", "dovecot-imapd", "ca-certificates", "sasl2-bin"]),
        (facts("openssl"), ["postfix", "sasl2-bin"], ["dovecot-core", "dovecot-imapd", "ca-certificates", "libsasl2-modules"]),
        (facts(*ALL), [], []),
        (facts(), ALL, []),
    ],
)
def test_the_role_host_installs_those_of_all_roles_at_once(there, handled, lacking):
    assert missing(PARTS, there, handled) == {**NOBODY, "host": lacking}


@pytest.mark.parametrize(
    "part", [{"is_nameless": True}, {"former_mail_servers": [EXIM]}, {"is_nameless": True, "former_mail_servers": [EXIM]}]
)
def test_a_role_that_has_more_to_do_installs_by_itself(part):
    parts = {**PARTS, "postfix": Part(packages=["postfix", "ca-certificates"], **part)}
    lacking = missing(parts, facts("openssl"))
    assert lacking["postfix"] == ["postfix", "ca-certificates"]
    # What another role needs, too, does not wait for that one.
    assert lacking["host"] == ["dovecot-core", "dovecot-imapd", "libsasl2-modules", "ca-certificates", "sasl2-bin"]
    assert {role: names for role, names in lacking.items() if names and role not in ("host", "postfix")} == {}


def test_a_role_that_installs_by_itself_has_nothing_to_install_when_all_is_there():
    parts = {"host": Part(packages=["openssl"]), "postfix": Part(packages=["postfix"], former_mail_servers=[EXIM])}
    assert missing(parts, facts("postfix")) == {"host": ["openssl"], "postfix": []}
