# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._tables import plan as tables_plan
from ansible_collections.postroom.mail.plugins.module_utils._tables.plan import Plan

R, C = "/etc/postfix/relocated", "/etc/postfix/client_access"
USES = {"relocated_maps": R, "smtpd_client_restrictions": f"check_client_access {C}"}
ACCESS = {"192.0.2.1": "REJECT"}


def plan(relocated=None, access=None, managed=(), live=None, **more):
    tables = [{"path": R, "entries": relocated or {}}, {"path": C, "entries": access or {}}]
    return tables_plan.plan(tables, USES, default_type="lmdb", live=live or {}, managed=list(managed), **more)


def test_a_table_with_entries_is_built_and_named():
    assert plan(access=ACCESS) == Plan(
        tables=[{"path": C, "entries": ACCESS}],
        parameters={"smtpd_client_restrictions": f"check_client_access lmdb:{C}"},
        former=[],
        problems=[],
    )


def test_a_table_that_was_in_use_is_taken_back_and_then_removed():
    found = plan(managed=[C], live={"smtpd_client_restrictions": f"check_client_access hash:{C}"})
    assert found == Plan(
        tables=[],
        parameters={"smtpd_client_restrictions": None},
        former=[{"path": C, "state": "absent"}],
        problems=[],
    )


@pytest.mark.parametrize(
    ("live", "managed"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"relocated_maps": f"hash:{R}"}, [], id="made by somebody else"),
        pytest.param({"smtpd_client_restrictions": "reject_rbl_client x.example"}, ["/etc/postfix/virtual"], id="set by somebody else"),
    ],
)
def test_what_is_not_ours_is_left_alone(live, managed):
    assert plan(live=live, managed=managed) == Plan(tables=[], parameters={}, former=[], problems=[])


@pytest.mark.parametrize(
    "more",
    [
        {"more_parameters": {"smtpd_client_restrictions": [f"check_client_access lmdb:{C}", "permit"]}},
        {"services": [{"name": "2525", "overrides": {"smtpd_client_restrictions": f"check_client_access lmdb:{C}"}}]},
    ],
)
def test_a_table_that_is_named_by_hand_stays_without_entries(more):
    found = plan(managed=[C], **more)
    assert found.tables == [{"path": C, "entries": {}}]
    assert found.former == []
    assert found.parameters == more.get("more_parameters", {})


def test_a_table_of_the_same_path_of_the_administrators_own():
    own = {"path": C, "type": "cidr", "entries": [{"key": "192.0.2.0/24", "value": "OK"}]}
    found = plan(managed=[C], more_tables=[own], more_parameters={"smtpd_client_restrictions": f"check_client_access cidr:{C}"})
    assert found.tables == [own]
    assert found.former == []


def test_the_administrators_own_parameter_wins():
    mine = f"permit_mynetworks, check_client_access lmdb:{C}"
    found = plan(access=ACCESS, more_parameters={"smtpd_client_restrictions": mine}, live={"smtpd_client_restrictions": "reject"})
    assert found.parameters == {"smtpd_client_restrictions": mine}
    assert found.problems == []


@pytest.mark.parametrize(
    ("live", "objections"),
    [
        ("reject_rbl_client x.example", 1),
        (f"check_client_access hash:{C}.mine", 1),
        (f"check_client_access hash:{C}", 0),
        ("", 0),
    ],
)
def test_what_somebody_else_set_is_not_silently_replaced(live, objections):
    problems = plan(access=ACCESS, live={"smtpd_client_restrictions": live}).problems
    assert len(problems) == objections
    assert all("postconf -X smtpd_client_restrictions" in said for said in problems)


def test_types_that_are_not_installed_yet_are_left_out():
    pcre, plain = {"path": "/x", "type": "pcre", "entries": []}, {"path": "/y", "entries": {}}
    parameters = {"a_maps": "proxy:pcre:/x", "b_maps": ["hash:/y", "pcre:/x"], "c_maps": "hash:/y", "d": None}
    found = plan(more_tables=[pcre, plain], more_parameters=parameters, types_to_come=["pcre"])
    assert found.tables == [plain]
    assert found.parameters == {"c_maps": "hash:/y", "d": None}


SNI = {"path": "/etc/postfix/sni", "type": "hash", "entries": {"mail.example": ["/k.pem", "/c.pem"]}}


@pytest.mark.parametrize(
    ("table", "more", "holds"),
    [
        pytest.param(SNI, {"more_parameters": {"tls_server_sni_maps": "hash:/etc/postfix/sni"}}, True, id="in postfix_parameters"),
        pytest.param(SNI, {"live": {"tls_server_sni_maps": "hash:/etc/postfix/sni"}}, True, id="in main.cf"),
        pytest.param(SNI, {"services": [{"overrides": {"tls_server_sni_maps": "hash:/etc/postfix/sni"}}]}, True, id="in master.cf"),
        pytest.param(SNI, {"more_parameters": {"tls_server_sni_maps": "hash:/etc/postfix/sni2"}}, False, id="another table"),
        pytest.param(SNI, {"more_parameters": {"relay_domains": "hash:/etc/postfix/sni"}}, False, id="another parameter"),
        # These Postfix makes of the files by itself.
        pytest.param(
            {**SNI, "type": "texthash"},
            {"more_parameters": {"tls_server_sni_maps": "texthash:/etc/postfix/sni"}},
            False,
            id="no compiled one",
        ),
    ],
)
def test_a_table_of_certificates_holds_the_contents_of_its_files(table, more, holds):
    assert plan(more_tables=[table], **more).tables == [{**({"file_contents": True} if holds else {}), **table}]


def test_a_table_that_a_killed_run_has_left_goes_and_the_parameter_of_somebody_else_stays():
    found = plan(managed=[C], live={"smtpd_client_restrictions": "reject_rbl_client x.example"})
    assert found.former == [{"path": C, "state": "absent"}]
    assert found.parameters == {}
