# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No tool can see this before: the daemons do not come up or do not serve with the new files. Everything is put back."""

from __future__ import annotations

import contextlib

import pytest
from harness import play
from saved_changes import LATTER, on_each
from state_of_host import contents, is_a_sentence, left, said

PUT_BACK = "Everything was put back, and the daemons run with what they had before."
# A stranger's program takes a port when everything has been judged and is about to be put in place. Before, the run would see it.
TAKER = """
import os, socket, sys, time
deadline = time.monotonic() + 120
while not os.path.exists("/var/lib/postroom/change/manifest.json") and time.monotonic() < deadline:
    time.sleep(0.001)
with socket.create_server(("", int(sys.argv[1]))):
    time.sleep(120)
"""
PAIR = {"mail_tls_certificate": "/etc/ssl/certs/own.pem", "mail_tls_private_key": "/etc/ssl/private/own.key"}
MAKE_PAIR = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 300 -subj /CN=$(hostname) -addext subjectAltName=DNS:$(hostname)"
    " -keyout /etc/ssl/private/own.key -out /etc/ssl/certs/own.pem 2>/dev/null"
)
# OpenSSL 3.0 takes no date for the end, but a number of days that is less than none.
END_IT = (
    "cd /root && openssl req -new -key /etc/ssl/private/own.key -subj /CN=$(hostname) -out own.csr && for end in"
    " '-not_before 20240101000000Z -not_after 20240201000000Z' '-days -1'; do"
    " openssl x509 -req -in own.csr -signkey /etc/ssl/private/own.key $end -out /etc/ssl/certs/own.pem 2>/dev/null && break; done"
)


def failed(mails, mail_goes_on, variables):
    """Return the sentences of a play that fails in the end on each host, when everything is as before."""
    before = on_each(mails, contents)
    run = play("site", limit="mail", variables=variables)
    assert run.rc != 0, run.output
    assert on_each(mails, contents) == before
    assert on_each(mails, left) == ["", ""]
    assert on_each(mails, left) == ["", ""]
    assert all(mail_goes_on[mail.name].goes_on() for mail in mails)
    sentences = [said(run.output, mail.name) for mail in mails]
    assert all(is_a_sentence(sentence) for sentence in sentences), sentences
    return sentences


def test_a_milter_that_nobody_is_puts_everything_back(mails, saved, mail_goes_on):
    milter = {"smtpd_milters": "inet:127.0.0.1:9", "milter_default_action": "tempfail"}
    for sentence in failed(mails, mail_goes_on, {**LATTER, "postfix_parameters": milter}):
        assert PUT_BACK in sentence
        assert "451 4.7.1" in sentence
    again = on_each(mails, lambda mail: saved(mail, "former"))
    assert [(ran.failed, ran.result["changed"]) for ran in again] == [(False, False)] * 2, again


@contextlib.contextmanager
def taken(ports):
    """Somebody else listens on a port of each host, once it is about to be changed."""
    for mail, port in ports.items():
        mail.out(f"systemd-run --quiet --unit stranger-{port} python3 -c '{TAKER}' {port}")
    try:
        yield
    finally:
        for mail, port in ports.items():
            mail.run(f"systemctl stop stranger-{port}")


@pytest.mark.parametrize("ports", [(2525, 110), (110, 2525)])
def test_a_port_that_somebody_has_puts_everything_back(mails, mail_goes_on, ports):
    """Postfix does not get its port on one of the hosts, and Dovecot not on the other."""
    door = {"name": "2525", "type": "inet", "command": "smtpd"}
    with taken(dict(zip(mails, ports))):
        sentences = failed(mails, mail_goes_on, {"postfix_services": [door], "mail_protocols": ["imaps", "pop3s", "pop3"]})
    for sentence in sentences:
        assert PUT_BACK in sentence


@pytest.fixture
def own_certificate(mails, saved):
    for mail in mails:
        mail.out(MAKE_PAIR)
    assert play("site", limit="mail", variables=PAIR).rc == 0
    yield
    assert [ran.failed for ran in on_each(mails, lambda mail: saved(mail, "former"))] == [False, False]
    for mail in mails:
        mail.out("rm /etc/ssl/private/own.key /etc/ssl/certs/own.pem")


@pytest.mark.usefixtures("own_certificate")
def test_a_certificate_that_has_expired_since_the_last_run(mails, mail_goes_on):
    for mail in mails:
        mail.out(END_IT)
    for sentence in failed(mails, mail_goes_on, {**LATTER, **PAIR}):
        assert "/etc/ssl/certs/own.pem" in sentence
        assert "expired" in sentence
