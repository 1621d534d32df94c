# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules by themselves, in four steps: check, run, check again, run again; and what the daemons then do."""

from __future__ import annotations

import time

import pytest
from harness import call
from mail_hosts import ALICE


def four_steps(mail, name, **options):
    """The results of a check and a run before, and of a check and a run after: what is done once is not done twice."""
    steps = [call(mail.name, name, check=check, **options) for check in (True, False, True, False)]
    assert [step.get("changed") for step in steps] == [True, True, False, False], steps
    return steps[1]


def listens(outside, mail, port):
    return outside.ask("reachable", host=mail.fqdn, ports=[port])[str(port)]


def test_a_service_comes_and_goes_with_its_port(mail, outside):
    service = {"name": "10025", "type": "inet", "command": "smtpd", "overrides": {"smtpd_banner": "second door"}}
    assert four_steps(mail, "postfix_service", services=[service])["reload_required"]
    assert not listens(outside, mail, 10025)
    assert call(mail.name, "mail_service", name="postfix", state="reloaded")["changed"]
    assert outside.ask("smtp", host=mail.fqdn, port=10025)["banner"] == "second door"
    four_steps(mail, "postfix_service", services=[{**service, "state": "disabled"}])
    assert call(mail.name, "mail_service", name="postfix", state="reloaded")["changed"]
    assert not listens(outside, mail, 10025)
    assert mail.out("grep -c '^#10025' /etc/postfix/master.cf") == "1"
    assert call(mail.name, "postfix_service", services=[service])["changed"]
    four_steps(mail, "postfix_service", services=[{"name": "10025", "type": "inet", "state": "absent"}])
    assert mail.run("grep '^10025' /etc/postfix/master.cf").returncode == 1
    mail.out("sed -i '/^#.*10025/d; /^#.*second door/d' /etc/postfix/master.cf")


def test_a_parameter_is_set_read_back_and_removed(mail):
    networks = ["192.0.2.0/24", "[2001:db8::]/32"]
    four_steps(mail, "postfix_config", parameters={"debug_peer_list": networks, "debug_peer_level": 1})
    assert mail.out("postconf -h debug_peer_list debug_peer_level").splitlines() == ["192.0.2.0/24, [2001:db8::]/32", "1"]
    four_steps(mail, "postfix_config", parameters={"debug_peer_list": None, "debug_peer_level": None})
    assert mail.run("grep debug_peer /etc/postfix/main.cf").returncode == 1


def test_a_table_answers_and_heals(mail):
    path = "/etc/postfix/test_table"
    returned = four_steps(mail, "postmap", path=path, entries={"one@example.org": "1", "two@example.org": ["2", "3"]})
    assert mail.out(f"postmap -q two@example.org {returned['table']}") == "2, 3"
    mail.out(f"rm {path}.db")
    four_steps(mail, "postmap", path=path, entries={"one@example.org": "1", "two@example.org": ["2", "3"]})
    four_steps(mail, "postmap", path=path, entries={"one@example.org": "1"})
    assert mail.run(f"postmap -q two@example.org {returned['table']}").returncode == 1
    four_steps(mail, "postmap", path=path, state="absent")


def test_a_setting_in_a_file_of_its_own(mail):
    path = "/etc/dovecot/local.d/test.conf"
    mail.out("mkdir -p /etc/dovecot/local.d")
    four_steps(mail, "dovecot_setting", path=path, settings={"protocol imap": {"mail_max_userip_connections": 7}})
    assert mail.out("doveconf -f protocol=imap -h mail_max_userip_connections") == "7"
    mail.out(f"rm -r {path} && rmdir /etc/dovecot/local.d")


def test_an_account_is_made_and_its_password_kept(mail, outside):
    dora = {"name": "dora", "password": "dora's word"}
    four_steps(mail, "mail_user", users=[dora])
    assert outside.ask("imap", host=mail.fqdn, login=["dora", "dora's word"])["login"]
    four_steps(mail, "mail_user", users=[{**dora, "password": "another word"}])
    assert not outside.ask("imap", host=mail.fqdn, login=["dora", "dora's word"])["login"]
    four_steps(mail, "mail_user", users=[{"name": "dora", "state": "absent"}])
    assert "mail" not in call(mail.name, "mail_user", users=[{"name": "daemon", "state": "absent"}]).get("removed", [])


def test_the_host_tells_what_it_is(mail):
    info = call(mail.name, "mail_info", packages=["postfix", "exim4"], services=["postfix"])
    assert info["host"]["fqdn"] == mail.fqdn
    assert info["packages"]["exim4"] is None
    assert info["packages"]["postfix"].startswith(info["postfix"]["version"])
    state = {name: info["services"]["postfix"][name] for name in ("installed", "running", "enabled", "outdated")}
    assert state == {"installed": True, "running": True, "enabled": True, "outdated": None}
    assert info["postfix"]["parameters"]["myhostname"] == mail.fqdn
    assert info["postfix"]["services"]["smtp/inet"]["chroot"] is True
    assert info["dovecot"]["dialect"] == {"mail12": "2.3", "mail13": "2.4"}[mail.name]
    assert info["dovecot"]["managed"]
    assert {25, 465, 587, 993, 995} <= {row["port"] for row in info["listeners"]}


@pytest.mark.parametrize(
    ("name", "file", "line"),
    [("postfix", "/etc/postfix/main.cf", "this is no parameter"), ("dovecot", "/etc/dovecot/dovecot.conf", "no_such_setting = yes")],
)
def test_a_broken_configuration_is_never_loaded(mail, outside, name, file, line):
    mail.out(f"cp -a {file} {file}.saved && echo '{line}' >> {file}")
    try:
        for state in ("reloaded", "restarted"):
            result = call(mail.name, "mail_service", name=name, state=state)
            assert result["failed"], result
            assert "left alone" in result["msg"] or "goes on" in result["msg"], result["msg"]
    finally:
        mail.out(f"mv {file}.saved {file}")
    assert call(mail.name, "mail_info", services=[name], gather=["services"])["services"][name]["running"]
    assert outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn)
    assert outside.ask("imap", host=mail.fqdn, login=ALICE)["login"]


def test_a_probe_ends_in_time_where_nobody_answers(mail):
    """A listener that takes the connection and says nothing."""
    started = time.monotonic()
    mail.out("(python3 -c 'import socket, time; s = socket.create_server((\"127.0.0.1\", 7777)); time.sleep(15)' &) ; sleep 0.5")
    result = call(mail.name, "mail_probe", host="127.0.0.1", smtp={"port": 7777, "tls": "none"}, timeout=3)
    assert result["failed"]
    assert "greeting" in result["msg"]
    assert time.monotonic() - started < 30
