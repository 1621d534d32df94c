# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import grp
import os
import socket
import tempfile
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Place, Saslauthd, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._sasl.setup import NotAnswering, NotInstalled, Setup
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.saslauthd_host import PACKAGED, SETTINGS, FakeHost

SMTPD_CONF = "etc/postfix/sasl/smtpd.conf"
LDAP = {"ldap_servers": "ldap://ldap.example.org/", "ldap_password": "geheim"}
PAM = Wanted("saslauthd")
SHADOW = Wanted("saslauthd", saslauthd=Saslauthd("shadow"))
BY_LDAP = Wanted("saslauthd", saslauthd=Saslauthd("ldap", ldap=LDAP))
SASLDB = Wanted("sasldb")
DOVECOT = Wanted("dovecot")


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


@pytest.mark.parametrize(("user", "member"), [("smmta", ["smmta"]), ("", [])])
def test_sendmail_joins_the_group_only_if_it_is_not_root(host, user, member):
    host.place = Place(config_path="/etc/sasl2/Sendmail.conf", mta="sendmail", user=user)
    host.bring(SHADOW)
    assert host.members == member
    assert "pwcheck_method: saslauthd\n" in host.read("etc/sasl2/Sendmail.conf")
    assert host.read(SMTPD_CONF) is None
    host.bring(Wanted("none"))
    assert host.members == []
    assert host.read("etc/sasl2/Sendmail.conf") is None


def test_saslauthd_from_nothing(host):
    outcome = host.bring(PAM)
    assert outcome.reload_required
    assert (host.running, host.enabled, host.members) == (True, True, ["postfix"])
    assert host.read(SETTINGS).startswith(PACKAGED)
    directory = host.root / "var/spool/postfix/var/run/saslauthd"
    assert (directory.stat().st_mode & 0o777, host.owners[str(directory)]) == (0o710, (0, 45))
    calls = host.changing()
    assert calls.index("systemctl daemon-reload") < calls.index("systemctl start -- saslauthd")


@pytest.mark.parametrize("wanted", [PAM, SHADOW, BY_LDAP, SASLDB, DOVECOT])
@pytest.mark.parametrize("chrooted", [True, False])
def test_a_second_run_changes_nothing(host, wanted, chrooted):
    host.place = host.place._replace(chrooted=chrooted)
    host.bring(wanted)
    before = {path: (host.root / path).stat().st_ino for path in host.tree()}
    outcome = host.bring(wanted)
    assert (outcome.actions, outcome.diff, outcome.reload_required, host.changing()) == ([], [], False, [])
    assert {path: (host.root / path).stat().st_ino for path in host.tree()} == before


@pytest.mark.parametrize("wanted", [PAM, SHADOW, BY_LDAP, SASLDB])
def test_nothing_is_left_when_dovecot_takes_over(host, wanted):
    host.write("etc/postfix/sasl/.keep")
    host.write("etc/pam.d/other")
    for directory in ("etc/systemd/system", "var/spool/postfix/etc"):
        (host.root / directory).mkdir(parents=True)
    before = host.tree()
    host.bring(wanted)
    if wanted is SASLDB:
        host.write("var/spool/postfix/etc/sasldb2", "accounts")
    outcome = host.bring(DOVECOT)
    assert outcome.actions != []
    assert host.tree() == before
    assert (host.running, host.enabled, host.members) == (False, False, [])
    assert host.bring(DOVECOT).actions == []


@pytest.mark.parametrize("other", [SHADOW, BY_LDAP, SASLDB])
def test_back_and_forth(host, other):
    host.bring(PAM)
    first = host.tree()
    host.bring(other)
    assert host.read("etc/pam.d/smtp") is None
    host.bring(PAM)
    assert host.tree() == first


def test_the_daemon_is_stopped_with_the_settings_that_it_was_started_with(host):
    host.bring(PAM)
    started_with = host.read(SETTINGS)
    host.bring(SHADOW)
    assert host.settings_at_stop == started_with
    assert host.running
    assert host.read(SETTINGS) != started_with
    started_with = host.read(SETTINGS)
    host.bring(SASLDB)
    assert (host.settings_at_stop, host.running) == (started_with, False)


def test_another_password_of_the_directory_restarts_the_daemon(host):
    host.bring(BY_LDAP)
    outcome = host.bring(Wanted("saslauthd", saslauthd=Saslauthd("ldap", ldap={**LDAP, "ldap_password": "streng geheim"})))
    assert outcome.actions == ["stop saslauthd", "write /etc/saslauthd.conf", "start saslauthd"]
    assert not outcome.reload_required
    assert "geheim" not in str(outcome.diff)
    assert (host.root / "etc/saslauthd.conf").stat().st_mode & 0o777 == 0o600


def test_check_mode_tells_and_does_nothing(host):
    before = host.tree()
    foretold = host.bring(PAM, check_mode=True)
    assert (host.tree(), host.changing(), host.running) == (before, [], False)
    assert foretold.actions == host.bring(PAM).actions
    before = host.tree()
    foretold = host.bring(SASLDB, check_mode=True)
    assert (host.tree(), host.changing(), host.running) == (before, [], True)
    assert foretold.actions == host.bring(SASLDB).actions


def test_a_bare_host(host):
    (host.root / "usr/sbin/saslauthd").unlink()
    assert "start saslauthd" in host.bring(PAM, check_mode=True).actions
    with pytest.raises(NotInstalled, match="install its package sasl2-bin first"):
        host.bring(PAM)
    assert host.read(SMTPD_CONF) is None
    assert host.bring(SASLDB).actions == [f"write /{SMTPD_CONF}", "add postfix to the group sasl"]


def test_a_mechanism_that_this_saslauthd_has_not(host):
    before = host.tree()
    with pytest.raises(BadInput, match="'kerberos5': the saslauthd of this host has pam, shadow, ldap, rimap"):
        host.bring(Wanted("saslauthd", saslauthd=Saslauthd("kerberos5")))
    assert host.tree() == before


def test_what_somebody_else_wrote_stays_or_is_kept(host):
    host.write(SMTPD_CONF, "pwcheck_method: mine\n")
    host.write("etc/pam.d/smtp", "auth required pam_mine.so\n")
    host.running = True
    with pytest.raises(BadInput, match=r"smtpd.conf was written by somebody else.* saslauthd already runs"):
        host.bring(PAM)
    assert host.read(SMTPD_CONF) == "pwcheck_method: mine\n"
    host.bring(PAM._replace(replace=True))
    assert managed.is_managed(host.read(SMTPD_CONF))
    assert [path.read_text() for path in host.root.glob(f"{SMTPD_CONF}.*~")] == ["pwcheck_method: mine\n"]
    # A PAM service of somebody else's serves as it is, and is not taken away.
    host.bring(DOVECOT)
    assert host.read("etc/pam.d/smtp") == "auth required pam_mine.so\n"


def test_a_daemon_of_somebody_elses_is_left_alone(host):
    host.running = host.enabled = True
    host.write("var/spool/postfix/var/run/saslauthd/mux")
    host.bring(SASLDB)
    host.bring(DOVECOT)
    assert (host.running, host.enabled) == (True, True)
    assert host.read("var/spool/postfix/var/run/saslauthd/mux") == ""


def test_the_copy_of_a_database_that_is_not_ours_stays(host):
    host.write("var/spool/postfix/etc/sasldb2", "accounts")
    assert host.bring(DOVECOT).actions == []
    assert host.read("var/spool/postfix/etc/sasldb2") == "accounts"


def test_a_smtpd_that_is_no_longer_chrooted(host):
    host.bring(PAM)
    host.place = host.place._replace(chrooted=False)
    outcome = host.bring(PAM)
    assert outcome.actions[0] == "stop saslauthd"
    assert host.read(provider.DROP_IN.lstrip("/")) is None
    assert not (host.root / "var/spool/postfix/var").exists()
    assert host.running


def test_a_group_that_cannot_be_joined(host):
    def run(args, data=None):
        return (10, "", "usermod: cannot lock /etc/group\n") if args[0] == "usermod" else host.run(args, data)

    with pytest.raises(HostError, match="Cannot add postfix to the group sasl: .*cannot lock /etc/group"):
        Setup(run, host.place, root=str(host.root)).bring(SASLDB)


def test_without_the_group_postfix_s_own_serves(host):
    def by_name(name):
        if name == "sasl":
            raise KeyError(name)
        return types.SimpleNamespace(gr_gid=89, gr_mem=[])

    host.monkeypatch.setattr(grp, "getgrnam", by_name)
    outcome = host.bring(PAM)
    assert host.owners[str(host.root / "var/spool/postfix/var/run/saslauthd")] == (0, 89)
    assert not [action for action in outcome.actions if "group" in action]


def test_a_daemon_that_does_not_answer(tmp_path, monkeypatch):
    setup = Setup(lambda args, data=None: (0, "", ""), Place(chrooted=True), root=str(tmp_path), timeout=0.2)
    with pytest.raises(NotAnswering, match="does not answer on /var/spool/postfix/var/run/saslauthd/mux"):
        setup._ask()


def test_a_daemon_that_answers(monkeypatch):
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as root, contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        os.makedirs(f"{root}/var/run/saslauthd")
        listener.bind(f"{root}/var/run/saslauthd/mux")
        listener.listen()
        Setup(lambda args, data=None: (0, "", ""), Place(), root=root, timeout=0.2)._ask()


def test_place_is_asked_of_the_host(host):
    place = sasl_facts.place({"queue_directory": None, "parameters": {}, "services": {}}, "Debian", str(host.root))
    assert place == Place()
