# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host is asked once in a play, all roles are planned at once, and what is wrong is told at once."""

from __future__ import annotations

import copy

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.postroom.mail.plugins.action.mail_plan import ActionModule
from ansible_collections.postroom.mail.plugins.lookup.plan import AnsibleLookupError, LookupModule
from ansible_collections.postroom.mail.plugins.plugin_utils import _variables
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import Waiting
from ansible_collections.postroom.mail.tests.unit.plugins.action.controller import Controller

FACTS = {
    "host": {
        "privileged": True,
        "fqdn": "mail.example.org",
        "hostname": "mail",
        "os_family": "Debian",
        "package_lists": True,
        "distribution": "Debian",
        "distribution_major_version": "13",
        "service_manager": "systemd",
        "ipv6": True,
        "addresses": {"mail.example.org": ["192.0.2.1"]},
    },
    "services": {"postfix": {"running": True}, "dovecot": {"running": True}},
    "other_mail_servers": [],
    "listeners": [],
    "packages": {"openssl": True},
    "accounts": {"alice": True},
    "aliases": {},
    "sasl": {
        "managed": False,
        "database_copies": [],
        "config_path": "/etc/postfix/sasl/smtpd.conf",
        "foreign_files": [],
        "saslauthd": {"mechanisms": [], "foreign": []},
    },
    "dovecot": {"version": "", "managed": False, "modified_files": [], "database_files": []},
    "postfix": {
        "installed": True,
        "default_database_type": "lmdb",
        "map_types": ["lmdb", "regexp"],
        "parameters": {},
        "services": {},
        "managed_tables": ["/etc/postfix/virtual"],
        "foreign_tables": [],
    },
}


class Host(Controller):
    """A controller that asks a host for facts."""

    def __init__(self, tmp_path, monkeypatch):
        super().__init__(tmp_path, monkeypatch)
        self.facts = copy.deepcopy(FACTS)
        self.asked = []
        monkeypatch.setattr(ActionModule, "_execute_module", self._ask)

    def _ask(self, module_name, module_args, task_vars):
        # The module that changes the host, which Ansible has built already when its turn comes.
        assert (module_name, module_args["state"]) == ("postroom.mail.mail_change", "asked")
        self.asked.append(module_args["questions"])
        return copy.deepcopy(self.facts)

    def plan(self, role, roles=("postfix", "dovecot"), options=None, task=None, **variables):
        """Run the first task of *role* in a play with the *roles*."""
        found = {}
        for name in ("host", *roles):
            found.update(_variables.defaults()[name])
        given = {**found, "mail_domain": "example.org", "inventory_hostname": "mail", **variables}
        given = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in given.items()}
        plugin = self._plugin(ActionModule, self.task(options, role=role, action="postroom.mail.mail_plan", **(task or {})))
        plugin._templar = Templar(DataLoader(), given)
        plugin.cleanup = lambda force=False: None
        return plugin.run(task_vars=given)

    def part(self, role):
        (found,) = LookupModule().run([role], {"inventory_hostname": "mail"})
        return found

    def waiting(self):
        return Waiting("mail", "play 1", str(self.place))


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def test_the_host_is_asked_once_for_all_roles(host):
    for role in ("host", "postfix", "dovecot"):
        assert not host.plan(role).get("failed")
    (questions,) = host.asked
    assert {"postfix", "dovecot-core", "openssl"} <= set(questions["packages"])
    assert (questions["sasl_mta"], questions["resolve"]) == ("postfix", [])
    assert host.part("postfix")["parameters"]["myhostname"] == "mail.example.org"
    assert host.part("dovecot")["settings"]["protocols"]


def test_names_that_the_inventory_leads_to_are_asked_about(host):
    host.plan("host", mail_aliases={"info": "carol"}, mail_hostname="mail.example.org", postfix_mydestination=["{{ host_info.host.fqdn }}"])
    (questions,) = host.asked
    assert "carol" in questions["accounts"]
    assert questions["resolve"] == ["mail.example.org"]


def test_what_is_wrong_with_all_roles_is_one_answer_and_nothing_begins(host):
    host.facts["host"]["service_manager"] = "none"
    told = host.plan(
        "host",
        ("postfix", "relay_policy", "dovecot"),
        postfix_parameters={"myhostname": "x"},
        dovecot_settings={"auth_mechanisms": "{{ typo }}"},
        relay_policy_smarthosts="smtp.example.net",
    )
    assert told["failed"]
    for one in ("relay_policy_smarthosts is text", "Nothing on this host can start", "postfix_myhostname"):
        assert one in told["msg"]
    assert "\n" not in told["msg"]
    assert host.waiting().owner() is None


def test_a_mistake_in_the_sites_variables_comes_alone_and_before_the_host_is_asked(host):
    told = host.plan("host", mail_users="alice", postfix_submission="yes")
    assert told["msg"].startswith("mail_users is text, and must be a list")
    assert "postfix_submission" in told["msg"]
    assert host.asked == []


def test_what_no_contract_sees_is_told_without_its_value(host):
    told = host.plan("host", ("fetchmail",), fetchmail_account_x="geheim")
    assert told["failed"]
    assert "fetchmail" in told["msg"]
    assert "geheim" not in told["msg"]


def test_two_roles_that_cannot_both_have_their_way(host, monkeypatch):
    monkeypatch.setattr("ansible_collections.postroom.mail.plugins.action.mail_plan.clashes", lambda parts: ["They differ."])
    told = host.plan("host")
    assert (told["failed"], told["msg"]) == (True, "They differ.")


def test_a_host_that_does_not_answer(host):
    host.facts = {"failed": True, "msg": "No python."}
    told = host.plan("host")
    assert (told["failed"], told["msg"]) == (True, "No python.")


def test_a_role_with_variables_of_its_own_is_planned_anew_and_the_host_is_not(host):
    host.plan("host")
    host.plan("postfix", postfix_myhostname="other.example.org")
    assert host.part("postfix")["parameters"]["myhostname"] == "other.example.org"
    assert len(host.asked) == 1
    # What it did not know before it has to ask.
    host.plan("postfix", mail_aliases={"info": "carol"})
    assert len(host.asked) == 2


def test_a_role_that_comes_later(host):
    host.plan("host", ("postfix",))
    with pytest.raises(AnsibleLookupError, match="Nothing was planned for the role dovecot"):
        host.part("dovecot")
    host.plan("dovecot", ("postfix", "dovecot"))
    assert host.part("dovecot")["packages"]
    assert len(host.asked) == 2


def test_another_play_asks_again(host):
    host.plan("host")
    host.play._uuid = "play 2"
    host.plan("host")
    assert len(host.asked) == 2


def test_the_role_host_installs_for_all(host):
    host.plan("host")
    assert "dovecot-core" in host.part("host")["missing_packages"]
    assert host.part("dovecot")["missing_packages"] == []
    # Also when a role is planned anew, as in check mode, where nothing was installed.
    host.plan("dovecot", dovecot_protocols=["imaps"])
    assert (host.part("host")["missing_packages"], host.part("dovecot")["missing_packages"]) == ([], [])
    # A package that only this role's own variables need.
    host.plan("dovecot", dovecot_protocols=["imaps"], dovecot_sieve=True)
    assert (host.part("host")["missing_packages"], host.part("dovecot")["missing_packages"]) == (["dovecot-sieve"], [])


def test_anew_asks_again_and_begins_nothing(host):
    host.plan("host")
    host.facts["packages"] = dict.fromkeys(host.asked[0]["packages"], True)
    host.change("done", role="host")
    host.plan("host", options={"anew": True})
    assert len(host.asked) == 2
    assert host.part("host")["missing_packages"] == []
    assert host.waiting().owner() is None


def test_a_play_plans_before_its_roles(host):
    host.plan(None)
    assert "dovecot-core" in host.part("host")["missing_packages"]
    host.plan("host")
    host.plan("dovecot")
    assert len(host.asked) == 1
    assert "dovecot-core" in host.part("host")["missing_packages"]
    assert host.waiting().owner() == ""


def test_options_are_held_to_their_types(host):
    host.plan("host")
    host.plan("host", options={"anew": "no"})
    assert len(host.asked) == 1
    with pytest.raises(AnsibleActionFail, match="a_new"):
        host.plan("host", options={"a_new": True})


def test_a_role_begins_a_change_or_takes_part_in_one(host):
    host.plan("host")
    assert host.waiting().owner() == "host"
    host.change("done", role="host")
    host.change("begun")
    for role in ("postfix", "dovecot"):
        host.plan(role)
        host.run({"path": "/x"}, role=role)
    assert host.waiting().owner() == ""
    host.change("done")
    (options,) = host.ran[1:]
    names = [probe["name"] for probe in options["proof"]["probes"]]
    assert "SMTP on 25" in names
    assert "IMAP on 993" in names


def test_a_role_alone_proves_what_it_listens_on(host):
    host.plan("postfix")
    host.run({"path": "/x"}, role="postfix")
    host.change("done", role="postfix")
    (options,) = host.ran
    assert [probe["name"] for probe in options["proof"]["probes"]] == ["SMTP on 25", "submission on 465"]
    assert options["services"] == FACTS["services"]


def test_a_sendmail_that_stays_is_changed_task_by_task(host):
    host.facts["other_mail_servers"] = [
        {"name": "sendmail", "installed": True, "queue": [], "aliases": [], "processes": ["sendmail"], "summary": "sendmail"}
    ]
    told = host.plan("sasl", ("sasl",), sasl_mta="sendmail", sasl_provider="sasldb")
    assert not told.get("failed"), told
    assert host.waiting().owner() is None
    assert host.asked[0]["sasl_mta"] == "sendmail"


def test_warnings_come_once(host):
    host.facts["host"]["addresses"] = {}
    (finding, *_more) = host.plan("host")["findings"]
    assert finding.startswith("mail.example.org has no address")
    assert host.shown[0] == f"[mail] WARNING: {finding}"
    shown = len(host.shown)
    assert not host.plan("postfix").get("findings")
    assert len(host.shown) == shown


@pytest.mark.parametrize(
    ("task", "message"),
    [({"delegate_to": "other"}, "A plan cannot be delegated")],
)
def test_where_a_plan_has_no_place(host, task, message):
    with pytest.raises(AnsibleActionFail, match=message):
        host.plan("host", task=task)


def test_nobody_else_can_read_the_plan(host):
    host.plan("host", mail_users=[{"name": "alice", "password": "geheim"}])
    assert host.files()
    assert {path.stat().st_mode & 0o077 for path in host.files()} == {0}
    assert Plans("mail", str(host.place)).part("host")["accounts"] == [{"name": "alice", "password": "geheim"}]
