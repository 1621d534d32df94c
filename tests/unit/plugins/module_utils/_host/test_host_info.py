# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._host import info
from ansible_collections.postroom.mail.plugins.module_utils._host.info import Host, Questions


def asked(run, dpkg_status, monkeypatch, **questions):
    monkeypatch.setattr(info, "_read", lambda path: dpkg_status if path == info.DPKG_STATUS else "")
    return Host(run).tell(Questions(**questions))


def test_packages_are_looked_up_in_the_record_of_dpkg_where_there_is_one(monkeypatch):
    def run(args, data=None):
        raise AssertionError(args)

    status = "Package: postfix\nStatus: install ok installed\nVersion: 3.10.5-1\n"
    told = asked(run, status, monkeypatch, gather=["packages"], packages=["postfix", "exim4"])
    assert told == {"packages": {"postfix": "3.10.5-1", "exim4": None}}


def test_packages_are_asked_of_rpm_elsewhere(monkeypatch):
    def run(args, data=None):
        assert (args[0], args[-2:]) == ("rpm", ["postfix", "exim"])
        return 1, "postfix\t3.8.5-8.el10\npackage exim is not installed\n", ""

    told = asked(run, "", monkeypatch, gather=["packages"], packages=["postfix", "exim"])
    assert told == {"packages": {"postfix": "3.8.5-8.el10", "exim": None}}


@pytest.mark.parametrize(("uid", "privileged"), [(0, True), (1000, False)])
def test_root_is_privileged(monkeypatch, uid, privileged):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    told = asked(lambda args, data=None: (127, "", ""), "", monkeypatch, gather=["host"])
    assert told["host"]["privileged"] is privileged
