# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import checks, conf, dialects

OLD = checks.Host(
    "2.3.19.1",
    passdbs=("checkpassword", "ldap", "pam", "passwd", "passwd-file", "shadow", "sql"),
    userdbs=("passwd", "passwd-file", "ldap"),
)
NEW = checks.Host("2.4.1-4", passdbs=("ldap", "pam", "passwd", "passwd-file", "sql"), userdbs=("passwd", "passwd-file", "ldap"))


def complaints(host, text, *, before="", passdbs=("pam",)):
    return checks.complaints(conf.changes(before, text), conf.flatten(conf.parse(text)), passdbs, host)


@pytest.mark.parametrize(
    ("version", "dialect"),
    [("2.3.19.1", "2.3"), ("2.3", "2.3"), ("2.4.1-4", "2.4"), ("2.4", "2.4"), ("2.10.0", "2.4"), ("3.0", "2.4"), ("x", "2.3")],
)
def test_the_version_tells_the_language(version, dialect):
    assert dialects.of(version).name == dialect


@pytest.mark.parametrize(
    ("host", "text", "words"),
    [
        pytest.param(OLD, "auth_mechanisms = plain bogus\n", ["auth_mechanisms", "2.3.19.1", "no mechanism 'bogus'"], id="mechanism"),
        pytest.param(OLD, "auth_mechanisms = plain scram-sha-1-plus\n", ["scram-sha-1-plus"], id="a mechanism of 2.4"),
        pytest.param(NEW, "auth_mechanisms = PLAIN, ntlm\n", ["'ntlm'"], id="a mechanism that is gone"),
        pytest.param(
            NEW, "auth_mechanisms {\n bogus = yes\n}\n", ["auth_mechanisms/bogus", "no mechanism 'bogus'"], id="a list of mechanisms"
        ),
        pytest.param(NEW, "auth_mechanisms = plain cram-md5\n", ["'cram-md5'", "pam", "passwd-file"], id="challenge, but PAM"),
        pytest.param(OLD, "passdb {\n driver = bogus\n}\n", ["passdb[0]", "no passdb driver 'bogus'", "passwd-file"], id="driver"),
        pytest.param(OLD, "userdb {\n driver = shadow\n}\n", ["no userdb driver 'shadow'"], id="no such userdb"),
        pytest.param(OLD, "userdb {\n driver = imap\n}\n", ["no userdb driver 'imap'", "it has dict, ldap, lua"], id="a passdb alone"),
        pytest.param(NEW, "passdb shadow {\n}\n", ["passdb shadow", "'shadow'", "use pam"], id="shadow is gone, named"),
        pytest.param(NEW, "passdb x {\n driver = shadow\n}\n", ["passdb x", "use pam"], id="shadow is gone, as a driver"),
        pytest.param(NEW, "passdb x {\n passdb_driver = checkpassword\n}\n", ["use passwd-file"], id="checkpassword is gone, spelt out"),
        pytest.param(NEW, "mail_plugins = $mail_plugins quota\n", ["mail_plugins", "literally"], id="$mail_plugins"),
        pytest.param(
            NEW, "protocol lmtp {\n mail_plugins = $mail_plugins sieve\n}\n", ["protocol lmtp/mail_plugins"], id="$mail_plugins in a block"
        ),
        pytest.param(NEW, "protocols = $protocols lmtp\n", ["protocols", "literally"], id="$protocols"),
        pytest.param(OLD, "listen = 300.1.2.3\n", ["listen", "'300.1.2.3' is no address"], id="address"),
        pytest.param(
            OLD, "service imap-login {\n inet_listener imap {\n  address = 1.2.3\n }\n}\n", ["'1.2.3'"], id="address of a listener"
        ),
        pytest.param(
            NEW, "service imap-login {\n inet_listener imap {\n  listen = [::1\n }\n}\n", ["'[::1'"], id="address of a listener in 2.4"
        ),
    ],
)
def test_what_doveconf_overlooks(host, text, words):
    (complaint,) = complaints(host, text)
    assert [word for word in words if word not in complaint] == []
    assert complaint.endswith(".")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (OLD, "auth_mechanisms = plain login external\n"),
        (OLD, "auth_mechanisms = $auth_mechanisms login\n"),
        (NEW, "auth_mechanisms = plain oauthbearer scram-sha-256-plus gssapi\n"),
        (OLD, "passdb {\n driver = shadow\n}\nuserdb {\n driver = static\n}\n"),
        (NEW, "passdb pam {\n}\npassdb deny {\n driver = passwd-file\n deny = yes\n}\nuserdb passwd {\n fields {\n  driver = x\n }\n}\n"),
        (OLD, "mail_plugins = $mail_plugins quota\n"),
        (NEW, "login_greeting = $5 a month\n"),
        (OLD, "listen = *, ::, 127.0.0.1, ::1, [::1], mail.example.org\n"),
        (OLD, "service x {\n unix_listener y {\n  address = 1.2.3\n }\n}\n"),
    ],
)
def test_what_is_right(host, text):
    assert complaints(host, text, passdbs=("pam", "passwd-file")) == []


def test_what_did_not_change_is_none_of_our_business():
    assert complaints(NEW, "auth_mechanisms = bogus\na = 1\n", before="auth_mechanisms = bogus\n") == []


def test_a_database_that_no_longer_serves_the_mechanisms():
    mechanisms = "auth_mechanisms = plain scram-sha-256\n"
    (complaint,) = complaints(NEW, f"{mechanisms}passdb pam {{\n}}\n", before=f"{mechanisms}passdb passwd-file {{\n}}\n")
    assert "'scram-sha-256' needs a password database" in complaint


def test_what_is_removed_cannot_be_wrong():
    assert complaints(NEW, "", before="auth_mechanisms = bogus\npassdb shadow {\n}\nlisten = x y\n") == []


def test_what_the_host_cannot_tell_is_not_guessed():
    assert complaints(checks.Host("2.3.21"), "passdb {\n driver = bogus\n}\n") == []


@pytest.mark.parametrize(
    ("text", "package"),
    [("passdb ldap {\n}\n", "dovecot-ldap"), ("auth_mechanisms = plain gssapi\n", "dovecot-gssapi"), ("passdb lua {\n}\n", "dovecot-lua")],
)
def test_modules_that_are_not_installed(text, package):
    (complaint,) = complaints(dataclasses.replace(NEW, has_module=lambda name: False), text)
    assert package in complaint


def test_addresses_that_are_not_the_hosts():
    host = dataclasses.replace(
        OLD, address_error=lambda address: "no network interface has this address" if address == "192.0.2.7" else None
    )
    (complaint,) = complaints(host, "listen = 127.0.0.1 192.0.2.7\n")
    assert "cannot listen on '192.0.2.7' on this host: no network interface has this address" in complaint
