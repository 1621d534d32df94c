# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By Ansible's own templates, whose ways with what is undefined are what this is about."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.postroom.mail.plugins.lookup.inventory_problems import LookupModule


def trusted(value):
    if isinstance(value, dict):
        return {key: trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def asked(**variables):
    variables = trusted(variables)
    return LookupModule(templar=Templar(DataLoader(), variables)).run([], variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_virtual_domains", "{{ typo }}"),
        ("mail_virtual_domains", ["ok.example", "{{ typo }}"]),
        ("mail_virtual_aliases", {"a@ok.example": "{{ typo }}"}),
        ("mail_networks", "{{ typo }}"),
        ("mail_tls_certificate", "{{ typo }}/x"),
        ("postfix_parameters", {"relayhost": "{{ typo }}"}),
        ("relay_policy_smarthosts", [{"relayhost": "[smtp.example]:587", "password": "{{ typo }}"}]),
        ("dovecot_settings", {"protocol imap": {"mail_max_userip_connections": "{{ typo }}"}}),
    ],
)
def test_a_value_whose_template_fails_is_told_by_its_name(name, value):
    assert asked(**{name: value}) == [f"{name} cannot be worked out: 'typo' is undefined. Correct the name, or give it a value."]


def test_what_is_right_and_what_the_roles_say_themselves_is_not_objected_to():
    # host_domain has its default, which is not worked out.
    given = {"mail_domain": "example.org", "host_domain": "{{ mail_domain }}", "postfix_myhostname": "{{ host_fqdn }}"}
    assert asked(**given, mail_aliases="{{ {'info': 'alice'} }}", somebody_elses="{{ typo }}") == []


def test_all_is_told_at_once():
    said = asked(mail_networks="10.1.0.0/16", mail_aliases={"a@{{ mail_domain }}": "alice"}, mail_domain="example.org", mail_protocols=None)
    assert [one.split()[0] for one in said] == ["mail_aliases", "mail_networks", "mail_protocols"]


def test_what_takes_an_answer_of_the_host_waits_for_it():
    value = {"base_dir": "{{ host_info.typo }}"}
    assert asked(dovecot_settings=value) == []
    (said,) = asked(dovecot_settings=value, host_info={})
    assert said.startswith("dovecot_settings cannot be worked out: ")
