# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change was planned by what the host said: what somebody has written since is not overwritten."""

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.changed_at import stamps
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import ChangeHost

REFUSED = r"^.*/main\.cf was changed by somebody else since the host was asked; nothing was changed: run the play again\.$"


@pytest.fixture
def host(tmp_path):
    host = ChangeHost(tmp_path)
    host.write("main.cf", "former\n")
    host.write("other.cf", "former\n")
    return host


@pytest.fixture
def asked(host):
    return stamps([host.path("main.cf"), host.path("missing.cf")])


def edit(host):
    host.write("main.cf", "by hand\n")


def replace(host):
    host.write("main.cf.tmp", "former\n")
    os.rename(host.path("main.cf.tmp"), host.path("main.cf"))


def remove(host):
    os.unlink(host.path("main.cf"))


def test_what_nobody_has_written_is_replaced(host, asked):
    host.write("missing.cf", "there by now\n")
    host.carry_out(lambda: host.update("main.cf", "wanted\n"), lambda: host.update("missing.cf", "wanted\n"), asked=asked)
    assert (host.read("main.cf"), host.read("missing.cf")) == ("wanted\n", "wanted\n")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("somebody", [edit, replace, remove])
def test_what_somebody_has_written_is_not(host, asked, somebody, check_mode):
    somebody(host)
    before = host.stamps()
    works = [lambda: host.update("main.cf", "wanted\n"), lambda: host.update("other.cf", "wanted\n")]
    with pytest.raises(FileBusy, match=REFUSED):
        host.carry_out(*works, asked=asked, check_mode=check_mode)
    assert (host.stamps(), host.kept(), host.services.calls) == (before, [], [])


@pytest.mark.parametrize("wanted", ["by hand\n", None])
def test_a_change_that_leaves_it_alone_is_carried_out(host, asked, wanted):
    edit(host)
    works = [lambda: host.update("main.cf", wanted)] if wanted else []
    host.carry_out(*works, lambda: host.update("other.cf", "wanted\n"), asked=asked)
    assert (host.read("main.cf"), host.read("other.cf")) == ("by hand\n", "wanted\n")


def test_what_a_killed_run_left_was_asked(host):
    """It is put back before anything else, which is nobody's edit."""

    def killed():
        raise SystemExit

    host.services.on["prove"] = killed
    with pytest.raises(SystemExit):
        host.carry_out(lambda: host.update("main.cf", "half\n"))
    host.services.on.clear()
    asked = stamps([host.path("main.cf")])
    assert host.carry_out(lambda: host.update("main.cf", "wanted\n"), asked=asked).recovered
    assert host.read("main.cf") == "wanted\n"
