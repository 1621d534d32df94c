# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a further run does to a host that is already right, and to one that somebody changed by hand."""

from __future__ import annotations

import re

import pytest
from conftest import ALICE, BOB
from plays import FILES, play

# Lines of the daemons' logs that are no fault of the configuration.
HARMLESS = [
    # The tests themselves fail to log in, relay, speak TLS 1.1 and end sessions as strangers do.
    r"auth failed",
    r"SASL \S+ authentication failed",
    r"pam_unix\(dovecot:auth\): (authentication failure|check pass; user unknown)",
    r"TLS library problem",
    r"SSL_accept error",
    r"(tls_|ssl_)?handshak(e|ing)",
    r"non-SMTP command from",
]


def test_converged_run_changes_nothing(mail):
    before = mail.out(FILES)
    run = play("site", limit=mail.name)
    assert run.rc == 0, run.output
    assert run.changed(mail.name) == 0, run.output
    assert mail.out(FILES) == before


def test_converged_check_reports_nothing(mail):
    before = mail.out(FILES)
    run = play("site", "--check", "--diff", limit=mail.name)
    assert (run.rc, run.changed(mail.name)) == (0, 0), run.output
    assert mail.out(FILES) == before


@pytest.mark.parametrize(
    ("drift", "reported", "is_right"),
    [
        pytest.param(
            "postconf -e disable_vrfy_command=no", "disable_vrfy_command = yes", "postconf -h disable_vrfy_command | grep yes", id="main.cf"
        ),
        pytest.param("postconf -MX submissions/inet", "submissions inet", "postconf -M submissions/inet | grep smtpd", id="master.cf"),
        pytest.param("rm -f /etc/postfix/virtual.db", "/etc/postfix/virtual", "test -s /etc/postfix/virtual.db", id="compiled table"),
        pytest.param(
            "sed -i 's/^auth_mechanisms.*/auth_mechanisms = plain/' /etc/dovecot/dovecot.conf",
            "auth_mechanisms",
            "doveconf -h auth_mechanisms | grep login",
            id="dovecot.conf",
        ),
        pytest.param(
            "chmod 0644 /etc/ssl/private/postroom-mail.key",
            "postroom-mail.key",
            "stat -c %a /etc/ssl/private/postroom-mail.key | grep 600",
            id="key mode",
        ),
    ],
)
def test_drift_is_reported_by_check_and_then_repaired(mail, drift, reported, is_right):
    mail.out(drift)
    check = play("site", "--check", "--diff", limit=mail.name)
    assert check.rc == 0, check.output
    assert check.changed(mail.name) > 0
    assert reported in check.output
    assert mail.run(is_right).returncode != 0, "check mode repaired it"
    run = play("site", limit=mail.name)
    assert run.rc == 0, run.output
    mail.out(is_right)


def test_foreign_settings_survive(mail):
    mail.out("postconf -e bounce_queue_lifetime=4d && postconf -Me 'mine/unix=mine unix - n n - - pipe flags=F user=nobody argv=/bin/true'")
    assert play("site", limit=mail.name).rc == 0
    assert mail.out("postconf -h bounce_queue_lifetime") == "4d"
    assert mail.out("postconf -M mine/unix").split()[:2] == ["mine", "unix"]
    mail.out("postconf -X bounce_queue_lifetime && postconf -MX mine/unix")


def test_secrets_stay_secret(mail):
    run = play("site", "-vvv", "--diff", limit=mail.name, variables={"mail_users": [{"name": "carol", "password": "caroline-Secret-77"}]})
    assert run.rc == 0, run.output
    assert "caroline-Secret-77" not in run.output
    for secret in (ALICE[1], BOB[1], "caroline-Secret-77"):
        assert secret not in run.output
    found = mail.run("grep -rlsF caroline-Secret-77 /etc /var/log /var/lib /var/spool /home /root /tmp")
    assert found.stdout == ""


def test_private_key_is_for_root_alone(mail):
    assert mail.out("stat -c '%a %U' /etc/ssl/private/postroom-mail.key") == "600 root"


def test_logs_are_free_of_complaints(mail):
    complaints = [
        line
        for line in mail.out("journalctl --no-pager -o short | grep -iE '(warning|error|fatal|panic)' || true").splitlines()
        if re.search(r"postfix|dovecot", line) and not any(re.search(pattern, line, re.IGNORECASE) for pattern in HARMLESS)
    ]
    assert not complaints, "\n".join(complaints)
