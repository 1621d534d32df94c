# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further runs, on hosts that are already right, and on hosts that somebody changed by hand."""

from __future__ import annotations

import dataclasses
import re

from harness import FILES, play
from mail_hosts import ALICE, BOB
from secrecy import in_files, in_journal, seen

# Lines of the daemons' logs that are no fault of the configuration: the tests themselves, as strangers do, guess
# passwords, speak TLS 1.1 and hang up; and Dovecot calls it a warning that it was told to reload or to stop.
HARMLESS = re.compile(
    r"auth(entication)? fail|pam_unix\(dovecot:auth\)|TLS library problem|SSL_accept error|handshak|SSL routines"
    r"|hostname \S+ does not resolve to address|Warning: SIGHUP received|Warning: Killed with signal 15"
    # Six seconds after a reload, Dovecot ends processes of before whose clients, such as an smtpd that is idle, are still there.
    r"|Sent SIGTERM to \d+ [\w-]+ processes|Processes aren't dying after reload"
    # The main.cf that Debian testing begins with has a cache of a type that its Postfix gives up.
    r"|smtp_scache: hash/btree support is deprecated|NON_BERKELEYDB_README"
    # Debian 12's Postfix copies /etc/ssl/certs into its chroot at a start alone; smtpd reads its certificate from outside of it.
    r"|/var/spool/postfix/etc/ssl/certs/postroom-mail.pem and /etc/ssl/certs/postroom-mail.pem differ",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True)
class Drift:
    """Something done by hand, what a check must say of it, and how to see that it is right again."""

    command: str
    reported: str
    is_right: str


DRIFTS = [
    Drift("postconf -e disable_vrfy_command=no", "+disable_vrfy_command = yes", "postconf -h disable_vrfy_command | grep yes"),
    Drift("postconf -MX submissions/inet", "+submissions", "postconf -M submissions/inet | grep smtpd"),
    Drift("rm -f /etc/postfix/virtual.db", "/etc/postfix/virtual", "test -s /etc/postfix/virtual.db"),
    Drift(
        "sed -i 's/^auth_mechanisms.*/auth_mechanisms = plain/' /etc/dovecot/dovecot.conf",
        "+auth_mechanisms = plain login",
        "doveconf -h auth_mechanisms | grep login",
    ),
    Drift(
        "chmod 0644 /etc/ssl/private/postroom-mail.key",
        "/etc/ssl/private/postroom-mail.key",
        "stat -c %a /etc/ssl/private/postroom-mail.key | grep 600",
    ),
]


def test_converged_run_changes_nothing(mails):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", limit="mail")
    assert run.rc == 0, run.output
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output
    assert [mail.out(FILES) for mail in mails] == before


def test_converged_check_reports_nothing(mails):
    before = [mail.out(FILES) for mail in mails]
    run = play("site", "--check", "--diff", limit="mail")
    assert run.rc == 0, run.output
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output
    assert [mail.out(FILES) for mail in mails] == before


def test_drift_is_reported_by_a_check_and_then_repaired(mails):
    for mail in mails:
        for drift in DRIFTS:
            mail.out(drift.command)
    check = play("site", "--check", "--diff", limit="mail")
    assert check.rc == 0, check.output
    for mail in mails:
        for drift in DRIFTS:
            assert check.output.count(drift.reported) >= len(mails), (drift, check.output)
            assert mail.run(drift.is_right).returncode != 0, f"the check repaired it: {drift}"
    run = play("site", limit="mail")
    assert run.rc == 0, run.output
    for mail in mails:
        for drift in DRIFTS:
            mail.out(drift.is_right)


def test_what_is_not_declared_survives(mails):
    for mail in mails:
        mail.out(
            "postconf -e bounce_queue_lifetime=4d && postconf -Me 'mine/unix=mine unix - n n - - pipe flags=F user=nobody argv=/bin/true'"
        )
    try:
        assert play("site", limit="mail", variables={"postfix_parameters": {"notify_classes": "resource"}}).rc == 0
        for mail in mails:
            assert mail.out("postconf -h bounce_queue_lifetime") == "4d"
            assert mail.out("postconf -h notify_classes") == "resource"
            assert mail.out("postconf -M mine/unix").split()[:2] == ["mine", "unix"]
    finally:
        for mail in mails:
            mail.out("postconf -X bounce_queue_lifetime notify_classes && postconf -MX mine/unix && postfix reload")


def test_secrets_stay_secret(mails):
    carol = {"name": "carol", "password": 'caroline\'s "Secret" \\ 77'}
    run = play("site", "-vvv", "--diff", limit="mail", variables={"mail_users": [carol]})
    assert run.rc == 0, run.output
    secrets = [carol["password"], ALICE[1], BOB[1]]
    assert seen(run.output, secrets) == []
    for mail in mails:
        assert in_files(mail, [carol["password"]]) == []
        assert in_journal(mail, secrets) == ""
        assert mail.out("stat -c '%a %U' /etc/ssl/private/postroom-mail.key") == "600 root"


def test_logs_are_free_of_complaints(mail):
    # Ansible notes there what it is asked for, among it parameters with "error" in their names.
    lines = mail.out("journalctl --no-pager -o short | grep -iE '(warning|error|fatal|panic)' | grep -v ' ansible-' || true").splitlines()
    complaints = [line for line in lines if re.search(r"postfix|dovecot", line) and not HARMLESS.search(line)]
    assert not complaints, "\n".join(complaints)
