# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SMTP AUTH through every provider, one after the other on the same hosts, and at the end nothing of any of them is left."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

import pytest
from harness import FILES, Peer, call, play
from mail_hosts import ALICE, MAIL_HOSTS

SUBMISSION = [(465, "implicit"), (587, "starttls")]
DATA = Peer("data")


@dataclasses.dataclass(frozen=True)
class Provider:
    """A provider: its variables, the users who can log in through it, and the way to stop it."""

    login: list[str]
    variables: dict[str, t.Any]
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    # Shell commands that take it away and bring it back, on the mail host or on the host that it asks, and the reply meanwhile.
    down: str = "systemctl stop saslauthd"
    up: str = "systemctl start saslauthd"
    on: Peer | None = None
    reply: int = 454

    @contextlib.contextmanager
    def stopped(self, mail: Peer) -> t.Iterator[None]:
        (self.on or mail).out(self.down)
        try:
            yield
        finally:
            (self.on or mail).out(self.up)


def saslauthd(mechanism: str, **variables: t.Any) -> dict[str, t.Any]:
    return {"sasl_provider": "saslauthd", "sasl_saslauthd_mechanism": mechanism, **variables}


SECRET_MECHANISMS = ("CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
PROVIDERS = {
    # With AUTH on port 25, whose smtpd is chrooted, too.
    "pam": Provider(ALICE, saslauthd("pam", sasl_auth_on_port_25=True)),
    "shadow": Provider(ALICE, saslauthd("shadow")),
    # saslauthd says no when it cannot ask, and smtpd has nothing else to pass on.
    "ldap": Provider(
        ["luke", "luke-pw"],
        saslauthd(
            "ldap",
            sasl_saslauthd_ldap={
                "ldap_servers": "ldap://data.example/",
                "ldap_search_base": "dc=data,dc=example",
                "ldap_filter": "(uid=%u)",
                "ldap_bind_dn": "cn=dovecot,dc=data,dc=example",
                "ldap_password": "ld'ap#%{user} x",
            },
        ),
        down="systemctl stop scenario-ldap",
        up="systemctl start scenario-ldap",
        on=DATA,
        reply=535,
    ),
    "rimap": Provider(
        ["rita", "rita-pw"],
        saslauthd("rimap", sasl_saslauthd_server="data.example/143"),
        down="systemctl stop dovecot",
        up="systemctl start dovecot",
        on=DATA,
        reply=535,
    ),
    "sasldb": Provider(
        ALICE,
        {"sasl_provider": "sasldb", "sasl_mechanisms": ["PLAIN", "LOGIN", *SECRET_MECHANISMS], "sasl_auth_on_port_25": True},
        mechanisms=("PLAIN", "LOGIN", *SECRET_MECHANISMS),
        down="mv /etc/sasldb2 /etc/sasldb2.away",
        up="mv /etc/sasldb2.away /etc/sasldb2",
        reply=535,
    ),
    # Back to what the inventory says.
    "dovecot": Provider(ALICE, {}, down="systemctl stop dovecot.socket dovecot", up="systemctl start dovecot"),
}

# Whatever a provider could leave behind: files, who is in which group, and what runs. The database of accounts stays, as its
# accounts may be somebody else's, and so do packages with the files that are theirs.
TRACES = r"""
find /etc /var/spool/postfix/etc -type f ! -path '/etc/ssl/*' ! -name 'sasldb2' ! -name '*.db' ! -name '*-' ! -name ld.so.cache |
    sort >/tmp/files
sort -u /var/lib/dpkg/info/*.list | comm -23 /tmp/files - | xargs sha256sum
id postfix
systemctl is-active saslauthd || :
ls -R /etc/systemd/system /var/spool/postfix/var 2>/dev/null || :
"""

each_mail = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)


@pytest.fixture(scope="module")
def before(mails):
    """The traces of a host on which Dovecot has always been asked."""
    return {mail.name: mail.out(TRACES).splitlines() for mail in mails}


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request, before, site):
    """One provider after the other, on both hosts."""
    chosen = PROVIDERS[request.param]
    site("--tags", "sasl", **chosen.variables)
    return chosen


def log_in(outside: Peer, mail: Peer, attempts: list[tuple[int, str, str, list[str]]]) -> list[tuple]:
    """Return the end of each attempt (a port, TLS at once or not, a mechanism and a login), with its reply."""
    talks = [
        ["auth", {"host": mail.fqdn, "port": port, "tls": tls, "mechanism": word, "login": login}] for port, tls, word, login in attempts
    ]
    return [(*attempt, said.get("code"), said) for attempt, said in zip(attempts, outside.ask("together", talks=talks))]


@each_mail
def test_a_right_password_is_let_in_on_every_client_port_and_a_wrong_one_is_not(mail, outside, provider):
    ports = [*SUBMISSION, (25, "starttls")] if "sasl_auth_on_port_25" in provider.variables else SUBMISSION
    user, password = provider.login
    right = log_in(outside, mail, [(*door, word, provider.login) for door in ports for word in provider.mechanisms])
    assert [done for done in right if done[4] != 235] == []
    for *_attempt, said in right:
        assert set(provider.mechanisms) <= set(said["offered"])
        assert not {"ANONYMOUS", "NTLM", "EXTERNAL"} & set(said["offered"])
    logins = ([user, f"{password}x"], [user, ""], ["nobody", password])
    wrong = log_in(outside, mail, [(*door, "PLAIN", login) for door in ports for login in logins])
    assert [done for done in wrong if done[4] not in (501, 535)] == []


@each_mail
def test_nobody_is_asked_for_a_password_in_the_clear(mail, outside, provider):
    for port in (25, 587):
        assert not [word for word in outside.ask("smtp", host=mail.fqdn, port=port)["before"] if word.startswith("auth")]
    assert outside.ask("smtp", host=mail.fqdn, port=587, commands=["AUTH PLAIN AGEAYg=="])["replies"][0][0] in (502, 503, 530, 538)


@each_mail
def test_a_login_owns_its_address_and_no_other(mail, outside, provider):
    own, foreign = f"{provider.login[0]}@{mail.domain}", f"bob@{mail.domain}"
    for port, tls in SUBMISSION:
        for sender, code in ((own, 250), (own.replace("@", "+tag@"), 250), (foreign, 553), ("carol@shop.example", 553)):
            commands = [f"MAIL FROM:<{sender}>", "RCPT TO:<x@elsewhere.example>"]
            said = outside.ask("smtp", host=mail.fqdn, port=port, tls=tls, login=provider.login, commands=commands)
            assert said["replies"][1][0] == code, (sender, said)


@each_mail
def test_while_it_is_down_nobody_gets_in_and_mail_still_arrives(mail, outside, provider, subject):
    with provider.stopped(mail):
        refused = log_in(outside, mail, [(*door, "PLAIN", provider.login) for door in SUBMISSION])
        assert [done for done in refused if done[4] != provider.reply] == []
        recipient = f"alice@{mail.domain}"
        assert outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=recipient) == {"accepted": True}
    said = outside.ask("auth", host=mail.fqdn, port=465, tls="implicit", mechanism="PLAIN", login=provider.login)
    assert said["code"] == 235, said


def test_its_second_run_changes_nothing(mails, provider):
    state = [mail.out(FILES) for mail in mails]
    run = play("site", "--tags", "sasl", limit="mail", variables=provider.variables)
    assert [run.changed(mail.name) for mail in mails] == [0, 0], run.output[-3000:]
    assert [mail.out(FILES) for mail in mails] == state


def test_after_all_of_them_nothing_is_left(mails, before, site):
    site("--tags", "sasl")
    for mail in mails:
        after = mail.out(TRACES).splitlines()
        left = [line for line in after if line not in before[mail.name]]
        gone = [line for line in before[mail.name] if line not in after]
        assert (left, gone) == ([], []), mail.name


@each_mail
def test_saslauthd_takes_each_mechanism_that_it_lists(mail, site):
    listed = mail.out("saslauthd -v 2>&1 | sed -n 's/^authentication mechanisms: //p'").split()
    assert {"pam", "shadow", "ldap", "rimap"} <= set(listed)
    needs = {"rimap": {"server": "data.example"}, "ldap": {"ldap": {"ldap_servers": "ldap://data.example/"}}}
    try:
        for mechanism in listed:
            options = {"mechanism": mechanism, **needs.get(mechanism, {})}
            done = call(mail.name, "sasl_provider", provider="saslauthd", mechanisms=["PLAIN"], saslauthd=options)
            assert not done["failed"], done
            running = mail.out("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o '[s]aslauthd -a [a-z0-9]*' | sort -u")
            assert running == f"saslauthd -a {mechanism}"
        refused = call(mail.name, "sasl_provider", provider="saslauthd", saslauthd={"mechanism": "crystalball"})
        assert refused["failed"]
        assert "crystalball" in refused["msg"]
        assert "pam" in refused["msg"]
    finally:
        call(mail.name, "sasl_provider", provider="dovecot")
