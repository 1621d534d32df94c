# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at the same time, and somebody who changes the host while a run is under way."""

from __future__ import annotations

import concurrent.futures
import pathlib

import pytest
from harness import play
from saved_changes import LATTER, on_each
from state_of_host import contents, is_a_sentence, left, said

EDITED = pathlib.Path(__file__).parents[1] / "edited_meanwhile.yml"
MAIN_CF = "/etc/postfix/main.cf"


def at_once(count, do):
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return list(threads.map(do, range(count)))


def test_two_runs_at_the_same_time_end_right(mails, mail_goes_on):
    variables = {"postfix_parameters": {"bounce_queue_lifetime": "3d"}}
    runs = at_once(2, lambda _number: play("site", limit="mail", variables=variables))
    assert [run.rc for run in runs] == [0, 0], runs[0].output + runs[1].output
    for mail in mails:
        assert mail.out(f"grep -c '^bounce_queue_lifetime' {MAIN_CF}") == "1"
        assert left(mail) == ""
        mail.out("postconf -X bounce_queue_lifetime && postfix reload")
        assert mail_goes_on[mail.name].goes_on()


def two_that_differ(mail, carry_out):
    """Two changes want different things at the same time, and a third one follows them."""
    whole = {}
    for name in ("former", "latter"):
        assert not carry_out(mail, name).failed
        whole[name] = contents(mail)
    ran = at_once(2, lambda number: carry_out(mail, ("former", "latter")[number]))
    assert [one.failed for one in ran] == [False, False], ran
    assert contents(mail) in whole.values()
    last = carry_out(mail, "former")
    assert not last.failed, last
    assert (contents(mail), left(mail)) == (whole["former"], "")


def test_of_two_that_want_different_things_one_waits(mails, saved, mail_goes_on):
    on_each(mails, lambda mail: two_that_differ(mail, saved))
    assert all(mail_goes_on[mail.name].goes_on() for mail in mails)


@pytest.fixture
def edited(mails, saved):
    yield
    for mail in mails:
        mail.out("postconf -X notify_classes && postfix reload")
    assert [ran.failed for ran in on_each(mails, lambda mail: saved(mail, "former"))] == [False, False]


@pytest.mark.usefixtures("edited")
def test_an_edit_between_the_question_and_the_change_is_never_overwritten(mails, mail_goes_on):
    """The plan was made for a main.cf that is another one by then; a change that leaves it alone is carried out."""
    before = on_each(mails, contents)
    for arguments in (["--check"], []):
        run = play(EDITED, *arguments, limit="mail", variables={**LATTER, "edit": "notify_classes = resource"})
        assert run.rc != 0
        for mail in mails:
            sentence = said(run.output, mail.name)
            assert is_a_sentence(sentence)
            assert f"{MAIN_CF} was changed by somebody else since the host was asked; nothing was changed" in sentence
    for mail, former in zip(mails, before):
        assert mail.out("postconf -h notify_classes") == "resource"
        now = contents(mail)
        assert {path for path in {*now, *former} if now.get(path) != former.get(path)} == {MAIN_CF}
        assert left(mail) == ""
        assert mail_goes_on[mail.name].goes_on()
    beside = {"dovecot_settings": {"mail_max_userip_connections": 44}, "edit": "notify_classes = software"}
    run = play(EDITED, limit="mail", variables=beside)
    assert run.rc == 0, run.output
    for mail in mails:
        assert mail.out("postconf -h notify_classes") == "software"
        assert mail.out("doveconf -h mail_max_userip_connections") == "44"
