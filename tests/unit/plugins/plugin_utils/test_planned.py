# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option that is a field of a plan is taken from it, without Ansible's look at every text in it."""

from __future__ import annotations

import pytest
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar, trust_as_template
from ansible_collections.postroom.mail.plugins.lookup.plan import LookupModule
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part
from ansible_collections.postroom.mail.plugins.plugin_utils import _planned
from ansible_collections.postroom.mail.plugins.plugin_utils._plans import Plans
from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import WishAction

TABLE = {"path": "/t", "entries": {"a{{ x }}@b.example": "c"}}
PART = Part(tables=[TABLE], sasl_user={"realm": "example.org"}, parameters={"biff": None})
VARIABLES = {"inventory_hostname": "mail", "sasl_plan": "{{ lookup('postroom.mail.plan', 'sasl') }}", "other_plan": {"tables": "by hand"}}


@pytest.fixture
def templar(tmp_path, monkeypatch):
    monkeypatch.setitem(vars(constants), "DEFAULT_LOCAL_TMP", str(tmp_path))
    Plans("mail").keep_parts({"sasl": PART}, {"sasl": []}, {"os_family": "Debian", "package_lists": True})
    monkeypatch.setattr(lookup_loader, "get", lambda _name, **more: LookupModule(**more))
    return Templar(DataLoader(), {name: trust_as_template(value) if isinstance(value, str) else value for name, value in VARIABLES.items()})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ sasl_plan.tables }}", [TABLE]),
        ("{{ sasl_plan.parameters }}", {"biff": None}),
        ("{{ sasl_plan.sasl_user.realm }}", "example.org"),
        ("{{ sasl_plan.open_relay }}", False),
    ],
)
def test_a_field_is_what_a_template_of_it_would_be(templar, template, value):
    assert _planned.field(template, VARIABLES) == value
    given = trust_as_template(template)
    assert WishAction.finalize_task_arg("o", given, templar, None) == templar.template(given) == value


def test_ansible_is_not_asked_for_a_field(templar, monkeypatch):
    """It would look at each of ten thousand texts."""

    def template(_self, value):
        raise AssertionError(value)

    monkeypatch.setattr(Templar, "template", template)
    assert WishAction.finalize_task_arg("tables", trust_as_template("{{ sasl_plan.tables }}"), templar, None) == [TABLE]


@pytest.mark.parametrize(
    "given",
    [
        "{{ sasl_plan.tables | length }}",
        "{{ sasl_plan.tables }} ",
        "{{ sasl_plan }}",
        "{{ sasl_plan.sasl_provider }}",
        "{{ other_plan.tables }}",
        "tables",
        7,
        ["{{ sasl_plan.sasl_user.realm }}"],
    ],
)
def test_anything_else_is_left_to_ansible(templar, given):
    assert _planned.field(given, VARIABLES) is None
    value = trust_as_template(given) if isinstance(given, str) else given
    assert WishAction.finalize_task_arg("o", value, templar, None) == templar.template(value)


@pytest.mark.parametrize("template", ["{{ sasl_plan.unknown }}", "{{ sasl_plan.sasl_user.unknown }}", "{{ sasl_plan.sasl_provider.x }}"])
def test_what_is_not_in_a_plan_is_an_error_of_ansibles_own(templar, template):
    with pytest.raises(AnsibleError):
        WishAction.finalize_task_arg("o", trust_as_template(template), templar, None)


def test_a_role_for_which_nothing_was_planned(templar):
    variables = {"inventory_hostname": "mail", "host_plan": "{{ lookup('postroom.mail.plan', 'host') }}"}
    assert _planned.field("{{ host_plan.accounts }}", variables) is None
