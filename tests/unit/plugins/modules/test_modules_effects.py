# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects of each option on a module's work: none is taken and then forgotten."""

from __future__ import annotations

import datetime
import hashlib
import json

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_daemon
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils import former_host
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.services_host import DOWN, Host
from ansible_collections.postroom.mail.tests.unit.plugins.modules import cases
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import OWNER, SECRET, of

FILES = {"dovecot_setting": "local.conf", "dovecot_user": "users", "postmap": "passwords", "sasl_user": "sasldb2"}
# The file of which a backup can be kept, and what changes it once the case has made it.
WITH_BACKUP = {
    "dovecot_setting": ("local.conf", {"settings": {"auth_verbose": False}}),
    "dovecot_user": ("users", {"users": [], "exclusive": True}),
    "postfix_config": ("main.cf", {}),
    "postfix_service": ("master.cf", {}),
    "postmap": ("passwords", {"entries": {"[mx.example]": "user:other"}}),
    "sendmail_auth": ("sendmail.mc", {}),
}


# Files -------------------------------------------------------------------------------------------------------------


@of(*FILES)
@pytest.mark.parametrize("option", ["owner", "group"])
def test_a_file_belongs_to_whom_the_call_names(call, name, case, option):
    told = call(name, {**case.options, option: "nobody-here"}, case.run)
    assert told.code == 1
    assert "nobody-here" in told.result["msg"]


@of(*FILES)
def test_a_file_has_the_mode_of_the_call(call, name, case):
    for mode in ("0640", "0600"):
        assert call(name, {**case.options, "mode": mode}, case.run).result["changed"]
        assert (case.root / FILES[name]).stat().st_mode & 0o777 == int(mode, 8)
    told = call(name, {**case.options, "mode": "rw"}, case.run)
    assert told.code == 1
    assert f"{case.root}/{FILES[name]}" in told.result["msg"]


@of(*WITH_BACKUP)
def test_a_backup_is_kept_when_it_is_wanted(call, name, case):
    path, other = case.root / WITH_BACKUP[name][0], WITH_BACKUP[name][1]
    if not path.exists():
        call(name, case.options, case.run)
    before = path.read_bytes()
    would = call(name, {**case.options, **other, "backup": True}, case.run, check_mode=True)
    assert (would.result["changed"], "~" in json.dumps(would.own), list(case.root.rglob("*~"))) == (True, False, [])
    did = call(name, {**case.options, **other, "backup": True}, case.run)
    kept = list(case.root.rglob("*~"))
    assert before in [file.read_bytes() for file in kept]
    if name != "sendmail_auth":
        assert did.printed.count(str(kept[0])) == 1


@of("mail_certificate")
def test_a_certificate_ends_when_the_call_says(call, name, case):
    told = call(name, {**case.options, "days": 100}, case.run)
    ends = datetime.datetime.fromisoformat(told.result["not_after"].replace("Z", "+00:00"))
    assert (ends - datetime.datetime.now(datetime.timezone.utc)).days in (99, 100)


@of("mail_certificate")
@pytest.mark.parametrize(("kind", "word"), [("ecdsa", "EC"), ("rsa", "RSA")])
def test_a_key_is_of_the_kind_of_the_call(call, name, case, kind, word):
    # Nobody has to wait for the key: what is asked for is enough.
    told = call(name, {**case.options, "key_type": kind}, cases.programs())
    assert told.commands.startswith(f"openssl genpkey -algorithm {word} ")
    assert "The openssl program is not on this host" in told.result["msg"]


# What somebody else has written ------------------------------------------------------------------------------------


@of("fetchmail_config")
def test_the_fetchmailrc_of_somebody_else_is_replaced_on_demand(call, name, case):
    path = case.root / "etc/fetchmailrc"
    path.write_text("poll mine.example\n")
    told = call(name, case.options, case.run)
    assert (told.code, path.read_text()) == (1, "poll mine.example\n")
    told = call(name, {**case.options, "replace": True}, case.run)
    assert (told.code, str(path) in told.result["paths"]) == (0, True)
    assert "pop.example" in path.read_text()


@of("fetchmail_config")
def test_fetchmail_asks_as_often_as_the_call_says(call, name, case):
    call(name, {**case.options, "settings": {"daemon": 1234}}, case.run)
    assert "set daemon 1234\n" in (case.root / "etc/fetchmailrc").read_text()


@of("mail_filter")
def test_the_procmailrc_of_somebody_else_is_replaced_on_demand(call, name, case):
    path = case.root / "etc/procmailrc"
    path.write_text(":0\n/dev/null\n")
    told = call(name, {**case.options, "engine": "procmail"}, case.run)
    assert (told.code, path.read_text()) == (1, ":0\n/dev/null\n")
    told = call(name, {**case.options, "engine": "procmail", "replace": True}, case.run)
    assert (told.code, str(path) in told.result["paths"]) == (0, True)


@of("sasl_provider")
def test_the_configuration_of_sasl_of_somebody_else_is_replaced_on_demand(call, name, case):
    path = case.root / "etc/postfix/sasl/smtpd.conf"
    path.parent.mkdir(parents=True)
    path.write_text("pwcheck_method: alwaystrue\n")
    told = call(name, case.options, case.run)
    assert (told.code, path.read_text()) == (1, "pwcheck_method: alwaystrue\n")
    assert call(name, {**case.options, "replace": True}, case.run).code == 0
    assert "saslauthd" in path.read_text()


@of("sendmail_auth")
def test_auth_of_somebody_else_is_overridden_on_demand(call, name, case):
    path = case.root / "sendmail.mc"
    path.write_text("OPTION AuthMechanisms=GSSAPI\n")
    (case.root / "sendmail.cf").write_text("O AuthMechanisms=GSSAPI\n")
    told = call(name, case.options, case.run)
    assert (told.code, told.result["error"]) == (1, "ForeignConfiguration")
    assert call(name, {**case.options, "replace": True}, case.run).code == 0


# Accounts ----------------------------------------------------------------------------------------------------------


@of("dovecot_user")
def test_a_user_of_dovecot_has_the_scheme_and_the_realm_of_the_call(call, name, case):
    users = [{"name": "alice", "password": SECRET}]
    run = cases.programs(doveadm="DIGEST-MD5\n", doveconf="")
    call(name, {**case.options, "users": users, "scheme": "DIGEST-MD5", "realm": "example.org"}, run)
    digest = hashlib.md5(f"alice:example.org:{SECRET}".encode()).hexdigest()
    assert (case.root / "users").read_text().startswith(f"alice:{{DIGEST-MD5}}{digest}:")


@of("dovecot_user")
def test_who_is_not_named_stays_unless_the_list_is_all_of_them(call, name, case):
    call(name, case.options, case.run)
    first = {**case.options, "users": case.options["users"][:1]}
    assert not call(name, first, case.run).result["changed"]
    assert call(name, {**first, "exclusive": True}, case.run).result["removed"] == ["bob"]


@of("dovecot_user")
def test_a_directory_may_be_yet_to_come_in_check_mode(call, name, case):
    options = {**case.options, "path": f"{case.root}/later/users"}
    would = call(name, options, case.run, check_mode=True)
    assert (would.code, would.result["changed"]) == (0, True)
    assert f"There is no directory {case.root}/later" in would.warnings[0]
    assert call(name, options, case.run).result["error"] == "BadInput"


@of("dovecot_user", "mail_user", "sasl_user")
def test_a_name_that_is_a_password_too_keeps_its_letters(call, name, case):
    own = {"scheme": "CRAM-MD5"} if name == "dovecot_user" else {}
    told = call(name, {**case.options, "users": [{"name": "alice", "password": "alice", **own}]}, case.run, diff=True)
    assert told.result["diff"]["after"].startswith("alice")


@of("mail_user")
def test_a_group_may_be_yet_to_come_in_check_mode(call, name, case):
    options = {**case.options, "users": [{"name": "alice", "groups": ["nobody-here"]}]}
    assert call(name, options, case.run, check_mode=True).result["created"] == ["alice"]
    told = call(name, options, case.run)
    assert "There is no group 'nobody-here'" in told.result["msg"]


@of("sasl_user")
def test_the_listing_tells_who_is_no_longer_wanted(call, name, case):
    call(name, case.options, case.run)
    listed = "alice@mail.example.org: userPassword\nbob@mail.example.org: userPassword\n"

    def run(args, data=None):
        return (0, listed, "") if args[0] == "sasldblistusers2" else case.run(args, data)

    assert not call(name, case.options, run).result["changed"]
    assert call(name, {**case.options, "exclusive": True}, run, check_mode=True).result["removed"] == 1


@of("sasl_user")
def test_the_program_that_lists_users_may_be_yet_to_come_in_check_mode(call, name, case):
    call(name, case.options, case.run)
    would = call(name, {**case.options, "exclusive": True}, case.run, check_mode=True)
    assert (would.code, "cannot be compared" in would.warnings[0]) == (0, True)
    assert call(name, {**case.options, "exclusive": True}, case.run).result["error"] == "NoListing"


# Postfix -----------------------------------------------------------------------------------------------------------


@of("postfix_config")
def test_a_transport_may_come_with_the_same_play(call, name, case):
    options = {**case.options, "parameters": {"mailbox_transport": "lmtp-out"}}
    told = call(name, options, case.run, check_mode=True)
    assert any("lmtp-out" in text for text in (told.result.get("msg", ""), *told.warnings))
    told = call(name, {**options, "coming_services": ["lmtp-out"]}, case.run, check_mode=True)
    assert (told.code, told.warnings) == (0, [])


@of("postfix_service")
def test_an_override_that_is_unknown_is_an_error_a_warning_or_nothing(call, name, case):
    service = {**case.options["services"][0], "overrides": {"no_such_parameter": "x"}}
    options = {**case.options, "services": [service]}
    assert call(name, options, case.run, check_mode=True).result["error"] == "UnknownParameter"
    told = call(name, {**options, "unknown": "warn"}, case.run, check_mode=True)
    assert any("no_such_parameter" in warning for warning in told.warnings)
    told = call(name, {**options, "unknown": "ignore"}, case.run, check_mode=True)
    assert (told.code, told.warnings) == (0, [])


@of("postmap")
def test_the_postfix_of_the_call_is_asked(call, name, case):
    told = call(name, {**case.options, "type": None, "config_directory": "/etc/postfix-out"}, case.run)
    assert "postconf -c /etc/postfix-out -h default_database_type" in told.commands.splitlines()
    assert "postconf -c /etc/postfix-out -m" in told.commands.splitlines()


@of("postmap")
def test_what_postfix_finds_odd_in_the_table_of_somebody_else_is_warned_about(call, name, case):
    (case.root / "table").write_text("bad\n")
    told = call(name, {"path": f"{case.root}/table", "type": "hash"}, case.run)
    assert (told.code, told.result["changed"]) == (0, True)
    assert told.warnings == [f"postmap: {case.root}/table, line 1: is bad"]


@of("postmap")
def test_what_postfix_has_to_read_again_is_told_for_each_table(call, name, case):
    tables = [{"path": f"{case.root}/{kind}", "type": kind, "entries": {"/a/": "b"}, **OWNER} for kind in ("hash", "regexp")]
    told = call(name, {"tables": tables}, case.run)
    assert [row["reload_required"] for row in told.result["tables"]] == [True, True]
    tables = [{**table, "entries": {"/a/": "c"}} for table in tables]
    told = call(name, {"tables": tables}, case.run)
    assert [row["reload_required"] for row in told.result["tables"]] == [False, True]
    assert told.result["reload_required"]
    assert not call(name, {"tables": tables}, case.run).result["reload_required"]


# How long a service may take ---------------------------------------------------------------------------------------


def nothing_happens(args, data=None):
    return 0, "", ""


def test_a_service_that_does_not_start_in_time(call, monkeypatch):
    Host(monkeypatch, saslauthd=DOWN)
    told = call("mail_service", {"name": "saslauthd", "state": "started", "timeout": 0}, nothing_happens)
    assert "saslauthd is not running 0 s after the start." in told.result["msg"]


@of("mail_takeover")
def test_a_mail_server_that_does_not_end_in_time(call, name, case, tmp_path, monkeypatch):
    host = former_host.Host(case.root, monkeypatch)
    host.pids, host.stubborn = {4711}, True
    monkeypatch.setattr(host, "kill", lambda pid, number: None)
    monkeypatch.setattr(former_host._takeover.os, "kill", lambda pid, number: None)
    told = call(name, {"state": "stopped", "timeout": 0}, host.run)
    assert "did not end within 0 s" in told.result["msg"]


@of("sasl_provider")
def test_a_saslauthd_that_does_not_start_in_time(call, name, case):
    def run(args, data=None):
        return (0, "", "") if args[:2] == ["systemctl", "start"] else case.run(args, data)

    told = call(name, {**case.options, "timeout": 0}, run)
    assert "saslauthd is not running 0 s after the start." in told.result["msg"]


@of("sendmail_auth")
def test_a_sendmail_has_the_time_of_the_call(call, name, case, monkeypatch):
    given = []
    monkeypatch.setattr(sendmail_daemon, "read_again", lambda pid, cf, timeout: given.append(timeout))
    call(name, {**case.options, "timeout": 7}, case.run)
    assert given == [7]


# Mail servers and SASL ---------------------------------------------------------------------------------------------


@of("sasl_provider", "sendmail_auth")
def test_the_mechanisms_are_those_of_the_call(call, name, case):
    call(name, {**case.options, "mechanisms": ["PLAIN"]}, case.run)
    text = "".join(path.read_text() for path in case.root.rglob("*") if path.is_file())
    assert "mech_list: PLAIN\n" in text or "`PLAIN'" in text
    assert "PLAIN LOGIN" not in text


@of("mail_takeover")
def test_what_postfix_would_bounce_is_warned_about(call, name, case):
    (case.root / "etc").mkdir()
    (case.root / "etc/aliases").write_text("nobody: :blackhole:\n")
    told = call(name, {"state": "stopped"}, case.run)
    assert "nobody: :blackhole:" in told.warnings[0]


@of("sasl_provider")
def test_the_provider_must_suit_the_mail_server(call, name, case):
    options = {**case.options, "provider": "dovecot"}
    assert call(name, options, case.run, check_mode=True).code == 0
    told = call(name, {**options, "mta": "sendmail"}, case.run, check_mode=True)
    assert "whose socket sendmail cannot ask" in told.result["msg"]


@of("sendmail_auth")
def test_sendmail_is_told_of_files_that_groups_may_read(call, name, case):
    for sasldb in (False, True):
        call(name, {**case.options, "sasldb": sasldb}, case.run)
        text = (case.root / "sendmail.mc").read_text()
        assert ("GroupReadableSASLDBFile" in text) is sasldb
    assert case.options["certificate"] in text
    assert case.options["private_key"] in text


@of("sendmail_auth")
def test_the_realm_and_the_door_of_sendmail_are_those_of_the_call(call, name, case):
    path = case.root / "sendmail.mc"
    call(name, case.options, case.run)
    closed = path.read_text()
    call(name, {**case.options, "realm": "example.org", "auth_on_port_25": True}, case.run)
    assert "define(`confAUTH_REALM', `example.org')" in path.read_text()
    assert ("The others offer no AUTH" in closed, "The others offer no AUTH" in path.read_text()) == (True, False)


# Filters -----------------------------------------------------------------------------------------------------------


@of("mail_filter")
def test_rules_after_and_rules_of_a_user_are_filed(call, name, case):
    rules = [{"name": "later", "match": [{"header": "X-Later", "is": "yes"}], "folder": "Later"}]
    call(name, {**case.options, "rules_after": rules, "users": [{"name": "alice", "rules": rules}]}, case.run)
    files = [path for path in case.root.rglob("*.sieve") if "Later" in path.read_text()]
    assert len(files) == 2


@of("mail_filter")
def test_procmail_files_into_the_mail_location_of_the_domain(call, name, case):
    options = {**case.options, "engine": "procmail"}
    call(name, {**options, "mail_location": "maildir:~/Mails"}, case.run)
    assert "Mails" in (case.root / "etc/procmailrc").read_text()
    told = call(name, {**options, "domain": "no domain"}, case.run)
    assert "'no domain'" in told.result["msg"]


@of("mail_filter")
def test_the_account_of_the_mailboxes_may_read_their_scripts(call, name, case):
    users = [{"name": "carol@shop.example", "rules": case.options["rules"]}]
    assert call(name, {**case.options, "users": users}, case.run).result["error"] == "NoUser"
    assert list(case.root.rglob("carol@shop.example.sieve")) == []
    call(name, {**case.options, "users": users, "virtual_account": "vmail"}, case.run)
    (script,) = case.root.rglob("carol@shop.example.sieve")
    assert script.stat().st_mode & 0o777 == 0o640


@of("mail_filter")
def test_a_sample_that_goes_elsewhere_than_expected_is_an_error(call, name, case):
    sample = {"user": "alice", "mail": "Subject: x\n\nhello\n", "expect": {"folder": ["Junk"]}}
    told = call(name, {**case.options, "samples": [sample]}, case.run)
    assert told.code == 1
    assert "Junk" in told.result["msg"]
    told = call(name, {**case.options, "samples": [{**sample, "expect": {}}]}, case.run)
    assert [(row["user"], row["folder"]) for row in told.result["samples"]] == [("alice", ["INBOX"])]


@of("fetchmail_config", "mail_filter")
def test_a_user_may_be_yet_to_come_in_check_mode(call, name, case):
    later = {
        "fetchmail_config": {"accounts": [{**case.options.get("accounts", [{}])[0], "owner": "carol"}]},
        "mail_filter": {"engine": "procmail", "users": [{"name": "carol", "rules": case.options.get("rules")}]},
    }[name]
    would = call(name, {**case.options, **later}, case.run, check_mode=True)
    assert (would.code, would.warnings[0].startswith("Unless the play mends it before: There is no user 'carol'")) == (0, True)
    assert call(name, {**case.options, **later}, case.run).result["error"] == "NoUser"
