# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import threading

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._host import info
from ansible_collections.postroom.mail.plugins.module_utils._host.info import Host, Questions
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts
from ansible_collections.postroom.mail.plugins.module_utils._services import applied, running, running_daemon, services
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State


def asked(run, dpkg_status, monkeypatch, **questions):
    monkeypatch.setattr(info, "_read", lambda path: dpkg_status if path == info.DPKG_STATUS else "")
    return Host(run).tell(Questions(**questions))


def test_packages_are_looked_up_in_the_record_of_dpkg_where_there_is_one(monkeypatch):
    def run(args, data=None):
        raise AssertionError(args)

    status = "Package: postfix\nStatus: install ok installed\nVersion: 3.10.5-1\n"
    told = asked(run, status, monkeypatch, gather=["packages"], packages=["postfix", "exim4"])
    assert told == {"packages": {"postfix": "3.10.5-1", "exim4": None}}


def test_packages_are_asked_of_rpm_elsewhere(monkeypatch):
    def run(args, data=None):
        assert (args[0], args[-2:]) == ("rpm", ["postfix", "exim"])
        return 1, "postfix\t3.8.5-8.el10\npackage exim is not installed\n", ""

    told = asked(run, "", monkeypatch, gather=["packages"], packages=["postfix", "exim"])
    assert told == {"packages": {"postfix": "3.8.5-8.el10", "exim": None}}


@pytest.mark.parametrize(
    ("names", "there"),
    [
        (["mirror.example_debian_dists_trixie_main_binary-amd64_Packages"], True),
        (["mirror.example_debian_dists_trixie_main_binary-amd64_Packages.lz4"], True),
        (["lock", "mirror.example_debian_dists_trixie_InRelease"], False),
        ([], False),
        (None, False),
    ],
)
def test_apt_has_package_lists_or_none(monkeypatch, tmp_path, names, there):
    monkeypatch.setattr(info, "APT_LISTS", str(tmp_path if names is not None else tmp_path / "none"))
    for name in names or ():
        (tmp_path / name).write_text("")
    told = asked(lambda args, data=None: (127, "", ""), "", monkeypatch, gather=["host"])
    assert told["host"]["package_lists"] is there


@pytest.mark.parametrize(("uid", "privileged"), [(0, True), (1000, False)])
def test_root_is_privileged(monkeypatch, uid, privileged):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    told = asked(lambda args, data=None: (127, "", ""), "", monkeypatch, gather=["host"])
    assert told["host"]["privileged"] is privileged


def nothing(args, data=None):
    return 127, "", f"{args[0]}: No such file or directory"


def test_an_answer_is_asked_for_only_when_it_is_wanted(monkeypatch):
    def run(args, data=None):
        raise AssertionError(args)

    assert asked(run, "", monkeypatch, gather=[]) == {}
    assert asked(run, "", monkeypatch, gather=["packages"]) == {"packages": {}}


def test_answers_come_in_one_order_and_a_host_without_mail_has_all_of_them(monkeypatch):
    monkeypatch.setattr(info.takeover_facts, "ask", lambda run, status: [])
    monkeypatch.setattr(info, "_bounded", lambda ask: None)
    told = asked(nothing, "", monkeypatch, gather=[*info.SUBSETS, *info.ON_DEMAND][::-1])
    assert list(told) == [*info.SUBSETS, *info.ON_DEMAND]
    assert (told["postfix"]["installed"], told["dovecot"]["installed"]) == (False, False)
    assert told["queue"] == dict.fromkeys(postfix_facts.QUEUES)


def test_postfix_is_asked_once_for_all_who_need_it(monkeypatch):
    asks = []
    there = {"installed": False, "config_directory": "/etc/postfix", "queue_directory": "/q", "parameters": {}, "services": {}}
    monkeypatch.setattr(info.postfix_facts, "ask", lambda run: asks.append(run) or there)
    monkeypatch.setattr(info.postfix_facts, "count_queue", lambda directory: {"deferred": directory})
    told = asked(nothing, "", monkeypatch, gather=["postfix", "sasl", "queue"])
    assert told["queue"] == {"deferred": "/q"}
    assert len(asks) == 1


def test_the_queue_alone_costs_one_question(monkeypatch):
    calls = []

    def run(args, data=None):
        calls.append(args)
        return 0, "/var/spool/elsewhere\n", ""

    monkeypatch.setattr(info.postfix_facts, "count_queue", lambda directory: {"deferred": directory})
    assert asked(run, "", monkeypatch, gather=["queue"]) == {"queue": {"deferred": "/var/spool/elsewhere"}}
    assert calls == [["postconf", "-hx", "queue_directory"]]


@pytest.mark.parametrize("is_running", [True, False])
def test_what_a_daemon_needs_is_asked_of_one_that_runs(monkeypatch, is_running):
    monkeypatch.setattr(services, "states", lambda run, names, queue: {name: State(True, is_running, True) for name in names})
    monkeypatch.setattr(services, "master", lambda name, queue=None: None)
    monkeypatch.setattr(running_daemon, "outdated", lambda master: None)
    monkeypatch.setattr(running, "need_of_postfix", lambda postfix: applied.Need(True, False, ("of postfix",)))
    monkeypatch.setattr(running, "need_of_dovecot", lambda dovecot: applied.Need(True, True, ("of dovecot",)))
    told = asked(nothing, "", monkeypatch, gather=["services"], services=["postfix", "dovecot", "saslauthd"])["services"]
    assert told["saslauthd"] == {"installed": True, "running": is_running, "enabled": True}
    assert told["postfix"]["reasons"] == (("of postfix",) if is_running else ())
    assert told["dovecot"]["reasons"] == (("of dovecot",) if is_running else ())
    assert told["postfix"]["outdated"] is None


@pytest.mark.parametrize(
    ("hosts", "canonical", "fqdn"),
    [
        ("192.0.2.1 mail.example.org mail\n", "other.example", "mail.example.org"),
        ("", "mail.example.net.", "mail.example.net"),
        ("", "localhost.localdomain", "mail"),
        ("", "mail", "mail"),
    ],
)
def test_the_full_name_is_that_of_the_hosts_file_or_of_the_resolver(monkeypatch, hosts, canonical, fqdn):
    monkeypatch.setattr(socket, "gethostname", lambda: "mail")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [(0, 0, 0, canonical, ("192.0.2.9", 0))])
    monkeypatch.setattr(info, "_read", lambda path: hosts if path == "/etc/hosts" else "")
    host = Host(nothing).tell(Questions(gather=["host"], resolve=["mx.example"]))["host"]
    assert (host["fqdn"], host["hostname"]) == (fqdn, "mail")
    assert host["addresses"]["mx.example"] == ["192.0.2.9"]


def test_a_resolver_that_does_not_answer_is_left_behind(monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(info, "RESOLVER_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: end.wait())
    assert info.addresses("mx.example") == []
    end.set()


def test_a_name_that_nobody_knows_has_no_address(monkeypatch):
    def fails(*args, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert info.addresses("mx.example") == []


def test_a_file_that_cannot_be_read_is_empty(tmp_path):
    assert info._read(str(tmp_path / "none")) == ""
    assert info._files_in(str(tmp_path / "none")) == []
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").mkdir()
    assert info._files_in(str(tmp_path)) == [str(tmp_path / "a")]
