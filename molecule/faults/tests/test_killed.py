# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that is killed (SIGKILL) at any moment leaves a host that serves, and the next run finishes or undoes it."""

from __future__ import annotations

import os
import random

import pytest
from harness import killed, play
from mail_hosts import BOB, address
from saved_changes import on_each
from state_of_host import contents, left

KILLS = 25
# After so many there is a run that is not killed.
EVERY = 5
# A run with the same seed kills at the same moments.
SEED = int(os.environ.get("POSTROOM_FAULTS_SEED") or random.randrange(1 << 30))
NAMES = ("former", "latter")

# Dovecot reads the first at a reload. Postfix closes ports at a reload, and listens elsewhere only after a restart.
CHANGES = {"dovecot_denied_users": ["bob"], "postfix_submission": False, "postfix_inet_interfaces": ["loopback-only"]}
IS_HALF = "test -e /var/lib/postroom/change/manifest.json"


@pytest.fixture(scope="module")
def ends(mails, saved):
    """Return the contents of each host's files before the change and after it, and the seconds that it takes."""
    found = {}

    def see(mail):
        saved(mail, "former")
        before = contents(mail)
        ran = saved(mail, "latter")
        assert not ran.failed, ran
        found[mail.name] = {"former": before, "latter": contents(mail), "seconds": ran.seconds}

    on_each(mails, see)
    return found


class Killing:
    """One host, on which each run but every fifth is killed."""

    def __init__(self, mail, carry_out, ends, flow):
        self.mail = mail
        self.carry_out = carry_out
        self.ends = ends
        self.flow = flow
        # At moments spread over all of the change, in no order.
        chance = random.Random(f"{SEED} {mail.name}")
        moments = [(number + chance.random()) / KILLS for number in range(KILLS)]
        chance.shuffle(moments)
        self.kills = [(moment, chance.choice(("it", "all"))) for moment in moments]
        self.seconds = ends["seconds"]
        self.tries = self.halves = 0

    def run(self):
        """Return the number of kills that left the host half changed."""
        for number, (moment, whom) in enumerate(self.kills):
            while not self.kill(NAMES[self.tries % 2], moment, whom):
                assert self.tries < 3 * KILLS, "the runs end before they are killed"
            if number % EVERY == EVERY - 1:
                self.recover(NAMES[number // EVERY % 2])
        return self.halves

    def kill(self, name, moment, whom):
        """Tell if it was still there to be killed. On a busy machine a run takes longer than the one before it."""
        self.tries += 1
        ran = self.carry_out(self.mail, name, killed_after=moment * self.seconds, whom=whom)
        where = (SEED, self.mail.name, name, moment, whom)
        assert ran.killed or not ran.failed, (where, ran)
        self.seconds = self.seconds if ran.killed else min(self.seconds, ran.seconds)
        assert self.flow.goes_on(), (where, "no mail goes through", self.flow.refused[-3:])
        self.nothing_is_half_written(where)
        self.halves += self.is_half_changed()
        return ran.killed

    def is_half_changed(self):
        return self.mail.run(IS_HALF).returncode == 0

    def nothing_is_half_written(self, where):
        for path, digest in contents(self.mail).items():
            assert digest in [self.ends[name].get(path) for name in NAMES], (where, path)

    def recover(self, name):
        """A run that is not killed, and a check before it: each says it when it finds a change that was not finished."""
        is_half = self.is_half_changed()
        for which in (f"{name}-check", name):
            ran = self.carry_out(self.mail, which)
            assert (ran.failed, ran.recovered) == (False, is_half), (SEED, self.mail.name, which, ran)
        assert contents(self.mail) == self.ends[name], (SEED, self.mail.name)
        assert left(self.mail) == "", (SEED, self.mail.name)
        assert self.flow.goes_on(), (SEED, self.mail.name, "no mail goes through", self.flow.refused[-3:])


def test_whenever_it_is_killed_the_host_serves_and_the_next_run_mends_it(mails, saved, ends, mail_goes_on):
    print(f"POSTROOM_FAULTS_SEED={SEED}")
    halves = on_each(mails, lambda mail: Killing(mail, saved, ends[mail.name], mail_goes_on[mail.name]).run())
    # Some of the moments are between the first rename and the end of the proof.
    assert all(halves), (SEED, halves)
    for mail in mails:
        saved(mail, "former")
        again = saved(mail, "former")
        assert (again.failed, again.result["changed"]) == (False, False), again
    assert on_each(mails, contents) == [ends[mail.name]["former"] for mail in mails]


@pytest.fixture(scope="module")
def killed_play(mails):
    """A run that was killed when it had begun to put files in place."""
    killed(mails, "site", limit="mail", variables=CHANGES)
    return mails


def test_a_killed_run_is_undone_and_done_by_the_next(killed_play, saved, outside):
    ports = [25, 465, 587]
    for mail in killed_play:
        assert mail.out("ls /var/lib/postroom/change/manifest.json"), "killed too early"
    for arguments in (["--check"], []):
        run = play("site", *arguments, limit="mail", variables=CHANGES)
        assert run.rc == 0, run.output
        for mail in killed_play:
            assert run.changed(mail.name) > 0, run.output
        assert run.output.count("A run that was killed left the host half changed") == len(killed_play), run.output
    for mail in killed_play:
        assert outside.ask("reachable", host=mail.fqdn, ports=ports) == {"25": False, "465": False, "587": False}
        assert not outside.ask("imap", host=address(mail), login=BOB)["login"]
        assert left(mail) == ""
    again = play("site", limit="mail", variables=CHANGES)
    assert [again.changed(mail.name) for mail in killed_play] == [0, 0], again.output
    assert [ran.failed for ran in on_each(killed_play, lambda mail: saved(mail, "former"))] == [False, False]
