# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By Ansible's own templates, whose ways with what is undefined are part of what this is about."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import EncryptedString, VaultLib, VaultSecret, VaultSecretsContext
from ansible.template import Templar, trust_as_template
from ansible_collections.postroom.mail.plugins.plugin_utils import _variables

FACTS = {"host": {"fqdn": "mx1.example.org"}}


def trusted(value):
    if isinstance(value, dict):
        return {key: trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def play(*roles, **variables):
    """The variables of a play with *roles*."""
    found = {}
    for role in ("host", *roles):
        found.update(_variables.defaults()[role])
    return trusted({**found, **variables})


def evaluated(*roles, facts=None, **variables):
    facts = FACTS if facts is None else facts
    given = play(*roles, **variables)
    return _variables.evaluated(Templar(DataLoader(), given), given, _variables.roles_in(given), facts)


def problems(*roles, **variables):
    return evaluated(*roles, **variables).problems


def test_the_roles_of_a_play_are_those_whose_defaults_it_sees():
    assert _variables.roles_in(play("postfix", "sasl")) == ["host", "postfix", "sasl"]
    assert _variables.roles_in({**play(), "dovecot_protocols": ["imaps"], "postfix_parameters": {}}) == ["host"]


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
        ("fetchmail_account_x", {"poll": "{{ typo }}"}),
        ("mail_probe_password", "{{ typo }}"),
    ],
)
def test_a_value_whose_template_fails_is_told_by_its_name(name, value):
    found = evaluated("postfix", "relay_policy", "dovecot", "fetchmail", **{name: value})
    assert f"{name} cannot be worked out: 'typo' is undefined. Correct the name, or give it a value." in found.problems


def test_what_is_right_is_not_objected_to():
    given = {"mail_domain": "example.org", "host_domain": "{{ mail_domain }}", "postfix_myhostname": "{{ host_fqdn }}"}
    found = evaluated("postfix", **given, mail_aliases="{{ {'info': 'alice'} }}", somebody_elses="{{ typo }}")
    assert (found.problems, found.unreadable) == ([], set())
    assert (found.values["host_domain"], found.values["postfix_aliases"]) == ("example.org", {"info": "alice"})
    assert "somebody_elses" not in found.values


def test_all_is_told_at_once_and_whose_it_is():
    found = evaluated(
        "postfix",
        "dovecot",
        postfix_submission="yes",
        dovecot_protocols=None,
        postfix_aliases={"a@{{ mail_domain }}": "alice"},
        mail_domain="example.org",
    )
    assert [one.split()[0] for one in found.problems] == ["dovecot_protocols", "postfix_aliases", "postfix_submission"]
    assert found.unreadable == {"postfix", "dovecot"}
    # The rest is planned with what the roles say themselves.
    assert found.values["postfix_submission"] is True


def test_lists_of_postfix_may_be_text():
    found = evaluated("postfix", "relay_policy", postfix_inet_protocols="ipv4, ipv6", mail_networks="10.0.0.0/8")
    assert found.problems == []
    assert found.values["postfix_inet_protocols"] == ["ipv4", "ipv6"]
    assert found.values["relay_policy_networks"] == found.values["mail_networks"] == ["10.0.0.0/8"]
    assert problems("postfix", postfix_inet_protocols="ipv5") == [
        "The value of postfix_inet_protocols[0] must be one of all, ipv4, ipv6; it is 'ipv5'."
    ]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "mx1.example.org"),
        ({"mail_hostname": "mail.example.org"}, "mail.example.org"),
        ({"mail_hostname": "mail.example.org", "host_fqdn": "own.example.org"}, "own.example.org"),
    ],
)
def test_a_template_can_use_the_name_of_the_host_and_its_answer(given, name):
    found = evaluated("postfix", postfix_mydestination=["x.{{ host_fqdn }}"], postfix_myhostname="{{ host_info.host.fqdn }}", **given)
    assert found.values["postfix_mydestination"] == [f"x.{name}"]
    assert found.values["postfix_myhostname"] == "mx1.example.org"


def test_what_takes_an_answer_of_the_host_waits_for_it():
    value = {"base_dir": "{{ host_info.typo }}"}
    waits = evaluated("dovecot", facts={}, dovecot_settings=value)
    assert (waits.problems, waits.unreadable, waits.values["dovecot_settings"]) == ([], set(), {})
    (said,) = problems("dovecot", dovecot_settings=value)
    assert said.startswith("dovecot_settings cannot be worked out: ")


def test_a_mistake_leaves_what_the_role_itself_says():
    given = {"mail_aliases": {"info": "alice"}, "postfix_aliases": ["wrong"]}
    assert evaluated("postfix", **given).values["postfix_aliases"] == {"info": "alice"}


def test_accounts_of_fetchmail_have_variables_of_their_own_in_the_order_of_the_play():
    given = {"fetchmail_account_b": {"poll": "b"}, "fetchmail_account_a": {"poll": "{{ 'a' }}"}}
    found = evaluated("fetchmail", **given)
    assert [name for name in found.values if name.startswith("fetchmail_account_")] == list(given)
    assert found.values["fetchmail_account_a"] == {"poll": "a"}
    assert "fetchmail_account_b" not in evaluated("postfix", **given).values


def test_values_are_whole_and_wait_for_nothing():
    found = evaluated(
        "fetchmail", mail_users=[{"name": "{{ 'al' ~ 'ice' }}", "groups": ("a", "b")}], fetchmail_accounts=[{"is": ["{{ 1 + 1 }}"]}]
    )
    users = found.values["mail_users"]
    assert users == [{"name": "alice", "groups": ["a", "b"]}]
    assert (type(users), type(users[0]), type(users[0]["groups"])) == (list, dict, list)
    assert found.values["fetchmail_accounts"] == [{"is": [2]}]


def test_a_secret_of_the_vault_is_opened():
    secret = VaultSecret(b"key")
    text = VaultLib([("default", secret)]).encrypt("s3cret{{ x }}", secret).decode()
    VaultSecretsContext.initialize(VaultSecretsContext([("default", secret)]))
    found = evaluated(mail_users=[{"name": "alice", "password": EncryptedString(ciphertext=text)}])
    assert found.problems == []
    assert found.values["mail_users"][0]["password"] == "s3cret{{ x }}"


@pytest.mark.parametrize(
    ("more", "is_same"),
    [
        ({}, True),
        ({"role_name": "postfix", "ansible_role_names": ["x"], "ansible_search_path": [], "play_hosts": [], "hostvars": {}}, True),
        ({"mail_domain": "example.com"}, False),
        ({"somebody_elses": 1}, False),
        ({"ansible_host": "192.0.2.1"}, False),
    ],
)
def test_the_same_variables_are_known_again(more, is_same):
    before = {**play(), "role_name": "host", "groups": {"mail": []}}
    assert (_variables.fingerprint({**before, **more}) == _variables.fingerprint(before)) is is_same


def test_a_value_without_a_template_is_evaluated_once():
    given = play(
        "postfix", mail_virtual_aliases={"a@ok.example": "alice"}, mail_hostname="{{ host_info.host.fqdn }}", mail_networks="{{ typo }}"
    )
    templar, roles = Templar(DataLoader(), given), _variables.roles_in(given)
    before = _variables.evaluated(templar, given, roles, {})
    later = _variables.evaluated(templar, given, roles, FACTS, before)
    assert "mail_virtual_aliases" in before.constant
    assert not {"mail_hostname", "mail_networks", "host_domain"} & before.constant
    assert later.values["mail_virtual_aliases"] is before.values["mail_virtual_aliases"]
    assert later.values["mail_hostname"] == "mx1.example.org"
    assert later._replace(constant=set()) == _variables.evaluated(templar, given, roles, FACTS)._replace(constant=set())
