# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts that scenarios have in common, as fixtures: a mail host on each Debian, a stranger and a trusted client."""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from harness import Peer

ALICE = ["alice", 'correct horse %n "battery"']
BOB = ["bob", "bob's own $ecret"]


@dataclasses.dataclass(frozen=True)
class MailHost(Peer):
    """A container that the collection made a mail host."""

    @property
    def domain(self) -> str:
        return f"{self.name}.example"

    @property
    def fqdn(self) -> str:
        return f"mail.{self.domain}"


def address(host: Peer) -> str:
    """The IPv4 address of *host*: there Dovecot tells its clients apart, which IPv6 makes one network to it.

    Who failed to log in makes everyone wait who comes from the same network.
    """
    return next(one for one in host.out("hostname -I").split() if "." in one)


MAIL_HOSTS = [MailHost("mail12"), MailHost("mail13")]


@pytest.fixture(scope="session", params=MAIL_HOSTS, ids=lambda host: host.name)
def mail(request):
    """One mail host after the other."""
    return request.param


@pytest.fixture(scope="session")
def mails():
    """Both mail hosts at once, for what one play does to both."""
    return MAIL_HOSTS


@pytest.fixture(scope="session")
def outside():
    """A foreign host: no mail host trusts it. It is the MX of every other domain, too."""
    return Peer("outside")


@pytest.fixture(scope="session")
def inside():
    """A host in mail_networks."""
    return Peer("inside")


@pytest.fixture
def subject():
    return f"proof-{uuid.uuid4()}"
