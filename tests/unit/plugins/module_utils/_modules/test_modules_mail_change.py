# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wishes of a call become works, services and a proof; and what comes of them is told without secrets."""

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._change.change import PutBack
from ansible_collections.postroom.mail.plugins.module_utils._change.journal import Journal
from ansible_collections.postroom.mail.plugins.module_utils._change.wishes import Contradiction
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door, completed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._modules import carry_out, mail_change
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Wanted
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.change_host import FakeServices
from ansible_collections.postroom.mail.tests.unit.plugins.modules.case import always_with

SECRET = "s3cr'et\\"
OURS = {"owner": str(os.getuid()), "group": str(os.getgid())}


class Host:
    """A host on which the doors *doors* do what a test says."""

    def __init__(self, monkeypatch, tmp_path):
        self.monkeypatch = monkeypatch
        self.root = tmp_path
        self.services = FakeServices()
        self.given = None
        self.daemons = None
        self.call = None
        always_with(monkeypatch, Journal, place=str(tmp_path / "journal"))
        monkeypatch.setattr(carry_out, "Daemons", self._daemons)

    def _daemons(self, run, wanted, known, probe, **options):
        self.daemons = (wanted, known, options)
        self.services.on["prove"] = lambda: self._proved(probe())
        return self.services

    def _proved(self, problem):
        if problem:
            raise BadInput(problem)

    def door(self, name, work, spec=None, **more):
        real = carry_out.DOORS[name]
        self.monkeypatch.setitem(carry_out.DOORS, name, Door(real.spec if spec is None else spec, work, **more))

    def change(self, *wishes, check_mode=False, diff=False, **options):
        given, wrong = completed(mail_change.DOOR, {"wishes": [self.wish(*wish) for wish in wishes], **options})
        assert wrong == []
        self.call = Call(given, check_mode=check_mode, diff=diff, make_run=lambda: None, make_tmpdir=lambda: str(self.root))
        return mail_change.DOOR.work(self.call)

    @staticmethod
    def wish(module, options, role="one"):
        return {"module": module, "options": options, "role": role}

    def file(self, name="file", content="x", **more):
        return {"files": [{"path": str(self.root / name), "content": content, **OURS, **more}]}


@pytest.fixture
def host(monkeypatch, tmp_path):
    return Host(monkeypatch, tmp_path)


def test_works_are_done_in_their_order_and_the_first_at_once(host):
    order = []

    def noting(name):
        def work(call):
            order.append((name, staging.current() is not None, call.options, call.check_mode))
            return {"changed": name == "mail_user"}

        return work

    for name in ("mail_user", "postmap", "sasl_provider"):
        host.door(name, noting(name), {"users": {}, "tables": {"type": "list"}, "mta": {"default": "postfix"}})
    told = host.change(("sasl_provider", {}), ("postmap", {"tables": []}), ("mail_user", {}), check_mode=True)
    assert [(name, gathered) for name, gathered, _options, _check in order] == [
        ("mail_user", False),
        ("postmap", True),
        ("sasl_provider", True),
    ]
    assert [(options["mta"], check) for _name, _gathered, options, check in order] == [("postfix", True)] * 3
    assert (told["changed"], list(told["modules"])) == (True, ["mail_user", "postmap", "sasl_provider"])


def test_several_results_of_one_kind_keep_their_order(host):
    host.door("dovecot_setting", lambda call: {"changed": False, "path": call.options["path"]})
    told = host.change(*(("dovecot_setting", {"path": f"/{name}"}) for name in "bac"))
    assert [result["path"] for result in told["modules"]["dovecot_setting"]] == ["/b", "/a", "/c"]


def test_services_are_for_the_daemons(host):
    known = {"postfix": {"running": True}}
    host.change(
        ("mail_service", {"name": "postfix", "state": "started", "enabled": True, "timeout": 50}),
        ("mail_service", {"services": [{"name": "saslauthd", "state": "stopped"}], "timeout": 40}),
        services=known,
        timeout=20,
    )
    wanted, services, options = host.daemons
    assert wanted == [Wanted("postfix", "started", True), Wanted("saslauthd", "stopped")]
    assert (services, options) == (known, {"timeout": 50, "check_mode": False})
    assert host.services.calls == ["apply"]


def test_without_wishes_the_daemons_are_asked_for_all_that(host):
    told = host.change()
    assert told == {"changed": False, "changed_files": [], "actions": [], "reasons": [], "modules": {}, "proof": ""}
    assert host.daemons[2] == {"timeout": 30, "check_mode": False}


# The proof ------------------------------------------------------------------------------------------------------------


def proving(host, **told):
    asked = []

    def work(call):
        asked.append(call.options)
        return told

    monkeypatch = host.monkeypatch
    monkeypatch.setitem(carry_out.DOORS, "mail_probe", Door(carry_out.DOORS["mail_probe"].spec, work))
    return asked


def test_a_proof_that_holds_is_told(host):
    asked = proving(host, ok=True, msg="1 probe saw what it expected.")
    told = host.change(("mail_file", host.file()), proof={"host": "localhost", "validate_certs": False})
    assert told["proof"] == "1 probe saw what it expected."
    assert [(options["host"], options["timeout"], options["validate_certs"]) for options in asked] == [("localhost", 30.0, False)]


def test_a_proof_that_fails_puts_everything_back(host):
    proving(host, ok=False, msg="1 of 7 probes failed.")
    with pytest.raises(PutBack, match=r"^1 of 7 probes failed\. Everything was put back"):
        host.change(("mail_file", host.file()), proof={"host": "localhost"})
    assert not (host.root / "file").exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_proved_where_nothing_changes_or_in_check_mode(host, check_mode):
    asked = proving(host, ok=True, msg="")
    host.change(*([("mail_file", host.file())] if check_mode else []), proof={"host": "localhost"}, check_mode=check_mode)
    assert asked == []


def test_a_proof_that_mail_probe_does_not_take_is_refused_before_anything_is_done(host):
    with pytest.raises(
        BadInput, match=r"^proof cannot be carried out: unknown option nonsense\. Supported parameters include: body, .*[a-z]\.$"
    ):
        host.change(("mail_file", host.file()), proof={"nonsense": 1})
    assert not (host.root / "file").exists()


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "who"), [("sasl", "postmap, wanted by the role sasl, cannot"), ("", "postmap cannot")])
def test_options_that_a_module_does_not_take_are_refused(host, role, who):
    with pytest.raises(BadInput, match=f"^{who} be carried out: .*nonsense"):
        host.change(("mail_file", host.file()), ("postmap", {"path": "/a", "nonsense": 1}, role))
    assert not (host.root / "file").exists()


def test_rules_for_several_options_hold(host):
    with pytest.raises(BadInput, match="one of the following is required: path, tables"):
        host.change(("postmap", {}))


def test_options_are_compared_as_the_module_takes_them(host):
    host.change(("mail_file", host.file(secret=True)), ("mail_file", host.file(secret="yes"), "two"))
    with pytest.raises(Contradiction):
        host.change(("mail_file", host.file(secret=True)), ("mail_file", host.file(secret="no"), "two"))


# What is told ---------------------------------------------------------------------------------------------------------


def test_a_diff_is_told_to_who_asks_for_it(host):
    host.services.told = {
        "changed": True,
        "actions": ["reload dovecot"],
        "reasons": ["It lags."],
        "diff": [{"before": "", "after": "up\n"}],
    }
    told = host.change(("mail_file", host.file()), diff=True)
    assert [diff["after"] for diff in told["diff"]] == ["x", "up\n"]
    assert "diff" not in told["modules"]["mail_file"][0]
    assert (told["actions"], told["reasons"]) == (["reload dovecot"], ["It lags."])
    assert "diff" not in host.change(("mail_file", host.file(content="y")))


def test_a_secret_is_in_no_result_and_in_no_warning_and_a_name_stays(host):
    def work(call):
        call.warnings.append(f"{SECRET} is weak, alice.")
        return {"changed": False, "said": f"password={SECRET}", "user": "alice"}

    spec = {"password": {"no_log": True}, "path": {}}
    host.door("dovecot_setting", work, spec)
    host.door("dovecot_user", lambda call: {"changed": False, "said": "alice, hello"}, spec)
    told = host.change(("dovecot_setting", {"password": SECRET}), ("dovecot_user", {"password": "alice"}))
    assert told["modules"]["dovecot_setting"] == [{"changed": False, "said": "password=********", "user": "alice"}]
    assert told["modules"]["dovecot_user"] == [{"changed": False, "said": "********, hello"}]
    assert host.call.warnings == ["******** is weak, alice."]


def test_warnings_come_with_a_failure_too(host):
    def work(call):
        call.warnings.append("It is odd.")
        raise BadInput("It is wrong.")

    host.door("postmap", work)
    host.services.warnings.append("It is slow.")
    with pytest.raises(BadInput, match="It is wrong"):
        host.change(("postmap", {"path": "/a"}))
    assert host.call.warnings == ["It is odd.", "It is slow."]


# Secrets among the options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "options", "secrets"),
    [
        ("mail_file", {"files": [{"path": "/a", "content": "shown"}, {"path": "/b", "content": SECRET, "secret": True}]}, {SECRET}),
        ("postfix_config", {"parameters": {"a": "shown"}}, set()),
        ("sasl_user", {"users": [{"name": "alice", "password": SECRET}]}, {SECRET}),
        ("dovecot_setting", {"secret_settings": {"a": SECRET}, "settings": {"b": "shown"}}, {SECRET}),
        # What no module would take is hidden as a whole.
        ("sasl_user", {"users": [{"nonsense": SECRET}]}, {SECRET}),
        ("nonsense", {"a": SECRET}, {SECRET}),
    ],
)
def test_of_a_wish_is_secret_what_is_secret_to_the_module(module, options, secrets):
    given = {"wishes": [{"module": module, "options": options}]}
    shown, found = core_secrets.parted(given, mail_change.DOOR.spec, mail_change.judge)
    assert found == secrets
    assert SECRET not in str(shown)
    assert repr(SECRET)[1:-1] not in str(shown)


def test_of_a_proof_is_secret_what_is_secret_to_mail_probe():
    given = {"proof": {"host": "shown", "probes": [{"imap": {"user": "alice", "password": SECRET}}]}}
    shown, found = core_secrets.parted(given, mail_change.DOOR.spec, mail_change.judge)
    assert found == {SECRET}
    assert (shown["proof"]["host"], shown["proof"]["probes"][0]["imap"]["user"]) == ("shown", "alice")
