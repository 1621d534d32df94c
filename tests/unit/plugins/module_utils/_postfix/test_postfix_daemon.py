# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import pathlib
import stat
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, PostfixFailed, Rejected
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import DEFAULTS, PostfixHost


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "main.cf").write_text(f"queue_directory = {tmp_path}/spool\nmyhostname = mail.example.org\nold_stranger = 1\n")
    (tmp_path / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    (tmp_path / "mysql.cf").write_text("password = secret\n")
    return tmp_path


def test_defaults(directory):
    assert Postfix(PostfixHost(), str(directory)).defaults() == DEFAULTS


def test_no_postfix_has_no_defaults(directory):
    assert Postfix(PostfixHost(installed=False), str(directory)).defaults() is None


def test_a_master_cf_that_postconf_cannot_read_does_not_hide_the_defaults(directory):
    host = PostfixHost()

    def run(args, data=None):
        return (1, "", "postconf: fatal: bad field\n") if args[2] == str(directory) else host(args, data)

    assert Postfix(run, str(directory)).defaults() == DEFAULTS


def test_a_machine_without_a_name_that_postfix_takes_tells_the_other_defaults(directory):
    def run(args, data=None):
        if args[-1] == "-H":
            return 0, "".join(f"{name}\n" for name in DEFAULTS), ""
        if args[-1] == "-d" or "myhostname" in args or "mydomain" in args:
            return 1, "", "postconf: fatal: unable to use my own hostname\n"
        return 0, "".join(f"{name} = {DEFAULTS[name]}\n" for name in args[4:]), ""

    assert Postfix(run, str(directory)).defaults() == {**DEFAULTS, "myhostname": "", "mydomain": ""}


def test_a_postconf_that_always_fails_is_an_error(directory):
    with pytest.raises(PostfixFailed, match="out of memory"):
        Postfix(lambda args, data=None: (1, "", "postconf: fatal: out of memory\n"), str(directory)).defaults()


def test_only_what_the_candidate_adds_is_remarked(directory):
    postfix = Postfix(PostfixHost(), str(directory))
    remarks = postfix.remarks(main_cf="old_stranger = 1\nnew_stranger = 1\n")
    assert remarks.unused == ("new_stranger",)
    assert postfix.live_remarks().unused == ("queue_directory", "old_stranger")


def test_undefined_references_in_master_cf_are_remarked(directory):
    master_cf = "smtp inet n - y - - smtpd -o syslog_name=$nobody\n"
    assert Postfix(PostfixHost(), str(directory)).remarks(master_cf=master_cf).undefined == ("nobody",)


def test_the_staged_copy_is_private_and_gone_afterwards(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rooms, "PLACE", str(directory / "tmp"))
    (directory / "tmp").mkdir()
    seen = []

    def run(args, data=None):
        staged = args[args.index("-c") + 1]
        seen.append((args[0], stat.S_IMODE(os.stat(staged).st_mode), os.path.islink(os.path.join(staged, "mysql.cf"))))
        return 0, "", ""

    Postfix(run, str(directory)).remarks(main_cf="myhostname = x.example.org\n")
    # Secrets are never copied; and the script behind postfix check would complain to the mail log about links.
    assert seen == [("postconf", 0o700, True), ("postmap", 0o700, False), ("postfix", 0o700, False)]
    assert os.listdir(directory / "tmp") == []


def test_the_staged_files_look_old(directory):
    # Postfix waits two seconds for a main.cf that was changed within the last one.
    ages = []

    def run(args, data=None):
        ages.append(time.time() - os.stat(os.path.join(args[2], "main.cf")).st_mtime)
        return 0, "", ""

    Postfix(run, str(directory)).remarks(main_cf="myhostname = x.example.org\n")
    assert ages
    assert min(ages) > 60


def test_postfix_check_gets_a_queue_of_its_own(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "spool" / "active").mkdir(parents=True)
    (directory / "spool" / "active").chmod(0o700)
    seen = []

    def look(main_cf, master_cf):
        queue = main_cf.split("queue_directory = ")[1].split("\n")[0]
        seen.append((queue != str(directory / "spool"), os.listdir(queue), "multi_instance_wrapper" in main_cf))
        return ""

    candidate = (directory / "main.cf").read_text() + "multi_instance_wrapper = x\n"
    Postfix(PostfixHost(refuse=look), str(directory)).remarks(main_cf=candidate)
    assert seen == [(True, ["active"], False)] * 2


def test_a_full_place_for_temporary_files_is_one_sentence(directory, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(HostError, match="Cannot make a directory to work in, .*: No space left on device; nothing was changed"):
        Postfix(PostfixHost(), str(directory)).remarks(main_cf="myhostname = x.example.org\n")


def test_a_refused_candidate_is_told_in_postfix_words(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    host = PostfixHost(refuse=lambda main_cf, master_cf: "bad numerical configuration" if "ten" in main_cf else "")
    with pytest.raises(Rejected, match="refuses the new configuration: bad numerical configuration"):
        Postfix(host, str(directory)).remarks(main_cf="message_size_limit = ten\n")


def test_what_was_refused_before_is_not_the_candidates_fault(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "main.cf").write_text("message_size_limit = ten\n")
    host = PostfixHost(refuse=lambda main_cf, master_cf: "bad numerical configuration" if "ten" in main_cf else "")
    Postfix(host, str(directory)).remarks(main_cf="message_size_limit = ten\nmyhostname = x.example.org\n")


def names_bad(*names):
    """Refuse like Postfix: for the first of *names* whose value is bad."""

    def refuse(main_cf, master_cf):
        values = MainCf(main_cf).values()
        return next((f"parameter {name}: bad value" for name in names if "bad" in values.get(name, "")), "")

    return PostfixHost(refuse=refuse)


def test_one_step_of_a_repair_is_taken(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "main.cf").write_text("myhostname = bad\nmydomain = bad\n")
    remarks = Postfix(names_bad("myhostname", "mydomain"), str(directory)).remarks(
        main_cf="myhostname = good\nmydomain = bad\n", without="mydomain = bad\n"
    )
    assert remarks.broken == "parameter mydomain: bad value"


def test_an_older_failure_hides_none_of_the_changed_parameters(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "main.cf").write_text("myhostname = bad\n")
    postfix = Postfix(names_bad("myhostname", "mydomain"), str(directory))
    with pytest.raises(Rejected, match="parameter mydomain"):
        postfix.remarks(main_cf="myhostname = bad\nmydomain = bad\n", without="myhostname = bad\n")


def test_what_a_changed_parameter_refers_to_is_not_held_against_it(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "main.cf").write_text("myhostname = bad\n")
    remarks = Postfix(names_bad("myhostname"), str(directory)).remarks(
        main_cf="myhostname = bad\nmydomain = ${x?{$myhostname}}\n", without="myhostname = bad\n"
    )
    assert remarks.broken == "parameter myhostname: bad value"


def test_a_main_cf_that_was_refused_before_is_not_the_fault_of_a_service(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (directory / "main.cf").write_text("myhostname = bad\n")
    remarks = Postfix(names_bad("myhostname"), str(directory)).remarks(master_cf="smtp inet n - y - 77 smtpd\n", without="")
    assert remarks.broken == "parameter myhostname: bad value"


def test_a_service_that_postconf_refuses_is_the_changes_fault_alone_if_it_is_new(directory, monkeypatch):
    def run(args, data=None):
        text = (pathlib.Path(args[2]) / "master.cf").read_text()
        wrong = [line.split()[0] for line in text.splitlines() if "bad" in line]
        return (1, "", f"postconf: fatal: {args[2]}/master.cf, line 1: bad field in {wrong[0]}\n") if wrong else (0, "", "")

    (directory / "master.cf").write_text("a bad\nb bad\n")
    postfix = Postfix(run, str(directory))
    assert postfix.remarks(master_cf="a good\nb bad\n", without="b bad\n").broken == "master.cf: bad field in b"
    with pytest.raises(Rejected, match="bad field in c"):
        postfix.remarks(master_cf="c bad\na bad\nb bad\n", without="a bad\nb bad\n")


@pytest.mark.parametrize("own_log", ["", "maillog_file = /var/log/postfix.log\n"])
def test_a_cause_that_is_told_only_to_the_log_is_found_there(directory, monkeypatch, own_log):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def run(args, data=None):
        values = MainCf((pathlib.Path(args[2]) / "main.cf").read_text()).values() if args[1] == "-c" else {}
        if args[0] != "postfix" or values.get("daemon_directory") != "/bad":
            return 0, "", ""
        log = values.get("maillog_file", "/var/log/postfix.log")
        if log.startswith(values.get("maillog_file_prefixes", "/var")) and not log.startswith("/var"):
            pathlib.Path(log).write_text("Nov  3 23:57:49 mail postfix[1728]: fatal: chdir(/bad): No such file or directory\n")
        return 1, "", "postconf: warning: something else\n"

    (directory / "main.cf").write_text(f"{own_log}daemon_directory = /good\n")
    with pytest.raises(Rejected, match=r"refuses the new configuration: chdir\(/bad\): No such file or directory\. Nothing"):
        Postfix(run, str(directory)).remarks(main_cf=f"{own_log}daemon_directory = /bad\n", without=own_log)


def test_restrictions_newer_than_our_table_are_found_in_smtpd(tmp_path):
    (tmp_path / "smtpd").write_bytes(b"\x7fELF\0reject_of_tomorrow\0permit\0")
    postfix = Postfix(PostfixHost(), str(tmp_path))
    assert postfix.knows_restriction("reject_of_tomorrow", str(tmp_path))
    assert not postfix.knows_restriction("tomorrow", str(tmp_path))
    assert not postfix.knows_restriction("permit", str(tmp_path / "nowhere"))


def test_postfix_itself_can_look_into_the_queue_of_the_trial(directory, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    modes = []

    def look(main_cf, master_cf):
        modes.append(stat.S_IMODE(os.stat(MainCf(main_cf).values()["queue_directory"]).st_mode))
        return ""

    Postfix(PostfixHost(refuse=look), str(directory)).remarks(main_cf="myhostname = x.example.org\n")
    assert set(modes) == {0o755}
