# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix import config
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import (
    MissingTableType,
    SizesContradict,
    UnknownParameter,
    UnknownTransport,
)
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, PostfixMissing
from ansible_collections.postroom.mail.plugins.module_utils._postfix.restrictions import OpenRelay
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost

MAIN_CF = """\
# The host
myhostname = mail.example.org
mydestination = $myhostname,
    localhost
smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination
"""


@pytest.fixture
def main_cf(tmp_path):
    path = tmp_path / "main.cf"
    path.write_text(MAIN_CF)
    (tmp_path / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    return path


def configure(path, parameters, host=None, **options):
    return config.configure(Postfix(host or PostfixHost(), str(path.parent)), parameters, **options)


def identity(path):
    return os.stat(path).st_ino, os.stat(path).st_mtime_ns


def test_set_change_and_remove(main_cf):
    outcome = configure(main_cf, {"smtpd_helo_required": True, "myhostname": "mx.example.org", "smtpd_relay_restrictions": None})
    assert outcome.changed_parameters == ["smtpd_helo_required", "myhostname", "smtpd_relay_restrictions"]
    assert main_cf.read_text() == (
        "# The host\nmyhostname = mx.example.org\nmydestination = $myhostname,\n    localhost\nsmtpd_helo_required = yes\n"
    )


def test_what_is_as_wanted_is_not_touched_and_asked_once(main_cf):
    host = PostfixHost()
    before = identity(main_cf)
    parameters = {"mydestination": ["$myhostname", "localhost"], "myhostname": "mail.example.org", "relayhost": None}
    outcome = configure(main_cf, parameters, host)
    assert (outcome.change.changed, outcome.changed_parameters, outcome.restart_required) == (False, [], False)
    assert identity(main_cf) == before
    assert host.names() == ["postconf -d"]


def test_check_mode_tells_the_same_and_writes_nothing(main_cf):
    before = identity(main_cf)
    outcome = configure(main_cf, {"relayhost": "[mx.example.org]"}, check_mode=True)
    assert outcome.changed_parameters == ["relayhost"]
    assert outcome.change.after == MAIN_CF + "relayhost = [mx.example.org]\n"
    assert identity(main_cf) == before


@pytest.mark.parametrize(
    ("parameters", "restart"),
    [
        ({"inet_interfaces": "loopback-only"}, True),
        ({"inet_interfaces": "all"}, False),
        ({"inet_interfaces": "$everything", "everything": "all"}, False),
        ({"inet_protocols": ["ipv4"]}, True),
        ({"relayhost": "x.example.org"}, False),
    ],
)
def test_only_an_effective_change_of_the_listeners_needs_a_restart(main_cf, parameters, restart):
    outcome = configure(main_cf, parameters)
    assert outcome.change.changed
    assert outcome.restart_required is restart


def test_removing_the_listeners_counts_against_the_default(main_cf):
    main_cf.write_text("inet_interfaces = loopback-only\n")
    assert configure(main_cf, {"inet_interfaces": None}).restart_required


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"smtpd_tls_securty_level": "may"}, UnknownParameter, "did you mean smtpd_tls_security_level"),
        ({"foo_destination_recipient_limit": 1}, UnknownParameter, "has a service 'foo', and it has none"),
        ({"alias_maps": "lmdb:/etc/aliases"}, MissingTableType, "postfix-lmdb"),
        ({"smtpd_relay_restrictions": "permit_mynetworks"}, OpenRelay, "reject_unauth_destination"),
        ({"mailbox_size_limit": 1000}, SizesContradict, "smaller than"),
        ({"message_size_limit": "ten"}, BadInput, "whole number"),
        ({"myhostname": ["a", "b"]}, BadInput, "one word"),
        ({"smtpd_sasl_type": "cyrsu"}, BadInput, "built with cyrus, dovecot"),
        ({"bad name": "x"}, BadInput, "cannot be the name"),
        ({"smtpd_tls_security_level": "bogus", "relayhost": "x"}, BadInput, "none, may, encrypt"),
    ],
)
def test_bad_input_leaves_the_file(main_cf, parameters, error, message, check_mode):
    before = identity(main_cf)
    with pytest.raises(error, match=message):
        configure(main_cf, parameters, check_mode=check_mode)
    assert identity(main_cf) == before
    assert sorted(os.listdir(main_cf.parent)) == ["main.cf", "master.cf"]


def test_bad_input_is_told_when_the_file_already_says_it(main_cf):
    main_cf.write_text("smtpd_tls_securty_level = may\n")
    with pytest.raises(UnknownParameter):
        configure(main_cf, {"smtpd_tls_securty_level": "may"})


def test_unknown_names_can_be_warned_of_or_ignored(main_cf):
    assert "no parameter 'my_own'" in configure(main_cf, {"my_own": "1"}, unknown="warn").warnings[0]
    assert configure(main_cf, {"my_own": "2"}, unknown="ignore").warnings == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"my_nets": ["10.0.0.0/8"], "mynetworks": ["$my_nets"]},
        {"smtpd_restriction_classes": "grey", "grey": ["permit_mynetworks"]},
        {"mua_client_restrictions": ["permit_mynetworks", "reject"]},
    ],
)
def test_names_of_the_administrators_own_are_known(main_cf, parameters):
    assert configure(main_cf, parameters).warnings == []


@pytest.mark.parametrize(
    ("old", "new"), [("virtual_maps", "virtual_alias_maps"), ("postscreen_blacklist_action", "postscreen_denylist_action")]
)
def test_an_old_name_is_refused_with_the_new_one(main_cf, old, new):
    """Postfix itself takes it, and looks at it only as long as the new one is not set."""
    with pytest.raises(UnknownParameter, match=rf"'{old}' is the old name of {new}, .*; set {new} instead"):
        configure(main_cf, {old: "enforce"})
    assert main_cf.read_text() == MAIN_CF
    assert new in configure(main_cf, {old: "enforce"}, unknown="warn").warnings[0]
    with pytest.raises(UnknownParameter, match=new):
        configure(main_cf, {old: "enforce"})
    assert configure(main_cf, {old: None}).changed_parameters == [old]


@pytest.mark.parametrize(
    "parameters",
    [
        {"mailbox_transport": "cyrus"},
        {"default_transport": "cyrus:[mx.example.org]"},
        {"content_filter": "cyrus:[127.0.0.1]:10024"},
        {"mailbox_transport": "$store", "store": "cyrus"},
    ],
)
def test_a_transport_needs_its_service(main_cf, parameters):
    message = r"names the transport 'cyrus', and .*master.cf has no service 'cyrus' of type unix.*; did you mean cyrus2\?"
    master_cf = main_cf.parent / "master.cf"
    master_cf.write_text("cyrus2 unix - n n - - pipe\ncyrus inet n - y - - smtpd\nsmtp unix - - y - - smtp\n")
    with pytest.raises(UnknownTransport, match=message):
        configure(main_cf, parameters)
    assert main_cf.read_text() == MAIN_CF
    # A task before this one may be about to add it.
    assert "names the transport 'cyrus'" in configure(main_cf, parameters, check_mode=True).warnings[0]
    assert configure(main_cf, parameters, coming_services=["cyrus"], check_mode=True).warnings == []
    master_cf.write_text(master_cf.read_text() + "cyrus unix - n n - - pipe\n")
    assert configure(main_cf, parameters).warnings == []


@pytest.mark.parametrize(
    "parameters", [{"default_transport": "smtp:[mx.example.org]"}, {"mailbox_transport": ""}, {"mailbox_transport": "${x?y}"}]
)
def test_other_transports_are_fine(main_cf, parameters):
    (main_cf.parent / "master.cf").write_text("smtp unix - - y - - smtp\n")
    assert configure(main_cf, parameters, unknown="ignore").warnings == []


def test_removing_a_name_that_is_nowhere_is_no_change(main_cf):
    outcome = configure(main_cf, {"grey": None, "relayhos": None})
    assert not outcome.change.changed
    assert outcome.warnings == ["There is no parameter 'relayhos' to remove; did you mean relayhost?"]


def test_a_table_that_is_not_there_yet_is_warned_of(main_cf, tmp_path):
    outcome = configure(main_cf, {"virtual_alias_maps": f"hash:{tmp_path}/virtual"})
    assert outcome.warnings == [
        f"virtual_alias_maps uses hash:{tmp_path}/virtual, and there is no {tmp_path}/virtual.db yet; mail is deferred until there is."
    ]
    (tmp_path / "virtual.db").touch()
    assert configure(main_cf, {"virtual_alias_maps": f"hash:{tmp_path}/virtual, texthash:{tmp_path}/master.cf"}).warnings == []


def test_a_broken_line_is_warned_of(main_cf):
    main_cf.write_text("garbage\n")
    assert "Line 1 of" in configure(main_cf, {"relayhost": "x"}).warnings[0]


def test_a_missing_file_starts_with_the_level_of_the_release(main_cf):
    main_cf.unlink()
    outcome = configure(main_cf, {"relayhost": "x.example.org"})
    assert main_cf.read_text() == "compatibility_level = 3.10\nrelayhost = x.example.org\n"
    assert "There was no" in outcome.warnings[0]


def test_without_postfix_check_mode_tells_what_would_be(tmp_path):
    path = tmp_path / "postfix" / "main.cf"
    outcome = configure(path, {"relayhost": "x.example.org", "grey": None}, PostfixHost(installed=False), check_mode=True)
    assert (outcome.change.before, outcome.change.after) == (None, "relayhost = x.example.org\n")
    assert not path.parent.exists()


def test_without_postfix_nothing_is_written(tmp_path):
    with pytest.raises(PostfixMissing, match="install it"):
        configure(tmp_path / "main.cf", {"relayhost": "x"}, PostfixHost(installed=False))
    assert os.listdir(tmp_path) == []


def test_without_postfix_what_can_be_judged_is(tmp_path):
    with pytest.raises(BadInput, match="none, may, encrypt"):
        configure(tmp_path / "main.cf", {"smtpd_tls_security_level": "bogus"}, PostfixHost(installed=False), check_mode=True)


def test_one_step_of_a_repair_is_taken(main_cf, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    main_cf.write_text("myhostname = @HOST@\nmydomain = @DOMAIN@\n")
    host = PostfixHost(refuse=lambda text, _master_cf: next((f"bad {word}" for word in ("@HOST@", "@DOMAIN@") if word in text), ""))
    outcome = configure(main_cf, {"myhostname": "mail.example.org"}, host=host)
    assert main_cf.read_text() == "myhostname = mail.example.org\nmydomain = @DOMAIN@\n"
    assert outcome.warnings[-1] == "Postfix refused the configuration before this change, and still does: bad @DOMAIN@; repair it."


def test_what_master_reads_only_when_it_starts_needs_a_restart(main_cf):
    assert configure(main_cf, {"hash_queue_names": "deferred, defer"}, unknown="ignore").restart_required


def test_a_restriction_class_that_no_longer_refuses_is_an_open_relay(main_cf):
    main_cf.write_text("smtpd_restriction_classes = ours\nours = reject_unauth_destination\nsmtpd_relay_restrictions = ours\n")
    with pytest.raises(OpenRelay):
        configure(main_cf, {"ours": "permit_mynetworks"})
