# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import tree as trees


@pytest.fixture
def etc(tmp_path):
    """A configuration like the distribution's: dovecot.conf, conf.d and, last, local.conf."""
    directory = tmp_path / "etc"
    (directory / "conf.d").mkdir(parents=True)
    (directory / "private").mkdir()
    (directory / "private/key.pem").write_text("SECRET\n")
    (directory / "dovecot.conf").write_text("a = main\n!include conf.d/*.conf\n!include_try local.conf\n!include_try local.d/*.conf\n")
    (directory / "conf.d/10-auth.conf").write_text("b = ten\nservice auth {\n  l = ten\n}\n!include auth-pam.conf.ext\n")
    (directory / "conf.d/20-mail.conf").write_text("a = twenty\n")
    (directory / "conf.d/auth-pam.conf.ext").write_text("passdb {\n  driver = pam\n}\n")
    return directory


def main(etc):
    return str(etc / "dovecot.conf")


def said(tree):
    return [("/".join(a.path), a.meaning[0], os.path.basename(a.file)) for a in tree.assignments]


def test_files_are_read_in_dovecots_order(etc):
    (etc / "local.conf").write_text("b = local\n")
    assert said(trees.read(main(etc), {})) == [
        ("a", "main", "dovecot.conf"),
        ("b", "ten", "10-auth.conf"),
        ("service auth/l", "ten", "10-auth.conf"),
        ("passdb[0]/driver", "pam", "auth-pam.conf.ext"),
        ("a", "twenty", "20-mail.conf"),
        ("b", "local", "local.conf"),
    ]


def test_a_file_yet_to_be_written_takes_its_place(etc):
    tree = trees.read(main(etc), {str(etc / "conf.d/15-new.conf"): "a = fifteen\n"})
    assert [value for name, value, _source in said(tree) if name == "a"] == ["main", "fifteen", "twenty"]


def test_a_file_with_other_text_counts_as_that(etc):
    tree = trees.read(main(etc), {str(etc / "conf.d/20-mail.conf"): "a = other\n"})
    assert ("a", "other", "20-mail.conf") in said(tree)


def test_a_file_behind_a_symbolic_link_is_the_same_file(etc, tmp_path):
    (tmp_path / "elsewhere.conf").write_text("c = 1\n")
    (etc / "local.conf").symlink_to(tmp_path / "elsewhere.conf")
    tree = trees.read(main(etc), {str(tmp_path / "elsewhere.conf"): "c = 2\n"})
    assert ("c", "2", "local.conf") in said(tree)


def test_files_that_include_each_other_end(etc):
    (etc / "local.conf").write_text("!include dovecot.conf\n")
    assert trees.read(main(etc), {}).files


@pytest.mark.parametrize(
    ("file", "read"),
    [("conf.d/99-x.conf", True), ("local.conf", True), ("local.d/x.conf", True), ("conf.d/x.txt", False), ("other.conf", False)],
)
def test_which_files_are_read(etc, file, read):
    path = str(etc / file)
    assert trees.is_read(trees.read(main(etc), {path: ""}), path) is read


@pytest.mark.parametrize(
    ("local", "ours", "expected"),
    [
        ("a = theirs\n", "a = ours\n", [("a",)]),
        ("a = ours\n", "a = ours\n", []),
        ("other = 1\n", "a = ours\n", []),
        ("ssl_server {\n  cert_file = /theirs\n}\n", "ssl_server_cert_file = /ours\n", [("ssl_server_cert_file",)]),
        (
            "service a {\n  unix_listener x {\n    mode = 0600\n  }\n}\n",
            "service a {\n  unix_listener x {\n    unix_listener_mode = 0660\n  }\n}\n",
            [("service a", "unix_listener x", "unix_listener_mode")],
        ),
        ("service b {\n  m = 1\n}\n", "service a {\n  m = 2\n}\n", []),
    ],
)
def test_settings_that_a_later_file_overrides(etc, local, ours, expected):
    (etc / "local.conf").write_text(local)
    path = str(etc / "conf.d/99-x.conf")
    tree = trees.read(main(etc), {path: ours})
    settings = [a.path for a in tree.assignments if a.file == path]
    assert trees.overridden(tree, path, settings) == [(setting, str(etc / "local.conf")) for setting in expected]


def test_drivers_of_the_whole_configuration(etc):
    (etc / "local.conf").write_text("passdb {\n  driver = passwd-file\n}\npassdb ldap {\n}\nuserdb passwd {\n}\n")
    assert trees.passdb_drivers(trees.read(main(etc), {})) == {"pam", "passwd-file", "ldap"}


@pytest.fixture
def room(tmp_path):
    directory = tmp_path / "room"
    directory.mkdir(mode=0o700)
    return str(directory)


def staged(etc, room, exchanged):
    tree = trees.read(main(etc), exchanged)
    return trees.read(trees.stage(tree, exchanged, room), {})


def test_the_stand_in_says_what_the_live_configuration_would(etc, room):
    (etc / "local.conf").write_text("b = local\n")
    assert said(staged(etc, room, {})) == said(trees.read(main(etc), {}))


@pytest.mark.parametrize(
    "file", ["dovecot.conf", "conf.d/20-mail.conf", "conf.d/99-new.conf", "local.d/new.conf", "conf.d/auth-pam.conf.ext"]
)
def test_one_file_is_exchanged(etc, room, file):
    exchanged = {str(etc / file): "z = exchanged\n"}
    assert said(staged(etc, room, exchanged)) == said(trees.read(main(etc), exchanged))


def test_absolute_includes_lead_into_the_stand_in(etc, room):
    (etc / "dovecot.conf").write_text(f"!include {etc}/conf.d/*.conf\n")
    exchanged = {str(etc / "conf.d/20-mail.conf"): "a = exchanged\n"}
    tree = staged(etc, room, exchanged)
    assert ("a", "exchanged", "20-mail.conf") in said(tree)
    assert all(path.startswith(room) for path in tree.files)


def test_directories_outside_are_part_of_it(etc, room, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.conf").write_text("c = 1\n")
    (etc / "local.conf").write_text("!include ../more/*.conf\n")
    assert ("c", "1", "x.conf") in said(staged(etc, room, {}))


def test_what_lies_beside_a_deep_file_is_there(etc, room):
    (etc / "conf.d/deep").mkdir()
    (etc / "conf.d/deep/x.conf").write_text("c = 1\n")
    (etc / "dovecot.conf").write_text("!include conf.d/deep/x.conf\n")
    staged(etc, room, {})
    assert os.path.exists(f"{room}{etc}/conf.d/20-mail.conf")


def test_the_live_files_stay_as_they_are_and_secrets_are_not_copied(etc, room):
    before = {path: path.read_text() for path in etc.rglob("*") if path.is_file()}
    staged(etc, room, {str(etc / "conf.d/20-mail.conf"): "a = exchanged\n"})
    assert {path: path.read_text() for path in etc.rglob("*") if path.is_file()} == before
    copies = [os.path.join(directory, name) for directory, _folders, names in os.walk(room) for name in names]
    assert [path for path in copies if not os.path.islink(path)] == [f"{room}{etc}/conf.d/20-mail.conf"]
    assert os.stat(f"{room}{etc}/conf.d/20-mail.conf").st_mode & 0o777 == 0o600
