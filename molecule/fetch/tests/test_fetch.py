# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail that came to a provider is in the mailboxes of the host, read there from another container."""

from __future__ import annotations

import subprocess
import time

import pytest
from harness import Run, play
from mail_hosts import ALICE, BOB, MAIL_HOSTS
from secrecy import in_journal, seen

PROVIDER = "mail.isp.example"
PASSWORD = 'p"w\\x41 #%;=,$1'
# The daemons ask every two seconds.
A_FEW_POLLS = 9


def at_provider(mail, name):
    """The account *name* that the provider keeps for this mail host."""
    return f"{name}{mail.name.removeprefix('mail')}"


def send(outside, recipient, subject, header=""):
    data = f"From: x@elsewhere.example\r\nTo: {recipient}\r\nSubject: {subject}\r\n{header}\r\nx\r\n.\r\n"
    outside.ask("raw_smtp", host=PROVIDER, data=data, sender="x@elsewhere.example", recipient=recipient)


def left(isp, account, subject, folder="INBOX", none_within=0.0):
    """Return the number of messages with *subject* that the provider has; wait *none_within* seconds for none."""
    deadline = time.monotonic() + none_within
    while True:
        count = len(isp.out(f"doveadm search -u {account} mailbox '{folder}' header subject {subject}").splitlines())
        if not count or time.monotonic() >= deadline:
            return count
        time.sleep(0.5)


def count(outside, mail, login, subject, wait=40):
    return outside.ask("imap", host=mail.fqdn, login=login, subject=subject, wait=wait)["count"]


def logged(mail, words, since, within=90):
    """Give the log of fetchmail as soon as it holds *words*: a busy machine takes longer for a poll than the daemon waits between two."""
    deadline = time.monotonic() + within
    while True:
        said = mail.out(f"journalctl --no-pager --since=@{since} -t fetchmail")
        if words in said or time.monotonic() >= deadline:
            return said
        time.sleep(1)


def fetching(mail):
    """As whom fetchmail runs."""
    return sorted(mail.out("grep -lx fetchmail /proc/[0-9]*/comm | xargs -r -n 1 dirname | xargs -r stat -c %U").split())


def test_what_stays_there_is_fetched_once(mail, isp, outside, subject):
    account = at_provider(mail, "keep")
    send(outside, f"{account}@isp.example", subject)
    assert count(outside, mail, BOB, subject) == 1
    time.sleep(A_FEW_POLLS)
    assert outside.ask("letters", host=mail.fqdn, login=BOB, subject=subject, count=2, wait=0) == [subject]
    assert left(isp, account, subject) == 1


def test_what_does_not_stay_is_gone_from_there(mail, isp, outside, subject):
    account = at_provider(mail, "move")
    send(outside, f"{account}@isp.example", subject)
    message = outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject, wait=40)["message"]
    # It went the way of all mail.
    assert "Postfix" in message
    assert "LMTP" in message
    assert left(isp, account, subject, none_within=20) == 0


def test_a_folder_is_fetched_from(mail, isp, outside, subject):
    account, folder = at_provider(mail, "move"), "Entwürfe & R&D"
    isp.out(f"printf 'From: x@y.example\\nSubject: {subject}\\n\\nx\\n' | doveadm save -u {account} -m '{folder}'")
    assert count(outside, mail, BOB, subject) == 1
    assert left(isp, account, subject, folder, none_within=20) == 0


@pytest.mark.parametrize(("address", "login", "other"), [("robert", BOB, ALICE), ("alice", ALICE, BOB)])
def test_a_mailbox_of_several_is_sorted_by_its_envelope(mail, isp, outside, subject, address, login, other):
    account = at_provider(mail, "shop")
    send(outside, f"{account}@isp.example", subject, header=f"X-Envelope-To: {address}@shop.example\r\n")
    assert count(outside, mail, login, subject) == 1
    assert count(outside, mail, other, subject, wait=0) == 0
    assert left(isp, account, subject, none_within=20) == 0


def test_what_is_for_nobody_reaches_the_postmaster(mail, isp, outside, subject):
    """Nothing is given to the user fetchmail, who has no mailbox, and nothing waits."""
    account = at_provider(mail, "shop")
    send(outside, f"{account}@isp.example", subject, header="X-Envelope-To: nobody@shop.example\r\n")
    assert count(outside, mail, ALICE, subject) == 1
    assert left(isp, account, subject, none_within=20) == 0


def test_a_user_has_a_daemon_of_his_own(mail, isp, outside, subject):
    account = at_provider(mail, "own")
    send(outside, f"{account}@isp.example", subject)
    assert count(outside, mail, ALICE, subject) == 1
    assert left(isp, account, subject, none_within=20) == 0
    assert mail.out("stat -c '%U %a' /home/alice/.fetchmailrc /etc/fetchmailrc").splitlines() == ["alice 600", "fetchmail 600"]
    assert fetching(mail) == ["alice", "fetchmail"]


def test_nobody_sees_the_accounts_of_others(mail):
    system, own = mail.out("cat /etc/fetchmailrc"), mail.out("cat /home/alice/.fetchmailrc")
    assert at_provider(mail, "own") in own
    assert at_provider(mail, "own") not in system
    assert at_provider(mail, "keep") not in own
    assert mail.run("runuser -u alice -- cat /etc/fetchmailrc").returncode != 0


def test_an_authority_that_is_not_named_is_not_trusted(mail):
    rc = f"poll {PROVIDER} proto imap user x password y is alice here ssl"
    refused = mail.run(
        f"printf '{rc}' >/root/rc && chmod 600 /root/rc && fetchmail --nodetach --fetchmailrc /root/rc; echo rc=$?; rm /root/rc"
    )
    assert "rc=2" in refused.stdout
    assert "certificate verify failed" in refused.stdout + refused.stderr


def test_a_provider_that_is_down_loses_nothing(mail, isp, outside, subject):
    account = at_provider(mail, "move")
    before = mail.out("date +%s")
    isp.out("systemctl stop dovecot")
    try:
        # Postfix there keeps it until Dovecot is back.
        send(outside, f"{account}@isp.example", subject)
        said = logged(mail, "connection to", before)
    finally:
        isp.out("systemctl start dovecot && postqueue -f")
    assert "connection to" in said
    assert count(outside, mail, BOB, subject, wait=60) == 1
    assert left(isp, account, subject, none_within=30) == 0


def test_a_mail_server_of_our_own_that_is_down_loses_nothing(mail, isp, outside, subject):
    account = at_provider(mail, "move")
    mail.out("systemctl stop postfix")
    try:
        send(outside, f"{account}@isp.example", subject)
        time.sleep(A_FEW_POLLS)
        assert left(isp, account, subject) == 1
    finally:
        mail.out("systemctl start postfix")
    assert count(outside, mail, BOB, subject) == 1


def test_a_wrong_password_is_reported_and_loses_nothing(mail, isp, outside, subject):
    account = at_provider(mail, "move")
    before = mail.out("date +%s")
    isp.out(f"echo '{account}:another' | chpasswd")
    try:
        send(outside, f"{account}@isp.example", subject)
        said = logged(mail, "Authorization failure", before)
        assert left(isp, account, subject) == 1
    finally:
        isp.out(f"cat <<'END' | chpasswd\n{account}:{PASSWORD}\nEND")
    assert "Authorization failure" in said
    assert PASSWORD not in said
    assert count(outside, mail, BOB, subject, wait=60) == 1


def test_fetchmail_read_what_was_meant(mail):
    # What it prints is Python.
    dump = mail.out("runuser -u alice -- fetchmail --configdump")
    names: dict = {}
    exec(dump, names)
    user = names["fetchmailrc"]["servers"][0]["users"][0]
    assert user["password"] == PASSWORD
    assert user["localnames"] == ["alice"]
    assert user["sslcertck"]


def site(*arguments: str, **variables) -> Run:
    return play("site", *arguments, limit="mail", variables=variables or None)


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ({"proto": "gopher"}, "value of proto must be one of"),
        ({"user": ""}, "has no user"),
        ({"is": []}, "does not say whose mail it is"),
        ({"password": ""}, "is empty"),
        ({"keep": True, "fetchall": True}, "both keep and fetchall"),
        ({"folder": ["a"]}, "knows no folders"),
        ({"owner": "nobody-here"}, "There is no user 'nobody-here'"),
        ({"interface": "eth0/x"}, "has the interface"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(account, sentence):
    given = {"poll": PROVIDER, "user": "x", "password": "secret-of-x", "is": ["bob"], **account}
    files = "stat -c '%i %Y %Z' /etc/fetchmailrc /home/alice/.fetchmailrc"
    before = [mail.out(files) for mail in MAIL_HOSTS]
    run = site("--tags", "fetchmail", fetchmail_accounts=[given])
    assert run.rc != 0
    assert sentence in " ".join(run.output.split())
    assert "secret-of-x" not in run.output
    assert [mail.out(files) for mail in MAIL_HOSTS] == before


def test_secrets_stay_secret():
    run = site("--tags", "fetchmail", "-vvv", "--diff", fetchmail_settings={"daemon": 3})
    assert run.rc == 0
    assert all(run.changed(mail.name) for mail in MAIL_HOSTS)
    assert seen(run.output, [PASSWORD]) == []
    assert [in_journal(mail, [PASSWORD]) for mail in MAIL_HOSTS] == ["", ""]
    back = site("--tags", "fetchmail")
    assert back.rc == 0


def test_a_reboot_of_either_side_is_survived(mail, isp, outside, subject):
    account = at_provider(mail, "own")
    for host in (isp, mail):
        subprocess.run(["docker", "restart", host.container], check=True, capture_output=True, timeout=60)
    for host in (isp, mail):
        host.out("systemctl is-system-running --wait || true")
    send(outside, f"{account}@isp.example", subject)
    assert count(outside, mail, ALICE, subject, wait=60) == 1


def test_accounts_that_are_taken_out_are_gone_and_come_back(mails, isp, outside, subject):
    gone = site("--tags", "fetchmail", fetchmail_accounts=[])
    assert gone.rc == 0
    for mail in mails:
        assert mail.run("ls /etc/fetchmailrc /home/alice/.fetchmailrc").stdout == ""
        assert fetching(mail) == []
        assert "postroom-fetchmail" not in mail.out("systemctl list-unit-files --state=enabled --no-legend")
    again = site("--tags", "fetchmail", fetchmail_accounts=[])
    assert [again.changed(mail.name) for mail in mails] == [0, 0]
    back = site("--tags", "fetchmail")
    assert back.rc == 0
    for mail in mails:
        send(outside, f"{at_provider(mail, 'move')}@isp.example", subject)
        assert count(outside, mail, BOB, subject) == 1
    last = site("--tags", "fetchmail")
    assert [last.changed(mail.name) for mail in mails] == [0, 0]
