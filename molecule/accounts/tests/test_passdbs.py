# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user with an account in any password database can log in at every port with that password, and with no other.

A login that fails costs seconds, and whoever comes next from the same address waits as well. So all logins to both hosts are
made side by side, and those that must fail from addresses of their own; the tests look at the answers.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import time

import pytest
from harness import Peer, play
from mail_hosts import ALICE, BOB, MAIL_HOSTS, address

# name: (dialogue, port, tls)
DOORS = {
    "imap": ("imap", 143, "starttls"),
    "imaps": ("imap", 993, "implicit"),
    "pop3": ("pop3", 110, "starttls"),
    "pop3s": ("pop3", 995, "implicit"),
    "submission": ("auth", 587, "starttls"),
    "submissions": ("auth", 465, "implicit"),
}
# One of every database, in the order in which Dovecot asks them.
ACCOUNTS = {
    "passwd-file": ["sha", "sha-pw"],
    "MariaDB": ["maria", "maria-pw"],
    "PostgreSQL": ["paula", "paula-pw"],
    "SQLite": ["lisa", "lisa-pw"],
    "LDAP, binding": ["lena", "lena-pw"],
    "LDAP, looking up": ["luke", "luke-pw"],
    "PAM": ALICE,
    "virtual": ["carol@shop.example", "carol-shop"],
    "virtual, same name in another domain": ["carol@two.example", "carol-two"],
    "virtual, named like a system account": ["alice@shop.example", "alice-shop"],
}
# These schemes are slow on purpose; they are in the same file as the first.
SLOW = {"BLF-CRYPT": ["blf", "blf-pw"], "ARGON2ID": ["argon", "argon-pw"]}
DENIED = ["mallory", "mallory-pw"]
DIGESTS = ["CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-256"]
ODD = [
    "nobody-knows-me",
    "maria' OR '1'='1",
    "maria'; DROP TABLE users; --",
    'ma"ria\\',
    "*",
    "lena)(uid=*",
    "%{user}",
    "al:ice",
    "../../etc/passwd",
    "söphie",
    "x" * 300,
    "",
]


def talk(host, door, login, mechanism=None):
    dialogue, port, tls = DOORS[door]
    arguments = {"host": host, "port": port, "tls": tls, "login": login}
    return [dialogue, {**arguments, "mechanism": mechanism} if mechanism else arguments]


def right(host):
    """Return the logins that must succeed. Mailboxes are first: a user who gets in there no longer waits for failures of earlier tests."""
    talks = {}
    for door in DOORS:
        talks |= {f"{who}, {door}": talk(host, door, login) for who, login in ACCOUNTS.items()}
        if door in ("imaps", "pop3", "submission"):
            talks |= {f"{who}, {door}": talk(host, door, login) for who, login in SLOW.items()}
        else:
            talks |= {f"{how}, {door}": talk(host, door, ["cram", "cram-pw"], how) for how in DIGESTS}
    return talks


def wrong(host):
    """Wrong passwords, each at two doors: which database says no is the same at all of them.

    Submission is first: Postfix does not wait for Dovecot as long as Dovecot has those wait who failed again and again.
    """
    submissions, mailboxes = itertools.cycle(["submission", "submissions"]), itertools.cycle(["imap", "imaps", "pop3", "pop3s"])
    talks = {f"wrong, {who}, submission": talk(host, next(submissions), [login[0], "wrong"]) for who, login in ACCOUNTS.items()}
    talks |= {f"wrong, {how}": talk(host, next(submissions), ["cram", "wrong"], how) for how in DIGESTS}
    talks |= {f"wrong, {who}, mailbox": talk(host, next(mailboxes), [login[0], "wrong"]) for who, login in ACCOUNTS.items()}
    # Whose password is in another file, as a hash, has none for this mechanism.
    return talks | {"wrong, CRAM-MD5, hashed": talk(host, "imap", ACCOUNTS["passwd-file"], "CRAM-MD5")}


def others(host):
    """The password of the next one, and none at all."""
    names, logins, doors = list(ACCOUNTS), list(ACCOUNTS.values()), itertools.cycle(["imaps", "pop3s", "imap", "pop3"])
    following = logins[1:] + logins[:1]
    talks = {f"another's, {who}": talk(host, next(doors), [login[0], other[1]]) for who, login, other in zip(names, logins, following)}
    return talks | {f"empty, {who}": talk(host, next(doors), [login[0], ""]) for who, login in ACCOUNTS.items()}


def strange(host):
    """The right password of one who is denied, or without TLS, and names that are none."""
    doors = itertools.cycle(["imaps", "pop3s"])
    talks = {f"denied, {door}": talk(host, door, DENIED) for door in reversed(DOORS)}
    talks |= {f"odd, {name[:20]}": talk(host, next(doors), [name, "maria-pw"], "PLAIN") for name in ODD}
    for protocol in ("imap", "pop3"):
        dialogue, arguments = talk(host, protocol, ALICE)
        talks[f"without TLS, {protocol}"] = [dialogue, {**arguments, "tls": "none"}]
    return talks


def told(answer):
    """A login's answer in one word: in, wrong (the password, or whoever it is), later, or what else happened."""
    text = answer.get("text", "")
    if answer.get("login") is True or answer.get("code") == 235:
        return "in"
    if any(word in text for word in ("[UNAVAILABLE]", "[SYS/TEMP]")) or answer.get("code") == 454:
        return "later"
    if any(word in text for word in ("[AUTHENTICATIONFAILED]", "[AUTH]")) or answer.get("code") == 535:
        return "wrong"
    return str(answer)


@pytest.fixture(scope="module")
def answers():
    """The answers to all logins, as {host: {what: answer}}, and when they began."""
    plans = []
    for host in MAIL_HOSTS:
        # A worker of Dovecot 2.4 that has lost its database, in the tests before these, dies of the next question.
        host.out("doveadm reload && sleep 2")
    for host, neighbour in zip(MAIL_HOSTS, reversed(MAIL_HOSTS)):
        # The right ones wait for the processor, the others for Dovecot.
        plans += [(host, "outside", right(host.fqdn), 3), (host, "resolver", wrong(address(host)), 14)]
        plans += [(host, neighbour.name, others(address(host)), 10), (host, "data", strange(address(host)), 10)]
    found = {host: {"started": time.time()} for host in MAIL_HOSTS}

    def ask(host, peer, talks, at_once):
        # Postfix does not wait for Dovecot for long: who is told to come later does so.
        for _attempt in range(3):
            answers = dict(zip(talks, Peer(peer).ask("together", talks=list(talks.values()), at_once=at_once)))
            found[host] |= answers
            talks = {what: one for what, one in talks.items() if told(answers[what]) == "later"}
            if not talks:
                break

    with concurrent.futures.ThreadPoolExecutor(len(plans)) as threads:
        list(threads.map(lambda plan: ask(*plan), plans))
    return found


def refused(answers, mail, kind):
    """The answers of one *kind* that are no clear refusal."""
    some = {what: told(answer) for what, answer in answers[mail].items() if what.startswith(f"{kind}, ")}
    assert some
    return {what: how for what, how in some.items() if how != "wrong"}


@pytest.mark.parametrize("who", [*ACCOUNTS, *SLOW, *DIGESTS])
def test_the_right_password_opens_every_door(answers, mail, who):
    asked = [what for what in right(mail.fqdn) if what.rpartition(", ")[0] == who]
    assert len(asked) >= 3
    assert {what: told(answers[mail][what]) for what in asked} == dict.fromkeys(asked, "in")


@pytest.mark.parametrize("kind", ["wrong", "another's", "empty"])
def test_no_other_password_opens_one(answers, mail, kind):
    assert refused(answers, mail, kind) == {}


def test_who_is_denied_gets_in_nowhere(answers, mail):
    """Though the password is right."""
    assert refused(answers, mail, "denied") == {}


def test_no_password_is_taken_without_tls(answers, mail):
    imap, pop3 = (answers[mail][f"without TLS, {protocol}"] for protocol in ("imap", "pop3"))
    assert (imap["login"], pop3["login"]) == (False, False)
    assert "LOGINDISABLED" in imap["capabilities"]
    assert "[PRIVACYREQUIRED]" in imap["text"]
    assert "cleartext" in pop3["text"].lower() or "plaintext" in pop3["text"].lower()


def test_odd_names_are_refused(answers, mail):
    """And are no syntax for anything behind: an error there would be a refusal for the time being, and nobody else would get in."""
    assert refused(answers, mail, "odd") == {}
    log = mail.out(f"journalctl --no-pager -u dovecot --since @{answers[mail]['started']:.0f}")
    assert [line for line in log.splitlines() if "Panic" in line or "killed with signal" in line] == []


def test_mail_for_one_whom_only_a_database_knows(mail, outside, subject):
    arguments = {"host": mail.fqdn, "sender": "x@y.example", "subject": subject}
    sent, unknown = outside.ask(
        "together", talks=[["submit", {**arguments, "recipient": f"{name}@{mail.domain}"}] for name in ("maria", "nobody-knows-me")]
    )
    assert sent == {"accepted": True}
    assert unknown["code"] == 550
    assert outside.ask("imap", host=mail.fqdn, login=ACCOUNTS["MariaDB"], subject=subject)["count"] == 1


def test_shadow_is_refused_where_dovecot_has_none(mails):
    """Before anything is written; the other host has it."""
    run = play("site", limit=mails[1].name, variables={"dovecot_passdbs": [{"driver": "shadow"}]})
    assert run.rc != 0
    assert run.changed(mails[1].name) == 0
    assert "shadow" in run.output
    assert "pam" in run.output.split("shadow", 1)[1][:300]


def test_shadow_and_one_password_for_all(mails, site, outside):
    system = "{{ 'shadow' if inventory_hostname == 'mail12' else 'pam' }}"
    static = {"driver": "static", "password": "one-for-all"}
    ids = {"uid": "5000", "gid": "5000", "home": "/srv/mail/%{user}"}
    # Whatever they are told: each smtpd of Postfix is connected to an auth process of before the change.
    outside.ask("together", talks=[talk(host.fqdn, "submission", ALICE) for host in mails for _each in range(3)])
    site(
        dovecot_passdbs=[{"driver": system}, static],
        dovecot_userdbs=[{"driver": "passwd"}, {"driver": "static", "fields": ids}],
    )
    doors = ["imap", "pop3s", "submission"]
    good = [talk(host.fqdn, door, login) for host in mails for door in doors for login in (ALICE, BOB, ["erwin", "one-for-all"])]
    bad = [talk(address(host), door, login) for host in mails for door in doors for login in (["alice", "wrong"], ["erwin", "wrong"])]
    assert [told(answer) for answer in outside.ask("together", talks=good)] == ["in"] * len(good)
    assert [told(answer) for answer in Peer("resolver").ask("together", talks=bad, at_once=len(bad))] == ["wrong"] * len(bad)
