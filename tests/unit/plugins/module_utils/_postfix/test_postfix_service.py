# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix import service as postfix_service
from ansible_collections.postroom.mail.plugins.module_utils._postfix.checks import MissingTableType, UnknownParameter, UnknownTransport
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, PostfixMissing
from ansible_collections.postroom.mail.plugins.module_utils._postfix.restrictions import OpenRelay
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postfix_host import PostfixHost

MASTER_CF = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
  -o content_filter=
  -o { smtpd_banner = a b }
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
pickup    unix  n       -       y       60      1       pickup
"""


@pytest.fixture
def master_cf(tmp_path):
    daemons = tmp_path / "sbin"
    daemons.mkdir()
    for name in ("smtpd", "pipe", "pickup"):
        (daemons / name).touch()
    directory = tmp_path / "postfix"
    directory.mkdir()
    (directory / "main.cf").write_text(f"daemon_directory = {daemons}\ninet_interfaces = $nobody\n")
    path = directory / "master.cf"
    path.write_text(MASTER_CF)
    return path


def configure(path, *services, host=None, **options):
    wanted = [postfix_service.wanted_from(service) for service in services]
    return postfix_service.configure(Postfix(host or PostfixHost(), str(path.parent)), wanted, **options)


def smtp(**options):
    return {"name": "smtp", "type": "inet", **options}


def new(**options):
    return {"name": "new", "type": "unix", "command": "smtpd", **options}


def test_a_new_service(master_cf):
    overrides = {"syslog_name": "postfix/submission", "smtpd_relay_restrictions": ["permit_mynetworks", "reject"]}
    outcome = configure(master_cf, {"name": "submission", "type": "inet", "chroot": True, "command": "smtpd", "overrides": overrides})
    entry = (
        "submission inet  n       -       y       -       -       smtpd\n"
        "  -o syslog_name=postfix/submission\n"
        "  -o smtpd_relay_restrictions=permit_mynetworks,reject\n"
    )
    assert master_cf.read_text() == MASTER_CF.replace("pickup    unix", entry + "pickup    unix")
    assert outcome.changed_services == ["submission/inet"]


def test_what_is_not_given_stays(master_cf):
    configure(master_cf, smtp(process_limit="20", overrides={"smtpd_helo_required": True}))
    before = "smtp      inet  n       -       y       -       -       smtpd\n  -o content_filter=\n  -o { smtpd_banner = a b }\n"
    after = before.replace("-       smtpd", "20      smtpd") + "  -o smtpd_helo_required=yes\n"
    assert master_cf.read_text() == MASTER_CF.replace(before, after)


@pytest.mark.parametrize(
    ("service", "overrides"),
    [
        (smtp(overrides={"content_filter": None}), ["{ smtpd_banner = a b }"]),
        (smtp(overrides={"nowhere": None}), ["content_filter=", "{ smtpd_banner = a b }"]),
        (smtp(overrides={"content_filter": "pickup:"}), ["content_filter=pickup:", "{ smtpd_banner = a b }"]),
        (smtp(overrides={"syslog_name": "x"}, exclusive_overrides=True), ["syslog_name=x"]),
        (smtp(overrides={}, exclusive_overrides=True), []),
    ],
)
def test_overrides(master_cf, service, overrides):
    configure(master_cf, service)
    assert [line[5:] for line in master_cf.read_text().splitlines() if line.startswith("  -o")] == overrides


@pytest.mark.parametrize(
    "service",
    [
        smtp(),
        smtp(chroot=True, private=False, unprivileged="-", wakeup="-", process_limit="-", command="smtpd", args=[]),
        smtp(overrides={"content_filter": "", "smtpd_banner": "a b"}),
        {"name": "pickup", "type": "unix", "wakeup": "60", "process_limit": 1},
        {"name": "submission", "type": "inet", "state": "absent"},
        {"name": "submission", "type": "inet", "state": "disabled"},
        {"name": "nowhere", "type": "unix", "state": "absent"},
    ],
)
def test_what_is_as_wanted_is_not_touched_and_asked_once(master_cf, service):
    host = PostfixHost()
    before = os.stat(master_cf)
    outcome = configure(master_cf, service, host=host)
    after = os.stat(master_cf)
    assert (outcome.change.changed, outcome.changed_services) == (False, [])
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert host.names() == ["postconf -d"]


def test_arguments_of_a_pipe(master_cf):
    configure(master_cf, new(command="pipe", unprivileged=False, args=["-v", "flags=R", "user=vmail", "argv=/bin/x -d ${recipient}"]))
    assert master_cf.read_text() == MASTER_CF + (
        "new       unix  -       n       -       -       -       pipe -v\n  flags=R user=vmail argv=/bin/x -d ${recipient}\n"
    )


def test_disabled_and_absent(master_cf):
    outcome = configure(master_cf, smtp(state="disabled"), {"name": "pickup", "type": "unix", "state": "absent"})
    assert outcome.changed_services == ["smtp/inet", "pickup/unix"]
    assert [line for line in master_cf.read_text().splitlines() if not line.startswith("#")] == []
    assert "#  -o { smtpd_banner = a b }\n" in master_cf.read_text()


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("service", "error", "message"),
    [
        ({"name": "a b", "type": "unix"}, BadInput, "one word"),
        ({"name": "a/b", "type": "unix"}, BadInput, "without a directory"),
        ({"name": "a", "type": "socket"}, BadInput, "a service is of type inet, unix"),
        ({"name": "a", "type": "unix"}, BadInput, "its command must be given"),
        (new(command="smtpdd"), BadInput, "no such program .*did you mean smtpd"),
        (new(command="smtpd -v"), BadInput, "without arguments"),
        (new(chroot="maybe"), BadInput, "chroot is true, false"),
        (new(wakeup="soon"), BadInput, "wakeup is"),
        (new(process_limit="-1"), BadInput, "process_limit is"),
        (new(args=["-o", "a=b"]), BadInput, "as overrides"),
        (new(args=["a\nb"]), BadInput, "line break"),
        (smtp(private=True), BadInput, "cannot be private"),
        (smtp(private="-"), BadInput, "cannot be private"),
        ({"name": "submision", "type": "inet", "command": "smtpd"}, BadInput, "did you mean submission"),
        ({"name": "70000", "type": "inet", "command": "smtpd"}, BadInput, "from 1 to 65535"),
        ({"name": "25", "type": "inet", "command": "smtpd"}, BadInput, "the same to Postfix"),
        (smtp(overrides={"smtpd_helo_requird": True}), UnknownParameter, "did you mean smtpd_helo_required"),
        (smtp(overrides={"smtpd_tls_security_level": "bogus"}), BadInput, "none, may, encrypt"),
        (smtp(overrides={"smtpd_client_restrictions": ["permit_mynetwork"]}), BadInput, "did you mean permit_mynetworks"),
        (smtp(overrides={"virtual_alias_maps": "lmdb:/x"}), MissingTableType, "postfix-lmdb"),
        (smtp(overrides={"smtpd_relay_restrictions": ""}), OpenRelay, "reject_unauth_destination"),
        (smtp(overrides={"smtpd_banner": "a {"}), BadInput, "brace"),
        (smtp(overrides={"smtpd_banner": "a\nb"}), BadInput, "line break"),
        (smtp(overrides={"bad name": "x"}), BadInput, "cannot be the name"),
    ],
)
def test_bad_input_leaves_the_file(master_cf, service, error, message, check_mode):
    before = os.stat(master_cf).st_ino
    with pytest.raises(error, match=message):
        configure(master_cf, service, check_mode=check_mode)
    assert os.stat(master_cf).st_ino == before
    assert master_cf.read_text() == MASTER_CF


def test_one_service_twice_is_an_error(master_cf):
    with pytest.raises(BadInput, match="listed twice"):
        configure(master_cf, smtp(), smtp(state="absent"))


def test_a_reference_to_nothing_is_warned_of(master_cf):
    outcome = configure(master_cf, smtp(overrides={"smtpd_client_restrictions": "$mua_client_restrictions"}))
    assert "refers to $mua_client_restrictions, which nothing sets" in outcome.warnings[0]


def test_unknown_overrides_can_be_warned_of_or_ignored(master_cf):
    assert "no parameter 'my_own'" in configure(master_cf, smtp(overrides={"my_own": "1"}), unknown="warn").warnings[0]
    assert configure(master_cf, smtp(overrides={"my_own": "2"}), unknown="ignore").warnings == []


def test_own_parameters_can_be_overridden(master_cf):
    assert configure(master_cf, smtp(overrides={"my_own": "1", "syslog_name": "$my_own"})).warnings == []


def test_a_missing_file_starts_as_the_distributions(master_cf):
    (master_cf.parent / "master.cf.proto").write_text(MASTER_CF)
    master_cf.unlink()
    outcome = configure(master_cf, {"name": "pickup", "type": "unix", "state": "absent"})
    assert master_cf.read_text() == MASTER_CF[: MASTER_CF.index("pickup")]
    assert "starts as a copy" in outcome.warnings[0]


def test_a_missing_file_without_the_distributions_is_an_error(master_cf):
    master_cf.unlink()
    with pytest.raises(postfix_service.NoMasterCf, match="neither"):
        configure(master_cf, new())


def test_without_postfix(tmp_path):
    path = tmp_path / "postfix" / "master.cf"
    host = PostfixHost(installed=False)
    outcome = configure(path, new(), host=host, check_mode=True)
    assert outcome.change.after == "new       unix  -       -       -       -       -       smtpd\n"
    with pytest.raises(PostfixMissing, match="not installed"):
        configure(path, new(), host=host)


def test_an_old_name_is_refused_with_the_new_one(master_cf):
    with pytest.raises(UnknownParameter, match="old name of virtual_alias_maps"):
        configure(master_cf, smtp(overrides={"virtual_maps": "hash:/etc/postfix/virtual"}))


def test_a_transport_in_an_override_needs_its_service(master_cf):
    filtered = smtp(overrides={"content_filter": "new:[127.0.0.1]:10024"})
    with pytest.raises(UnknownTransport, match="content_filter names the transport 'new'"):
        configure(master_cf, filtered)
    assert master_cf.read_text() == MASTER_CF
    assert configure(master_cf, filtered, new()).changed_services == ["smtp/inet", "new/unix"]


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_a_service_that_goes_while_a_parameter_names_it_is_warned_of(master_cf, state):
    main_cf = master_cf.parent / "main.cf"
    main_cf.write_text(main_cf.read_text() + "mailbox_transport = new\n")
    configure(master_cf, new())
    going = {"name": "new", "type": "unix", "state": state}
    # In check mode the task before may be the one that gives the parameter another value.
    assert configure(master_cf, going, check_mode=True).warnings == []
    warnings = configure(master_cf, going).warnings
    assert [warning for warning in warnings if "still names the transport 'new' in mailbox_transport" in warning]
    assert configure(master_cf, {"name": "pickup", "type": "unix", "state": state}).warnings == []


def test_an_error_of_main_cf_that_was_there_before_is_told_and_stops_no_service(master_cf, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    host = PostfixHost(refuse=lambda main_cf, master_cf: "chdir(/nonexistent): No such file or directory")
    outcome = configure(master_cf, smtp(process_limit="77"), host=host)
    assert outcome.changed_services == ["smtp/inet"]
    assert outcome.warnings[-1].startswith("Postfix refused the configuration before this change, and still does: chdir(/nonexistent)")
