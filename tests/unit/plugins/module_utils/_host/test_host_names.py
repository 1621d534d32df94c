# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._host import names
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        pytest.param('ID=debian\nVERSION_ID="13"\n', ("Debian", "Debian", "13"), id="Debian"),
        pytest.param("ID=debian\nVERSION_CODENAME=forky\n", ("Debian", "Debian", "forky"), id="Debian testing has no number"),
        pytest.param('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', ("Debian", "Ubuntu", "24"), id="Ubuntu"),
        pytest.param('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n', ("RedHat", "Rocky", "9"), id="Rocky"),
        pytest.param('ID="rhel"\nVERSION_ID="10.0"\n', ("RedHat", "RedHat", "10"), id="RHEL"),
        pytest.param("ID=fedora\nVERSION_ID=43\n", ("RedHat", "Fedora", "43"), id="Fedora"),
        pytest.param('ID=mint\nID_LIKE="ubuntu debian"\nVERSION_ID=22\n', ("Debian", "Mint", "22"), id="known by what it is like"),
        pytest.param("", ("Linux", "Linux", ""), id="no os-release"),
    ],
)
def test_distribution(os_release, expected):
    assert names.distribution(os_release) == expected


def test_os_release_is_read_as_a_shell_would():
    text = '# a comment\nNAME=\'Debian GNU/Linux\'\nPRETTY_NAME="a \\"b\\""\nBROKEN=\'x\n lower=1\n'
    assert names.parse_os_release(text) == {"NAME": "Debian GNU/Linux", "PRETTY_NAME": 'a "b"', "BROKEN": "'x"}


@given(st.text())
def test_os_release_never_fails(text):
    names.distribution(text)


HOSTS = """\
127.0.0.1 localhost
127.0.1.1\tmail.example.org mail  # set by the installer
::1 localhost ip6-localhost
192.0.2.1 gw.example.org gw
192.0.2.2 alias Alias2.example.org
# 192.0.2.9 commented.example.org commented
"""


@pytest.mark.parametrize(
    ("hostname", "fqdn"),
    [
        pytest.param("mail", "mail.example.org", id="short"),
        pytest.param("MAIL", "mail.example.org", id="case does not matter"),
        pytest.param("mail.example.org", "mail.example.org", id="full already"),
        pytest.param("alias", "Alias2.example.org", id="the canonical name has no dot, another one has"),
        pytest.param("localhost", None, id="localhost is nobody's name"),
        pytest.param("commented", None, id="comment"),
        pytest.param("nosuch", None, id="absent"),
    ],
)
def test_canonical_name(hostname, fqdn):
    assert names.canonical_name(HOSTS, hostname) == fqdn


def test_localhost_localdomain_is_not_taken_for_a_name():
    assert names.canonical_name("127.0.0.1 localhost.localdomain localhost mail\n", "mail") is None


def test_addresses_in_hosts():
    assert names.addresses_in_hosts(HOSTS, "localhost") == ["127.0.0.1", "::1"]
    assert names.addresses_in_hosts(HOSTS, "commented.example.org") == []
