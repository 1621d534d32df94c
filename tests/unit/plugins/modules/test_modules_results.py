# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and results that only one module has."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.postroom.mail.plugins.module_utils import _modules
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._host import info
from ansible_collections.postroom.mail.plugins.module_utils._services.services import State
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.accounts_host import Accounts
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.probe_servers import Server, smtp
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.services_host import DOWN, Host
from ansible_collections.postroom.mail.tests.unit.plugins.modules import cases
from ansible_collections.postroom.mail.tests.unit.plugins.modules.cases import OWNER, SECRET, of

CARRY_OUT = "ansible_collections.postroom.mail.plugins.module_utils._modules.carry_out"

# Postfix -----------------------------------------------------------------------------------------------------------


@of("postfix_config")
@pytest.mark.parametrize("parameter", ["inet_interfaces", "hash_queue_names"])
def test_what_needs_a_restart_needs_no_reload_beside_it(call, case, parameter):
    told = call("postfix_config", {**case.options, "parameters": {parameter: "127.0.0.1"}, "unknown": "ignore"}, case.run)
    assert (told.result["reload_required"], told.result["restart_required"]) == (False, True)
    again = call("postfix_config", {**case.options, "parameters": {parameter: "127.0.0.1"}, "unknown": "ignore"}, case.run)
    assert (again.result["reload_required"], again.result["restart_required"]) == (False, False)


@of("postfix_config")
def test_what_is_unknown_is_an_error_a_warning_or_nothing(call, case):
    options = {**case.options, "parameters": {"no_such_parameter": "x"}}
    told = call("postfix_config", options, case.run, check_mode=True)
    assert (told.code, told.result["error"]) == (1, "UnknownParameter")
    told = call("postfix_config", {**options, "unknown": "warn"}, case.run, check_mode=True)
    assert any("no_such_parameter" in warning for warning in told.warnings)
    told = call("postfix_config", {**options, "unknown": "ignore"}, case.run, check_mode=True)
    assert not any("There is no parameter" in warning for warning in told.warnings)


@of("postfix_config")
def test_a_network_that_is_the_whole_world_needs_a_word(call, case):
    options = {**case.options, "parameters": {"mynetworks": "0.0.0.0/0"}}
    told = call("postfix_config", options, case.run, check_mode=True)
    assert told.code == 1
    assert "0.0.0.0/0" in told.result["msg"]
    assert call("postfix_config", {**options, "open_relay": True}, case.run, check_mode=True).code == 0


@of("postmap")
def test_one_table_has_a_name_and_several_have_rows(call, case):
    one = call("postmap", case.options, case.run, check_mode=True)
    assert one.result["table"] == f"hash:{case.root}/passwords"
    tables = [{"path": f"{case.root}/{name}", "type": "hash", "entries": {"a": name}, **OWNER} for name in ("x", "y")]
    call("postmap", {"tables": tables[:1]}, case.run)
    told = call("postmap", {"tables": tables}, case.run, diff=True)
    assert "table" not in told.result
    assert [(row["path"], row["changed"], row["rebuilt"]) for row in told.result["tables"]] == [
        (tables[0]["path"], False, False),
        (tables[1]["path"], True, True),
    ]
    assert told.result["changed"]
    assert [row["after_header"] for row in told.result["diff"] if row.get("after")] == [tables[1]["path"]]


# Accounts ----------------------------------------------------------------------------------------------------------


@of("mail_user")
def test_a_locked_account_is_told_and_stays_locked(call, case, monkeypatch):
    host = Accounts(monkeypatch)
    host.hashes["alice"] = f"!{host.hash(SECRET)}"
    told = call("mail_user", case.options, host.run)
    assert not told.result["changed"]
    assert "The account 'alice' is locked" in told.warnings[0]
    assert told.commands == ""


@of("mail_user")
def test_a_password_goes_to_the_program_as_a_hash_and_by_its_standard_input(call, case):
    given = []

    def run(args, data=None):
        given.append(data)
        return case.run(args, data)

    call("mail_user", case.options, run)
    assert SECRET not in "".join(filter(None, given))


@of("sasl_user")
def test_the_realm_of_postfix_is_asked_for_only_where_nobody_names_one(call, case):
    named = [{"name": "alice@example.net", "password": SECRET}, {"name": "bob", "realm": "example.com", "password": SECRET}]
    told = call("sasl_user", {**case.options, "users": named}, case.run, diff=True, check_mode=True)
    assert "postconf" not in told.commands
    assert "bob@example.com" in told.result["diff"]["after"]
    told = call("sasl_user", {**case.options, "realm": "example.org"}, case.run, diff=True, check_mode=True)
    assert "postconf" not in told.commands
    assert "alice@example.org" in told.result["diff"]["after"]


# Dovecot -----------------------------------------------------------------------------------------------------------


@of("dovecot_setting")
def test_a_secret_among_the_ordinary_settings_is_warned_about(call, case):
    told = call("dovecot_setting", {**case.options, "settings": {"imapc_password": "x"}}, case.run)
    assert any("imapc_password looks like a secret" in warning for warning in told.warnings)


# A certificate -----------------------------------------------------------------------------------------------------


@of("mail_certificate")
def test_a_certificate_is_renewed_for_other_names_and_before_it_ends(call, case):
    assert "was created" in call("mail_certificate", case.options, case.run).warnings[0]
    more = {**case.options, "subject_alt_names": ["imap.example.org"]}
    would = call("mail_certificate", more, case.run, check_mode=True, diff=True)
    assert (would.result["action"], would.result["fingerprint"]) == ("renewed", None)
    assert would.result["diff"]["before"] == "[the one there is for mail.example.org]\n"
    assert "would be renewed" in would.warnings[0]
    did = call("mail_certificate", more, case.run)
    assert (did.result["action"], did.result["subject_alt_names"]) == ("renewed", ["mail.example.org", "imap.example.org"])
    soon = call("mail_certificate", {**more, "days": 5000, "warn_days": 4000}, case.run, check_mode=True)
    assert (soon.result["changed"], soon.result["action"]) == (True, "renewed")


@of("mail_certificate")
def test_a_key_that_everybody_may_read_is_closed(call, case):
    call("mail_certificate", case.options, case.run)
    os.chmod(case.options["private_key"], 0o644)
    assert call("mail_certificate", case.options, case.run, check_mode=True).result["changed"]
    assert os.stat(case.options["private_key"]).st_mode & 0o777 == 0o644
    told = call("mail_certificate", case.options, case.run, diff=True)
    assert (told.result["changed"], told.result["action"]) == (True, "none")
    assert told.result["diff"]["after_header"] == case.options["private_key"]
    assert os.stat(case.options["private_key"]).st_mode & 0o777 == 0o600


@of("mail_certificate")
def test_a_certificate_of_somebody_else_is_looked_at_and_left_alone(call, case):
    call("mail_certificate", case.options, case.run)
    pair = {name: case.options[name] for name in ("certificate", "private_key")}
    told = call("mail_certificate", {**pair, "warn_days": 5000}, case.run)
    assert (told.result["changed"], told.result["action"]) == (False, "none")
    assert any("expires in" in warning for warning in told.warnings)
    told = call("mail_certificate", {**pair, "certificate": f"{case.root}/none.pem"}, case.run)
    assert (told.code, f"{case.root}/none.pem" in told.result["msg"]) == (1, True)


# Services and mail servers -----------------------------------------------------------------------------------------


@of("mail_service")
def test_several_services_are_told_in_one_call(call, case):
    told = call("mail_service", {"services": [{"name": "saslauthd", "state": "started", "enabled": True}]}, case.run)
    assert told.result["actions"] == ["enable saslauthd", "start saslauthd"]


def test_what_the_play_may_mend_is_a_warning_in_check_mode(call, monkeypatch):
    host = Host(monkeypatch, postfix=DOWN)
    host.answers["postfix check"] = (1, "", "postfix: fatal: no queue directory\n")
    options = {"name": "postfix", "state": "started"}
    told = call("mail_service", options, host.run)
    assert (told.code, told.result["error"]) == (1, "RejectedByDaemon")
    told = call("mail_service", options, host.run, check_mode=True)
    assert told.result["actions"] == ["start postfix"]
    assert told.warnings[0].startswith("Unless the play mends it before: The configuration of postfix is broken")


@of("mail_takeover")
def test_a_takeover_stops_empties_and_restores(call, case):
    stopped = call("mail_takeover", {"state": "stopped"}, case.run)
    assert (stopped.code, [mail["id"] for mail in stopped.result["mails"]]) == (0, ["1a-b-c"])
    assert "handed_over" not in stopped.result
    emptied = call("mail_takeover", {"state": "emptied"}, case.run)
    # Its owner is still installed.
    assert (emptied.code, emptied.result["handed_over"], "actions" in emptied.result) == (0, 0, False)
    assert case.more() == ({"exim4": State(True, False, False)}, [])
    restored = call("mail_takeover", case.options, case.run)
    assert restored.result["actions"] == ["enable exim4", "start exim4"]


@of("sendmail_auth")
def test_auth_of_sendmail_is_taken_away(call, case):
    call("sendmail_auth", case.options, case.run)
    paths = {name: case.options[name] for name in ("path", "configuration")}
    told = call("sendmail_auth", {**paths, "state": "absent"}, case.run, diff=True)
    assert told.result["changed"]
    assert "confAUTH_MECHANISMS" not in (case.root / "sendmail.mc").read_text()
    assert not call("sendmail_auth", {**paths, "state": "absent"}, case.run).result["changed"]


# What only asks ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["mail_info", "mail_change"])
def ask(call, request):
    """Ask the host, by the module for it or by the one that changes the host later."""

    def ask(questions, **more):
        options = questions if request.param == "mail_info" else {"state": "asked", "questions": questions}
        return call(request.param, options, cases.programs(), **more)

    return ask


def test_a_host_tells_what_it_is_asked_and_no_more(ask, monkeypatch):
    monkeypatch.setattr(info, "_read", lambda path: "Package: postfix\nStatus: install ok installed\nVersion: 3.10.5-1\n")
    told = ask({"gather": ["packages"], "packages": ["postfix"]})
    assert (told.result["changed"], told.own, told.commands) == (False, {"packages": {"postfix": "3.10.5-1"}}, "")


def test_a_host_tells_without_being_asked_what_roles_need(ask, monkeypatch):
    monkeypatch.setattr(info.Host, "tell", lambda host, questions: {"asked": list(questions.gather), "mta": questions.sasl_mta})
    told = ask({}, check_mode=True)
    assert (told.result["asked"], told.result["mta"]) == (list(info.SUBSETS), "postfix")


def test_a_host_that_cannot_tell_says_why_in_one_sentence(ask, monkeypatch):
    def tell(host, questions):
        raise BadInput("The host is shy; ask another one.")

    monkeypatch.setattr(info.Host, "tell", tell)
    told = ask({})
    assert (told.code, told.result["msg"], told.result["error"]) == (1, "The host is shy; ask another one.", "BadInput")


def test_a_question_loads_nothing_that_only_a_change_needs(ask, monkeypatch):
    """The host takes half a second to load all of that."""
    monkeypatch.delitem(sys.modules, CARRY_OUT, raising=False)
    monkeypatch.delattr(_modules, "carry_out", raising=False)
    monkeypatch.setattr(info.Host, "tell", lambda host, questions: {})
    ask({})
    assert CARRY_OUT not in sys.modules


def test_a_question_that_there_is_not(call):
    told = call("mail_change", {"state": "asked", "questions": {"gather": ["weather"]}}, cases.programs())
    assert told.code == 1
    assert told.result["msg"].startswith("The host cannot be asked: value of gather must be one or more of")


def test_a_probe_that_fails_fails_the_task_unless_it_shall_only_tell(call):
    with Server(smtp(RCPT="550 5.7.1 no")) as server:
        options = {"host": "127.0.0.1", "timeout": 10, "smtp": {"port": server.port, "tls": "none"}, "recipient": "a@example.org"}
        told = call("mail_probe", options, cases.programs())
        assert (told.code, told.result["failed"], told.result["ok"], told.result["changed"]) == (0, True, False, False)
        assert "550 5.7.1 no" in told.result["msg"]
        told = call("mail_probe", {**options, "fail": False}, cases.programs())
        assert (told.result["failed"], told.result["ok"]) == (False, False)
        told = call("mail_probe", {**options, "expect": "rejected"}, cases.programs())
        assert (told.result["failed"], told.result["ok"]) == (False, True)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_probe_sends_nothing_in_check_mode(call, check_mode):
    with Server(smtp()) as server:
        options = {"host": "127.0.0.1", "timeout": 10, "smtp": {"port": server.port, "tls": "none"}, "recipient": "a@example.org"}
        told = call("mail_probe", options, cases.programs(), check_mode=check_mode)
        assert (told.code, told.result["changed"], told.result["ok"]) == (0, False, True)
        assert any(line.startswith("DATA") for line in server.received) is not check_mode


def test_a_probe_shows_no_password(call):
    with Server(smtp(AUTH=lambda peer: peer.say(f"535 5.7.8 not {SECRET}"))) as server:
        login = {"port": server.port, "tls": "none", "user": "al", "password": SECRET, "allow_cleartext": True}
        told = call("mail_probe", {"host": "127.0.0.1", "timeout": 10, "smtp": login}, cases.programs())
        assert any(line.startswith("AUTH") for line in server.received)
    assert told.result["failed"]
    assert SECRET not in told.result["msg"]
    assert SECRET not in told.everything


def test_a_probe_that_cannot_be_meant_is_one_sentence(call):
    told = call("mail_probe", {"timeout": 5}, cases.programs())
    assert (told.code, told.result["error"]) == (1, "BadInput")
    assert told.result["msg"] == "Probe 'probe': There is nobody to ask: give smtp, imap or pop3."
