# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._takeover import other_mta

STATUS = """\
Package: exim4-daemon-light
Status: {exim}
Architecture: amd64
Version: 4.98.2-1
Provides: default-mta, exim4-localscanapi-6.0, mail-transport-agent
Description: a mail server
 .
 Provides: mail-transport-agent

Package: postfix
Status: install ok installed
Version: 3.10
Provides: mail-transport-agent

Package: bsd-mailx
Status: install ok installed
Depends: mail-transport-agent
Provides: mailx

Package: newmta
Status: install ok installed
Version: 1
Provides: mail-transport-agent
"""


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("install ok installed", {"exim4-daemon-light": "4.98.2-1", "newmta": "1"}),
        ("hold ok installed", {"exim4-daemon-light": "4.98.2-1", "newmta": "1"}),
        ("deinstall ok config-files", {"newmta": "1"}),
    ],
)
def test_in_dpkg_status(state, found):
    assert other_mta.in_dpkg_status(STATUS.format(exim=state)) == found


def test_the_first_and_the_last_package_of_all():
    assert list(other_mta.in_dpkg_status(STATUS.format(exim="install ok installed").rstrip("\n"))) == ["exim4-daemon-light", "newmta"]
    assert other_mta.in_dpkg_status("") == {}


def test_of_packages():
    exim, stranger = other_mta.of_packages(["newmta", "exim4-daemon-heavy"])
    assert exim.name == "exim"
    assert stranger == other_mta.MailServer("newmta", ("newmta",))


def test_every_queue_has_a_reader_or_says_so():
    from ansible_collections.postroom.mail.plugins.module_utils._takeover.foreign_queue import FORMATS

    formats = {queue.format for server in other_mta.KNOWN for queue in server.queues}
    assert formats - {None} == set(FORMATS)


def test_exim_only_aliases():
    text = "# no: :fail: x\nnobody: :blackhole:\nbob: alice\neve: :fail: gone\nlist: :include:/etc/list\nx: a:fail:@b\n"
    assert other_mta.exim_only_aliases(text) == ["nobody: :blackhole:", "eve: :fail: gone"]


TOLD = {
    "name": "exim",
    "packages": ["exim4-daemon-light", "exim4-base"],
    "running": True,
    "listens": True,
    "queue": 2,
    "held": 1,
    "spool": ["/var/spool/exim4/input"],
    "aliases": ["/etc/aliases"],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "exim (exim4-daemon-light) runs and listens on port 25, 2 mails wait in its queue (/var/spool/exim4/input),"
            " 1 more is held back there, its aliases are in /etc/aliases",
        ),
        (
            {"running": False, "listens": False, "queue": 0, "held": 0, "aliases": []},
            "exim (exim4-daemon-light) does not run, no mail waits in its queue (/var/spool/exim4/input)",
        ),
        (
            {"listens": False, "queue": 1, "held": 2, "aliases": ["/a", "/b"]},
            "exim (exim4-daemon-light) runs, 1 mail waits in its queue (/var/spool/exim4/input), 2 more are held back there,"
            " its aliases are in /a and /b",
        ),
        (
            {"queue": None, "held": 0, "aliases": []},
            "exim (exim4-daemon-light) runs and listens on port 25, the number of mails in /var/spool/exim4/input is not known",
        ),
        ({"queue": 0, "held": 0, "spool": [], "aliases": []}, "exim (exim4-daemon-light) runs and listens on port 25"),
    ],
)
def test_summary(changes, words):
    assert other_mta.summary({**TOLD, **changes}) == words
