# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files as core_files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import daemon as dovecot
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import setting as work

OPTIONS = "Build options: x\nPassdb: pam passwd passwd-file sql\nUserdb: passwd passwd-file\n"


class Doveconf:
    """A Dovecot that knows only settings of one letter, and reads the tree that it is given as the real one does."""

    def __init__(self, version="2.4.1-4 (x)"):
        self.version = version
        self.calls: list[list[str]] = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        if self.version is None:
            return 127, "", f"{args[0]}: No such file or directory"
        if args == ["dovecot", "--version"]:
            return 0, f"{self.version}\n", ""
        if args == ["dovecot", "--build-options"]:
            return 0, OPTIONS, ""
        if args == ["doveconf", "-a"]:
            return 0, "auth_verbose = SECRET\nlogin_greeting = SECRET\n", ""
        if args[:2] == ["doveconf", "-h"]:
            return 0, "/nonexistent\n", ""
        assert args[:2] == ["doveconf", "-c"]
        assert args[3:] == ["-n", "-x"]
        remarks = ""
        for path, text in dovecot.trees.read(args[2], {}).files.items():
            for number, line in enumerate(text.splitlines(), 1):
                if line == "o = old":
                    remarks += f"doveconf: Warning: Obsolete setting in {path}:{number}\n"
                wrong = re.match(r"\s*(\w{2,}) =", line)
                if wrong and wrong.group(1) not in ("listen", "driver", "auth_mechanisms", "ldap_password"):
                    return (
                        89,
                        "SECRET\n",
                        f"doveconf: Fatal: Error in configuration file {path} line {number}: Unknown setting: {wrong.group(1)}\n",
                    )
        return 0, "ssl_key = SECRET\n", remarks

    @property
    def judged(self):
        return sum(args[:2] == ["doveconf", "-c"] for args in self.calls)


@pytest.fixture
def etc(tmp_path):
    directory = tmp_path / "dovecot"
    (directory / "conf.d").mkdir(parents=True)
    (directory / "dovecot.conf").write_text("a = main\n!include conf.d/*.conf\n!include_try local.conf\n")
    (directory / "conf.d/10-x.conf").write_text("# X\n#b = 1\nc = 2 # two\n")
    return directory


def apply(etc, run=None, **options):
    return work.apply(run or Doveconf(), work.Request(config_path=str(etc / "dovecot.conf"), **{"settings": {}, **options}))


def inodes(etc):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in etc.rglob("*")}


@pytest.fixture
def opened(etc, monkeypatch):
    """Give the names of the files below `etc` that were opened for reading, in their order."""
    names = []

    def counted(path, *arguments, **options):
        if str(path).startswith(f"{etc}/"):
            names.append(os.path.relpath(path, etc))
        return open(path, *arguments, **options)

    monkeypatch.setattr(core_files, "open", counted, raising=False)
    return names


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("path", [None, "conf.d/10-x.conf", "local.conf"])
def test_each_file_of_the_tree_is_opened_once(etc, opened, path, check_mode):
    (etc / "local.conf").write_text("o = old\n!include_try more.conf\n!include conf.d/10-x.conf\n")
    # One that only the new text leads to.
    (etc / "more.conf").write_text("a = more\n")
    written = path or "conf.d/99-postroom.conf"
    before = sorted({*(str(file.relative_to(etc)) for file in etc.rglob("*.conf")), written})

    class Installed(Doveconf):
        def __call__(self, args, data=None):
            count = len(opened)
            answer = super().__call__(args, data)
            del opened[count:]
            return answer

    outcome = apply(etc, Installed(), path=path and str(etc / path), settings={"a": "x"}, check_mode=check_mode)
    assert outcome.result["checked"] is True
    # The file that is written is read by `files.update`, too, and once more when it is locked.
    assert sorted(opened) == sorted([*before, *[written] * (1 if check_mode else 2)])


def test_a_file_is_edited_in_place(etc):
    path = etc / "conf.d/10-x.conf"
    outcome = apply(etc, path=str(path), settings={"b": True, "c": 3})
    assert path.read_text() == "# X\n#b = 1\nb = yes\nc = 3 # two\n"
    assert outcome.result == {
        "changed": True,
        "path": str(path),
        "changed_settings": ["b", "c"],
        "reload_required": True,
        "restart_required": False,
        "checked": True,
    }
    assert outcome.diff["before"] == "# X\n#b = 1\nc = 2 # two\n"
    assert outcome.diff["after"] == path.read_text()
    assert outcome.warnings == []


def test_the_second_time_nothing_is_asked_and_nothing_is_touched(etc):
    settings = {"b": True, "service x": {"d": [1, 2]}, "gone": None}
    apply(etc, settings=settings)
    before, run = inodes(etc), Doveconf()
    outcome = apply(etc, run, settings=settings)
    assert outcome.result["changed"] is False
    assert outcome.result["checked"] is False
    assert run.calls == []
    assert inodes(etc) == before


@pytest.mark.parametrize(
    "options", [{"settings": {"b": 1}}, {"path": "new.d/x.conf", "settings": {"b": 1}}, {"path": "conf.d/10-x.conf", "exclusive": True}]
)
def test_check_mode_tells_the_same_and_writes_nothing(etc, options):
    if "path" in options:
        options["path"] = str(etc / options["path"])
    before = inodes(etc)
    predicted = apply(etc, check_mode=True, **options)
    assert inodes(etc) == before
    real = apply(etc, **options)
    assert (predicted.result, predicted.diff) == (real.result, real.diff)
    assert real.result["changed"] is True


def test_an_exclusive_file_holds_nothing_else(etc):
    path = etc / "dovecot.conf"
    apply(etc, path=str(path), exclusive=True, settings={"b": 1, "s x": {"d": 2}, "e": None}, includes=["local.conf", "local.d/*.conf"])
    assert path.read_text() == (
        "# Managed by postroom.mail: what is changed in this file by hand is overwritten.\n\nb = 1\n\ns x {\n  d = 2\n}\n\n"
        "# The administrator's own settings; what they say wins.\n!include_try local.conf\n!include_try local.d/*.conf\n"
    )


def test_includes_are_for_exclusive_files(etc):
    with pytest.raises(BadInput, match="exclusive"):
        apply(etc, includes=["x"])


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("!include conf.d/*.conf\n!include_try local.conf\n", "conf.d/99-postroom.conf"),
        ("# Managed by postroom.mail\n!include_try local.conf\n!include_try local.d/*.conf\n", "local.d/99-postroom.conf"),
        (None, "conf.d/99-postroom.conf"),
    ],
)
def test_the_default_file_is_one_that_dovecot_reads(etc, main, expected):
    (etc / "dovecot.conf").unlink()
    if main is not None:
        (etc / "dovecot.conf").write_text(main)
    outcome = apply(etc, settings={"b": 1})
    assert outcome.result["path"] == str(etc / expected)
    assert (etc / expected).read_text() == "# Settings brought in by postroom.mail.\n\nb = 1\n"


def test_without_a_directory_for_it_there_is_no_default_file(etc):
    (etc / "dovecot.conf").write_text("a = 1\n")
    with pytest.raises(HostError, match="say with the option 'path'"):
        apply(etc, settings={"b": 1})


def test_nothing_is_made_to_remove_something_from(etc):
    outcome = apply(etc, settings={"b": None, "s x": None})
    assert outcome.result["changed"] is False
    assert not (etc / "conf.d/99-postroom.conf").exists()


def test_a_misspelt_name_is_refused_with_the_live_files_name_and_the_nearest_names(etc):
    before = inodes(etc)
    with pytest.raises(RejectedByDaemon) as caught:
        apply(etc, settings={"auth_verbos": True})
    message = str(caught.value)
    assert f"{etc}/conf.d/99-postroom.conf line 3: Unknown setting: auth_verbos" in message
    assert "Did you mean auth_verbose?" in message
    assert "SECRET" not in message
    assert inodes(etc) == before


def test_no_directory_is_made_for_a_file_that_is_refused(etc):
    (etc / "dovecot.conf").write_text("!include_try local.d/*.conf\n")
    with pytest.raises(RejectedByDaemon):
        apply(etc, settings={"nonsense": 1})
    assert not (etc / "local.d").exists()


def test_what_doveconf_overlooks_is_refused(etc):
    with pytest.raises(RejectedByDaemon, match="no passdb driver 'shadow'.*use pam.*Nothing was written"):
        apply(etc, settings={"passdb shadow": {}})


def test_a_configuration_that_was_broken_before_can_be_repaired_step_by_step(etc):
    (etc / "conf.d/20-y.conf").write_text("broken = 1\n")
    outcome = apply(etc, settings={"b": 1})
    assert outcome.result["changed"] is True
    (warning,) = outcome.warnings
    assert "was broken before" in warning
    assert "20-y.conf line 1: Unknown setting: broken" in warning


@pytest.mark.parametrize("name", ["10-x.conf", "99-z.conf"], ids=["before", "behind"])
def test_breaking_it_in_another_way_is_refused_wherever_the_old_error_stands(etc, name):
    (etc / "conf.d/20-y.conf").write_text("block {\n  broken = 1\n}\nalso_broken = 1\n")
    with pytest.raises(RejectedByDaemon, match=f"{name} line .: Unknown setting: nonsense"):
        apply(etc, path=str(etc / "conf.d" / name), settings={"nonsense": 1})


def test_one_step_of_a_repair_is_taken_though_another_error_comes_to_light(etc):
    file = etc / "conf.d/20-y.conf"
    file.write_text("broken = 1\nalso_broken = 1\n")
    outcome = apply(etc, path=str(file), settings={"broken": None})
    assert file.read_text() == "also_broken = 1\n"
    assert "20-y.conf line 1: Unknown setting: also_broken" in outcome.warnings[0]


def test_a_later_file_that_wins_is_named(etc):
    (etc / "local.conf").write_text("b = theirs\n")
    outcome = apply(etc, settings={"b": "ours", "d": 1})
    (warning,) = outcome.warnings
    assert warning.startswith(f"b of {etc}/conf.d/99-postroom.conf has no effect: {etc}/local.conf")


def test_dovecots_own_warnings_are_passed_on(etc):
    outcome = apply(etc, settings={"o": "old"})
    assert outcome.warnings == [f"Dovecot warns: Obsolete setting in {etc}/conf.d/99-postroom.conf:3."]


def test_but_only_those_that_are_new(etc):
    (etc / "conf.d/10-x.conf").write_text("o = old\n")
    assert apply(etc, settings={"b": 1}).warnings == []


def test_a_disk_that_is_full_is_told(etc, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dovecot.trees, "stage", full)
    before = inodes(etc)
    with pytest.raises(HostError, match="No space left on device; nothing was written"):
        apply(etc, settings={"b": 1})
    assert inodes(etc) == before


@pytest.mark.parametrize("options", [{"path": "x.conf"}, {"config_path": "dovecot.conf"}, {"exclusive": True, "includes": ["a\nb = 1"]}])
def test_paths_that_cannot_be_meant(options):
    with pytest.raises(BadInput, match="absolute path|no name or pattern"):
        work.apply(Doveconf(), work.Request(settings={}, **options))


def test_a_file_that_nobody_reads_is_told(etc):
    outcome = apply(etc, path=str(etc / "other.conf"), settings={"b": 1})
    assert outcome.warnings == [f"Dovecot does not read {etc}/other.conf: neither {etc}/dovecot.conf nor a file that it includes names it."]


@pytest.mark.parametrize("exists", [True, False])
def test_without_dovecot_check_mode_tells_what_would_be_written(etc, tmp_path, exists):
    place = etc if exists else tmp_path / "bare"
    outcome = apply(place, Doveconf(None), check_mode=True, path=str(place / "dovecot.conf"), exclusive=True, settings={"b": 1})
    assert outcome.result["changed"] is True
    assert outcome.result["checked"] is False
    assert "b = 1\n" in outcome.diff["after"]


def test_without_dovecot_nothing_is_written_unjudged(etc):
    with pytest.raises(dovecot.NoDovecot, match="install it first"):
        apply(etc, Doveconf(None), settings={"b": 1})


def test_each_change_is_judged_once(etc):
    run = Doveconf()
    apply(etc, run, settings={"b": 1})
    assert run.judged == 1


def test_secrets_are_neither_shown_nor_readable(etc):
    path = etc / "conf.d/99-postroom.conf"
    apply(etc, secret_settings={"s x": {"p": "geheim1"}}, settings={"s x": {"b": 1}})
    assert "p = geheim1" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    outcome = apply(etc, secret_settings={"s x": {"p": "geheim2"}})
    assert outcome.result["changed_settings"] == ["s x/p"]
    assert "geheim" not in str(outcome)
    assert "p = [hidden]\n" in outcome.diff["before"]
    assert "p = [hidden] (another one)\n" in outcome.diff["after"]


def test_secrets_that_were_there_before_are_not_shown_either(etc):
    (etc / "conf.d/10-x.conf").write_text("#ldap_password = geheim1\nldap_password = geheim2\n")
    outcome = apply(etc, path=str(etc / "conf.d/10-x.conf"), settings={"b": 1})
    assert "geheim" not in str(outcome)
    assert outcome.diff["after"] == "#ldap_password = [hidden]\nldap_password = [hidden]\nb = 1\n"


def test_a_secret_in_the_open_is_warned_about(etc):
    outcome = apply(etc, settings={"ldap_password": "geheim"})
    assert "ldap_password looks like a secret" in outcome.warnings[0]
    assert "geheim" not in str(outcome)


def test_a_variable_is_no_secret(etc):
    assert apply(etc, settings={"ldap_password": "%{ldap:userPassword}"}).warnings == []


@pytest.mark.parametrize(("mode", "expected"), [(None, 0o644), ("0640", 0o640), ("0600", 0o600)])
def test_permissions(etc, mode, expected):
    outcome = apply(etc, settings={"b": 1}, mode=mode)
    assert os.stat(outcome.result["path"]).st_mode & 0o777 == expected


def test_permissions_alone_need_no_reload(etc):
    apply(etc, settings={"b": 1})
    outcome = apply(etc, settings={"b": 1}, mode="0600")
    assert (outcome.result["changed"], outcome.result["reload_required"]) == (True, False)


@pytest.mark.parametrize(
    ("before", "settings", "expected"),
    [
        ("", {"listen": ["*", "::"]}, False),
        ("", {"listen": "127.0.0.1"}, True),
        ("listen = *, ::\n", {"listen": "* ::"}, False),
        ("listen = *\n", {"listen": None}, True),
        ("", {"service x": {"inet_listener y": {"address": "127.0.0.1"}}}, True),
        ("", {"service x": {"inet_listener y": {"port": 0}}}, False),
        ("", {"service anvil": {"unix_listener anvil-auth-penalty": {"mode": "0"}}}, True),
        ("service anvil {\n unix_listener x {\n  mode = 0\n }\n}\n", {"service anvil": None}, True),
        ("service anvil {\n unix_listener x {\n  mode = 0\n }\n}\n", {"c": 1}, False),
        ("service auth {\n unix_listener x {\n  mode = 0\n }\n}\n", {"service auth": None}, False),
        ("base_dir = /a\n", {"base_dir": "/b"}, True),
        ("base_dir = /a\n", {"c": 1}, False),
        ("dovecot_config_version = 2.4.0\nprotocols = imap lmtp\n", {"protocols": ["imap", "lmtp", "sieve"]}, True),
        ("dovecot_config_version = 2.4.0\nprotocols = imap pop3\n", {"protocols": ["pop3", "lmtp"]}, False),
        ("", {"protocols": {"sieve": True}}, True),
        ("", {"protocols": {"sieve": False, "lmtp": True}}, False),
        ("protocols = imap\n", {"protocols": ["imap", "pop3"]}, False),
    ],
)
def test_what_needs_a_restart(etc, before, settings, expected):
    (etc / "conf.d/10-x.conf").write_text(before)
    outcome = apply(etc, Doveconf(None), check_mode=True, path=str(etc / "conf.d/10-x.conf"), settings=settings)
    assert outcome.result["restart_required"] is expected


def test_a_backup_is_kept(etc):
    outcome = apply(etc, path=str(etc / "conf.d/10-x.conf"), settings={"b": 1}, backup=True)
    with open(outcome.result["backup_file"]) as f:
        assert f.read() == "# X\n#b = 1\nc = 2 # two\n"


@pytest.mark.parametrize(
    ("address", "words"),
    [("127.0.0.1", None), ("192.0.2.77", "no network interface has this address"), ("nosuch.invalid", "does not resolve")],
)
def test_addresses_are_tried(address, words):
    error = dovecot.address_error(address)
    assert error is None if words is None else words in error
