# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import roles
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Part
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan import host_play
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import FACTS, facts

PLAY = ("host", "relay_policy", "sasl")
VARIABLES = {
    "host": host_play.VARIABLES,
    "relay_policy": {
        **host_play.VARIABLES,
        **host_play.defaults("relay_policy"),
        "relay_policy_networks": [],
        "relay_policy_mode": "authenticated",
    },
    "sasl": {
        **host_play.VARIABLES,
        **host_play.defaults("sasl"),
        "sasl_users": [],
        "sasl_aliases": {},
        "sasl_virtual_aliases": {},
    },
}


@pytest.fixture
def play(monkeypatch):
    """A play in which each role tells when it is asked, and what it was told."""
    asked = []

    def role(name):
        def offers(variables, facts, offers):
            asked.append(("offers", name, variables["host_fqdn"]))
            return offers

        def plan(variables, facts, offers):
            asked.append(("plan", name, offers.roles))
            return Part(names_to_look_up=[name, "all"])

        return types.SimpleNamespace(offers=offers, plan=plan, PACKAGES=(f"{name}-package", "common"))

    for name in roles.ROLES:
        monkeypatch.setitem(sys.modules, f"{roles.__name__.rpartition('.')[0]}.{name}", role(name))
    return asked


def test_all_are_told_before_anybody_plans(play):
    variables = {name: {"host_domain": None, "host_fqdn": None} for name in roles.ROLES}
    assert list(roles.plan(variables, FACTS, roles.ROLES)) == ["host", *(name for name in roles.ROLES if name != "host")]
    assert play == [
        *(("offers", name, "mail.example.org") for name in roles.ROLES),
        ("plan", "host", roles.ROLES),
        *(("plan", name, roles.ROLES) for name in roles.ROLES if name != "host"),
    ]


def test_what_mail_info_is_asked(play):
    variables = {"host": {"host_domain": "", "mail_hostname": ""}, "sasl": {"host_domain": "", "mail_hostname": "mx.example.org"}}
    assert roles.names_to_look_up(variables, ["sasl", "somebody.else", "host"]) == ["all", "host", "sasl"]
    assert play[:2] == [("offers", "host", ""), ("offers", "sasl", "mx.example.org")]
    assert roles.packages(["sasl", "host"]) == ["common", "host-package", "sasl-package"]


def test_the_packages_of_the_roles():
    assert roles.packages(PLAY) == [
        "ca-certificates",
        "cyrus-sasl",
        "cyrus-sasl-lib",
        "cyrus-sasl-md5",
        "cyrus-sasl-plain",
        "cyrus-sasl-scram",
        "libsasl2-modules",
        "libsasl2-modules-db",
        "openssl",
        "sasl2-bin",
    ]


def test_a_role_hears_of_the_others():
    parts = roles.plan(VARIABLES, FACTS, PLAY)
    assert {role: list(part.problems) for role, part in parts.items()} == {"host": [], "relay_policy": [], "sasl": []}
    assert parts["sasl"].parameters["smtpd_sasl_auth_enable"] is True
    # Without that one it is as Offers has it.
    assert roles.plan(VARIABLES, FACTS, ["host", "sasl"])["sasl"].parameters["smtpd_sasl_auth_enable"] is False


@pytest.mark.parametrize("there", [FACTS, {}])
@pytest.mark.parametrize("domain", [None, 1843, "example.org"])
def test_every_role_has_the_name_of_the_host(there, domain):
    variables = {role: {**told, "mail_hostname": "", "host_domain": domain} for role, told in VARIABLES.items()}
    variables["sasl"] = {**variables["sasl"], "sasl_provider": "sasldb"}
    parts = roles.plan(variables, there, PLAY)
    if there and domain != "example.org":
        assert list(parts) == ["host"]
    else:
        assert parts["sasl"].sasl_user["realm"] == ("mail.example.org" if there else "")


def test_of_a_host_that_cannot_be_one_of_mail_no_more_is_said():
    parts = roles.plan(VARIABLES, facts(host={"os_family": "Suse"}), PLAY)
    assert list(parts) == ["host"]
    assert len(parts["host"].problems) == 1


def test_variables_that_nobody_can_read():
    wrong = {**VARIABLES, "relay_policy": {**VARIABLES["relay_policy"], "relay_policy_smarthosts": ["secret"]}}
    with pytest.raises(roles.UnreadableVariables) as raised:
        roles.plan(wrong, FACTS, PLAY)
    assert str(raised.value) == (
        "The role relay_policy can make nothing of its variables (AttributeError): write them as its argument specification has them."
    )
