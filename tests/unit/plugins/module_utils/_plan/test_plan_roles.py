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
ROLES = ("postfix", "filtering", "host", "sasl", "dovecot")
LOOKING_UP = ("postfix", "filtering")
HOST = {"host_domain": "example.org", "host_fqdn": None}
VARIABLES = {
    **host_play.VARIABLES,
    **host_play.defaults("relay_policy"),
    **host_play.defaults("sasl"),
    "relay_policy_networks": [],
    "relay_policy_mode": "authenticated",
    "sasl_users": [],
    "sasl_aliases": {},
    "sasl_virtual_aliases": {},
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

        names = {"LOOKS_UP_NAMES": True} if name in LOOKING_UP else {}
        return types.SimpleNamespace(offers=offers, plan=plan, PACKAGES=(f"{name}-package", "common"), **names)

    for name in ROLES:
        monkeypatch.setitem(sys.modules, f"{roles.__name__.rpartition('.')[0]}.{name}", role(name))
    return asked


def test_all_are_told_before_anybody_plans(play):
    # What is wrong with the host comes before all that may follow from it.
    planned = ("host", "postfix", "filtering", "sasl", "dovecot")
    assert tuple(roles.plan(HOST, FACTS, ROLES)) == planned
    # Dovecot's version decides how the role host writes a quota down, and others ask who has a mailbox.
    told = ("dovecot", "host", "postfix", "filtering", "sasl")
    assert play == [
        *(("offers", name, "mail.example.org") for name in told),
        *(("plan", name, told) for name in planned),
    ]


def test_only_the_roles_of_the_play_are_asked(play):
    assert list(roles.plan(HOST, FACTS, ["sasl", "host"])) == ["host", "sasl"]
    assert {name for _what, name, _known in play} == {"host", "sasl"}


def test_a_role_with_a_mistake_in_its_variables_does_not_plan(play):
    assert list(roles.plan(HOST, FACTS, ["sasl", "postfix", "host"], unreadable={"sasl"})) == ["host", "postfix"]
    # The others may need its word all the same: its variables have the values that the role gives them.
    assert ("offers", "sasl", "mail.example.org") in play
    assert roles.names_to_look_up(HOST, ["host", "filtering", "postfix"], unreadable={"postfix"}) == ["all", "filtering"]


def test_what_mail_info_is_asked(play):
    played = ["postfix", "sasl", "filtering", "host"]
    assert roles.names_to_look_up({"host_domain": "", "mail_hostname": ""}, played) == ["all", "filtering", "postfix"]
    # All tell what they have to tell, and only those plan that look names up.
    told = ("host", "postfix", "sasl", "filtering")
    assert play == [*(("offers", name, "") for name in told), ("plan", "postfix", told), ("plan", "filtering", told)]
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
    variables = {**VARIABLES, "mail_hostname": "", "host_domain": domain, "sasl_provider": "sasldb"}
    parts = roles.plan(variables, there, PLAY)
    if there and domain != "example.org":
        assert list(parts) == ["host"]
    else:
        assert parts["sasl"].sasl_user["realm"] == ("mail.example.org" if there else "")


@pytest.mark.parametrize(
    "there",
    [facts(host={"privileged": False}), facts(host={"fqdn": "1843", "privileged": False}), facts(host={"fqdn": "localhost"})],
)
def test_of_a_host_that_nobody_knows_the_other_roles_say_nothing(there):
    wrong = {**VARIABLES, "mail_hostname": "", "sasl_provider": "none"}
    parts = roles.plan(wrong, there, PLAY)
    assert list(parts) == ["host"]
    assert parts["host"].problems


def test_what_is_wrong_with_a_host_and_with_every_role_is_told_together():
    there = facts(host={"os_family": "Suse", "distribution": "SLES"})
    parts = roles.plan({**VARIABLES, "relay_policy_mode": "open", "sasl_provider": "none"}, there, PLAY)
    assert {role: len(part.problems) for role, part in parts.items()} == {"host": 1, "relay_policy": 1, "sasl": 1}


def test_variables_that_nobody_can_read():
    with pytest.raises(roles.UnreadableVariables) as raised:
        roles.plan({**VARIABLES, "relay_policy_smarthosts": ["secret"]}, FACTS, PLAY)
    assert str(raised.value) == (
        "The role relay_policy can make nothing of its variables (AttributeError): write them as its argument specification has them."
    )
    assert raised.value.__suppress_context__


def test_a_variable_that_is_missing_is_told_likewise():
    with pytest.raises(roles.UnreadableVariables, match=r"The role sasl can make nothing of its variables \(KeyError\)"):
        roles.plan({name: value for name, value in VARIABLES.items() if name != "sasl_mta"}, FACTS, PLAY)
