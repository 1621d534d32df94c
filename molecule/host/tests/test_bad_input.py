# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong value is one clear sentence before anything is written, and the host goes on serving."""

from __future__ import annotations

import concurrent.futures

import pytest
from conftest import BOB
from plays import FILES, play

BAD = [
    pytest.param({"postfix_parameters": {"smtpd_bannner": "x"}}, ["smtpd_bannner", "smtpd_banner"], id="misspelt parameter"),
    pytest.param(
        {"postfix_parameters": {"smtpd_tls_security_level": "bogus"}}, ["smtpd_tls_security_level", "bogus"], id="bad enumeration"
    ),
    pytest.param({"postfix_parameters": {"message_size_limit": "ten"}}, ["message_size_limit", "ten"], id="bad number"),
    pytest.param({"postfix_parameters": {"biff": "perhaps"}}, ["biff", "perhaps"], id="bad boolean"),
    pytest.param({"postfix_parameters": {"relayhost": "a\nb"}}, ["relayhost", "newline"], id="newline"),
    pytest.param({"postfix_myhostname": ["a.example.org", "b.example.org"]}, ["myhostname"], id="list for one word"),
    pytest.param({"postfix_parameters": {"transport_maps": "lmdb:/etc/postfix/t"}}, ["lmdb", "postfix-lmdb"], id="map type not installed"),
    pytest.param(
        {"mail_tls_certificate": "/etc/ssl/none.pem", "mail_tls_private_key": "/etc/ssl/none.key"},
        ["/etc/ssl/none"],
        id="certificate missing",
    ),
    pytest.param(
        {"mail_tls_certificate": "/etc/ssl/test/expired.pem", "mail_tls_private_key": "/etc/ssl/test/expired.key"},
        ["expired"],
        id="expired",
    ),
    pytest.param(
        {"mail_tls_certificate": "/etc/ssl/test/good.pem", "mail_tls_private_key": "/etc/ssl/test/expired.key"}, ["match"], id="wrong key"
    ),
    pytest.param({"dovecot_settings": {"imap_no_such_setting": "1"}}, ["imap_no_such_setting"], id="unknown Dovecot setting"),
    pytest.param({"dovecot_passdbs": [{"driver": "nosuch"}]}, ["nosuch"], id="unknown passdb driver"),
    pytest.param({"mail_domain": ""}, ["mail_domain"], id="no domain"),
    pytest.param({"mail_domain": "not a domain"}, ["mail_domain", "not a domain"], id="not a domain"),
    pytest.param({"mail_hostname": "mail"}, ["mail_hostname", "mail"], id="not an FQDN"),
    pytest.param({"postfix_services": [{"name": "smtps", "command": "smtpd"}]}, ["type"], id="service without type"),
]


@pytest.fixture(scope="module", autouse=True)
def certificates(mail):
    """A good pair, and one that has expired."""
    mail.out(
        "mkdir -p /etc/ssl/test && cd /etc/ssl/test"
        " && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x.example -keyout good.key -out good.pem 2>/dev/null"
        " && openssl req -new -newkey rsa:2048 -nodes -subj /CN=x.example -keyout expired.key -out expired.csr 2>/dev/null"
        " && openssl x509 -req -in expired.csr -signkey expired.key -days -1 -out expired.pem 2>/dev/null"
    )


@pytest.mark.parametrize("check", [pytest.param([], id="run"), pytest.param(["--check"], id="check")])
@pytest.mark.parametrize(("variables", "words"), BAD)
def test_bad_input_is_one_sentence_and_writes_nothing(mail, outside, variables, words, check):
    before = mail.out(FILES)
    run = play("site", *check, limit=mail.name, variables=variables)
    assert run.rc != 0, run.output
    assert "Traceback" not in run.output
    for word in words:
        assert word in run.output, run.output[-3000:]
    assert mail.out(FILES) == before
    assert outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn)


def test_read_only_disk_is_one_sentence(mail, outside):
    mail.out("mount --bind /etc/postfix /etc/postfix && mount -o remount,ro,bind /etc/postfix")
    try:
        run = play("site", limit=mail.name, variables={"postfix_parameters": {"bounce_queue_lifetime": "3d"}})
    finally:
        mail.out("umount /etc/postfix")
    assert run.rc != 0
    assert "Read-only file system" in run.output
    assert "Traceback" not in run.output
    assert outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn)


def test_full_disk_is_one_sentence(mail, outside):
    mail.out(
        "cp -a /etc/postfix /run/postfix.copy && mkdir -p /run/full && mount -t tmpfs -o size=256k tmpfs /run/full"
        " && cp -a /etc/postfix/. /run/full/ && mount --bind /run/full /etc/postfix"
        " && (head -c 10M /dev/zero > /etc/postfix/fill || true)"
    )
    try:
        before = mail.out("cat /etc/postfix/main.cf")
        run = play("site", limit=mail.name, variables={"postfix_parameters": {"bounce_queue_lifetime": "3d"}})
        after = mail.out("cat /etc/postfix/main.cf")
    finally:
        mail.out("umount /etc/postfix && umount /run/full && rm -rf /run/postfix.copy")
    assert run.rc != 0
    assert "No space left on device" in run.output
    assert "Traceback" not in run.output
    assert after == before


def test_two_runs_at_the_same_time_end_right(mail, outside, subject):
    variables = {"postfix_parameters": {"bounce_queue_lifetime": "3d"}}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _n: play("site", limit=mail.name, variables=variables), range(2)))
    assert [run.rc for run in runs] == [0, 0], runs[0].output + runs[1].output
    assert mail.out("grep -c '^bounce_queue_lifetime' /etc/postfix/main.cf") == "1"
    mail.out("postconf -X bounce_queue_lifetime && postfix reload")
    outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=f"bob@{mail.domain}")
    assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject)["count"] == 1
