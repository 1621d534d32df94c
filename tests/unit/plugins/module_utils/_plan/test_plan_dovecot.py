# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import PAM_SERVICE_FILE
from ansible_collections.postroom.mail.plugins.module_utils._plan import dovecot
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_neutral_settings import VIRTUAL_USERS
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import (
    CONFIG,
    MAILBOXES,
    MARIADB,
    OF_MARIADB,
    PEOPLE,
    VARIABLES,
    facts,
    plan,
)

# What it tells the others ------------------------------------------------------------------------------------------


def offered(variables=None, there=None):
    return dovecot.offers({**VARIABLES, **(variables or {})}, facts() if there is None else there, Offers())


def test_a_play_with_the_role_is_as_one_without_unless_somebody_says_otherwise():
    assert offered(there=facts(version="2.4.1")) == Offers(userdb_drivers=["passwd"], dovecot_version="2.4.1")


@pytest.mark.parametrize(
    ("variables", "word", "value"),
    [
        ({"dovecot_mail_location": "mbox:~/mail"}, "mail_location", "mbox:~/mail"),
        ({"dovecot_first_valid_uid": "500", "dovecot_last_valid_uid": 60000}, "mailbox_uids", (500, 60000)),
        ({"dovecot_userdbs": [{"driver": "static"}, {}]}, "userdb_drivers", ["static", ""]),
        ({"dovecot_quota": "1G"}, "quota_service", "unix:private/quota-status"),
        ({"dovecot_quota": "0"}, "quota_service", "unix:private/quota-status"),
        ({"dovecot_quota": 0}, "quota_service", ""),
        ({"dovecot_quota": None}, "quota_service", ""),
        ({"host_virtual_users": [{"address": "a@b.example"}]}, "quota_service", ""),
        ({"host_virtual_users": [{"address": "a@b.example", "quota": "1G"}]}, "quota_service", "unix:private/quota-status"),
    ],
)
def test_what_the_other_roles_are_told(variables, word, value):
    assert getattr(offered(variables), word) == value


@pytest.mark.parametrize(
    ("there", "version"),
    [
        (facts(version="2.3.19.1"), "2.3.19.1"),
        (facts({"distribution_major_version": "13"}, version="2.3.19.1"), "2.3.19.1"),
        (facts(), "2.3"),
        (facts({"distribution_major_version": "13"}), "2.4"),
        (facts({"distribution_major_version": "forky"}), "2.4"),
        (facts({"distribution_major_version": ""}), "2.4"),
        (facts({"distribution": "Fedora", "distribution_major_version": "42"}), "2.3"),
        (facts({"distribution": "Fedora", "distribution_major_version": "43"}), "2.4"),
        (facts({"distribution": "Rocky", "distribution_major_version": "99"}), "2.3"),
        ({}, "2.3"),
    ],
)
def test_the_dovecot_of_the_host_decides_the_language_and_before_it_the_distribution(there, version):
    assert offered(there=there).dovecot_version == version


# What it wants -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "setting"),
    [(facts(), ("ssl_cert", "</etc/ssl/mail.pem")), (facts(version="2.4.1"), ("ssl_server_cert_file", "/etc/ssl/mail.pem"))],
)
def test_an_ordinary_host(there, setting):
    part = plan(there=there)
    name, value = setting
    assert part.settings[name] == value
    assert part.problems == []
    assert [file.path for file in part.files] == [PAM_SERVICE_FILE]
    assert part.packages == ["dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"]
    assert (part.virtual_users, part.former_files, part.foreign_files) == ([], [], [])


def test_before_the_host_has_answered():
    part = plan(there={})
    assert (part.problems, part.packages, part.settings["listen"]) == ([], [], ["*"])


def test_all_that_it_may_want_is_asked_about():
    everything = {"dovecot_databases": [MARIADB, PEOPLE], "dovecot_sieve": True, "dovecot_managesieve": True}
    for family in ("Debian", "RedHat"):
        assert set(plan(everything, facts({"os_family": family})).packages) <= set(dovecot.PACKAGES)


def test_the_users_of_virtual_mailboxes():
    part = plan(virtual_mailboxes=MAILBOXES)
    assert [user["name"] for user in part.virtual_users] == ["carol@shop.example"]
    assert part.settings["passdb"][0]["args"] == VIRTUAL_USERS
    assert "%{if;%Ld;eq;shop.example;@shop.example;}" in part.settings["auth_username_format"]


def test_the_settings_of_the_inventory_win():
    part = plan({"dovecot_settings": {"ssl": "no", "imapc_password": "geheim"}})
    assert part.settings["ssl"] == "no"
    assert "geheim" not in str(part.settings)
    assert [(file.mode, "geheim" in file.content) for file in part.files] == [("0600", True), ("0644", False)]


def test_files_that_are_needed_and_those_that_are_not_any_more():
    needed, denied, other = (f"{CONFIG}/postroom-{name}" for name in ("passdb-accounts.conf.ext", "denied-users", "userdb-x.conf.ext"))
    variables = {"dovecot_databases": [MARIADB], "dovecot_passdbs": [OF_MARIADB], "dovecot_denied_users": ["mallory"]}
    there = facts(database_files=[needed, denied, other, VIRTUAL_USERS])
    part = plan(variables, there)
    # Those of databases hold passwords, and Dovecot reads what ends in .ext when it is told to.
    assert [(file.path, file.mode, file.secret, file.service) for file in part.files] == [
        (needed, "0600", True, "dovecot"),
        (denied, "0644", True, ""),
        (PAM_SERVICE_FILE, "0644", False, ""),
    ]
    assert part.former_files == [other, VIRTUAL_USERS]
    assert plan(variables, there, virtual_mailboxes=MAILBOXES).former_files == [other]


@pytest.mark.parametrize(
    ("variables", "there", "problem"),
    [
        ({"dovecot_passdbs": [{"driver": "bogus"}]}, facts(), "dovecot_passdbs: the database 'bogus' is none that Dovecot 2.3 has"),
        ({"dovecot_listen": []}, facts(), "dovecot_listen is empty, so Dovecot would listen nowhere"),
        ({"dovecot_ports": {"imaps": "x"}}, facts(), "dovecot_ports: "),
        ({"dovecot_passdbs": ["pam"]}, facts(), "dovecot_passdbs"),
        # What only the translation finds.
        (
            {"dovecot_databases": [PEOPLE], "dovecot_userdbs": [{"driver": "ldap", "database": "people", "fields": {"home": "a,b"}}]},
            facts(),
            "The field 'home' of an LDAP database has a comma in it",
        ),
        (
            {},
            {**facts(version="2.4.1"), "listeners": [{"address": "0.0.0.0", "port": 993, "process": "courier"}]},
            "dovecot_ports: imaps would listen on port 993, which another program of this host (courier) has",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_wanted_of_dovecot_conf(variables, there, problem):
    there["dovecot"]["database_files"] = [f"{CONFIG}/postroom-userdb-x.conf.ext"]
    part = plan(variables, there)
    assert [sentence[: len(problem)] for sentence in part.problems] == [problem]
    assert (part.settings, part.former_files, [file.path for file in part.files]) == ({}, [], [PAM_SERVICE_FILE])
    assert (part.probes, part.delivery) == ([], [])


FOREIGN = [f"{CONFIG}/conf.d/10-auth.conf", f"{CONFIG}/dovecot.conf"]
MINE = [f"{CONFIG}/local.conf", f"{CONFIG}/local.d/mine.conf"]
REFUSED = (
    "The Dovecot of this host was configured by somebody else, in /etc/dovecot/conf.d/10-auth.conf, /etc/dovecot/dovecot.conf."
    " The role dovecot writes /etc/dovecot/dovecot.conf anew and no longer reads conf.d, so what these files set would be lost."
    " Carry it over into dovecot_settings or /etc/dovecot/local.d/*.conf, and set dovecot_replace_config to true;"
    " the present dovecot.conf is then kept as a backup beside it."
)


@pytest.mark.parametrize(
    ("says", "replace", "problems", "foreign"),
    [
        ({"modified_files": [*FOREIGN, *MINE]}, False, [REFUSED], FOREIGN),
        ({"modified_files": [*FOREIGN, *MINE]}, True, [], FOREIGN),
        ({"modified_files": [*FOREIGN, *MINE], "managed": True}, False, [], []),
        ({"modified_files": MINE}, False, [], []),
        ({"modified_files": [f"{CONFIG}/local.conf.bak"]}, True, [], [f"{CONFIG}/local.conf.bak"]),
    ],
)
def test_a_configuration_of_somebody_else_is_not_replaced_unasked(says, replace, problems, foreign):
    part = plan({"dovecot_replace_config": replace}, facts(**says))
    assert (part.problems, part.foreign_files) == (problems, foreign)


@pytest.mark.parametrize(
    ("variables", "provider", "sockets"),
    [
        ({}, "dovecot", ["/run/dovecot/anvil-auth-penalty"]),
        ({"dovecot_settings": {"base_dir": "/run/mine"}}, "dovecot", ["/run/mine/anvil-auth-penalty"]),
        ({}, "saslauthd", []),
        ({"dovecot_auth_penalty": True}, "dovecot", []),
    ],
)
def test_the_socket_of_a_penalty_that_is_switched_off(variables, provider, sockets):
    assert plan(variables, sasl_provider=provider).former_sockets == sockets


@pytest.mark.parametrize("kind", ["passdbs", "userdbs"])
def test_a_file_that_a_database_of_the_inventory_names_is_needed(kind):
    entry = {"driver": "passwd-file", "path": VIRTUAL_USERS}
    there = facts(database_files=[VIRTUAL_USERS])
    assert plan({f"dovecot_{kind}": [entry, *VARIABLES[f"dovecot_{kind}"]]}, there).former_files == []
    assert plan(there=there).former_files == [VIRTUAL_USERS]


@pytest.mark.parametrize(
    ("variables", "probes"),
    [
        ({}, [("imap", 993), ("pop3", 995)]),
        ({"dovecot_protocols": ["imap"]}, [("imap", 143)]),
        ({"dovecot_protocols": []}, []),
        ({"dovecot_protocols": ["imaps"], "dovecot_ports": {"imaps": 10993}}, [("imap", 10993)]),
    ],
)
def test_its_listeners_are_probed(variables, probes):
    part = plan(variables)
    assert [(kind, probe[kind]["port"]) for probe in part.probes for kind in ("imap", "pop3") if kind in probe] == probes
    assert {probe["host"] for probe in part.probes} <= {"127.0.0.1"}


def test_a_message_passes_through_postfix_and_dovecot():
    alice = {"host_users": [{"name": "alice", "password": "geheim"}]}
    (probe,) = plan(alice, smtp_host="192.0.2.7").delivery
    assert (probe["host"], probe["recipient"], probe["imap"]["password"]) == ("192.0.2.7", "alice@example.org", "geheim")
    # Without the role postfix nobody takes it in.
    assert plan(alice).delivery == []
    assert plan(smtp_host="192.0.2.7").delivery == []
