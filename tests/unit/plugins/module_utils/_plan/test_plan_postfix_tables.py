# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.postfix_play import MAILBOXES, facts, paths, plan

ALWAYS = [
    "/etc/postfix/aliases",
    "/etc/aliases",
    "/etc/postfix/virtual",
    "/etc/postfix/mail_accounts",
    "/etc/postfix/other_accounts",
]
FETCHED = [{"poll": "far.example", "user": "x", "is": "zoe"}]
ENTRIES = {"old@example.org": "new@example.net"}


def table(path, *given, **offers):
    return next(table for table in plan(*given, **offers).tables if table["path"] == path)


def test_these_are_always_there():
    assert paths(plan().tables) == ALWAYS


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/postfix/aliases", {"format": "aliases", "entries": {"root": "alice", "postmaster": "root"}}),
        ("/etc/aliases", {"format": "aliases", "exclusive": False, "entries": {}}),
        ("/etc/postfix/virtual", {"entries": {}}),
    ],
)
def test_what_is_in_them(path, expected):
    assert table(path) == {"path": path, **expected}


@pytest.mark.parametrize(
    ("variables", "offers", "path", "parameter", "use"),
    [
        ({}, {"virtual_mailboxes": MAILBOXES}, "virtual_mailboxes", "virtual_mailbox_maps", ""),
        ({"postfix_mailbox_transports": {"bob": "local:"}}, {}, "mailbox_transports", "mailbox_transport_maps", ""),
        ({}, {"mailbox_transports": {"bob": "local:"}}, "mailbox_transports", "mailbox_transport_maps", ""),
        ({"postfix_relocated": ENTRIES}, {}, "relocated", "relocated_maps", ""),
        ({"postfix_canonical": ENTRIES}, {}, "canonical", "canonical_maps", ""),
        ({"postfix_sender_canonical": ENTRIES}, {}, "sender_canonical", "sender_canonical_maps", ""),
        ({"postfix_recipient_canonical": ENTRIES}, {}, "recipient_canonical", "recipient_canonical_maps", ""),
        ({"postfix_generic": ENTRIES}, {}, "generic", "smtp_generic_maps", ""),
        ({"postfix_client_access": {"192.0.2": "REJECT"}}, {}, "client_access", "smtpd_client_restrictions", "check_client_access "),
        ({"postfix_sender_access": {"a@b.example": "OK"}}, {}, "sender_access", "smtpd_sender_restrictions", "check_sender_access "),
        (
            {"postfix_recipient_access": {"a@b.example": "OK"}},
            {},
            "recipient_access",
            "smtpd_recipient_restrictions",
            "check_recipient_access ",
        ),
    ],
)
def test_these_are_there_as_long_as_they_have_entries(variables, offers, path, parameter, use):
    before, now = plan(), plan(variables, **offers)
    there = f"/etc/postfix/{path}"
    assert paths(now.tables) == [*ALWAYS, there]
    assert now.parameters[parameter] == f"{use}lmdb:{there}"
    assert parameter not in before.parameters
    # The last entry is gone.
    later = plan(there=facts({parameter: f"{use}lmdb:{there}"}, managed_tables=[there]))
    assert (later.parameters[parameter], paths(later.tables), paths(later.tables, "absent")) == (None, ALWAYS, [there])


def test_the_rows_of_a_catch_all_are_tables_of_their_own():
    found = plan({"postfix_virtual_aliases": {"@example.org": "alice"}}).tables
    assert paths(found)[len(ALWAYS) :] == ["/etc/postfix/catch_all_names", "/etc/postfix/catch_all_accounts"]
    assert {table["type"] for table in found[len(ALWAYS) :]} == {"regexp"}


def test_who_is_asked_about_virtual_mailboxes_finds_the_address():
    assert table("/etc/postfix/virtual_mailboxes", virtual_mailboxes=MAILBOXES)["entries"] == {"carol@shop.example": "carol@shop.example"}


def test_tables_of_the_inventory_come_behind():
    own = {"path": "/etc/postfix/senders", "type": "pcre", "entries": [{"pattern": "/x/", "value": "OK"}]}
    assert plan({"postfix_tables": [own]}).tables[-1] == own
    assert paths(plan({"postfix_tables": [{"path": "/etc/postfix/x", "state": "absent"}]}).tables, "absent") == ["/etc/postfix/x"]


SNI = {"path": "/etc/postfix/sni", "entries": {"mail.example.org": "/key.pem, /cert.pem"}}


@pytest.mark.parametrize(
    "variables",
    [
        {"postfix_parameters": {"tls_server_sni_maps": "lmdb:/etc/postfix/sni"}},
        {"postfix_services": [{"name": "smtp", "type": "inet", "overrides": {"tls_server_sni_maps": "lmdb:/etc/postfix/sni"}}]},
    ],
)
def test_a_table_of_keys_has_the_contents_of_files(variables):
    assert table("/etc/postfix/sni", {**variables, "postfix_tables": [SNI]}) == {"file_contents": True, **SNI}
    assert table("/etc/postfix/sni", {"postfix_tables": [SNI]}) == SNI


# Where addresses lead ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "there", "offers", "word"),
    [
        ({"mail_aliases": {"a": "b", "b": "a"}}, None, {}, "The aliases a -> b -> a lead in a circle"),
        ({"postfix_aliases": {"all": "|/bin/x"}}, None, {}, "all in postfix_aliases (mail_aliases) hands mail to a command"),
        ({"postfix_aliases": {"all": "/var/x"}}, None, {}, "all in postfix_aliases (mail_aliases) hands mail to a file"),
        ({"postfix_aliases": {"all": "zoe"}}, facts(accounts={"zoe": False}), {}, "zoe"),
        ({"postfix_mydestination": ["bücher.example"]}, None, {}, "bücher.example in postfix_mydestination"),
        ({"postfix_virtual_alias_domains": ["bücher.example"]}, None, {}, "bücher.example in postfix_virtual_alias_domains"),
        ({}, None, {"relayed_domains": ["shop.example"], "virtual_mailboxes": MAILBOXES}, "shop.example has mailboxes"),
        ({}, facts(accounts={"zoe": False}), {"fetched_accounts": FETCHED}, "The account x at far.example is fetched for zoe"),
        ({"postfix_mailbox_transports": {"bob@example.org": "local:"}}, None, {}, "postfix_mailbox_transports"),
        ({"postfix_relocated": {"a b": "c"}}, None, {}, "postfix_relocated"),
        ({"postfix_canonical": {"a b": "c"}}, None, {}, "postfix_canonical"),
        ({"postfix_sender_canonical": {"a b": "c"}}, None, {}, "postfix_sender_canonical"),
        ({"postfix_recipient_canonical": {"a b": "c"}}, None, {}, "postfix_recipient_canonical"),
        ({"postfix_generic": {"a b": "c"}}, None, {}, "postfix_generic"),
        ({"postfix_client_access": {"192.0.2.0/24": "OK"}}, None, {}, "postfix_client_access"),
        ({"postfix_sender_access": {"x@far.example": "mine"}}, None, {}, "postfix_sender_access, x@far.example"),
        ({"postfix_recipient_access": {"x@far.example": "mine"}}, None, {}, "postfix_recipient_access, x@far.example"),
    ],
)
def test_what_is_wrong_with_addresses_is_told(variables, there, offers, word):
    assert [problem for problem in plan(variables, there, **offers).problems if word in problem]


@pytest.mark.parametrize("classes", ["mine", "theirs, mine", "theirs,mine", ["theirs", "mine"]])
def test_a_table_may_name_a_restriction_class(classes):
    variables = {"postfix_recipient_access": {"x@far.example": "mine"}, "postfix_parameters": {"smtpd_restriction_classes": classes}}
    assert plan(variables).problems == []


@pytest.mark.parametrize(
    ("by_hand", "live", "is_found"),
    [
        ({}, {}, False),
        ({}, {"parent_domain_matches_subdomains": ""}, True),
        ({}, {"parent_domain_matches_subdomains": "smtpd_access_maps"}, False),
        ({"parent_domain_matches_subdomains": ""}, {}, True),
        ({"parent_domain_matches_subdomains": None}, {"parent_domain_matches_subdomains": ""}, True),
        ({"parent_domain_matches_subdomains": ["debug_peer_list", "smtpd_access_maps"]}, {"parent_domain_matches_subdomains": ""}, False),
    ],
)
def test_a_domain_with_a_dot_is_found_where_it_does_not_stand_for_what_is_below(by_hand, live, is_found):
    variables = {"postfix_parameters": by_hand, "postfix_sender_access": {".far.example": "OK"}}
    assert (plan(variables, facts(live)).problems == []) == is_found


def test_the_accounts_that_have_mail_are_those_that_dovecot_keeps_some_for():
    def rows(**offers):
        return [table(f"/etc/postfix/{which}_accounts", **offers)["entries"] for which in ("mail", "other")]

    assert rows() == rows(mailbox_uids=(1000, 0), accounts_without_mail=[])
    assert rows(mailbox_uids=(500, 0)) != rows()
    assert ["vmail" in str(listed) for listed in rows()] == [False, False]
    assert ["vmail" in str(listed) for listed in rows(accounts_without_mail=["vmail"])] == [True, True]


def test_the_delimiter_begins_a_tag():
    aliases = {"list": "alice-x"}
    assert "alice-x" in plan({"postfix_aliases": aliases}).names_to_look_up
    assert "alice-x" not in plan({"postfix_aliases": aliases, "postfix_recipient_delimiter": "-"}).names_to_look_up
