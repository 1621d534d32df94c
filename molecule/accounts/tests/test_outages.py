# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases of accounts that are down: nobody gets in unasked, no mail is lost, and everything is well again by itself."""

from __future__ import annotations

import concurrent.futures
import time

import pytest
from mail_hosts import ALICE, MAIL_HOSTS
from virtual_users import CAROL_SHOP

SERVERS = "mariadb postgresql scenario-ldap"
# Whom only one of these servers knows.
AWAY = [["maria", "maria-pw"], ["paula", "paula-pw"], ["lena", "lena-pw"], ["luke", "luke-pw"]]
# Whom the host knows itself: before any server is asked, and after all of them.
FIRST, LAST = ["sha", "sha-pw"], ALICE
GOOD = [*AWAY, FIRST, LAST]
BAD = [["maria", "wrong"], ["paula", ""], ["lena", ""], ["luke", "wrong"], ["alice", "wrong"], ["nobody-knows-me", "x"]]
# Nobody who waits for this long for an answer has got in. Dovecot may take minutes to say that it cannot tell.
PATIENCE = 15
# Dovecot 2.3 finds a server again within 75 seconds.
RECOVERY = 100
# Processes of 2.4 that once could not reach MariaDB or PostgreSQL may not find it again as long as logins keep them busy.
STUCK = {"mail13": AWAY[:2]}


def mailbox(host, login):
    return ["imap", {"host": host.fqdn, "login": login}]


def told(answer):
    """A login's answer in one word: in, wrong (the password, or whoever it is), later, or nothing."""
    text = answer.get("text", "")
    if answer.get("login") is True or answer.get("code") == 235:
        return "in"
    if any(word in text for word in ("[UNAVAILABLE]", "[SYS/TEMP]")) or answer.get("code") == 454:
        return "later"
    if "TimeoutError" in answer.get("error", ""):
        return "nothing"
    return f"wrong: {answer}"


def letter(host, recipient, subject):
    return ["submit", {"host": host.fqdn, "subject": subject, "sender": "x@y.example", "recipient": recipient}]


@pytest.fixture(scope="module")
def outage(data, outside):
    """Return the replies while the servers were down, by host, and the users who did not get in when they were up again."""
    subject = f"proof-outage-{time.time()}"

    def ask(host, talks):
        return outside.ask("together", talks=talks, at_once=len(talks), patience=PATIENCE)

    def during(host):
        inboxes = [mailbox(host, login) for login in GOOD]
        drops = [["pop3", {"host": host.fqdn, "login": login}] for login in GOOD]
        submissions = [["auth", {"host": host.fqdn, "login": login}] for login in GOOD]
        tries = [mailbox(host, login) for login in BAD] + [["auth", {"host": host.fqdn, "login": login}] for login in BAD]
        letters = [letter(host, name, subject) for name in (CAROL_SHOP[0], f"alice@{host.domain}", f"maria@{host.domain}")]
        return ask(
            host, [*inboxes, *drops, *submissions, *tries, *letters, ["imap", {"host": host.fqdn, "login": CAROL_SHOP, "subject": subject}]]
        )

    def after(host):
        started, missing, patient = time.monotonic(), GOOD, STUCK.get(host.name, [])
        while [login for login in missing if login not in patient] and time.monotonic() < started + RECOVERY:
            answers = ask(host, [mailbox(host, login) for login in missing])
            missing = [login for login, answer in zip(missing, answers) if told(answer) != "in"]
            print(f"{host.name}, {time.monotonic() - started:.0f} s after the start of the servers, not yet in: {missing}")
        return missing

    with concurrent.futures.ThreadPoolExecutor() as threads:
        began = time.monotonic()
        try:
            data.out(f"systemctl stop {SERVERS}")
            answers = list(threads.map(during, MAIL_HOSTS))
        finally:
            print(f"The servers were away for {time.monotonic() - began:.0f} s.")
            data.out(f"systemctl start {SERVERS}")
        missing = threads.map(after, MAIL_HOSTS)
    return {host: (said, late, subject) for host, said, late in zip(MAIL_HOSTS, answers, missing)}


def test_logins_fail_for_the_moment(outage, mail):
    answers = [told(answer) for answer in outage[mail][0]]
    count = len(GOOD)
    inboxes, drops, submissions = answers[:count], answers[count : 2 * count], answers[2 * count : 3 * count]
    for protocol in (inboxes, drops, submissions):
        # Who is known before any server is asked does not notice; who may be known to one does.
        assert protocol[GOOD.index(FIRST)] == "in"
    assert set(inboxes[: len(AWAY)] + drops[: len(AWAY)]) <= {"later", "nothing"}
    assert "in" not in submissions[: len(AWAY)]
    # No user is told that the password is wrong as long as it may be right.
    assert [answer for answer in inboxes + drops if answer.startswith("wrong")] == []


def test_nobody_gets_in_with_another_password(outage, mail):
    tries = [told(answer) for answer in outage[mail][0][3 * len(GOOD) : -4]]
    assert len(tries) == 2 * len(BAD)
    assert "in" not in tries


def test_mail_is_taken_or_put_off(outage, mail):
    """It is taken for whom no server need be asked, and nobody hears that there is no such user who may be in a database."""
    carol, alice, maria, read = outage[mail][0][-4:]
    assert carol == {"accepted": True}
    assert read["count"] == 1
    # Postfix asks all maps for the whole address before it asks any for the name.
    assert [(answer["accepted"], answer["code"] // 100) for answer in (alice, maria)] == [(False, 4)] * 2, (alice, maria)


def test_all_get_in_again(outage, mail, outside):
    """By themselves, save for whom the documentation has a reload, which ends no session."""
    missing = outage[mail][1]
    assert [login for login in missing if login not in STUCK.get(mail.name, [])] == []
    if missing:
        mail.out("doveadm reload")
    boxes = [mailbox(mail, login) for login in GOOD]
    assert [told(answer) for answer in outside.ask("together", talks=boxes)] == ["in"] * len(GOOD)


def test_mail_for_them_is_taken_again(outage, mail, outside, subject):
    """Postfix asks a database again a minute after the last attempt in vain."""
    deadline = time.monotonic() + 90
    while True:
        [sent] = outside.ask("together", talks=[letter(mail, f"maria@{mail.domain}", subject)])
        if sent == {"accepted": True} or time.monotonic() > deadline:
            break
        time.sleep(3)
    assert sent == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=AWAY[0], subject=subject)["count"] == 1
