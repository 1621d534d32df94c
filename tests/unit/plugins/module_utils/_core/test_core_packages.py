# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import packages
from hypothesis import given
from hypothesis import strategies as st

STATUS = """\
Package: postfix
Status: install ok installed
Architecture: amd64
Version: 3.10.13-0+deb13u1
Conffiles:
 /etc/init.d/postfix 0123
Description: a mail server
 Package: exim4
 .
 Version: 9

Package: libc6
Status: deinstall ok config-files
Architecture: i386
Version: 2.30

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41

Package: exim4
Status: deinstall ok config-files
Version: 4.96

Package: dovecot-core
Status: hold ok installed
Version: 1:2.4.1+dfsg1-6
"""


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param("postfix", "3.10.13-0+deb13u1", id="installed"),
        pytest.param("libc6", "2.41", id="of two architectures the installed one"),
        pytest.param("exim4", None, id="removed, configuration left behind"),
        pytest.param("dovecot-core", "1:2.4.1+dfsg1-6", id="on hold, last stanza"),
        pytest.param("dovecot", None, id="part of another name"),
        pytest.param("postfi.", None, id="no pattern"),
    ],
)
def test_dpkg(name, version):
    assert packages.dpkg_versions(STATUS, [name]) == {name: version}


def test_dpkg_half_installed_is_not_installed():
    status = STATUS.replace(
        "Status: install ok installed\nArchitecture: amd64\nVersion: 3", "Status: install reinstreq half-installed\nVersion: 3"
    )
    assert packages.dpkg_versions(status, ["postfix"]) == {"postfix": None}


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_dpkg_answers_every_name_whatever_the_text(status, names):
    assert set(packages.dpkg_versions(status, names)) == set(names)


def test_rpm():
    output = "postfix\t2:3.5.25-1.el9\npackage exim is not installed\ndovecot\t1:2.3.16-14.el9\n"
    assert packages.rpm_versions(output, ["postfix", "exim", "dovecot"]) == {
        "postfix": "2:3.5.25-1.el9",
        "exim": None,
        "dovecot": "1:2.3.16-14.el9",
    }
