# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that keep sendmail: AUTH on their submission port, and all else as it was."""

from __future__ import annotations

import re
import time

import pytest
from harness import Run, call, play
from mail_hosts import ALICE, BOB, MailHost

HOSTS = [MailHost("sendmail12"), MailHost("sendmail13")]
# One whose sendmail.mc had TLS before.
HAD_TLS = "sendmail13"

FILES = "find /etc/mail /etc/sasl2 /etc/default/saslauthd /etc/ssl/private/postroom* -printf '%i %T@ %C@ %m %u %g %p\\n' | sort"
PID = "head -n 1 /run/sendmail/mta/sendmail.pid"
LIVE = f"sha256sum /etc/mail/sendmail.cf; {PID}"
# Both without what m4 writes about when and where it was built.
AS_BEFORE = "grep -v ^# {} | sha256sum"
SASLDB = {"sasl_provider": "sasldb", "sasl_mechanisms": ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]}


@pytest.fixture(scope="session", params=HOSTS, ids=lambda host: host.name)
def host(request):
    """One host with sendmail after the other."""
    return request.param


def run(*arguments: str, limit: str = "sendmail", **variables: object) -> Run:
    return play("sendmail", *arguments, limit=limit, variables=variables)


@pytest.fixture
def made():
    """Make both hosts what the given variables say; at the end they are the inventory's again."""

    def make(**variables):
        done = run(**variables)
        assert done.rc == 0, done.output[-3000:]
        return done

    yield make
    make()


def authenticates(outside, host, mechanism, login, code):
    said = outside.ask("auth", host=host.fqdn, login=login, mechanism=mechanism, port=587, tls="starttls")
    assert said["code"] == code, said
    return said


def submit(outside, host, subject, recipient, port=587, login=None, sender=None):
    tls = "starttls" if port == 587 else "none"
    sender = sender or f"alice@{host.domain}"
    return outside.ask("submit", host=host.fqdn, port=port, tls=tls, login=login, subject=subject, sender=sender, recipient=recipient)


def arrived(host, subject, mailbox="alice", wait=20.0):
    """Tell if a local user gets the mail."""
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if host.run(f"grep -qs '^Subject: {subject}$' /var/mail/{mailbox}").returncode == 0:
            return True
        time.sleep(0.3)
    return False


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("login", [ALICE, BOB], ids=["alice", "bob"])
def test_who_knows_the_password_gets_in(outside, host, mechanism, login):
    assert authenticates(outside, host, mechanism, login, 235)["offered"] == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("login", [["alice", "wrong"], ["nobody", ALICE[1]]], ids=["password", "name"])
def test_who_does_not_is_refused(outside, host, mechanism, login):
    authenticates(outside, host, mechanism, login, 535)


def test_no_password_is_asked_for_in_clear(outside, host):
    said = outside.ask("smtp", host=host.fqdn, port=587, login=ALICE, commands=["MAIL FROM:<>"])
    assert "starttls" in said["before"]
    assert "auth" not in said["before"]
    assert said["login"][0] == 0
    assert said["replies"][0][0] == 530


def test_nobody_submits_without_login(outside, host, subject):
    said = submit(outside, host, subject, "somebody@elsewhere.example")
    assert said["code"] == 530, said
    assert outside.received(subject) == 0


def test_whoever_has_logged_in_may_send_anywhere(outside, host, subject):
    assert submit(outside, host, subject, "somebody@elsewhere.example", login=ALICE) == {"accepted": True}
    assert outside.received(subject, wait=30) == 1


def test_whoever_has_logged_in_may_send_to_this_host(outside, host, subject):
    assert submit(outside, host, subject, f"bob@{host.domain}", login=ALICE) == {"accepted": True}
    assert arrived(host, subject, "bob")


def test_port_25_takes_mail_for_the_host_and_for_nobody_else(outside, host, subject):
    assert submit(outside, host, subject, f"alice@{host.domain}", port=25, sender="a@elsewhere.example") == {"accepted": True}
    assert arrived(host, subject)
    said = submit(outside, host, subject, "somebody@elsewhere.example", port=25, sender="a@elsewhere.example")
    assert (said["accepted"], said["code"]) == (False, 550), said


def test_port_25_offers_what_it_offered_before(outside, host):
    said = outside.ask("smtp", host=host.fqdn, tls="starttls" if host.name == HAD_TLS else "none")
    assert ("starttls" in said["before"]) == (host.name == HAD_TLS)
    assert "auth" not in said["features"]


def test_tls_begins_with_1_2(outside, host):
    """The certificate is ours. A sendmail.mc with its own TLS keeps that."""
    assert "error" in outside.ask("handshake", host=host.fqdn, port=587, starttls=True, tls_max="TLSv1_1")
    assert outside.ask("handshake", host=host.fqdn, port=587, starttls=True, tls_max="TLSv1_2")["version"] == "TLSv1.2"


def test_the_certificate_is_the_hosts_unless_there_was_one(outside, host):
    shown = outside.out(
        f"openssl s_client -connect {host.fqdn}:587 -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    )
    path = "/etc/mail/tls/sendmail-server.crt" if host.name == HAD_TLS else "/etc/ssl/certs/postroom-mail.pem"
    assert shown == host.out(f"openssl x509 -in {path} -noout -fingerprint -sha256")


def test_what_was_written_by_hand_is_there_and_in_effect(host):
    assert host.out("head -c $(stat -c %s /root/sendmail.mc) /etc/mail/sendmail.mc | cmp - /root/sendmail.mc && echo same") == "same"
    assert host.out("grep '^O MaxRecipientsPerMessage' /etc/mail/sendmail.cf") == "O MaxRecipientsPerMessage=42"


def test_make_builds_the_same_and_the_daemon_reads_it(host):
    was, pid = host.out(AS_BEFORE.format("/etc/mail/sendmail.cf")), host.out(PID)
    host.out("touch /etc/mail/sendmail.mc && make -C /etc/mail")
    assert host.out(AS_BEFORE.format("/etc/mail/sendmail.cf")) == was
    # A daemon that is older than what it reads starts itself anew.
    assert run(limit=host.name).changed(host.name) == 1
    assert host.out(PID) != pid


def options(host):
    return {
        "realm": host.fqdn,
        "certificate": "/etc/ssl/certs/postroom-mail.pem",
        "private_key": "/etc/ssl/private/postroom-mail.key",
    }


def test_a_converged_run_touches_nothing():
    before = [(host.out(FILES), host.out(PID)) for host in HOSTS]
    done = run()
    assert [done.changed(host.name) for host in HOSTS] == [0, 0], done.output[-3000:]
    assert [(host.out(FILES), host.out(PID)) for host in HOSTS] == before


def test_saslauthd_that_is_down_lets_nobody_in_and_holds_up_no_mail(outside, host, subject):
    host.out("systemctl stop saslauthd")
    try:
        # sendmail does not tell this from a wrong password.
        authenticates(outside, host, "PLAIN", ALICE, 535)
        assert submit(outside, host, subject, f"alice@{host.domain}", port=25, sender="a@elsewhere.example") == {"accepted": True}
    finally:
        host.out("systemctl start saslauthd")
    authenticates(outside, host, "PLAIN", ALICE, 235)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("sed -i '1i define(`confFOO' sendmail.mc", "m4 cannot make a sendmail.cf of /etc/mail/sendmail.mc"),
        ("printf 'LOCAL_CONFIG\\nZnonsense\\n' >>m4/own.m4", 'sendmail.cf: line [0-9]+: unknown configuration line "Znonsense"'),
    ],
    ids=["quotes", "nonsense"],
)
def test_what_cannot_be_built_leaves_the_daemon_alone(host, spoil, said):
    host.out("cd /etc/mail && cp -p sendmail.mc m4/own.m4 /tmp")
    before = host.out(LIVE)
    try:
        host.out(f"cd /etc/mail && {spoil}")
        done = run(limit=host.name, sasl_replace_config=True)
        assert done.rc != 0
        assert re.search(said, re.sub(r'\\"', '"', done.output)), done.output[-3000:]
        assert host.out(LIVE) == before
    finally:
        host.out("cd /etc/mail && cp -p /tmp/sendmail.mc . && cp -p /tmp/own.m4 m4/")


def test_a_sendmail_cf_changed_by_hand_is_not_thrown_away(host):
    host.out(
        "cp -p /etc/mail/sendmail.cf /tmp && sed -i 's/^O MaxRecipientsPerMessage.*/O MaxRecipientsPerMessage=7/' /etc/mail/sendmail.cf"
    )
    before = host.out(LIVE)
    try:
        done = run(limit=host.name)
        assert done.rc != 0
        assert "it has the line 'O MaxRecipientsPerMessage=7'" in done.output
        assert host.out(LIVE) == before
    finally:
        host.out("cp -p /tmp/sendmail.cf /etc/mail/sendmail.cf")


def test_a_key_that_sendmail_will_not_use_brings_everything_back(host):
    """It says nothing of it and offers no TLS, and so no AUTH."""
    if host.name == HAD_TLS:
        host.out("chmod 0644 /etc/mail/tls/sendmail-common.key")
    host.out("install -m 0644 /etc/ssl/private/postroom-mail.key /etc/mail/open.key")
    before = host.out("sha256sum /etc/mail/sendmail.cf /etc/mail/sendmail.mc")
    try:
        done = call(host.name, "sendmail_auth", **{**options(host), "realm": "other.example", "private_key": "/etc/mail/open.key"})
        assert done["failed"], done
        assert "offers no STARTTLS on port 587" in done["msg"]
        assert host.out("sha256sum /etc/mail/sendmail.cf /etc/mail/sendmail.mc") == before
    finally:
        host.out("rm /etc/mail/open.key")
        if host.name == HAD_TLS:
            host.out("chmod 0640 /etc/mail/tls/sendmail-common.key")
        assert run(limit=host.name).rc == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"sasl_provider": "dovecot"}, "sasl_provider is dovecot, whose socket sendmail cannot ask"),
        ({"sasl_mechanisms": ["CRAM-MD5"]}, "CRAM-MD5, which the provider saslauthd cannot serve"),
    ],
    ids=["dovecot", "mechanism"],
)
def test_bad_input_is_refused_before_anything_is_changed(variables, said):
    before = [host.out(FILES) for host in HOSTS]
    done = run(**variables)
    assert done.rc != 0
    assert said in done.output
    assert [host.out(FILES) for host in HOSTS] == before


def test_a_mail_host_without_sendmail_is_told():
    done = play("sendmail", "--check", limit="mail12", variables={"sendmail_hosts": "mail12", "sasl_provider": "saslauthd"})
    assert done.rc != 0
    assert "sasl_mta is sendmail, which is not on this host" in done.output


def test_sasldb_takes_over_and_gives_back(outside, made):
    made(**SASLDB)
    for host in HOSTS:
        for mechanism in SASLDB["sasl_mechanisms"]:
            assert authenticates(outside, host, mechanism, ALICE, 235)["offered"] == SASLDB["sasl_mechanisms"]
            authenticates(outside, host, mechanism, ["alice", "wrong"], 535)
        assert host.run("systemctl is-active saslauthd").stdout.strip() == "inactive"
        assert host.run("grep -c postroom /etc/default/saslauthd").stdout.strip() == "0"
    again = made(**SASLDB)
    assert [again.changed(host.name) for host in HOSTS] == [0, 0]


def test_all_of_it_goes_and_comes_back(outside, made):
    made(sasl_provider="none")
    for host in HOSTS:
        assert host.out("cmp /etc/mail/sendmail.mc /root/sendmail.mc && echo same") == "same"
        assert host.out(AS_BEFORE.format("/etc/mail/sendmail.cf")) == host.out(AS_BEFORE.format("/root/sendmail.cf"))
        assert host.run("ls /etc/sasl2/Sendmail.conf").returncode != 0
        assert outside.ask("reachable", host=host.fqdn, ports=[25, 587]) == {"25": True, "587": False}
    again = made(sasl_provider="none")
    assert [again.changed(host.name) for host in HOSTS] == [0, 0]
    made()
    for host in HOSTS:
        authenticates(outside, host, "LOGIN", BOB, 235)
    again = run()
    assert [again.changed(host.name) for host in HOSTS] == [0, 0]
