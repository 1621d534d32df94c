# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider as sasl_provider
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Foreign, Place, Saslauthd, Wanted

CHROOTED = Place(chrooted=True)
LDAP = {"ldap_servers": ["ldap://a.example/", "ldap://b.example/"], "ldap_password": "geheim", "ldap_start_tls": True}
SMTPD_CONF = "/etc/postfix/sasl/smtpd.conf"
SETTINGS = "/etc/default/saslauthd"


def written(wanted, place=CHROOTED):
    return {file.path: file for file in sasl_provider.files(wanted, place)}


def saslauthd(mechanism="pam", **options):
    return Wanted("saslauthd", saslauthd=Saslauthd(mechanism, **options))


def lines(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("wanted", "place", "paths"),
    [
        pytest.param(Wanted("dovecot"), CHROOTED, [], id="dovecot"),
        pytest.param(Wanted("sasldb"), CHROOTED, [SMTPD_CONF], id="sasldb"),
        pytest.param(saslauthd("shadow"), Place(), [SMTPD_CONF, SETTINGS], id="shadow"),
        pytest.param(saslauthd("pam"), Place(), [SMTPD_CONF, SETTINGS, "/etc/pam.d/smtp"], id="pam"),
        pytest.param(saslauthd("ldap", ldap=LDAP), Place(), [SMTPD_CONF, SETTINGS, "/etc/saslauthd.conf"], id="ldap"),
        pytest.param(saslauthd("shadow"), CHROOTED, [SMTPD_CONF, SETTINGS, sasl_provider.DROP_IN], id="socket elsewhere, native unit"),
        pytest.param(saslauthd("shadow"), CHROOTED._replace(native_unit=False), [SMTPD_CONF, SETTINGS], id="socket elsewhere, init script"),
        pytest.param(
            saslauthd("shadow"),
            Place("RedHat", config_path="/etc/sasl2/smtpd.conf"),
            ["/etc/sasl2/smtpd.conf", "/etc/sysconfig/saslauthd"],
            id="Red Hat",
        ),
    ],
)
def test_files_of_each_provider(wanted, place, paths):
    files = sasl_provider.files(wanted, place)
    assert [file.path for file in files] == paths
    # What is written whole must be found again, to be taken away.
    assert {file.path for file in files if not file.block} <= set(sasl_provider.paths(place))
    assert all(managed.is_managed(file.text) for file in files if not file.block)


@pytest.mark.parametrize(
    ("wanted", "place", "expected"),
    [
        (
            Wanted("sasldb", ["PLAIN", "CRAM-MD5"]),
            CHROOTED,
            ["pwcheck_method: auxprop", "auxprop_plugin: sasldb", "mech_list: PLAIN CRAM-MD5"],
        ),
        (saslauthd(), Place(), ["pwcheck_method: saslauthd", "mech_list: PLAIN LOGIN"]),
        (saslauthd(), CHROOTED, ["pwcheck_method: saslauthd", "saslauthd_path: var/run/saslauthd/mux", "mech_list: PLAIN LOGIN"]),
    ],
)
def test_smtpd_conf(wanted, place, expected):
    assert lines(written(wanted, place)[SMTPD_CONF].text) == expected


def test_a_relative_socket_is_the_one_below_the_queue_directory():
    place = Place(queue_directory="/srv/queue", chrooted=True)
    relative = sasl_provider.parse_options(written(saslauthd(), place)[SMTPD_CONF].text)["saslauthd_path"]
    assert f"{place.queue_directory}/{relative}" == f"{place.socket_directory}/mux"
    assert f"PIDFile={place.socket_directory}/saslauthd.pid" in lines(written(saslauthd(), place)[sasl_provider.DROP_IN].text)


@pytest.mark.parametrize(
    ("daemon", "place", "options"),
    [
        (Saslauthd(), Place(), "-m /var/run/saslauthd"),
        (Saslauthd(), CHROOTED, "-m /var/spool/postfix/var/run/saslauthd"),
        (Saslauthd(cache_seconds=60, join_realm=True), Place(), "-m /var/run/saslauthd -c -t 60 -r"),
        (Saslauthd("rimap", server="imap.example.org/143"), Place(), "-m /var/run/saslauthd -O imap.example.org/143"),
    ],
)
def test_settings_of_the_daemon(daemon, place, options):
    block = written(Wanted("saslauthd", saslauthd=daemon), place)[SETTINGS].text
    assert sasl_provider.parse_settings(block) == {
        "START": "yes",
        "MECHANISMS": daemon.mechanism,
        "MECH_OPTIONS": "",
        "THREADS": "5",
        "OPTIONS": options,
    }


def test_settings_of_the_daemon_on_red_hat():
    block = written(saslauthd("rimap", server="imap.example.org", processes=2), Place("RedHat"))["/etc/sysconfig/saslauthd"].text
    assert sasl_provider.parse_settings(block) == {
        "SOCKETDIR": "/run/saslauthd",
        "MECH": "rimap",
        "FLAGS": "-n 2 -O imap.example.org",
    }


def test_a_shell_reads_the_settings_as_they_are_meant():
    packaged = '# NAME="x"\nNAME="saslauthd"\nOPTIONS="-c -m /var/run/saslauthd"\n'
    text = managed.SETTINGS.put(packaged, written(saslauthd())[SETTINGS].text)
    printed = subprocess.run(["sh", "-c", f'{text}\nprintf \'%s|%s\' "$NAME" "$OPTIONS"'], check=True, capture_output=True, text=True)
    assert printed.stdout == "saslauthd|-m /var/spool/postfix/var/run/saslauthd"


def test_the_password_of_the_directory_is_for_root_only():
    file = written(saslauthd("ldap", ldap=LDAP))["/etc/saslauthd.conf"]
    assert (file.mode, file.secret) == (0o600, True)
    assert lines(file.text) == ["ldap_servers: ldap://a.example/ ldap://b.example/", "ldap_password: geheim", "ldap_start_tls: yes"]


# What is read.


def test_options_and_settings_are_read_as_they_are_written():
    assert sasl_provider.parse_options("# a: b\nPWCheck_Method: auxprop\n mech_list:plain login\n\nsql_select: a:b\n") == {
        "pwcheck_method": "auxprop",
        "mech_list": "plain login",
        "sql_select": "a:b",
    }
    text = '#START=no\nSTART=yes\nDESC="SASL Authentication"\nMECH=\'pam\' \nEMPTY=\nQUOTE="\n'
    assert sasl_provider.parse_settings(text) == {
        "START": "yes",
        "DESC": "SASL Authentication",
        "MECH": "pam",
        "EMPTY": "",
        "QUOTE": '"',
    }


@pytest.mark.parametrize(
    ("text", "mechanisms"),
    [
        (
            "saslauthd 2.1.28\nauthentication mechanisms: sasldb getpwent kerberos5 pam rimap shadow ldap\n\n",
            ["sasldb", "getpwent", "kerberos5", "pam", "rimap", "shadow", "ldap"],
        ),
        ("saslauthd: not found", []),
    ],
)
def test_mechanisms_of_the_daemon(text, mechanisms):
    assert sasl_provider.parse_saslauthd_version(text) == mechanisms


def test_services_that_run_chrooted():
    def service(command, chroot):
        return {"command": command, "chroot": chroot}

    services = {
        "smtp/inet": service("smtpd", True),
        "submission/inet": service("smtpd", False),
        "postscreen/inet": service("postscreen", True),
        "smtp/unix": service("smtp", True),
        "smtpd/pass": service("smtpd", True),
    }
    assert sasl_provider.chrooted_services(services) == ["smtp/inet", "smtpd/pass"]
    assert sasl_provider.chrooted_services({}) == []


# main.cf and packages.


def test_parameters():
    assert sasl_provider.parameters("dovecot", "private/auth", "example.org") == {
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "private/auth",
        "smtpd_sasl_local_domain": "",
    }
    for provider in ("saslauthd", "sasldb"):
        assert sasl_provider.parameters(provider, "private/auth", "example.org") == {
            "smtpd_sasl_type": "cyrus",
            "smtpd_sasl_path": "smtpd",
            "smtpd_sasl_local_domain": "example.org",
        }


@pytest.mark.parametrize(
    ("wanted", "family", "packages"),
    [
        (Wanted(), "Debian", []),
        (saslauthd(), "Debian", ["sasl2-bin", "libsasl2-modules"]),
        (Wanted("sasldb", ["cram-md5"]), "Debian", ["sasl2-bin", "libsasl2-modules-db", "libsasl2-modules"]),
        (saslauthd(), "RedHat", ["cyrus-sasl", "cyrus-sasl-plain"]),
        (
            Wanted("sasldb", ["PLAIN", "DIGEST-MD5", "SCRAM-SHA-256"]),
            "RedHat",
            ["cyrus-sasl-lib", "cyrus-sasl-plain", "cyrus-sasl-md5", "cyrus-sasl-scram"],
        ),
    ],
)
def test_packages(wanted, family, packages):
    assert sasl_provider.packages(wanted, family) == packages


# Bad input.

KNOWN = ["pam", "shadow", "rimap", "ldap"]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        saslauthd(),
        saslauthd("ldap", ldap=LDAP),
        saslauthd("rimap", server="imap.example.org"),
        saslauthd("rimap", server="192.0.2.7/993"),
        Wanted("sasldb", ["PLAIN", "login", "SCRAM-SHA-256"]),
        # Dovecot offers what dovecot.conf says.
        Wanted("dovecot", ["CRAM-MD5"], Saslauthd("nothing")),
    ],
)
def test_nothing_is_wrong(wanted):
    assert sasl_provider.problems(wanted, KNOWN) == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("saslauth"), "sasl_provider is 'saslauth', and must be one of dovecot, saslauthd and sasldb."),
        (Wanted("sasldb", []), "sasl_mechanisms is empty"),
        (
            Wanted("sasldb", ["PLAIN", "ANONYMOUS"]),
            "sasl_mechanisms has ANONYMOUS, which the provider sasldb cannot serve: it serves PLAIN, LOGIN,",
        ),
        (Wanted("saslauthd", ["PLAIN", "cram-md5"]), "has CRAM-MD5, .* it serves PLAIN, LOGIN; sasl_provider sasldb, .* could"),
        (saslauthd("kerberos5"), "'kerberos5': the saslauthd of this host has pam, shadow, rimap, ldap."),
        (saslauthd("rimap"), "sasl_saslauthd_server must name the IMAP server"),
        (saslauthd("rimap", server="imap; reboot"), "'imap; reboot', which is not of the form host or host/port"),
        (saslauthd("rimap", server="-d"), "'-d', which is not of the form"),
        (saslauthd("ldap"), "must have ldap_servers"),
        (saslauthd("ldap", ldap={**LDAP, "search_base": "x"}), "has search_base; the settings of saslauthd.conf all begin with ldap_"),
        (saslauthd("ldap", ldap={**LDAP, "ldap_password": "geheim\nldap_filter: *"}), "not one line of text: ldap_password"),
        (saslauthd(processes=0), "sasl_saslauthd_processes is 0"),
        (saslauthd(processes="many"), "sasl_saslauthd_processes is many"),
        (saslauthd(cache_seconds="1m"), "sasl_saslauthd_cache_seconds is 1m"),
        (saslauthd("ldap", ldap="ldap_servers: x"), "sasl_saslauthd_ldap must be a dictionary"),
        (saslauthd(cache_seconds=-1), "sasl_saslauthd_cache_seconds is -1"),
    ],
)
def test_bad_input_is_said_in_one_sentence(wanted, said):
    found = sasl_provider.problems(wanted, KNOWN)
    assert len(found) == 1
    assert re.search(said, found[0])
    assert found[0].endswith(".")
    assert "geheim" not in found[0]


@pytest.mark.parametrize(
    ("provider", "mta", "said"),
    [
        ("dovecot", "postfix", ""),
        ("none", "postfix", "sasl_provider is none, so nobody could log in on the submission ports of Postfix"),
        ("none", "sendmail", ""),
        ("sasldb", "sendmail", ""),
        ("dovecot", "sendmail", "sasl_provider is dovecot, whose socket sendmail cannot ask"),
        ("courier", "sendmail", "'courier', and must be one of saslauthd, sasldb and none."),
    ],
)
def test_what_a_mail_server_cannot_ask_is_said(provider, mta, said):
    found = sasl_provider.problems(Wanted(provider), KNOWN, mta)
    assert [said in sentence for sentence in found] == ([True] if said else [])


def test_all_of_it_is_said_at_once():
    wanted = Wanted("saslauthd", ["CRAM-MD5"], Saslauthd("rimap", processes=0))
    assert len(sasl_provider.problems(wanted)) == 3


def test_before_there_is_a_saslauthd_its_manual_counts():
    assert sasl_provider.problems(saslauthd("getpwent")) == []
    assert "saslauthd knows" in sasl_provider.problems(saslauthd("nis"))[0]


# What is somebody else's.


@pytest.mark.parametrize(
    ("wanted", "foreign", "count"),
    [
        (saslauthd(), Foreign(), 0),
        (saslauthd(), Foreign([SMTPD_CONF], True), 2),
        (saslauthd(), Foreign(["/etc/saslauthd.conf", "/etc/pam.d/smtp"]), 0),
        (saslauthd("ldap"), Foreign(["/etc/saslauthd.conf", "/etc/pam.d/smtp"]), 1),
        (Wanted("sasldb"), Foreign([SMTPD_CONF], True), 1),
        (Wanted("dovecot"), Foreign([SMTPD_CONF], True), 0),
        (saslauthd()._replace(replace=True), Foreign([SMTPD_CONF], True), 0),
    ],
)
def test_conflicts(wanted, foreign, count):
    found = sasl_provider.conflicts(wanted, foreign, SMTPD_CONF)
    assert len(found) == count
    assert all("sasl_replace_config" in sentence for sentence in found)


def test_logins_by_every_name():
    assert sasl_provider.known_as("alice, bob", []) == "alice, bob"
    assert sasl_provider.known_as("alice,bob@example.net", ["mail.example.org", "example.org"]) == (
        "alice, alice@mail.example.org, alice@example.org, bob@example.net"
    )


@pytest.mark.parametrize("server", ["a b", "$(id)", 'a"b', "-O", "a/b/c", "a\n"])
def test_a_server_cannot_become_another_option(server):
    assert sasl_provider.problems(saslauthd("rimap", server=server))


def test_saslauthd_refuses_system_accounts_before_it_looks_at_their_passwords():
    wanted = saslauthd("pam", first_valid_uid=500)
    (pam,) = (file.text for file in sasl_provider.files(wanted, Place()) if file.path == sasl_provider.PAM_FILE)
    lines = pam.splitlines()
    (refusal,) = (number for number, line in enumerate(lines) if line.endswith("pam_succeed_if.so quiet uid >= 500"))
    assert refusal < lines.index("@include common-auth")
