# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan import host
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.host_play import (
    FACTS,
    VARIABLES,
    facts,
    listening,
    said,
    server,
)

EXIM, SENDMAIL = server("exim", processes=["exim4"]), server("sendmail", ["/etc/mail/aliases"])
NO_ROOT = "Ansible works on this host without the rights of root: run the play with --become (-b), or set ansible_become in the inventory."
NO_DOMAIN = "mail_domain is not set: it is the main domain of this mail host, such as example.org."
NO_MANAGER = (
    "Nothing on this host can start a mail server: systemd does not run, and there are no init scripts. Run the host (or the container)"
    " with systemd as its first process."
)
OTHER_SERVER = (
    "Another mail server is in Postfix's place: {}. To have Postfix take over from it, aliases and waiting mail included, set"
    " postfix_replace_mta to true."
)
TAKEN = "Port 25 of this host is taken by {}, which is no mail server that could be replaced: stop it, and keep it from starting at boot."


def no_name(name, domain="example.org"):
    return (
        f"The name of this host is '{name}', which is not a full one such as mail.{domain}: set mail_hostname, or give the host its full"
        " name in /etc/hosts."
    )


def offers(variables=None, **others):
    return host.offers({**VARIABLES, **(variables or {})}, FACTS, said(**others))


def plan(variables=None, there=None, **others):
    there = FACTS if there is None else there
    told = {**VARIABLES, **(variables or {})}
    return host.plan(told, there, host.offers(told, there, said(**others)))


def test_a_host_that_can_be_one_of_mail():
    part = plan()
    assert (part.problems, part.warnings, list(part.packages)) == ([], [], ["openssl"])
    assert part.accounts == [{"name": "alice"}]
    assert part.certificate == {
        "certificate": "/etc/ssl/mail.pem",
        "private_key": "/etc/ssl/mail.key",
        "self_signed": True,
        "common_name": "mail.example.org",
        "subject_alt_names": [],
    }


@pytest.mark.parametrize(
    ("variables", "there", "others", "problems"),
    [
        ({}, facts(host={"privileged": False}), {}, [NO_ROOT]),
        ({"host_domain": ""}, FACTS, {}, [NO_DOMAIN]),
        ({"host_domain": None}, FACTS, {}, [NO_DOMAIN]),
        ({"host_domain": "example"}, FACTS, {}, ["mail_domain is 'example', which is not a domain such as example.org."]),
        ({"host_domain": 1843}, FACTS, {}, ["mail_domain is '1843', which is not a domain such as example.org."]),
        ({"mail_hostname": "mail"}, FACTS, {}, [no_name("mail")]),
        ({"host_fqdn": ""}, FACTS, {}, [no_name("")]),
        ({"mail_hostname": "", "host_domain": ""}, facts(host={"fqdn": "1843"}), {}, [NO_DOMAIN, no_name("1843")]),
        ({"mail_hostname": ""}, facts(host={"fqdn": ""}), {}, [no_name("")]),
        ({"mail_hostname": ""}, FACTS, {}, []),
        (
            {},
            facts(host={"os_family": "Suse", "distribution": "SLES"}),
            {},
            ["This host runs SLES; only the families Debian and RedHat are known."],
        ),
        ({}, facts(host={"service_manager": "none"}), {}, [NO_MANAGER]),
        ({}, facts(other_mail_servers=[EXIM]), {}, [OTHER_SERVER.format("exim runs")]),
        ({}, facts(other_mail_servers=[EXIM]), {"replace_mta": True}, []),
        ({}, facts(other_mail_servers=[server("exim", installed=False)]), {}, []),
        ({}, facts(other_mail_servers=[SENDMAIL]), {"mta": "sendmail"}, []),
        ({}, facts(other_mail_servers=[EXIM, SENDMAIL]), {"mta": "sendmail"}, [OTHER_SERVER.format("exim runs; and sendmail runs")]),
        (
            {},
            facts(other_mail_servers=[server("exim", ["/etc/aliases", "/etc/more"])]),
            {"replace_mta": True},
            [
                "There are several alias files, /etc/aliases and /etc/more, and Postfix reads /etc/aliases alone: bring their lines"
                " together there, and make the other one a symbolic link to it."
            ],
        ),
        # Postfix's own, one of the mail server that is known, and one that nobody may see: then it is theirs, if they run.
        ({}, facts(listeners=listening("master", None)), {}, []),
        ({}, facts(listeners=listening("exim4", None), other_mail_servers=[EXIM]), {"replace_mta": True}, []),
        (
            {},
            facts(listeners=listening(None), other_mail_servers=[EXIM], services={"postfix": {"running": False}}),
            {"replace_mta": True},
            [],
        ),
        (
            {},
            facts(listeners=listening(None), services={"postfix": {"running": False}}),
            {},
            [TAKEN.format("a process that this user cannot see")],
        ),
        ({}, facts(listeners=[*listening("nginx", "qmail", "nginx"), *listening("x", port=587)]), {}, [TAKEN.format("nginx, qmail")]),
        # All of it at once, in the order in which it is put right.
        (
            {"host_domain": ""},
            facts(host={"privileged": False, "service_manager": "none"}, other_mail_servers=[EXIM], listeners=listening("nginx")),
            {},
            [NO_ROOT, NO_DOMAIN, NO_MANAGER, OTHER_SERVER.format("exim runs"), TAKEN.format("nginx")],
        ),
    ],
)
def test_what_keeps_a_host_from_becoming_one_of_mail(variables, there, others, problems):
    assert plan(variables, there, **others).problems == problems


CAROL = {"address": "Carol@shop.example", "password": "x"}
MAILBOXES = {"host_virtual_domains": ["shop.example", "alias.example"], "host_virtual_users": [CAROL]}
NOWHERE = (
    "mail_virtual_users: 'carol@shop.example' is in no domain of mail_virtual_domains; add shop.example there, or correct the address."
)


@pytest.mark.parametrize(
    ("variables", "there", "problems"),
    [
        ({"host_users": [{"name": "alice"}, {"name": "alice"}]}, FACTS, ["mail_users: The user 'alice' is given twice; join the two."]),
        # What YAML takes for a number is a text to the module, but for a password.
        ({"host_users": [{"name": "alice", "comment": 5, "home": "/srv/alice"}]}, FACTS, []),
        (
            {"host_users": [{"name": "alice", "password": 5}]},
            FACTS,
            [
                "mail_users: The password of user 'alice' is a number to YAML, which reads it otherwise than it is written;"
                " put it in quotes."
            ],
        ),
        *(
            (
                {"host_users": [{"name": "alice", "password": password}]},
                FACTS,
                [
                    f"mail_users: The password of user 'alice' is {kind} to YAML, which reads it otherwise than it is written;"
                    " put it in quotes."
                ],
            )
            for password, kind in ((True, "a truth value"), (12.5, "a number"), ({"a": "b"}, "a dictionary"))
        ),
        (
            {"host_users": [{"name": "root"}]},
            FACTS,
            ["mail_users: 'root' is the administrator, not a mail user: give root's mail to another user with an alias."],
        ),
        (
            {"host_users": [{"name": "alice", "password": ""}]},
            FACTS,
            ["mail_users: The password of user 'alice' is empty; leave the option out for an account without password."],
        ),
        ({"host_users": [{"name": "bob", "password": "12345678"}, {"name": "carol", "state": "absent"}]}, FACTS, []),
        ({"host_virtual_users": [CAROL]}, FACTS, [NOWHERE]),
        # One kind at a time.
        (
            {"host_virtual_users": [CAROL], "host_users": [{"name": "a"}, {"name": "a"}]},
            FACTS,
            ["mail_users: The user 'a' is given twice; join the two."],
        ),
        ({"host_virtual_users": [CAROL]}, facts(host={"privileged": False}), [NO_ROOT]),
    ],
)
def test_what_is_wrong_with_who_has_mail(variables, there, problems):
    assert plan(variables, there).problems == problems


def test_a_name_that_nobody_knows():
    part = plan({"mail_hostname": "other.example.org"})
    said = "other.example.org has no address, neither in /etc/hosts nor in DNS. Other mail servers distrust such a name."
    assert (part.problems, part.warnings) == ([], [said])
    assert plan({"mail_hostname": "other.example.org"}, facts(host={"addresses": {"other.example.org": []}})).warnings == [said]


@pytest.mark.parametrize(
    ("version", "field"), [("2.3.19", {"userdb_quota_rule": "*:storage=2G"}), ("2.4.1", {"userdb_quota_storage_size": "2G"})]
)
def test_mailboxes_without_accounts(version, field):
    told = {
        **MAILBOXES,
        "host_virtual_users": [{**CAROL, "quota": "2G"}],
        "host_virtual_account": "box",
        "host_virtual_directory": "/srv/box",
    }
    offered = offers(told, dovecot_version=version)
    assert offered.virtual_mailboxes["domains"] == ["shop.example"]
    assert offered.virtual_mailboxes["alias_domains"] == ["alias.example"]
    assert offered.virtual_mailboxes["addresses"] == ["carol@shop.example"]
    (account,) = offered.virtual_mailboxes["accounts"]
    assert (account["uid"], account["home"], account["extra_fields"]) == ("box", "/srv/box/shop.example/carol", field)
    assert offered.accounts_without_mail == ["box"]
    assert plan(told).accounts == [{"name": "alice"}, {"name": "box", "home": "/srv/box", "comment": "Virtual mailboxes"}]


def test_no_mailbox_has_no_owner():
    assert offers({"host_virtual_domains": ["alias.example"]}).accounts_without_mail == []


def test_nothing_is_said_of_a_host_that_was_not_asked_yet():
    part = plan({"mail_hostname": "", "host_fqdn": "mail.example.org"}, {})
    assert (part.problems, part.warnings) == ([], [])
    assert host.fqdn({"mail_hostname": ""}, {}) == ""


@pytest.mark.parametrize(
    ("variables", "there", "is_known"),
    [
        ({}, FACTS, True),
        # It cannot be a mail host, and yet all is known that the others ask for.
        ({}, facts(host={"os_family": "Suse", "service_manager": "none"}), True),
        ({}, facts(host={"privileged": False}), False),
        ({"host_domain": ""}, FACTS, False),
        ({"host_domain": None}, FACTS, False),
        ({"host_domain": "example"}, FACTS, False),
        ({"mail_hostname": "mail"}, FACTS, False),
        ({"mail_hostname": ""}, facts(host={"fqdn": "1843"}), False),
        ({"mail_hostname": ""}, facts(host={"fqdn": "mx.example.org"}), True),
        ({"host_fqdn": ""}, FACTS, False),
    ],
)
def test_a_host_that_others_can_plan_for(variables, there, is_known):
    assert host.is_known({**VARIABLES, **variables}, there) is is_known


@pytest.mark.parametrize(
    ("variables", "there", "name"),
    [
        ({}, FACTS, "mail.example.org"),
        ({"mail_hostname": ""}, FACTS, "mail.example.org"),
        ({"mail_hostname": "mx.example.org"}, FACTS, "mx.example.org"),
        ({"host_fqdn": "other.example.org"}, FACTS, "other.example.org"),
        ({"mail_hostname": ""}, {}, ""),
        ({"mail_hostname": "", "host_fqdn": None}, facts(host={"fqdn": None}), ""),
    ],
)
def test_the_names_that_every_role_can_take(variables, there, name):
    assert host.names({**VARIABLES, **variables}, there) == {"host_domain": "example.org", "host_fqdn": name}
    assert host.names({**VARIABLES, **variables, "host_domain": None}, there)["host_domain"] == ""
