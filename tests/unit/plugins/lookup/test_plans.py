# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By Ansible's own templates."""

from __future__ import annotations

import pathlib

from ansible.module_utils.common.yaml import yaml_load
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.postroom.mail.plugins.lookup.plans import LookupModule

ROLES = pathlib.Path(__file__).resolve().parents[4] / "roles"
OF_HOST = {"all_of_them": "{{ host_plans.all_of_them }}", "all_of_them_anew": "{{ users + more }}"}
OF_DOVECOT = {"dovecot_plan": "{{ host_plans.dovecot_plan }}", "dovecot_plan_anew": "{{ {'logins': all_of_them} }}"}


def worked_out(**variables):
    variables = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()}
    return LookupModule(templar=Templar(DataLoader(), variables)).run(["all_of_them", "dovecot_plan"], variables)[0]


def test_each_takes_those_before_it():
    found = worked_out(users=["alice"], more=["bob"], **OF_HOST, **OF_DOVECOT)
    assert found == {"all_of_them": ["alice", "bob"], "dovecot_plan": {"logins": ["alice", "bob"]}}


def test_what_was_kept_from_before_counts_for_nothing():
    kept = {"all_of_them": ["somebody"], "dovecot_plan": {"logins": ["somebody"]}}
    found = worked_out(users=["alice"], more=[], host_plans=kept, **OF_HOST, **OF_DOVECOT)
    assert found == {"all_of_them": ["alice"], "dovecot_plan": {"logins": ["alice"]}}


def test_a_role_that_is_not_in_the_play_has_none():
    assert worked_out(users=[], more=[], host_plans={"dovecot_plan": {}}, **OF_HOST) == {"all_of_them": []}


def test_what_an_inventory_wrote_as_text_stays_text():
    users = [{"password": "{{ 6 * 7 }}"}]
    assert worked_out(users=users, more=[], **OF_HOST) == {"all_of_them": users}


def test_every_plan_of_a_role_is_worked_out_by_the_role_host():
    ask = (ROLES / "host/tasks/ask.yml").read_text()
    variables = {name: value for path in ROLES.glob("*/vars/main.yml") for name, value in yaml_load(path.read_text()).items()}
    plans = [name for name in variables if f"{name}_anew" in variables]
    assert [
        name for name in plans if variables[name] != f"{{{{ host_plans.{name} }}}}" or f"'{name}'" not in ask.split("set_fact")[1]
    ] == []
    assert len(plans) > 5
